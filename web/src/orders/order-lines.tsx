import type { OneOrder, OrderLine } from '../api/shapes.ts'
import { formatCount, formatMoney, isZero, negate, pageLocale } from '../domain/money.ts'
import { dateTime } from '../domain/moments.ts'
import { lineTotal } from '../domain/orders.ts'
import { addUp } from '../domain/entries.ts'
import { Badge } from '../ui/badge.tsx'
import { Card } from '../ui/card.tsx'
import { classes } from '../ui/classes.ts'
import { Table, type Column } from '../ui/table.tsx'

/** What was ordered, and what it came to. */
export function OrderLines({ order }: { order: OneOrder | undefined }) {
  return (
    <Card title="What was ordered" className="overflow-hidden">
      <Table
        caption="Lines of the order"
        columns={columnsOf(order?.currency ?? 'USD')}
        rows={order?.lines}
        keyOf={(line) => line.id}
        loading={3}
      />
      {order && <Amounts order={order} />}
    </Card>
  )
}

function columnsOf(currency: string): readonly Column<OrderLine>[] {
  const money = (amount: string) => formatMoney(amount, currency)
  return [
    { id: 'line', head: 'Item', cell: (line) => <Item line={line} /> },
    { id: 'quantity', head: 'Units', width: 'w-16', cell: (line) => <Units line={line} /> },
    { id: 'price', head: 'Price', width: 'w-28', hide: 'sm', quiet: true, cell: (line) => money(line.price) },
    {
      id: 'discount',
      head: 'Discount',
      width: 'w-28',
      hide: 'md',
      quiet: true,
      cell: (line) => (isZero(line.discount) ? '–' : money(negate(line.discount))),
    },
    {
      id: 'total',
      head: 'Total',
      width: 'w-28',
      cell: (line) => <span className="font-medium">{money(lineTotal(line))}</span>,
    },
  ]
}

function Item({ line }: { line: OrderLine }) {
  const title = line.title ?? 'Item'
  const small = [line.variant_title, line.sku, line.vendor].filter(Boolean).join(' · ')
  return (
    <>
      <span className="flex items-center gap-2">
        <span className="truncate" title={title}>
          {title}
        </span>
        {line.gift_card && <Badge>Gift card</Badge>}
        {line.tip && <Badge>Tip</Badge>}
      </span>
      {small && <span className="block truncate text-[13px] text-ink-3">{small}</span>}
    </>
  )
}

/** How many were ordered; beneath it what is left of them after edits and refunds. */
function Units({ line }: { line: OrderLine }) {
  const { quantity, current_quantity: left } = line
  return (
    <>
      {formatCount(quantity)}
      {left !== null && left !== quantity && (
        <span className="block text-[13px] text-ink-3">{formatCount(left)} left</span>
      )}
    </>
  )
}

function Amounts({ order }: { order: OneOrder }) {
  const money = (amount: string) => formatMoney(amount, order.currency)
  const abroad = order.presentment_currency !== order.currency && order.total_price_presentment
  // What is neither goods nor the tax on top of them; tax that is in the prices is in here, too.
  const around = addUp([
    order.total_price,
    negate(order.subtotal_price),
    order.taxes_included ? '0' : negate(order.total_tax),
  ])
  return (
    <dl className="border-t border-line-strong py-2 figures">
      {!isZero(order.total_discounts) && (
        <Amount name="Discounts" value={money(negate(order.total_discounts))} />
      )}
      <Amount name="Subtotal" value={money(order.subtotal_price)} />
      {!isZero(around) && <Amount name="Shipping, duties and tips" value={money(around)} />}
      <Amount name={order.taxes_included ? 'Taxes, in the prices' : 'Taxes'} value={money(order.total_tax)} />
      <Amount name="Total" value={money(order.total_price)} strong />
      {abroad && order.presentment_currency && (
        <Amount
          name="Paid by the customer"
          value={formatMoney(order.total_price_presentment ?? '0', order.presentment_currency)}
        />
      )}
      {order.refunds.map((refund) => (
        <Amount
          key={refund.id}
          name={
            refund.processed_at
              ? `Refund, ${dateTime(refund.processed_at, pageLocale(), order.timezone)}`
              : 'Refund'
          }
          value={money(
            negate(addUp([refund.subtotal, refund.shipping, order.taxes_included ? '0' : refund.tax])),
          )}
        />
      ))}
      {order.current_total_price !== order.total_price && (
        <Amount name="Now" value={money(order.current_total_price)} strong />
      )}
    </dl>
  )
}

function Amount({ name, value, strong = false }: { name: string; value: string; strong?: boolean }) {
  return (
    <div
      className={classes(
        'flex justify-between gap-4 px-5 py-0.5',
        strong ? 'font-semibold' : 'text-[13px] text-ink-2',
      )}
    >
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}
