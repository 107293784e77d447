/** The figures of the overview: how each is called, counted, compared and explained. */

import type { Stats } from '../api/shapes.ts'
import type { Better, Unit } from './comparison.ts'
import { formatCount, formatMoney, formatRate } from './money.ts'

export type MeasureName = {
  [K in keyof Stats]: Stats[K] extends string | number | null ? K : never
}[keyof Stats] &
  string

export interface Measure {
  readonly name: MeasureName
  readonly label: string
  /** Where the label does not fit. */
  readonly short?: string
  readonly unit: Unit
  readonly better: Better
  readonly definition: string
}

const list: readonly Measure[] = [
  {
    name: 'total_sales',
    label: 'Total sales',
    unit: 'money',
    better: 'up',
    definition:
      'Net sales + shipping + taxes + duties + additional fees. Refunds, cancellations and edits count on the day they happen, so a day can be negative. Test and deleted orders, gift cards sold and tips are left out.',
  },
  {
    name: 'orders',
    label: 'Orders',
    unit: 'count',
    better: 'up',
    definition:
      'Orders placed in the period, whether paid yet or not. A cancelled order stays counted; its sales are reversed on the day it is cancelled. Test and deleted orders are left out.',
  },
  {
    name: 'average_order_value',
    label: 'Average order value',
    short: 'Avg. order value',
    unit: 'money',
    better: 'up',
    definition:
      '(Gross sales − discounts) ÷ orders, as the orders were placed. Later refunds and edits do not change it, and it excludes shipping and taxes, so it is not total sales ÷ orders.',
  },
  {
    name: 'recovered_checkout_rate',
    label: 'Recovered checkouts',
    short: 'Recovered rate',
    unit: 'rate',
    better: 'up',
    definition:
      'Of the checkouts that were abandoned in the period, the share that was paid for afterwards. A checkout is abandoned once contact details are known and it has been idle longer than the store’s window (10 minutes unless you change it).',
  },
  {
    name: 'net_sales',
    label: 'Net sales',
    unit: 'money',
    better: 'up',
    definition: 'Gross sales − discounts − sales reversals.',
  },
  {
    name: 'gross_sales',
    label: 'Gross sales',
    unit: 'money',
    better: 'up',
    definition:
      'Product price × quantity, before discounts, taxes, shipping and reversals. Taxes contained in prices are taken out; gift cards sold are not counted.',
  },
  {
    name: 'discounts',
    label: 'Discounts',
    unit: 'money',
    better: 'neither',
    definition:
      'Line discounts and each line’s share of order discounts. Shipping discounts are part of shipping.',
  },
  {
    name: 'sales_reversals',
    label: 'Sales reversals',
    unit: 'money',
    better: 'down',
    definition: 'Refunds, returns, cancellations and removed items, on the day they were processed.',
  },
  {
    name: 'customers',
    label: 'Customers',
    unit: 'count',
    better: 'up',
    definition:
      'Different customers who placed an order in the period. Guests without a customer record are left out.',
  },
  {
    name: 'new_customers',
    label: 'New customers',
    unit: 'count',
    better: 'up',
    definition: 'Customers whose first order ever falls in the period.',
  },
  {
    name: 'returning_customers',
    label: 'Returning customers',
    short: 'Returning',
    unit: 'count',
    better: 'up',
    definition:
      'Customers who ordered in the period and have two or more orders in their whole history. Someone whose first two orders both fall in the period is new and returning.',
  },
  {
    name: 'returning_customer_rate',
    label: 'Returning customer rate',
    short: 'Returning rate',
    unit: 'rate',
    better: 'up',
    definition: 'Returning customers ÷ customers who ordered in the period.',
  },
  {
    name: 'recovered_sales',
    label: 'Recovered sales',
    unit: 'money',
    better: 'up',
    definition:
      'The order totals of abandoned checkouts that were paid for afterwards, by the time of abandonment.',
  },
  {
    name: 'abandoned_checkouts',
    label: 'Abandoned checkouts',
    unit: 'count',
    better: 'down',
    definition: 'Checkouts that were abandoned in the period, including those recovered later.',
  },
  {
    name: 'abandoned_value',
    label: 'Abandoned value',
    unit: 'money',
    better: 'down',
    definition: 'The total of checkouts abandoned in the period and still not recovered.',
  },
]

const byName = new Map(list.map((each) => [each.name, each]))

export function measure(name: MeasureName): Measure {
  const found = byName.get(name)
  if (!found) throw new Error(`No measure is called ${name}.`)
  return found
}

/** A measure's value as text; null (no denominator) is a dash. */
export function formatMeasure(
  value: string | number | null | undefined,
  unit: Unit,
  currency: string,
): string {
  if (value === null || value === undefined) return '–'
  if (unit === 'money') return formatMoney(String(value), currency)
  return unit === 'rate' ? formatRate(Number(value)) : formatCount(Number(value))
}
