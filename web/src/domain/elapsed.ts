/** Time since, in words that fit a list. */

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** `now`, `12s`, `5m`, `3h`, `2d`, then a date. A moment slightly ahead of our clock is `now`. */
export function elapsed(since: string, now: number, locale: string): string {
  const seconds = Math.floor((now - Date.parse(since)) / 1000)
  if (Number.isNaN(seconds)) return ''
  if (seconds < 5) return 'now'
  if (seconds < MINUTE) return `${seconds}s`
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)}m`
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)}h`
  if (seconds < 30 * DAY) return `${Math.floor(seconds / DAY)}d`
  return new Intl.DateTimeFormat(locale, { month: 'short', day: 'numeric' }).format(new Date(since))
}
