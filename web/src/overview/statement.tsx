import type { Stats } from '../api/shapes.ts'
import { movement, type Unit } from '../domain/comparison.ts'
import { formatMeasure, type MeasureName } from '../domain/measures.ts'
import { formatMoney, isZero, negate } from '../domain/money.ts'
import { openWhy } from '../why/open.ts'
import { Card } from '../ui/card.tsx'
import { classes } from '../ui/classes.ts'
import { Delta } from '../ui/delta.tsx'
import { Skeleton } from '../ui/states.tsx'
import { Tween } from '../ui/tween.tsx'

type Amount =
  | 'gross_sales'
  | 'discounts'
  | 'sales_reversals'
  | 'net_sales'
  | 'shipping'
  | 'taxes'
  | 'duties'
  | 'additional_fees'
  | 'total_sales'

interface Line {
  readonly name: Amount
  readonly label: string
  readonly kind: 'add' | 'subtract' | 'sum'
}

/** Total sales, line by line, as Shopify's sales report adds it up. */
const statement: readonly Line[] = [
  { name: 'gross_sales', label: 'Gross sales', kind: 'add' },
  { name: 'discounts', label: 'Discounts', kind: 'subtract' },
  { name: 'sales_reversals', label: 'Sales reversals', kind: 'subtract' },
  { name: 'net_sales', label: 'Net sales', kind: 'sum' },
  { name: 'shipping', label: 'Shipping', kind: 'add' },
  { name: 'taxes', label: 'Taxes', kind: 'add' },
  { name: 'duties', label: 'Duties', kind: 'add' },
  { name: 'additional_fees', label: 'Additional fees', kind: 'add' },
  { name: 'total_sales', label: 'Total sales', kind: 'sum' },
]

/** What is no part of total sales, and what others reckon otherwise: shown where there is any. */
const beside: readonly MeasureLine[] = [
  { name: 'gift_cards_sold', label: 'Gift cards sold', unit: 'money' },
  { name: 'tips', label: 'Tips', unit: 'money' },
  { name: 'refund_adjustments', label: 'Refund adjustments', unit: 'money' },
  { name: 'cash_rounding', label: 'Cash rounding', unit: 'money' },
  { name: 'tax_in_prices', label: 'Tax in prices', unit: 'money' },
  { name: 'units_sold', label: 'Units sold', unit: 'count' },
  { name: 'units_reversed', label: 'Units reversed', unit: 'count' },
  { name: 'total_sales_per_order', label: 'Total sales per order', unit: 'money' },
  { name: 'net_sales_per_order', label: 'Net sales per order', unit: 'money' },
  { name: 'live_view_total_sales', label: 'Total sales as in Live View', unit: 'money' },
]

interface MeasureLine {
  readonly name: MeasureName
  readonly label: string
  readonly unit: Unit
}

export function Statement({ stats }: { stats: Stats | undefined }) {
  return (
    <Card title="Total sales, line by line">
      <table className="w-full figures">
        <thead className="sr-only">
          <tr>
            <th scope="col">Line</th>
            <th scope="col">Amount</th>
            <th scope="col">Change</th>
          </tr>
        </thead>
        <tbody>
          {statement.map((line) => (
            <StatementLine key={line.name} line={line} stats={stats} />
          ))}
        </tbody>
      </table>
      {stats && <BesideIt stats={stats} />}
    </Card>
  )
}

function BesideIt({ stats }: { stats: Stats }) {
  const told = beside.filter(({ name }) => {
    const value = stats[name]
    return value !== null && !isZero(String(value))
  })
  if (told.length === 0) return <div className="h-2" />
  return (
    <details className="border-t border-line">
      <summary className="px-5 py-2.5 text-[13px] text-ink-3 hover:text-ink">
        Beside total sales, and reckoned otherwise
      </summary>
      <dl className="pb-2 figures">
        {told.map(({ name, label, unit }) => (
          <div key={name} className="flex justify-between gap-4 px-5 py-[5px]">
            <dt>
              <WhyLine name={name} label={label} />
            </dt>
            <dd>{formatMeasure(stats[name], unit, stats.currency)}</dd>
          </div>
        ))}
      </dl>
    </details>
  )
}

function WhyLine({ name, label }: { name: MeasureName; label: string }) {
  return (
    <button
      type="button"
      data-testid={`line-${name}`}
      title={`Why is ${label.toLowerCase()} so?`}
      onClick={() => openWhy(name)}
      className="rounded text-left decoration-line-strong underline-offset-4 hover:underline"
    >
      {label}
      <span className="sr-only">: why is it so?</span>
    </button>
  )
}

function StatementLine({ line, stats }: { line: Line; stats: Stats | undefined }) {
  const sum = line.kind === 'sum'
  const amount = stats?.[line.name]
  const known = amount !== undefined && amount !== null
  const shown = known && line.kind === 'subtract' ? negate(amount) : (amount ?? null)
  const before = stats?.comparison?.[line.name] ?? null
  const better = line.kind === 'subtract' ? 'neither' : 'up'
  return (
    <tr className={classes(sum && 'border-t border-line')}>
      <th
        scope="row"
        className={classes('py-[7px] pl-5 text-left', sum ? 'font-semibold' : 'font-normal text-ink-2')}
      >
        {amount === null ? line.label : <WhyLine name={line.name} label={line.label} />}
      </th>
      <td
        className={classes(
          'py-[7px] text-right',
          sum && 'font-semibold',
          shown !== null && isZero(shown) && !sum && 'text-ink-3',
        )}
      >
        {stats ? (
          <Tween
            value={shown}
            unit="money"
            currency={stats.currency}
            question={`${stats.from} ${stats.to} ${stats.currency}`}
          />
        ) : (
          <Skeleton className="ml-auto h-4 w-20" />
        )}
      </td>
      <td className="w-24 py-[7px] pr-5 text-right">
        {stats && known && before !== null && !(isZero(amount) && isZero(before)) && (
          <Delta
            movement={movement(amount, before, 'money', better)}
            title={`Before: ${formatMoney(before, stats.currency)}`}
          />
        )}
      </td>
    </tr>
  )
}
