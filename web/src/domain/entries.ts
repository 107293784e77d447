/** Entries of the ledger in words, and their amounts added up without a float. */

import type { FigureEntry, MeasureInfo } from '../api/shapes.ts'
import type { Unit } from './comparison.ts'
import { isZero, type Decimal } from './money.ts'

export const kindWords: Record<FigureEntry['kind'], string> = {
  placement: 'Placed',
  edit: 'Edited',
  refund: 'Refunded',
  cancellation: 'Cancelled',
  checkout: 'Started',
  abandonment: 'Abandoned',
}

/** What an entry is of, as it is called in lists. */
export function subjectOf(entry: Pick<FigureEntry, 'order_id' | 'order_name' | 'checkout_token'>): string {
  if (entry.order_id) return entry.order_name ?? `Order ${entry.order_id}`
  return entry.checkout_token ? `Checkout ${entry.checkout_token.slice(0, 8)}` : 'Checkout'
}

/** The exact sum of decimal strings and whole numbers, with as many decimals as the longest of them. */
export function addUp(amounts: readonly (Decimal | number)[]): Decimal {
  const texts = amounts.map(String)
  const digits = Math.max(0, ...texts.map((text) => text.split('.')[1]?.length ?? 0))
  const sum = texts.reduce((total, text) => total + scaled(text, digits), 0n)
  const size = String(sum < 0n ? -sum : sum).padStart(digits + 1, '0')
  const whole = size.slice(0, size.length - digits)
  const text = digits > 0 ? `${whole}.${size.slice(-digits)}` : whole
  return sum < 0n ? `-${text}` : text
}

function scaled(text: string, digits: number): bigint {
  const [whole = '0', fraction = ''] = text.split('.')
  return BigInt(whole + fraction.padEnd(digits, '0'))
}

/** What a rate's amounts are counted in: an average of money sums up money, a share counts. */
export function amountUnit(unit: Unit): Unit {
  return unit === 'rate' ? 'count' : unit
}

/** A definition's source, if it is an address to go to. */
export function sourceLink(source: string): string | null {
  return /https:\/\/[^\s)]+/.exec(source)?.[0] ?? null
}

export interface NamedAmount {
  readonly name: string
  readonly label: string
  readonly unit: Unit
  readonly amount: string | number
}

/** An entry's amounts with their labels, in the registry's order; what is zero is left out. */
export function namedAmounts(
  amounts: Readonly<Record<string, string | number>>,
  measures: readonly MeasureInfo[],
): NamedAmount[] {
  return measures.flatMap(({ name, label, unit }) => {
    const amount = amounts[name]
    return amount === undefined || isZero(String(amount)) ? [] : [{ name, label, unit, amount }]
  })
}

/** A field of the copy as people read it: `fulfillment.status` is `fulfillment: status`. */
export function fieldWords(field: string): string {
  return field.replace('.', ': ').replaceAll('_', ' ')
}

/** A definition with other measures under their labels: `gift_cards_sold` reads as “Gift cards sold”. */
export function inWords(text: string, measures: readonly Pick<MeasureInfo, 'name' | 'label'>[]): string {
  const labels = new Map(measures.map(({ name, label }) => [name, label]))
  return text.replaceAll(/`?\b[a-z]+(?:_[a-z]+)+\b`?/g, (found) => {
    const label = labels.get(found.replaceAll('`', ''))
    return label ? `“${label}”` : found
  })
}
