/** Times as people read them, in the reader's own time zone: settings are about people, not about a shop's day. */

import { pageLocale } from './money.ts'

const DAY_MS = 86_400_000

/** Such as `22 Nov 2026, 20:43`. */
export function dateTime(iso: string, locale = pageLocale(), timeZone?: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', timeZone }).format(
    new Date(iso),
  )
}

/** Such as `22 November 2026`. */
export function fullDate(iso: string, locale = pageLocale(), timeZone?: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone }).format(new Date(iso))
}

/** Such as `22 Nov 2026`. */
export function shortDate(iso: string, locale = pageLocale(), timeZone?: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone }).format(new Date(iso))
}

/** `in 12 days`, `tomorrow`, `in 3 hours`, `2 days ago`: the largest unit that is whole. */
export function distance(iso: string, now: number, locale = pageLocale()): string {
  const ms = Date.parse(iso) - now
  const words = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' })
  const size = Math.abs(ms)
  if (size >= DAY_MS) return words.format(Math.trunc(ms / DAY_MS), 'day')
  if (size >= DAY_MS / 24) return words.format(Math.trunc(ms / (DAY_MS / 24)), 'hour')
  return words.format(Math.trunc(ms / 60_000), 'minute')
}

export function isPast(iso: string, now: number): boolean {
  return Date.parse(iso) <= now
}

/** Such as `22 Nov 2026, 20:43:07.125`: what came before what may be a matter of milliseconds. */
export function exactTime(iso: string, locale = pageLocale(), timeZone?: string): string {
  return new Intl.DateTimeFormat(locale, {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    timeZone,
  }).format(new Date(iso))
}
