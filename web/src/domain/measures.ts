/** The figures of the overview: how each is called, counted and compared. What each means is the server's to say. */

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
}

const list: readonly Measure[] = [
  {
    name: 'total_sales',
    label: 'Total sales',
    unit: 'money',
    better: 'up',
  },
  {
    name: 'orders',
    label: 'Orders',
    unit: 'count',
    better: 'up',
  },
  {
    name: 'average_order_value',
    label: 'Average order value',
    short: 'Avg. order value',
    unit: 'money',
    better: 'up',
  },
  {
    name: 'recovered_checkout_rate',
    label: 'Recovered checkouts',
    short: 'Recovered rate',
    unit: 'rate',
    better: 'up',
  },
  {
    name: 'net_sales',
    label: 'Net sales',
    unit: 'money',
    better: 'up',
  },
  {
    name: 'gross_sales',
    label: 'Gross sales',
    unit: 'money',
    better: 'up',
  },
  {
    name: 'discounts',
    label: 'Discounts',
    unit: 'money',
    better: 'neither',
  },
  {
    name: 'sales_reversals',
    label: 'Sales reversals',
    unit: 'money',
    better: 'down',
  },
  {
    name: 'customers',
    label: 'Customers',
    unit: 'count',
    better: 'up',
  },
  {
    name: 'new_customers',
    label: 'New customers',
    unit: 'count',
    better: 'up',
  },
  {
    name: 'returning_customers',
    label: 'Returning customers',
    short: 'Returning',
    unit: 'count',
    better: 'up',
  },
  {
    name: 'returning_customer_rate',
    label: 'Returning customer rate',
    short: 'Returning rate',
    unit: 'rate',
    better: 'up',
  },
  {
    name: 'recovered_sales',
    label: 'Recovered sales',
    unit: 'money',
    better: 'up',
  },
  {
    name: 'abandoned_checkouts',
    label: 'Abandoned checkouts',
    unit: 'count',
    better: 'down',
  },
  {
    name: 'abandoned_value',
    label: 'Abandoned value',
    unit: 'money',
    better: 'down',
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
