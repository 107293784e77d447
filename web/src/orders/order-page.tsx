import { useQuery } from '@tanstack/react-query'
import { ArrowLeft, ShoppingBag } from 'lucide-react'
import type { ReactNode } from 'react'
import { api } from '../api/client.ts'
import { ProblemError } from '../api/problem.ts'
import type { OneOrder } from '../api/shapes.ts'
import { dateTime } from '../domain/moments.ts'
import { pageLocale } from '../domain/money.ts'
import { paymentWords, shipmentWords } from '../domain/orders.ts'
import { onward } from '../overview/scope.ts'
import { useChosenByServer } from '../overview/server-choice.ts'
import { Badge } from '../ui/badge.tsx'
import { Card } from '../ui/card.tsx'
import { Export } from '../ui/export.tsx'
import { Link, usePlace } from '../ui/location.tsx'
import { RowsLoading } from '../ui/rows.tsx'
import { Empty, Failed, Skeleton } from '../ui/states.tsx'
import { useTitle } from '../ui/title.ts'
import { Additions, Deliveries } from '../why/history.tsx'
import { CheckoutCard, CustomerCard, ParcelsCard, SourceCard } from './order-facts.tsx'
import { OrderLines } from './order-lines.tsx'
import { StateBadge } from './state-badge.tsx'

/** One order: what it is, what it adds to the figures, and the deliveries that made it so. */
export default function OrderPage({ order: id }: { order: string }) {
  const { search } = usePlace()
  const store = search.get('store')
  const order = useQuery({
    queryKey: ['order', id, store],
    queryFn: ({ signal }) => api.order(id, store, signal),
    retry: (count, error) => !isRefused(error) && count < 2,
  })
  useChosenByServer(order.error)
  useTitle(order.data?.name ?? 'Order')
  if (order.isError && !order.data) {
    return (
      <>
        <Back />
        {isMissing(order.error) ? <Missing /> : <Unloaded error={order.error} retry={order.refetch} />}
      </>
    )
  }
  return (
    <>
      <Back />
      <Head id={id} order={order.data} />
      <div className="grid grid-cols-1 items-start gap-4 lg:grid-cols-[minmax(0,1fr)_20rem] lg:grid-rows-[auto_1fr]">
        <div className="min-w-0">
          <OrderLines order={order.data} />
        </div>
        {order.data && (
          <div className="flex min-w-0 flex-col gap-4 lg:col-start-2 lg:row-span-2 lg:row-start-1">
            <CustomerCard order={order.data} />
            <CheckoutCard order={order.data} />
            <ParcelsCard order={order.data} />
            <SourceCard order={order.data} />
          </div>
        )}
        <div className="flex min-w-0 flex-col gap-4 lg:col-start-1">
          <History id={id} store={store} />
        </div>
      </div>
    </>
  )
}

function isRefused(error: Error): boolean {
  return error instanceof ProblemError && error.status >= 400 && error.status < 500
}

function isMissing(error: Error): boolean {
  return error instanceof ProblemError && error.status === 404
}

function Missing() {
  return (
    <Empty icon={<ShoppingBag aria-hidden className="size-5" />} title="There is no such order">
      None of this account’s stores has told of it.
    </Empty>
  )
}

function Unloaded({ error, retry }: { error: Error; retry: () => unknown }) {
  return (
    <div className="rounded-xl border border-line bg-surface">
      <Failed what="The order" error={error} onRetry={() => void retry()} />
    </div>
  )
}

function Back() {
  const { search } = usePlace()
  return (
    <Link
      href={onward('/orders', search)}
      className="mb-2 inline-flex items-center gap-1.5 rounded text-[13px] text-ink-3 hover:text-ink"
    >
      <ArrowLeft aria-hidden className="size-3.5" />
      Orders
    </Link>
  )
}

function Head({ id, order }: { id: string; order: OneOrder | undefined }) {
  return (
    <div className="mb-4">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
        <h1 data-testid="order-name" className="text-[22px] font-semibold tracking-[-0.02em] figures">
          {order ? (order.name ?? `Order ${id}`) : 'Order'}
        </h1>
        {order && <Badges order={order} />}
      </div>
      <p className="mt-0.5 text-[13px] text-ink-3 figures">{order ? <Times order={order} /> : <Waiting />}</p>
    </div>
  )
}

function Waiting() {
  return <Skeleton className="h-4 w-64" />
}

function Badges({ order }: { order: OneOrder }) {
  return (
    <span className="flex flex-wrap items-center gap-1.5">
      {order.deleted && <Badge tone="bad">Deleted</Badge>}
      {order.cancelled_at && <Badge tone="bad">Cancelled</Badge>}
      {order.test && <Badge>Test</Badge>}
      <StateBadge state={paymentWords(order.financial_status)} />
      {shipmentWords(order) && <StateBadge state={shipmentWords(order)} />}
      {order.recovered && <Badge tone="good">Recovered checkout</Badge>}
    </span>
  )
}

function Times({ order }: { order: OneOrder }) {
  const at = (iso: string) => dateTime(iso, pageLocale(), order.timezone)
  const reason = order.cancel_reason ? ` (${order.cancel_reason})` : ''
  const parts: ReactNode[] = [`Placed ${at(order.processed_at)}`]
  if (order.fulfilled_at) parts.push(`first sent ${at(order.fulfilled_at)}`)
  if (order.cancelled_at) parts.push(`cancelled ${at(order.cancelled_at)}${reason}`)
  return <>{[...parts, order.timezone].join(' · ')}</>
}

function History({ id, store }: { id: string; store: string | null }) {
  const history = useQuery({
    queryKey: ['history', id, store],
    queryFn: ({ signal }) => api.orderHistory(id, store, signal),
  })
  const { data } = history
  if (history.isError && !data) {
    return (
      <Card title="What made it what it is">
        <Failed what="Its history" error={history.error} onRetry={() => void history.refetch()} />
      </Card>
    )
  }
  return (
    <>
      <Card title="What it adds to the figures" className="overflow-hidden">
        {data ? <Additions history={data} /> : <RowsLoading count={2} />}
      </Card>
      <Card
        title="Deliveries, as they were applied"
        className="overflow-hidden"
        aside={<Export what="the deliveries" path={`/api/orders/${id}/history`} query={{ store }} />}
      >
        {data ? <Deliveries history={data} /> : <RowsLoading count={4} />}
      </Card>
    </>
  )
}
