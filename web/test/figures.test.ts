import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { address } from '../src/api/client.ts'
import type { Cohort, HeatMapCell, MeasureInfo } from '../src/api/shapes.ts'
import { dimensions, isDimension, valueWords } from '../src/domain/dimensions.ts'
import { addUp, fieldWords, inWords, namedAmounts, sourceLink, subjectOf } from '../src/domain/entries.ts'
import { cohortLevel, cohortRange, cohortRows } from '../src/domain/cohorts.ts'
import { filterNames, filtersOf, isFiltered } from '../src/domain/filters.ts'
import { busiest, heatRows } from '../src/domain/heat.ts'
import { stockWords } from '../src/domain/stock.ts'
import { orderOf } from '../src/overview/feed.tsx'
import { onward } from '../src/overview/scope.ts'
import { barWidth } from '../src/sales/sales-by.tsx'

describe('the sum at the foot', () => {
  test('is exact, in any number of decimals', () => {
    expect(addUp([])).toBe('0')
    expect(addUp(['0.10', '0.20'])).toBe('0.30')
    expect(addUp(['9007199254740993.01', '-0.02'])).toBe('9007199254740992.99')
    expect(addUp(['1234', '-1235'])).toBe('-1')
    expect(addUp(['-0.05', '0.01'])).toBe('-0.04')
    expect(addUp(['1.234', 2, '-3.2'])).toBe('0.034')
  })
  test('does not depend on the order, and takes back what it was given', () => {
    const cents = fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n })
    const text = (amount: bigint) => {
      const size = String(amount < 0n ? -amount : amount).padStart(3, '0')
      return `${amount < 0n ? '-' : ''}${size.slice(0, -2)}.${size.slice(-2)}`
    }
    fc.assert(
      fc.property(fc.array(cents, { minLength: 1 }), (amounts) => {
        const sum = amounts.reduce((total, amount) => total + amount, 0n)
        expect(addUp(amounts.map(text))).toBe(text(sum))
        expect(addUp(amounts.toReversed().map(text))).toBe(text(sum))
      }),
    )
  })
})

describe('entries in words', () => {
  test('what they are of', () => {
    expect(subjectOf({ order_id: '7', order_name: '#7', checkout_token: null })).toBe('#7')
    expect(subjectOf({ order_id: '7', order_name: null, checkout_token: null })).toBe('Order 7')
    expect(subjectOf({ order_id: null, order_name: null, checkout_token: '0123456789ab' })).toBe(
      'Checkout 01234567',
    )
  })
  const measures = [
    { name: 'gross_sales', label: 'Gross sales', unit: 'money' },
    { name: 'orders', label: 'Orders', unit: 'count' },
    { name: 'tips', label: 'Tips', unit: 'money' },
  ] as MeasureInfo[]
  test('amounts by their labels, in the order of the registry, without zeros', () => {
    const told = namedAmounts({ orders: 1, gross_sales: '5.00', tips: '0.00', unheard_of: '1' }, measures)
    expect(told.map(({ label, amount }) => [label, amount])).toEqual([
      ['Gross sales', '5.00'],
      ['Orders', 1],
    ])
  })
  test('other measures under their labels; what is none stays', () => {
    expect(inWords('See `gross_sales`; twin_of is a field.', measures)).toBe(
      'See “Gross sales”; twin_of is a field.',
    )
  })
  test('fields and sources', () => {
    expect(fieldWords('fulfillment.shipment_status')).toBe('fulfillment: shipment status')
    expect(sourceLink('https://help.shopify.com/en/x')).toBe('https://help.shopify.com/en/x')
    expect(sourceLink('Tillstream')).toBeNull()
  })
})

describe('filters', () => {
  test('live in the address; an empty one asks for what has none', () => {
    const filters = filtersOf(new URLSearchParams('channel=web&discount_code=&by=country'))
    expect(filters).toEqual({ channel: 'web', discount_code: '' })
    expect(isFiltered(filters)).toBe(true)
    expect(isFiltered({})).toBe(false)
    expect(address('/x', { ...filters, store: null })).toBe('/x?channel=web&discount_code=')
  })
  test('each is a value of the dimension of its name', () => {
    for (const name of filterNames) {
      expect(dimensions.find(({ by }) => by === name)?.filter).toBe(name)
    }
  })
})

describe('values of dimensions', () => {
  test.each([
    ['channel', 'web', 'web', 'Online Store'],
    ['channel', '2329312', '2329312', 'App 2329312'],
    ['channel', 'tiktok', null, 'tiktok'],
    ['channel', 'constructor', null, 'constructor'],
    ['country', 'DE', 'DE', 'Germany'],
    ['country', 'not a code', null, 'not a code'],
    ['discount_code', '', null, 'Without a code'],
    ['product', '7', 'Teapot', 'Teapot'],
    ['product', '7', null, '7'],
  ] as const)('%s %j is %j', (by, value, label, words) => {
    expect(valueWords(by, value, label, 'en')).toBe(words)
  })
  test('only dimensions are dimensions', () => {
    expect([isDimension('vendor'), isDimension('weather'), isDimension(null)]).toEqual([true, false, false])
  })
  test('a bar is of a share, and of no share where there is none', () => {
    expect([barWidth(0.256), barWidth(null), barWidth(-0.5), barWidth(2)]).toEqual([
      '25.6%',
      '0%',
      '0%',
      '100%',
    ])
  })
})

