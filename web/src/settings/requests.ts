/** Requests by law, in words: what was asked, and how it stands. */

import type { PrivacyRequest } from '../api/shapes.ts'
import { distance, fullDate, isPast } from '../domain/moments.ts'
import type { Tone } from '../ui/badge.tsx'

type Kind = PrivacyRequest['kind']

const kinds: Record<Kind, { word: string; about: string }> = {
  'customers/data_request': {
    word: 'Customer’s data',
    about: 'A shopper asked the store what is kept of them. Download the file and pass it on.',
  },
  'customers/redact': {
    word: 'Erase a customer',
    about: 'A shopper asked to be forgotten: their personal data goes, the sums stay.',
  },
  'shop/redact': { word: 'Erase a store', about: 'Shopify asked to erase a store that left.' },
  erasure: { word: 'Erase a store', about: 'The time since the app was uninstalled there is over.' },
}

export function kindWords(kind: Kind): { word: string; about: string } {
  // A newer server may know more of them.
  return (kinds as Partial<typeof kinds>)[kind] ?? { word: kind, about: '' }
}

/** A person waits for a file, and whoever runs the store hands it over. */
export function hasFile(request: Pick<PrivacyRequest, 'kind' | 'problem'>): boolean {
  return request.kind === 'customers/data_request' && request.problem === null
}

/** Days before the due date at which an open request is pointed out. */
const SOON_DAYS = 7

export interface Standing {
  readonly word: string
  readonly tone: Tone
  readonly detail: string
}

export function standing(
  request: Pick<PrivacyRequest, 'due_at' | 'done_at' | 'problem'>,
  now: number,
  locale?: string,
): Standing {
  if (request.done_at) {
    return { word: 'Done', tone: 'good', detail: `done on ${fullDate(request.done_at, locale)}` }
  }
  if (request.problem) return { word: 'Not done', tone: 'bad', detail: 'nothing more will be done' }
  if (isPast(request.due_at, now)) {
    return { word: 'Overdue', tone: 'bad', detail: `was due on ${fullDate(request.due_at, locale)}` }
  }
  const soon = Date.parse(request.due_at) - now < SOON_DAYS * 86_400_000
  return {
    word: soon ? 'Due soon' : 'Open',
    tone: soon ? 'warn' : 'accent',
    detail: `due ${distance(request.due_at, now, locale)}, on ${fullDate(request.due_at, locale)}`,
  }
}

/** `3 orders, 14 deliveries`; what was not concerned is left out. */
export function countWords(counts: Record<string, number>, locale: string): string {
  const parts = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => {
      const words = name.replaceAll('_', ' ')
      return `${count.toLocaleString(locale)} ${count === 1 ? words.replace(/ies$/, 'y').replace(/s$/, '') : words}`
    })
  return parts.join(', ')
}
