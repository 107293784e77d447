/** What sales are told apart by, and how its values read. */

import type { Breakdown } from '../api/shapes.ts'
import type { FilterName } from './filters.ts'
import { pageLocale } from './money.ts'

export type Dimension = Breakdown['by']

interface DimensionLook {
  readonly by: Dimension
  readonly label: string
  /** What a value that is not known is. */
  readonly unknown: string
  /** The filter that a value can become. */
  readonly filter?: FilterName
}

export const dimensions: readonly DimensionLook[] = [
  { by: 'channel', label: 'Channel', unknown: 'Channel not known', filter: 'channel' },
  { by: 'country', label: 'Country', unknown: 'Country not known', filter: 'country' },
  { by: 'region', label: 'Region', unknown: 'Region not known' },
  { by: 'discount_code', label: 'Discount code', unknown: 'Without a code', filter: 'discount_code' },
  { by: 'product', label: 'Product', unknown: 'Lines without a product', filter: 'product' },
  { by: 'variant', label: 'Variant', unknown: 'Lines without a variant' },
  { by: 'vendor', label: 'Vendor', unknown: 'Without a vendor' },
  { by: 'product_type', label: 'Product type', unknown: 'Without a type' },
  { by: 'collection', label: 'Collection', unknown: 'In no collection' },
  { by: 'referrer', label: 'Referring site', unknown: 'Direct, or not known' },
  { by: 'landing', label: 'Landing page', unknown: 'Not known' },
]

const lookOf = new Map(dimensions.map((each) => [each.by, each]))

export function isDimension(text: string | null): text is Dimension {
  return text !== null && lookOf.has(text as Dimension)
}

export function dimension(by: Dimension): DimensionLook {
  const found = lookOf.get(by)
  if (!found) throw new Error(`Nothing is told apart by ${by}.`)
  return found
}

/** https://shopify.dev/docs/api/admin-rest/latest/resources/order (source_name); others read as they are. */
const channels: Record<string, string> = {
  web: 'Online Store',
  pos: 'Point of Sale',
  shopify_draft_order: 'Draft orders',
  iphone: 'Shopify for iPhone',
  android: 'Shopify for Android',
}

/** A value as people read it: `US` is `United States`, an empty one says what it is without. */
export function valueWords(
  by: Dimension,
  value: string,
  label: string | null,
  locale = pageLocale(),
): string {
  if (value === '') return dimension(by).unknown
  if (by === 'channel') return channelName(value, label)
  if (by === 'country') return countryName(value, locale)
  return label || value
}

function channelName(value: string, label: string | null): string {
  if (Object.hasOwn(channels, value)) return channels[value] ?? value
  return isApp(value) ? `App ${value}` : (label ?? value)
}

function isApp(channel: string): boolean {
  return /^\d+$/.test(channel)
}

/** What a value does not say by itself. */
export function valueNote(by: Dimension, value: string): string | null {
  if (by !== 'channel' || !isApp(value)) return null
  return `Orders that the app with the id ${value} made: Shopify tells an app’s id as the channel, not its name.`
}

function countryName(code: string, locale: string): string {
  try {
    return new Intl.DisplayNames(locale, { type: 'region' }).of(code) ?? code
  } catch {
    return code
  }
}
