import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { monthGrid } from '../src/domain/calendar.ts'
import {
  addDays,
  addMonths,
  dayIn,
  daysOf,
  formatPointFully,
  formatRange,
  intervalFor,
  isDay,
  presetOf,
  presetRange,
  presets,
  tidyRange,
} from '../src/domain/ranges.ts'

const day = fc
  .date({ min: new Date('2000-01-01T00:00:00Z'), max: new Date('2099-12-31T00:00:00Z'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10))

describe('today is the shop’s, not the browser’s', () => {
  const instant = new Date('2026-11-22T03:30:00Z')
  test.each([
    ['UTC', '2026-11-22'],
    ['America/New_York', '2026-11-21'],
    ['Pacific/Kiritimati', '2026-11-22'],
    ['Asia/Tokyo', '2026-11-22'],
    ['No/Where', '2026-11-22'],
  ])('%s: %s', (zone, expected) => expect(dayIn(zone, instant)).toBe(expected))
})

test('presets, seen from a leap day', () => {
  const today = '2028-02-29'
  const ranges = Object.fromEntries(presets.map(({ id }) => [id, presetRange(id, today)]))
  expect(ranges).toEqual({
    today: { from: '2028-02-29', to: '2028-02-29' },
    yesterday: { from: '2028-02-28', to: '2028-02-28' },
    last_7_days: { from: '2028-02-23', to: '2028-02-29' },
    last_30_days: { from: '2028-01-31', to: '2028-02-29' },
    last_90_days: { from: '2027-12-02', to: '2028-02-29' },
    this_month: { from: '2028-02-01', to: '2028-02-29' },
    last_12_months: { from: '2027-03-01', to: '2028-02-29' },
  })
})

test('"last N days" are N days, on every day', () => {
  fc.assert(
    fc.property(day, (today) => {
      expect(daysOf(presetRange('last_7_days', today))).toBe(7)
      expect(daysOf(presetRange('last_30_days', today))).toBe(30)
      expect(daysOf(presetRange('last_90_days', today))).toBe(90)
      expect([365, 366]).toContain(daysOf(presetRange('last_12_months', today)))
    }),
  )
})

test('a preset is recognised by its dates (the first of those with the same)', () => {
  fc.assert(
    fc.property(day, fc.constantFrom(...presets), (today, { id }) => {
      const found = presetOf(presetRange(id, today), today)
      expect(found && presetRange(found, today)).toEqual(presetRange(id, today))
    }),
  )
  expect(presetOf({ from: '2026-01-02', to: '2026-01-05' }, '2026-11-22')).toBeNull()
})

test('adding days goes back the same way', () => {
  fc.assert(
    fc.property(
      day,
      fc.integer({ min: -800, max: 800 }),
      (from, days) => addDays(addDays(from, days), -days) === from,
    ),
  )
})

test('a month later is the last day where the month is shorter', () => {
  expect([addMonths('2027-01-31', 1), addMonths('2028-01-31', 1), addMonths('2026-01-15', -2)]).toEqual([
    '2027-02-28',
    '2028-02-29',
    '2025-11-15',
  ])
})

test('what is no date is refused', () => {
  expect(['2026-02-30', '2026-2-3', '', null, '2026-11-22'].map(isDay)).toEqual([
    false,
    false,
    false,
    false,
    true,
  ])
})

test('two dates make a range in order, and not beyond today', () => {
  fc.assert(
    fc.property(day, day, day, (a, b, today) => {
      const { from, to } = tidyRange(a, b, today)
      return from <= to && to <= today
    }),
  )
})

test.each([
  ['2026-11-22', '2026-11-22', 'hour'],
  ['2026-11-21', '2026-11-22', 'hour'],
  ['2026-11-20', '2026-11-22', 'day'],
  ['2026-08-23', '2026-11-22', 'day'],
  ['2026-08-22', '2026-11-22', 'week'],
  ['2025-11-23', '2026-11-22', 'week'],
  ['2024-11-23', '2026-11-22', 'month'],
])('%s to %s is drawn by the %s', (from, to, interval) => expect(intervalFor({ from, to })).toBe(interval))

test('a range is told without repeating itself', () => {
  const plain = (text: string) => text.replaceAll(/[\u2009\u202f]/g, ' ')
  expect(plain(formatRange({ from: '2026-11-01', to: '2026-11-22' }, 'en-US'))).toBe('Nov 1 – 22, 2026')
  expect(plain(formatRange({ from: '2026-11-22', to: '2026-11-22' }, 'en-US'))).toBe('Nov 22, 2026')
})

test('a point is told in the shop’s zone', () => {
  expect(formatPointFully('2026-11-22T00:00:00-05:00', 'day', 'America/New_York', 'en-US')).toBe(
    'Sun, Nov 22, 2026',
  )
  expect(formatPointFully('2026-11-22T00:00:00-05:00', 'week', 'America/New_York', 'en-US')).toBe(
    'Week of Nov 22, 2026',
  )
})

test('a month’s grid begins on Monday', () => {
  // November 2026 begins on a Sunday: six blanks.
  const grid = monthGrid('2026-11')
  expect(grid.slice(0, 7)).toEqual([null, null, null, null, null, null, '2026-11-01'])
  expect(grid.at(-1)).toBe('2026-11-30')
})
