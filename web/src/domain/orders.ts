/** What an order's states are called, and what its lines come to. */

import type { Order, OrderLine } from '../api/shapes.ts'
import type { Tone } from '../ui/badge.tsx'
import { addUp } from './entries.ts'
import { negate, type Decimal } from './money.ts'

export interface StateWords {
  readonly text: string
  readonly tone: Tone
}

const payments: Record<string, StateWords> = {
  paid: { text: 'Paid', tone: 'good' },
  pending: { text: 'Payment pending', tone: 'warn' },
  authorized: { text: 'Authorized', tone: 'warn' },
  partially_paid: { text: 'Partly paid', tone: 'warn' },
  partially_refunded: { text: 'Partly refunded', tone: 'quiet' },
  refunded: { text: 'Refunded', tone: 'quiet' },
  voided: { text: 'Voided', tone: 'quiet' },
}

const shipments: Record<string, StateWords> = {
  fulfilled: { text: 'Fulfilled', tone: 'good' },
  partial: { text: 'Partly fulfilled', tone: 'warn' },
  restocked: { text: 'Restocked', tone: 'quiet' },
}

/** A state that is not known by name reads as it came, without its underscores. */
function plainly(state: string): StateWords {
  const text = state.replaceAll('_', ' ')
  return { text: text.charAt(0).toUpperCase() + text.slice(1), tone: 'quiet' }
}

export function paymentWords(state: string | null): StateWords | null {
  if (!state) return null
  return Object.hasOwn(payments, state) ? (payments[state] ?? null) : plainly(state)
}

/** Of an order that was cancelled, nothing is to be sent. */
export function shipmentWords(order: Pick<Order, 'fulfillment_status' | 'cancelled_at'>): StateWords | null {
  const state = order.fulfillment_status
  if (!state) return order.cancelled_at ? null : { text: 'Unfulfilled', tone: 'warn' }
  return Object.hasOwn(shipments, state) ? (shipments[state] ?? null) : plainly(state)
}

/** Exactly: an amount so many times. */
export function times(amount: Decimal, count: number): Decimal {
  const digits = amount.split('.')[1]?.length ?? 0
  const product = String(BigInt(amount.replace('.', '')) * BigInt(count))
  if (digits === 0) return product
  const [sign, size] = product.startsWith('-') ? ['-', product.slice(1)] : ['', product]
  const full = size.padStart(digits + 1, '0')
  return `${sign}${full.slice(0, -digits)}.${full.slice(-digits)}`
}

/** What a line came to when it was ordered, after its discounts. */
export function lineTotal(line: Pick<OrderLine, 'price' | 'quantity' | 'discount'>): Decimal {
  return addUp([times(line.price, line.quantity), negate(line.discount)])
}

const DAY_HOURS = 24

/** `20.5` → `20.5 hours`, `0.4` → `24 minutes`, `60` → `2.5 days`. */
export function hoursWords(hours: number | null, locale: string): string {
  if (hours === null) return '–'
  const [amount, unit] =
    hours < 1 ? [hours * 60, 'minute'] : hours < 2 * DAY_HOURS ? [hours, 'hour'] : [hours / DAY_HOURS, 'day']
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit,
    unitDisplay: 'long',
    maximumFractionDigits: unit === 'minute' ? 0 : 1,
  }).format(amount)
}
