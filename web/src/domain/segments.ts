/** The eleven groups of customers, as Shopify names them. */

import type { SegmentName } from '../api/shapes.ts'

interface SegmentLook {
  readonly label: string
  /** https://shopify.dev/docs/api/admin-graphql/latest/enums/CustomerRfmGroup, in our words. */
  readonly about: string
}

export const segmentLooks: Record<SegmentName, SegmentLook> = {
  champions: { label: 'Champions', about: 'Bought very lately, often, and spent the most.' },
  loyal: { label: 'Loyal', about: 'Bought lately, often, and spent much.' },
  active: { label: 'Active', about: 'Bought lately, some orders and some spend.' },
  new: { label: 'New', about: 'Bought very lately, few orders and little spend so far.' },
  promising: { label: 'Promising', about: 'Bought lately, few orders and little spend so far.' },
  needs_attention: { label: 'Need attention', about: 'Bought a while ago, some orders and some spend.' },
  almost_lost: {
    label: 'Almost lost',
    about: 'Have not bought for long; some orders and some spend before.',
  },
  at_risk: { label: 'At risk', about: 'Have not bought for long; many orders and much spend before.' },
  previously_loyal: {
    label: 'Previously loyal',
    about: 'Have not bought for long; many orders and the most spend before.',
  },
  dormant: { label: 'Dormant', about: 'Have not bought for long; few orders and little spend.' },
  prospects: { label: 'Prospects', about: 'Have left their details, and have not ordered yet.' },
}

export function isSegment(text: string | null): text is SegmentName {
  return text !== null && Object.hasOwn(segmentLooks, text)
}
