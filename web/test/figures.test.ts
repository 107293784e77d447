import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { address } from '../src/api/client.ts'
import type { HeatMapCell, MeasureInfo } from '../src/api/shapes.ts'
import { dimensions, isDimension, valueWords } from '../src/domain/dimensions.ts'
import { addUp, fieldWords, inWords, namedAmounts, sourceLink, subjectOf } from '../src/domain/entries.ts'
import { filterNames, filtersOf, isFiltered } from '../src/domain/filters.ts'
import { busiest, heatRows } from '../src/domain/heat.ts'
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
    ['channel', '2329312', '2329312', '2329312'],
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
