/**
 * Ranges of shop-local days. A day is a string `YYYY-MM-DD`, as in the address bar and the API; both ends
 * of a range belong to it. No clock in here: "today" is given.
 */

export type Day = string

export interface Range {
  readonly from: Day
  readonly to: Day
}

export const presets = [
  { id: 'today', label: 'Today' },
  { id: 'yesterday', label: 'Yesterday' },
  { id: 'last_7_days', label: 'Last 7 days' },
  { id: 'last_30_days', label: 'Last 30 days' },
  { id: 'last_90_days', label: 'Last 90 days' },
  { id: 'this_month', label: 'This month' },
  { id: 'last_12_months', label: 'Last 12 months' },
] as const

export type PresetId = (typeof presets)[number]['id']

export const defaultPreset: PresetId = 'last_30_days'

export type Interval = 'hour' | 'day' | 'week' | 'month'

const MS_PER_DAY = 86_400_000
const DAY_PATTERN = /^\d{4}-\d{2}-\d{2}$/

/** The shop-local date of an instant. An unknown zone falls back to UTC, as the API does. */
export function dayIn(timezone: string, instant: Date): Day {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone: knownZone(timezone),
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  }).formatToParts(instant)
  const part = (type: string) => parts.find((each) => each.type === type)?.value ?? ''
  return `${part('year')}-${part('month')}-${part('day')}`
}

export function knownZone(timezone: string | null | undefined): string {
  if (!timezone) return 'UTC'
  try {
    return new Intl.DateTimeFormat('en', { timeZone: timezone }).resolvedOptions().timeZone
  } catch {
    return 'UTC'
  }
}

export function isDay(text: string | null | undefined): text is Day {
  if (!text || !DAY_PATTERN.test(text)) return false
  const ms = Date.parse(`${text}T00:00:00Z`)
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text)
}

function dayNumber(day: Day): number {
  return Date.parse(`${day}T00:00:00Z`) / MS_PER_DAY
}

export function addDays(day: Day, days: number): Day {
  return new Date((dayNumber(day) + days) * MS_PER_DAY).toISOString().slice(0, 10)
}

/** The same day of another month; the 31st becomes that month's last day. */
export function addMonths(day: Day, months: number): Day {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number)
  const first = new Date(Date.UTC(year, month - 1 + months, 1))
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate()
  first.setUTCDate(Math.min(date, last))
  return first.toISOString().slice(0, 10)
}

/** How many days a range has, both ends counted. */
export function daysOf(range: Range): number {
  return dayNumber(range.to) - dayNumber(range.from) + 1
}

export function presetRange(preset: PresetId, today: Day): Range {
  switch (preset) {
    case 'today':
      return { from: today, to: today }
    case 'yesterday':
      return { from: addDays(today, -1), to: addDays(today, -1) }
    case 'last_7_days':
      return { from: addDays(today, -6), to: today }
    case 'last_30_days':
      return { from: addDays(today, -29), to: today }
    case 'last_90_days':
      return { from: addDays(today, -89), to: today }
    case 'this_month':
      return { from: `${today.slice(0, 8)}01`, to: today }
    case 'last_12_months':
      return { from: addDays(addMonths(today, -12), 1), to: today }
  }
}

export function isPreset(text: string | null | undefined): text is PresetId {
  return presets.some((preset) => preset.id === text)
}

/** The preset that a range is, seen from today; null for two dates of one's own. */
export function presetOf(range: Range, today: Day): PresetId | null {
  const match = presets.find((preset) => {
    const candidate = presetRange(preset.id, today)
    return candidate.from === range.from && candidate.to === range.to
  })
  return match?.id ?? null
}

/** Puts two dates in order and within reach: nothing after today. */
export function tidyRange(a: Day, b: Day, today: Day): Range {
  const [from, to] = a <= b ? [a, b] : [b, a]
  return { from: from > today ? today : from, to: to > today ? today : to }
}

/** Hours up to two days, days up to a quarter, weeks up to a year, then months. */
export function intervalFor(range: Range): Interval {
  const days = daysOf(range)
  if (days <= 2) return 'hour'
  if (days <= 92) return 'day'
  if (days <= 366) return 'week'
  return 'month'
}

/** `Nov 1 – 22, 2026`, `Oct 24 – Nov 22, 2026`; one day is one date. */
export function formatRange(range: Range, locale: string): string {
  const format = new Intl.DateTimeFormat(locale, {
    timeZone: 'UTC',
    month: 'short',
    day: 'numeric',
    year: 'numeric',
  })
  return format.formatRange(new Date(`${range.from}T00:00:00Z`), new Date(`${range.to}T00:00:00Z`))
}

/** The start of a chart's point, in the shop's zone, as fine as its interval. */
export function formatPoint(start: string, interval: Interval, timezone: string, locale: string): string {
  const styles: Record<Interval, Intl.DateTimeFormatOptions> = {
    hour: { hour: 'numeric' },
    day: { month: 'short', day: 'numeric' },
    week: { month: 'short', day: 'numeric' },
    month: { month: 'short', year: '2-digit' },
  }
  return new Intl.DateTimeFormat(locale, { timeZone: knownZone(timezone), ...styles[interval] }).format(
    new Date(start),
  )
}

/** The same in full, for tooltips and tables: `Sun, Nov 22, 2026, 14:00`, `Week of …`. */
export function formatPointFully(
  start: string,
  interval: Interval,
  timezone: string,
  locale: string,
): string {
  const styles: Record<Interval, Intl.DateTimeFormatOptions> = {
    hour: { weekday: 'short', month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' },
    day: { weekday: 'short', month: 'short', day: 'numeric', year: 'numeric' },
    week: { month: 'short', day: 'numeric', year: 'numeric' },
    month: { month: 'long', year: 'numeric' },
  }
  const text = new Intl.DateTimeFormat(locale, { timeZone: knownZone(timezone), ...styles[interval] }).format(
    new Date(start),
  )
  return interval === 'week' ? `Week of ${text}` : text
}
