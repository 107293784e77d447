/** How a figure moved against the earlier period, told without flattering: no base, no percentage. */

import { approximately, formatCount, pageLocale } from './money.ts'

export type Unit = 'money' | 'count' | 'rate'
export type Better = 'up' | 'down' | 'neither'

export interface Movement {
  /** `up`, `down`, or `flat` when it would round to nothing. */
  readonly direction: 'up' | 'down' | 'flat'
  /** `"12.3%"`, for rates `"1.4 pp"` (percentage points). Without a sign: the direction says it. */
  readonly text: string
  readonly tone: 'good' | 'bad' | 'neutral'
}

type Value = string | number | null | undefined

const LARGEST_PERCENT = 999

/**
 * The movement from `before` to `now`; null when there is nothing honest to say: a value is missing, or
 * the base is zero or negative, which no percentage can be of.
 */
export function movement(now: Value, before: Value, unit: Unit, better: Better): Movement | null {
  if (now === null || now === undefined || before === null || before === undefined) return null
  const current = approximately(now)
  const base = approximately(before)
  if (unit === 'rate') return describe((current - base) * 100, 'pp', better)
  if (base <= 0) return null
  return describe(((current - base) / base) * 100, '%', better)
}

function describe(change: number, suffix: '%' | 'pp', better: Better): Movement {
  const size = Math.abs(change)
  const rounded = Math.round(size * 10) / 10
  const direction = rounded === 0 ? 'flat' : change > 0 ? 'up' : 'down'
  const tone =
    direction === 'flat' || better === 'neither' ? 'neutral' : direction === better ? 'good' : 'bad'
  return { direction, tone, text: suffix === 'pp' ? `${oneDecimal(rounded)} pp` : `${percent(rounded)}%` }
}

function percent(size: number): string {
  if (size > LARGEST_PERCENT) return `>${formatCount(LARGEST_PERCENT)}`
  return size >= 100 ? formatCount(Math.round(size)) : oneDecimal(size)
}

function oneDecimal(size: number): string {
  return new Intl.NumberFormat(pageLocale(), {
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  }).format(size)
}
