/** How long stock lasts, in words and in a tone. */

import type { Tone } from '../ui/badge.tsx'
import { formatCount, pageLocale } from './money.ts'

/** Two weeks: about what it takes to have more made and sent. */
const RUNNING_OUT_DAYS = 14
const YEAR = 365

export interface StockWords {
  readonly text: string
  readonly tone: Tone | null
}

/** @param days null where nothing was sold in the range, or where stock is not tracked. */
export function stockWords(onHand: number | null, days: number | null, locale = pageLocale()): StockWords {
  if (onHand === null) return { text: 'Not tracked', tone: null }
  if (onHand <= 0) return { text: 'Out of stock', tone: 'bad' }
  if (days === null) return { text: 'None sold', tone: null }
  const tone = days <= RUNNING_OUT_DAYS ? 'warn' : null
  if (days < 1) return { text: 'Under a day', tone }
  if (days > YEAR) return { text: 'Over a year', tone }
  const whole = Math.floor(days)
  return { text: `${formatCount(whole, locale)} ${whole === 1 ? 'day' : 'days'}`, tone }
}
