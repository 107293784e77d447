/** Requests by law, in words: what was asked, and how it stands. */

import type { PrivacyRequest } from '../api/shapes.ts'
import { distance, fullDate, isPast } from '../domain/moments.ts'
import type { Tone } from '../ui/badge.tsx'

const kinds: Record<string, { word: string; about: string }> = {
  'customers/data_request': { word: 'Customer’s data', about: 'A shopper asked to see what is kept.' },
  'customers/redact': { word: 'Erase a customer', about: 'A shopper’s personal data is removed; sums stay.' },
  'shop/redact': { word: 'Erase a store', about: 'Everything of the store is removed.' },
}

export function kindWords(kind: string): { word: string; about: string } {
  return (Object.hasOwn(kinds, kind) ? kinds[kind] : undefined) ?? { word: kind, about: '' }
}

/** A request for data is a person waiting for a file; the others are done when nothing is left. */
export function asksForData(kind: string): boolean {
  return kind.endsWith('data_request')
}

/** Days before the due date at which an open request is pointed out. */
const SOON_DAYS = 7

export interface Standing {
  readonly word: string
  readonly tone: Tone
  readonly detail: string
}

export function standing(
  request: Pick<PrivacyRequest, 'due_at' | 'done_at'>,
  now: number,
  locale?: string,
): Standing {
  if (request.done_at) {
    return { word: 'Done', tone: 'good', detail: `done on ${fullDate(request.done_at, locale)}` }
  }
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
