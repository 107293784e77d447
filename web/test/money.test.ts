import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  currencyDigits,
  formatMoney,
  formatMoneyShort,
  formatRate,
  isZero,
  negate,
} from '../src/domain/money.ts'

const MINUS = '\u2212'

describe('formatMoney', () => {
  test.each([
    ['1234.50', 'USD', '$1,234.50'],
    ['1234', 'JPY', '¥1,234'],
    ['1.234', 'KWD', 'KWD 1.234'],
    ['-12.30', 'EUR', `${MINUS}€12.30`],
    ['-0.00', 'USD', '$0.00'],
    ['0.1', 'USD', '$0.10'],
    ['12', 'no currency', '12.00'],
    ['not an amount', 'USD', 'not an amount'],
  ])('%s %s is %s', (amount, currency, text) => {
    expect(formatMoney(amount, currency, 'en-US').replaceAll('\u00a0', ' ')).toBe(text)
  })

  test('keeps every digit that a float would lose', () => {
    expect(formatMoney('90071992547409931234.57', 'USD', 'en-US')).toBe('$90,071,992,547,409,931,234.57')
    expect(formatMoney('0.07', 'USD', 'en-US')).toBe('$0.07')
  })

  test('shows the digits of the amount, whatever it is', () => {
    const digits = fc.bigInt({ min: 0n, max: 10n ** 24n })
    fc.assert(
      fc.property(digits, fc.integer({ min: 0, max: 99 }), (whole, part) => {
        const amount = `${whole}.${String(part).padStart(2, '0')}`
        return formatMoney(amount, 'USD', 'en-US').replaceAll(/[$,]/g, '') === amount
      }),
    )
  })
})

test('currencies have their own number of decimals', () => {
  expect(['USD', 'JPY', 'KWD'].map(currencyDigits)).toEqual([2, 0, 3])
})

test('negate changes the sign and nothing else', () => {
  expect([negate('5.00'), negate('-5.00'), negate('0.00'), negate('-0.00')]).toEqual([
    '-5.00',
    '5.00',
    '0.00',
    '0.00',
  ])
})

test('zero is zero in every currency', () => {
  expect(['0', '0.00', '-0.000', '0.01', '10'].map(isZero)).toEqual([true, true, true, false, false])
})

test('axes are short', () => {
  expect([950, 1200, 1_500_000].map((value) => formatMoneyShort(value, 'USD', 'en-US'))).toEqual([
    '$950',
    '$1.2K',
    '$1.5M',
  ])
})

test('a rate without a denominator is a dash, not 0 %', () => {
  expect([formatRate(null, 'en-US'), formatRate(0, 'en-US'), formatRate(0.1234, 'en-US')]).toEqual([
    '–',
    '0.0%',
    '12.3%',
  ])
})
