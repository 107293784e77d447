import { assert, bigInt, integer, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { valueNote } from '../src/domain/dimensions.ts'
import { hoursWords, lineTotal, paymentWords, shipmentWords, times } from '../src/domain/orders.ts'
import { orderAddress, orderIn } from '../src/orders/address.ts'

describe('lines', () => {
  test.each([
    ['10.00', 2, '2.00', '18.00'],
    ['0.1', 3, '0', '0.3'],
    ['500', 3, '0', '1500'],
    ['1.250', 1, '1.250', '0.000'],
    ['-0.05', 3, '0.00', '-0.15'],
  ])('%s × %i − %s is %s', (price, quantity, discount, total) => {
    expect(lineTotal({ price, quantity, discount })).toBe(total)
  })
  test('so many times is exact, however large', () => {
    const cents = (amount: bigint) => {
      const size = String(amount < 0n ? -amount : amount).padStart(3, '0')
      return `${amount < 0n ? '-' : ''}${size.slice(0, -2)}.${size.slice(-2)}`
    }
    assert(
      property(
        bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
        integer({ min: 1, max: 9999 }),
        (one, count) => {
          expect(times(cents(one), count)).toBe(cents(one * BigInt(count)))
        },
      ),
    )
  })
})

describe('states', () => {
  test('known ones have words and a tone, others read as they came', () => {
    expect(paymentWords('partially_refunded')?.text).toBe('Partly refunded')
    expect(paymentWords('in_transit')).toEqual({ text: 'In transit', tone: 'quiet' })
    expect(paymentWords('constructor')?.text).toBe('Constructor')
    expect(paymentWords(null)).toBeNull()
  })
  test('nothing is to be sent of a cancelled order', () => {
    expect(shipmentWords({ fulfillment_status: null, cancelled_at: null })?.tone).toBe('warn')
    expect(shipmentWords({ fulfillment_status: null, cancelled_at: '2026-03-01T00:00:00Z' })).toBeNull()
    expect(shipmentWords({ fulfillment_status: 'fulfilled', cancelled_at: null })?.tone).toBe('good')
  })
})

test.each([
  [0.4, '24 minutes'],
  [1, '1 hour'],
  [20.52, '20.5 hours'],
  [48, '2 days'],
  [60, '2.5 days'],
  [null, '–'],
])('%s hours are %s', (hours, words) => {
  expect(hoursWords(hours, 'en')).toBe(words)
})

describe('the page of an order', () => {
  test('its address, there and back', () => {
    expect(orderAddress('450789469', '42')).toBe('/orders/450789469?store=42')
    expect(orderAddress('450789469', null)).toBe('/orders/450789469')
    expect([
      orderIn('/orders/450789469'),
      orderIn('/orders'),
      orderIn('/orders/x'),
      orderIn('/orders/1/2'),
    ]).toEqual(['450789469', null, null, null])
  })
})

test('only ids of apps need a note', () => {
  expect(valueNote('channel', '580111')).toContain('580111')
  expect([valueNote('channel', 'web'), valueNote('product', '580111')]).toEqual([null, null])
})
