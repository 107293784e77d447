import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { ExternalLink, ShoppingCart } from 'lucide-react'
import { useState } from 'react'
import { api, type Question } from '../api/client.ts'
import type { Checkout, CheckoutSummary, Stage, Store } from '../api/shapes.ts'
import { elapsed } from '../domain/elapsed.ts'
import type { MeasureName } from '../domain/measures.ts'
import { formatCount, formatMoney, formatRate, pageLocale } from '../domain/money.ts'
import { openOrder, openWhy } from '../why/open.ts'
import { Badge } from '../ui/badge.tsx'
import { storeLabel } from '../stores/label.ts'
import { Button } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { classes } from '../ui/classes.ts'
import { useNow } from '../ui/clock.ts'
import { Export } from '../ui/export.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { Empty, Failed, Skeleton } from '../ui/states.tsx'
import { StageBadge, stageLooks } from './stage.tsx'

const PAGE = 12

const filters = [
  { value: 'all', label: 'All' },
  { value: 'open', label: 'Open' },
  { value: 'abandoned', label: 'Abandoned' },
  { value: 'recovered', label: 'Recovered' },
  { value: 'converted', label: 'Converted' },
] as const

type Filter = (typeof filters)[number]['value']

interface CheckoutsPanelProps {
  question: Question
  stores: readonly Store[]
  timezone: string
  /** The page's filters do not reach it: checkouts have no channel and no country. */
  unfiltered: boolean
}

