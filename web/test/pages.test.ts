import { describe, expect, test } from 'vitest'
import type { Point, Store } from '../src/api/shapes.ts'
import { elapsed } from '../src/domain/elapsed.ts'
import { chartRows, evenTicks } from '../src/overview/chart-rows.ts'
import { chooseRange, chooseStores } from '../src/overview/scope.ts'
import { liveFigures, panelsOf, type Panel } from '../src/session/live-figures.ts'
import { mergeFeed, type FeedEntry } from '../src/session/live.tsx'
import { permanentDomain } from '../src/stores/domain.ts'
import { storeOf } from './example.ts'

function store(id: string, currency: string | null, timezone: string | null): Store {
  return storeOf({ id, domain: `${id}.myshopify.com`, currency, timezone })
}

describe('which stores', () => {
  const alike = [store('a', 'USD', 'UTC'), store('b', 'USD', 'UTC')]
  const unlike = [store('a', 'USD', 'UTC'), store('b', 'JPY', 'Asia/Tokyo')]
  test('alike: all of them, or the one in the address', () => {
    expect(chooseStores(alike, null, 'b')).toEqual({ store: null, together: true, timezone: 'UTC' })
    expect(chooseStores(alike, 'b', null).store).toBe('b')
  })
  test('unlike: the one in the address, else the remembered, else the first', () => {
    expect(chooseStores(unlike, 'b', 'a')).toEqual({ store: 'b', together: false, timezone: 'Asia/Tokyo' })
    expect(chooseStores(unlike, null, 'b').store).toBe('b')
    expect(chooseStores(unlike, 'gone', 'gone too').store).toBe('a')
  })
  test('what is not known yet counts as the API counts it: USD, UTC', () => {
    expect(chooseStores([store('a', null, null), store('b', 'USD', 'UTC')], null, null).together).toBe(true)
  })
})

describe('which days', () => {
  const choose = (search: string) => chooseRange(new URLSearchParams(search), '2026-11-22')
  test('nothing said: the last 30', () => {
    expect(choose('')).toEqual({ range: { from: '2026-10-24', to: '2026-11-22' }, preset: 'last_30_days' })
  })
  test('a name moves on with the days, whatever dates stand beside it', () => {
    expect(choose('range=yesterday&from=2020-01-01&to=2020-01-01').range).toEqual({
      from: '2026-11-21',
      to: '2026-11-21',
    })
  })
  test('two dates stay', () => {
    expect(choose('from=2026-03-01&to=2026-03-31')).toEqual({
      range: { from: '2026-03-01', to: '2026-03-31' },
      preset: null,
    })
  })
  test('nonsense is not followed', () => {
    expect(choose('from=yesterday&to=2026-13-01').preset).toBe('last_30_days')
    expect(choose('from=2030-01-01&to=2020-01-01').range).toEqual({ from: '2020-01-01', to: '2026-11-22' })
  })
})

test.each([
  ['ada-teas', 'ada-teas.myshopify.com'],
  [' https://Ada-Teas.myshopify.com/admin ', 'ada-teas.myshopify.com'],
  ['https://admin.shopify.com/store/ada-teas/orders', 'ada-teas.myshopify.com'],
  ['ada-teas.com', null],
  ['', null],
  ['ada teas', null],
])('%j is the store %j', (text, domain) => expect(permanentDomain(text)).toBe(domain))

test('time since', () => {
  const now = Date.parse('2026-11-22T12:00:00Z')
  const ago = (seconds: number) => elapsed(new Date(now - seconds * 1000).toISOString(), now, 'en-US')
  expect([-3, 4, 5, 59, 60, 3599, 3600, 86_399, 86_400].map(ago)).toEqual([
    'now',
    'now',
    '5s',
    '59s',
    '1m',
    '59m',
    '1h',
    '23h',
    '1d',
  ])
  expect(ago(40 * 86_400)).toBe('Oct 13')
})

describe('the chart', () => {
  const point = (hour: number, total: string) =>
    ({ start: `2026-11-22T${String(hour).padStart(2, '0')}:00:00Z`, total_sales: total }) as Point
  const points = [point(0, '1.00'), point(1, '2.00'), point(2, '3.00'), point(3, '0.00')]
  const asOf = Date.parse('2026-11-22T02:30:00Z')

  test('what is still to come is a gap, and the hour that is not over is drawn apart', () => {
    const rows = chartRows(points, [], 'total_sales', asOf, true)
    expect(rows.map((row) => row.value)).toEqual([1, 2, null, null])
    expect(rows.map((row) => row.unfinished)).toEqual([null, 2, 3, null])
    expect(rows.map((row) => row.exact)).toEqual(['1.00', '2.00', '3.00', undefined])
  })
  test('a range that is over has no unfinished end', () => {
    const rows = chartRows(points, [], 'total_sales', Number.POSITIVE_INFINITY, false)
    expect(rows.map((row) => row.value)).toEqual([1, 2, 3, 0])
    expect(rows.every((row) => row.unfinished === null)).toBe(true)
  })
  test('its ticks are even, and fit', () => {
    expect(evenTicks(7, 12)).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(evenTicks(30, 12)).toEqual([0, 3, 6, 9, 12, 15, 18, 21, 24, 27])
    expect([evenTicks(0, 5), evenTicks(4, 0)]).toEqual([[], [0]])
  })

  test('the earlier period lies beside it, also where it is longer', () => {
    const rows = chartRows(points.slice(0, 1), points, 'total_sales', asOf, false)
    expect(rows.map((row) => row.before)).toEqual([1, 2, 3, 0])
    expect(rows[3]).toMatchObject({ start: null, value: null, startBefore: points[3]?.start })
  })
})

describe('what a change makes worth asking', () => {
  test('only what it touches', () => {
    expect([...panelsOf(['checkouts'])]).toEqual(['stats', 'series', 'checkouts', 'ledger'])
    expect([...panelsOf(['products'])]).toEqual(['products', 'inventory', 'breakdown'])
  })

  test('at once while the page is seen; when it is seen again, what was missed', () => {
    const asked: Panel[] = []
    const figures = liveFigures((panel) => Promise.resolve(asked.push(panel)), true)
    figures.changed(['customers'])
    // Tables give the figures a head start.
    expect(asked).toEqual(['stats', 'customers'])
    figures.shown(false)
    figures.changed(['checkouts'])
    figures.changed(['shop'])
    expect(asked).toHaveLength(2)
    figures.shown(true)
    expect(asked).toContain('stores')
    expect(asked).toContain('checkouts')
    figures.stop()
  })
})

test('the feed takes each thing once, newest first', () => {
  const item = (id: string, at: string) => ({
    kind: 'order' as const,
    id,
    title: id,
    customer: null,
    amount: '1.00',
    currency: 'USD',
    at,
  })
  const change = (...feed: ReturnType<typeof item>[]) => ({
    store: '1',
    at: '',
    changed: [],
    received_at: '',
    feed,
  })
  let feed: FeedEntry[] = []
  feed = mergeFeed(feed, change(item('a', '2026-11-22T10:00:00Z')))
  feed = mergeFeed(feed, change(item('b', '2026-11-22T11:00:00Z'), item('a', '2026-11-22T10:00:00Z')))
  expect(feed.map((entry) => entry.id)).toEqual(['b', 'a'])
})
