import { addDays, addMonths, type Day } from './ranges.ts'

/** The days of a month (`YYYY-MM`), led by a null for each weekday before the first. Weeks begin on Monday,
 * as they do in the weekly figures. */
export function monthGrid(month: string): (Day | null)[] {
  const first = `${month}-01`
  const next = addMonths(first, 1)
  const blanks = (new Date(`${first}T00:00:00Z`).getUTCDay() + 6) % 7
  const grid: (Day | null)[] = Array.from({ length: blanks }, () => null)
  for (let day = first; day < next; day = addDays(day, 1)) grid.push(day)
  return grid
}

/** `Mon` … `Sun` in the given language. */
export function weekdayNames(locale: string): string[] {
  const format = new Intl.DateTimeFormat(locale, { timeZone: 'UTC', weekday: 'short' })
  // 1 January 2024 was a Monday.
  return Array.from({ length: 7 }, (_, index) => format.format(new Date(Date.UTC(2024, 0, 1 + index))))
}
