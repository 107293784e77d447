import type { Stats } from '../api/shapes.ts'
import { movement } from '../domain/comparison.ts'
import { formatMoney, isZero, negate } from '../domain/money.ts'
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

export function Breakdown({ stats }: { stats: Stats | undefined }) {
  return (
    <Card title="Total sales, line by line">
      <table className="mb-2 w-full figures">
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
    </Card>
  )
}

function StatementLine({ line, stats }: { line: Line; stats: Stats | undefined }) {
  const sum = line.kind === 'sum'
  const amount = stats?.[line.name]
  const shown = amount !== undefined && line.kind === 'subtract' ? negate(amount) : amount
  const better = line.kind === 'subtract' ? 'neither' : 'up'
  return (
    <tr className={classes(sum && 'border-t border-line')}>
      <th
        scope="row"
        className={classes('py-[7px] pl-5 text-left', sum ? 'font-semibold' : 'font-normal text-ink-2')}
      >
        {line.label}
      </th>
      <td
        className={classes(
          'py-[7px] text-right',
          sum && 'font-semibold',
          shown !== undefined && isZero(shown) && !sum && 'text-ink-3',
        )}
      >
        {stats && shown !== undefined ? (
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
        {stats?.comparison &&
          amount !== undefined &&
          !(isZero(amount) && isZero(stats.comparison[line.name])) && (
            <Delta
              movement={movement(
                amount,
                stats.comparison[line.name],
                'money',
                sum || line.kind === 'add' ? better : 'neither',
              )}
              title={`Before: ${formatMoney(stats.comparison[line.name], stats.currency)}`}
            />
          )}
      </td>
    </tr>
  )
}
