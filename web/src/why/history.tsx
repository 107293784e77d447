import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { api } from '../api/client.ts'
import type { Delivered, LedgerEntry, OrderHistory } from '../api/shapes.ts'
import { fieldWords, kindWords, namedAmounts } from '../domain/entries.ts'
import { formatMeasure } from '../domain/measures.ts'
import { dateTime, exactTime } from '../domain/moments.ts'
import { pageLocale } from '../domain/money.ts'
import { orderAddress } from '../orders/address.ts'
import { Badge } from '../ui/badge.tsx'
import { Link } from '../ui/location.tsx'
import { Empty, Failed } from '../ui/states.tsx'
import { RowsLoading } from '../ui/rows.tsx'
import { useMeasures } from './measures.ts'

/** The deliveries that made an order what it is, and what it adds to the figures. */
export function OrderHistoryView({ order, store }: { order: string; store: string | null }) {
  const history = useQuery({
    queryKey: ['history', order, store],
    queryFn: ({ signal }) => api.orderHistory(order, store, signal),
  })
  if (history.isError && !history.data) {
    return <Failed what="The order’s history" error={history.error} onRetry={() => void history.refetch()} />
  }
  const { data } = history
  return (
    <>
      <p
        data-testid="history-order"
        className="px-5 pt-4 text-[22px] font-semibold tracking-[-0.02em] figures"
      >
        {data ? (data.name ?? `Order ${data.id}`) : 'Order'}
      </p>
      {data ? (
        <>
          <p className="px-5 pb-2 text-[13px] text-ink-3">
            All times are of {data.timezone}.{' '}
            <Link
              href={orderAddress(data.id, data.store)}
              data-testid="order-page"
              className="rounded text-accent hover:underline"
            >
              The whole order
            </Link>
          </p>
          <Part title="What it adds to the figures">
            <Additions history={data} />
          </Part>
          <Part title="Deliveries, as they were applied">
            <Deliveries history={data} />
          </Part>
        </>
      ) : (
        <RowsLoading count={4} />
      )}
    </>
  )
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title} className="pt-2">
      <h3 className="px-5 pt-1 pb-2 text-[15px] font-semibold">{title}</h3>
      {children}
    </section>
  )
}

/** What an order adds to the figures, entry by entry. */
export function Additions({ history }: { history: OrderHistory }) {
  if (history.entries.length === 0) {
    return <p className="px-5 pb-4 text-[13px] text-ink-3">Nothing: test and deleted orders count nowhere.</p>
  }
  return (
    <ol className="border-t border-line">
      {history.entries.map((entry) => (
        <Addition key={entry.entry} entry={entry} history={history} />
      ))}
    </ol>
  )
}

function Addition({ entry, history }: { entry: LedgerEntry; history: OrderHistory }) {
  const amounts = namedAmounts(entry.amounts, useMeasures())
  return (
    <li className="border-line px-5 py-3 not-first:border-t">
      <p className="flex items-baseline justify-between gap-4">
        <span className="font-medium">{kindWords[entry.kind]}</span>
        <time dateTime={entry.at} className="text-[13px] text-ink-3 figures">
          {dateTime(entry.at, pageLocale(), history.timezone)}
        </time>
      </p>
      <dl className="mt-1.5 grid grid-cols-1 gap-x-8 gap-y-0.5 text-[13px] figures sm:grid-cols-2">
        {amounts.map(({ name, label, unit, amount }) => (
          <div key={name} className="flex justify-between gap-3">
            <dt className="text-ink-3">{label}</dt>
            <dd>{formatMeasure(amount, unit, history.currency)}</dd>
          </div>
        ))}
      </dl>
    </li>
  )
}

/** The deliveries that spoke of an order, the first applied first. */
export function Deliveries({ history }: { history: OrderHistory }) {
  if (history.deliveries.length === 0) return <Empty title="No deliveries of it are on record" />
  return (
    <ol className="border-t border-line pb-2">
      {history.deliveries.map((delivered, index) => (
        // One webhook id may come with two bodies: headers are not signed.
        // oxlint-disable-next-line react/no-array-index-key -- they are never sorted anew
        <Delivery key={index} delivered={delivered} timezone={history.timezone} />
      ))}
    </ol>
  )
}

function Delivery({ delivered, timezone }: { delivered: Delivered; timezone: string }) {
  const time = (iso: string) => exactTime(iso, pageLocale(), timezone)
  return (
    <li data-testid="delivery" className="border-line px-5 py-3 not-first:border-t">
      <p className="font-medium">{delivered.topic}</p>
      <dl className="mt-1 grid grid-cols-[5.5rem_1fr] gap-y-0.5 text-[13px] figures">
        {delivered.triggered_at && (
          <>
            <dt className="text-ink-3">Happened</dt>
            <dd>{time(delivered.triggered_at)}</dd>
          </>
        )}
        <dt className="text-ink-3">Arrived</dt>
        <dd>{time(delivered.received_at)}</dd>
        <dt className="text-ink-3">Applied</dt>
        <dd>{time(delivered.applied_at)}</dd>
        <dt className="text-ink-3">Webhook id</dt>
        <dd className="break-all text-ink-2">{delivered.webhook_id}</dd>
        <dt className="pt-0.5 text-ink-3">Changed</dt>
        <dd className="flex flex-wrap gap-1 pt-0.5">
          {delivered.changed.length === 0 ? (
            <span className="text-ink-3">Nothing: it came late, or told what was known.</span>
          ) : (
            delivered.changed.map((field) => <Badge key={field}>{fieldWords(field)}</Badge>)
          )}
        </dd>
      </dl>
    </li>
  )
}
