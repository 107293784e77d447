import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { ShoppingBag } from 'lucide-react'
import { api, type FilteredQuestion } from '../api/client.ts'
import type { Order } from '../api/shapes.ts'
import { valueNote, valueWords } from '../domain/dimensions.ts'
import { dateTime, shortDate } from '../domain/moments.ts'
import { formatMoney, pageLocale } from '../domain/money.ts'
import { paymentWords, shipmentWords } from '../domain/orders.ts'
import { useChosenByServer } from '../overview/server-choice.ts'
import { Badge } from '../ui/badge.tsx'
import { Card } from '../ui/card.tsx'
import { classes } from '../ui/classes.ts'
import { Export } from '../ui/export.tsx'
import { Link } from '../ui/location.tsx'
import { Empty, Failed } from '../ui/states.tsx'
import { More, Table, type Column } from '../ui/table.tsx'
import { orderAddress } from './address.ts'
import { StateBadge } from './state-badge.tsx'

const PAGE = 25

/** Orders placed in the range, the latest first; each leads to its own page. */
export function OrdersPanel({ question }: { question: FilteredQuestion }) {
  const list = useInfiniteQuery({
    queryKey: ['orders', question],
    queryFn: ({ pageParam, signal }) => api.orders(question, pageParam, PAGE, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  })
  useChosenByServer(list.error)
  const first = list.data?.pages[0]
  const rows = list.data?.pages.flatMap((page) => page.orders)
  return (
    <Card
      title="Orders, the latest first"
      aside={<Export what="the orders" path="/api/analytics/orders" query={{ ...question }} />}
    >
      {list.isError && !list.data ? (
        <Failed what="Orders" error={list.error} onRetry={() => void list.refetch()} />
      ) : rows?.length === 0 ? (
        <Empty icon={<ShoppingBag aria-hidden className="size-5" />} title="No orders in this period">
          They appear here the moment they are placed.
        </Empty>
      ) : (
        <div className={classes('transition-opacity', list.isPlaceholderData && 'opacity-60')}>
          <Table
            caption="Orders"
            columns={columnsOf(first?.currency ?? 'USD', first?.timezone)}
            rows={rows}
            keyOf={(row) => `${row.store} ${row.id}`}
            loading={10}
          />
        </div>
      )}
      <More list={list} />
    </Card>
  )
}

function columnsOf(currency: string, timezone: string | undefined): readonly Column<Order>[] {
  return [
    { id: 'order', head: 'Order', cell: (row) => <Name order={row} timezone={timezone} /> },
    {
      id: 'placed',
      head: 'Placed',
      width: 'w-52',
      align: 'left',
      hide: 'md',
      quiet: true,
      cell: (row) => dateTime(row.processed_at, pageLocale(), timezone),
    },
    {
      id: 'payment',
      head: 'Payment',
      width: 'w-34',
      align: 'left',
      hide: 'sm',
      cell: (row) => <StateBadge state={paymentWords(row.financial_status)} />,
    },
    {
      id: 'shipment',
      head: 'Fulfillment',
      width: 'w-30',
      align: 'left',
      hide: 'lg',
      cell: (row) => <StateBadge state={shipmentWords(row)} />,
    },
    { id: 'channel', head: 'Channel', width: 'w-32', align: 'left', hide: 'lg', cell: channelOf },
    { id: 'total', head: 'Total', width: 'w-32', cell: (row) => <Total order={row} currency={currency} /> },
  ]
}

function channelOf({ channel }: Order) {
  if (!channel) return <span className="text-ink-3">–</span>
  const words = valueWords('channel', channel, null)
  return <span title={valueNote('channel', channel) ?? words}>{words}</span>
}

function Name({ order, timezone }: { order: Order; timezone: string | undefined }) {
  return (
    <>
      <span className="flex items-center gap-2">
        <Link
          href={orderAddress(order.id, order.store)}
          data-testid="order-link"
          className="truncate rounded font-medium text-accent hover:underline"
        >
          {order.name ?? `Order ${order.id}`}
        </Link>
        {order.test && <Badge>Test</Badge>}
        {order.cancelled_at && <Badge tone="bad">Cancelled</Badge>}
      </span>
      <span className="block truncate text-[13px] text-ink-3">
        <span className="md:hidden">{shortDate(order.processed_at, pageLocale(), timezone)} · </span>
        {order.customer_name || order.email || 'No customer'}
      </span>
    </>
  )
}

function Total({ order, currency }: { order: Order; currency: string }) {
  const { total_price: total, current_total_price: current } = order
  return (
    <>
      <span className="font-medium">{formatMoney(total, currency)}</span>
      {current !== total && (
        <span className="block text-[13px] text-ink-3">now {formatMoney(current, currency)}</span>
      )}
    </>
  )
}