export function CheckoutsPanel({ question, stores, timezone, unfiltered }: CheckoutsPanelProps) {
  const [filter, setFilter] = useState<Filter>('all')
  const stage: Stage | null = filter === 'all' ? null : filter
  const list = useInfiniteQuery({
    queryKey: ['checkouts', question, stage],
    queryFn: ({ pageParam, signal }) => api.checkouts(question, stage, pageParam, PAGE, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  })
  const summary = list.data?.pages[0]?.summary
  const currency = list.data?.pages[0]?.currency ?? 'USD'
  const rows = list.data?.pages.flatMap((page) => page.checkouts) ?? []

  return (
    <Card
      title="Checkouts"
      aside={
        <div className="flex flex-wrap items-center gap-1">
          {unfiltered && <span className="mr-2 text-[13px] text-ink-3">not filtered</span>}
          <Segmented label="Stage" value={filter} options={filters} onChange={setFilter} />
          <Export what="the checkouts" path="/api/analytics/checkouts" query={{ ...question, stage }} />
        </div>
      }
    >
      {list.isError && !list.data ? (
        <Failed what="Checkouts" error={list.error} onRetry={() => void list.refetch()} />
      ) : (
        <>
          <Summary summary={summary} currency={currency} />
          {list.data && rows.length === 0 ? (
            <Empty icon={<ShoppingCart aria-hidden className="size-5" />} title={emptyTitle(filter)}>
              Checkouts appear as soon as a shopper leaves an e-mail address or phone number.
            </Empty>
          ) : (
            <div className={classes('transition-opacity', list.isPlaceholderData && 'opacity-60')}>
              <CheckoutTable
                rows={rows}
                stores={question.store ? [] : stores}
                timezone={timezone}
                loading={!list.data}
              />
            </div>
          )}
          {list.hasNextPage && (
            <div className="border-t border-line p-2 text-center">
              <Button look="ghost" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
                Show more
              </Button>
            </div>
          )}
        </>
      )}
    </Card>
  )
}

function emptyTitle(filter: Filter): string {
  return filter === 'all' ? 'No checkouts in this period' : `No ${filter} checkouts in this period`
}

interface Told {
  readonly label: string
  /** The measure that it is, if it is one: it can be asked why it is so. */
  readonly why?: MeasureName
  readonly value: string | undefined
}

const stageMeasures: Partial<Record<Stage, MeasureName>> = {
  recovered: 'recovered_checkouts',
  converted: 'converted_checkouts',
}

function Summary({ summary, currency }: { summary: CheckoutSummary | undefined; currency: string }) {
  const parts: readonly Stage[] = ['open', 'abandoned', 'recovered', 'converted']
  const total = summary ? parts.reduce((sum, part) => sum + summary[part], 0) : 0
  const money: readonly Told[] = [
    {
      label: 'Lost so far',
      why: 'abandoned_value',
      value: summary && formatMoney(summary.abandoned_value, currency),
    },
    {
      label: 'Recovered sales',
      why: 'recovered_sales',
      value: summary && formatMoney(summary.recovered_sales, currency),
    },
    {
      label: 'Recovery rate',
      why: 'recovered_checkout_rate',
      value: summary && formatRate(summary.recovered_checkout_rate),
    },
  ]
  return (
    <div className="border-b border-line px-5 pt-1 pb-3">
      <div aria-hidden className="mb-3 flex h-1.5 gap-0.5 overflow-hidden rounded-full bg-sunken">
        {summary &&
          parts.map((part) =>
            summary[part] > 0 ? (
              <span
                key={part}
                className={classes('transition-[flex-grow] duration-500', stageLooks[part].bar)}
                style={{ flexGrow: summary[part] / total, flexBasis: 0, minWidth: 3 }}
              />
            ) : null,
          )}
      </div>
      <dl className="grid grid-cols-12 gap-x-2 gap-y-2.5 figures md:flex md:flex-wrap md:gap-x-8">
        {parts.map((part) => (
          <div key={part} className="col-span-3">
            <dt className="flex items-center gap-1.5 text-[13px] text-ink-3 max-md:text-xs">
              <span aria-hidden className={classes('size-2 rounded-full', stageLooks[part].bar)} />
              <WhyLabel label={stageLooks[part].word} why={stageMeasures[part]} />
            </dt>
            <dd className="font-semibold">
              {summary ? formatCount(summary[part]) : <Skeleton className="h-5 w-8" />}
            </dd>
          </div>
        ))}
        <div aria-hidden className="w-px self-stretch bg-line max-md:hidden" />
        {money.map(({ label, why, value }) => (
          <div key={label} className="col-span-4">
            <dt className="text-[13px] text-ink-3 max-md:text-xs">
              <WhyLabel label={label} why={why} />
            </dt>
            <dd className="font-semibold">{value ?? <Skeleton className="h-5 w-16" />}</dd>
          </div>
        ))}
      </dl>
      {summary && <CountedApart summary={summary} currency={currency} />}
    </div>
  )
}

function WhyLabel({ label, why }: { label: string; why: MeasureName | undefined }) {
  if (!why) return label
  return (
    <button
      type="button"
      title={`Why is ${label.toLowerCase()} so?`}
      onClick={() => openWhy(why)}
      className="rounded decoration-line-strong underline-offset-4 hover:text-ink hover:underline"
    >
      {label}
      <span className="sr-only">: why is it so?</span>
    </button>
  )
}

/** What is known of checkouts and yet in none of the figures above, and why it is not. */
function CountedApart({ summary, currency }: { summary: CheckoutSummary; currency: string }) {
  const { abandonments, inferred_recoveries: inferred } = summary
  return (
    <details className="mt-3 text-[13px] text-ink-3 figures">
      <summary className="w-fit rounded hover:text-ink">
        Counted apart: {formatCount(inferred)} probably bought after all,{' '}
        {formatMoney(summary.inferred_recovered_sales, currency)}
      </summary>
      <dl className="mt-2 grid max-w-prose gap-2 leading-5">
        <div>
          <dt className="font-medium text-ink-2">
            <WhyLabel
              label={`Probably bought after all: ${formatCount(inferred)}`}
              why="inferred_recoveries"
            />
          </dt>
          <dd>
            The same customer placed an order soon after leaving, by another checkout. That it was the same
            purchase is a guess: it is never in the recovery rate, and the checkout stays in what is lost.
          </dd>
        </div>
        <div>
          <dt className="font-medium text-ink-2">
            <WhyLabel label={`Times shoppers left: ${formatCount(abandonments)}`} why="abandonments" />
          </dt>
          <dd>Who comes back to a checkout and leaves again counts twice here, and once as abandoned.</dd>
        </div>
        <div>
          <dt className="font-medium text-ink-2">
            <WhyLabel label="Twins count once" why="checkouts" />
          </dt>
          <dd>
            Checkouts that one customer had open at about the same time are one shopper on two devices. Only
            the one that was bought from counts, else the one used last; the other is marked Twin in the list.
          </dd>
        </div>
      </dl>
    </details>
  )
}

interface CheckoutTableProps {
  rows: readonly Checkout[]
  stores: readonly Store[]
  timezone: string
  loading: boolean
}

function CheckoutTable({ rows, stores, timezone, loading }: CheckoutTableProps) {
  return (
    <table className="w-full table-fixed figures">
      <thead className="text-[13px] text-ink-3">
        <tr>
          <th scope="col" className="py-2 pl-5 text-left font-medium">
            Shopper
          </th>
          <th scope="col" className="w-36 py-2 text-left font-medium">
            Stage
          </th>
          <th scope="col" className="w-16 py-2 text-right font-medium max-sm:hidden">
            Active
          </th>
          <th scope="col" className="w-28 py-2 text-right font-medium max-sm:pr-5">
            Total
          </th>
          <th scope="col" className="w-40 py-2 pr-5 text-right font-medium max-sm:hidden">
            Outcome
          </th>
        </tr>
      </thead>
      <tbody>
        {loading
          ? Array.from({ length: 6 }, (_, index) => (
              <tr key={index}>
                <td colSpan={5} className="px-5 py-2">
                  <Skeleton className="h-5" />
                </td>
              </tr>
            ))
          : rows.map((row) => (
              <CheckoutRow
                key={`${row.store} ${row.token}`}
                row={row}
                store={stores.length > 1 ? stores.find((each) => each.id === row.store) : undefined}
                timezone={timezone}
              />
            ))}
      </tbody>
    </table>
  )
}

function CheckoutRow({
  row,
  store,
  timezone,
}: {
  row: Checkout
  store: Store | undefined
  timezone: string
}) {
  const now = useNow(15_000)
  const locale = pageLocale()
  const exact = new Intl.DateTimeFormat(locale, {
    timeZone: timezone,
    dateStyle: 'medium',
    timeStyle: 'short',
  })
  return (
    <tr className="border-t border-line hover:bg-sunken/60">
      <th
        scope="row"
        className="truncate py-2 pr-2 pl-5 text-left font-normal"
        title={row.email ?? undefined}
      >
        {row.customer_name || row.email || 'Unknown shopper'}
        {row.customer_name && row.email && (
          <span className="ml-2 text-[13px] text-ink-3 max-md:hidden">{row.email}</span>
        )}
        {row.abandonments > 1 && (
          <span className="ml-2 text-[13px] text-ink-3">left {formatCount(row.abandonments)} times</span>
        )}
        {store && <span className="ml-2 text-[13px] text-ink-3 max-md:hidden">{storeLabel(store)}</span>}
      </th>
      <td className="py-2">
        <span className="flex items-center gap-1">
          <StageBadge stage={row.stage} />
          {row.twin_of && (
            <span title="The same shopper’s other checkout counts in its place.">
              <Badge>Twin</Badge>
            </span>
          )}
        </span>
      </td>
      <td
        className="py-2 text-right text-ink-3 max-sm:hidden"
        title={exact.format(new Date(row.last_active_at))}
      >
        {elapsed(row.last_active_at, now, locale)}
      </td>
      <td className="py-2 text-right font-medium max-sm:pr-5">{formatMoney(row.total, row.currency)}</td>
      <td className="truncate py-2 pr-5 text-right max-sm:hidden">
        <Outcome row={row} />
      </td>
    </tr>
  )
}

function Outcome({ row }: { row: Checkout }) {
  if (row.order_id) return <OrderLink order={row.order_id} name={row.order_name} store={row.store} />
  if (row.inferred_order_id) {
    return (
      <span className="text-ink-3" title="The same customer’s order soon after. Not in the recovery rate.">
        probably <OrderLink order={row.inferred_order_id} name={row.inferred_order_name} store={row.store} />
      </span>
    )
  }
  // Only an address that leads to a shop's own page is made a link.
  if (row.stage !== 'abandoned' || !row.recovery_url?.startsWith('https://'))
    return <span className="text-ink-3">–</span>
  return (
    <a
      href={row.recovery_url}
      target="_blank"
      rel="noreferrer"
      className="inline-flex items-center gap-1 rounded text-accent hover:underline"
    >
      Recovery link
      <ExternalLink aria-hidden className="size-3.5" />
      <span className="sr-only"> for {row.email ?? row.customer_name}, opens in a new tab</span>
    </a>
  )
}

function OrderLink({ order, name, store }: { order: string; name: string | null; store: string }) {
  return (
    <button
      type="button"
      title="What made this order what it is"
      onClick={() => openOrder(order, store)}
      className="rounded text-accent hover:underline"
    >
      {name ?? `Order ${order}`}
    </button>
  )
}