describe('the hours of the week', () => {
  const cell = (weekday: number, hour: number, orders: number, total: string) =>
    ({ weekday, hour, orders, total_sales: total }) as HeatMapCell
  const cells = Array.from({ length: 168 }, (_, index) =>
    cell(Math.floor(index / 24) + 1, index % 24, 0, '0.00'),
  )
  test('days down, hours across, whatever order they come in', () => {
    const rows = heatRows(cells.toReversed(), 'orders')
    expect(rows.map(({ weekday }) => weekday)).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(rows[0]?.hours.map((each) => each.cell.hour)).toEqual(
      Array.from({ length: 24 }, (_, hour) => hour),
    )
  })
  test('dark is the most; what went back is no darker than nothing', () => {
    const some = [cell(1, 0, 4, '10.00'), cell(1, 1, 1, '-20.00'), cell(1, 2, 2, '40.00')]
    expect(heatRows(some, 'orders')[0]?.hours.map(({ level }) => level)).toEqual([1, 0.25, 0.5])
    expect(heatRows(some, 'total_sales')[0]?.hours.map(({ level }) => level)).toEqual([0.25, 0, 1])
    expect(busiest(some, 'total_sales')?.hour).toBe(2)
  })
  test('nothing sold has no busiest hour', () => {
    expect(busiest(cells, 'orders')).toBeNull()
    expect(heatRows(cells, 'orders')[0]?.hours[0]?.level).toBe(0)
  })
})

test('the way to another page keeps the store and the days, and leaves the filters', () => {
  const search = new URLSearchParams('store=2&range=today&from=a&to=b&channel=web&why=orders')
  expect(onward('/products', search)).toBe('/products?store=2&range=today&from=a&to=b')
  expect(onward('/', new URLSearchParams(), { product: '7' })).toBe('/?product=7')
  expect(onward('/', new URLSearchParams())).toBe('/')
})

test('a line of the feed leads to its order, if it is of one', () => {
  expect(orderOf({ kind: 'order', id: '69:placement' })).toBe('69')
  expect(orderOf({ kind: 'refund', id: '69:refund:5' })).toBe('69')
  expect(orderOf({ kind: 'checkout_abandoned', id: '69:abandoned' })).toBeNull()
  expect(orderOf({ kind: 'order', id: 'odd' })).toBeNull()
})

test.each([
  [null, null, 'Not tracked', null],
  [0, null, 'Out of stock', 'bad'],
  [-3, 0, 'Out of stock', 'bad'],
  [5, null, 'None sold', null],
  [5, 0.4, 'Under a day', 'warn'],
  [5, 1.9, '1 day', 'warn'],
  [5, 14, '14 days', 'warn'],
  [5, 14.1, '14 days', null],
  [500, 366, 'Over a year', null],
] as const)('%j on hand for %j days: %s', (onHand, days, text, tone) => {
  expect(stockWords(onHand, days, 'en')).toEqual({ text, tone })
})

describe('cohorts', () => {
  const period = (at: number, retention: number, spent: string) => ({
    period: at,
    month: '2026-01-01',
    customers: 1,
    retention,
    orders: 1,
    total_spent: spent,
    spent_per_customer: spent,
  })
  const cohorts = [
    { cohort: '2026-01-01', periods: [period(0, 1, '10.00'), period(2, 0.2, '20.00')] },
    { cohort: '2026-02-01', periods: [period(0, 1, '5.00')] },
  ] as unknown as Cohort[]
  test('every row has as many places as the longest, and what is not told is empty', () => {
    expect(cohortRows(cohorts).map(({ periods }) => periods.map((each) => each?.period))).toEqual([
      [0, undefined, 2],
      [0, undefined, undefined],
    ])
    expect(cohortRows([])).toEqual([])
  })
  test('who came back is measured against the most who did, not against everybody', () => {
    expect(cohortLevel(period(2, 0.2, '20.00'), 'retention', cohorts)).toBe(1)
    expect(cohortLevel(period(0, 1, '10.00'), 'retention', cohorts)).toBe(0)
    expect(cohortLevel(period(0, 1, '10.00'), 'spent_per_customer', cohorts)).toBe(0.5)
    expect(cohortLevel(undefined, 'retention', cohorts)).toBe(0)
  })
  test('a short range is no range for cohorts', () => {
    expect(cohortRange({ from: '2026-11-01', to: '2026-11-30' })).toEqual({})
    expect(cohortRange({ from: '2026-01-01', to: '2026-11-30' })).toEqual({
      from: '2026-01-01',
      to: '2026-11-30',
    })
  })
})
