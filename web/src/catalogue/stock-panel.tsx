import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { Boxes } from 'lucide-react'
import { api, type Question } from '../api/client.ts'
import type { Inventory, StockedVariant } from '../api/shapes.ts'
import { formatCount, formatMoney } from '../domain/money.ts'
import { Card } from '../ui/card.tsx'
import { classes } from '../ui/classes.ts'
import { Export } from '../ui/export.tsx'
import { Empty, Failed, Skeleton } from '../ui/states.tsx'
import { More, Table, type Column } from '../ui/table.tsx'
import { Lasts } from './lasts.tsx'

const PAGE = 12

/** What is left of each variant, those first that run out first. */
export function StockPanel({ question }: { question: Question }) {
  const list = useInfiniteQuery({
    queryKey: ['inventory', question],
    queryFn: ({ pageParam, signal }) => api.inventory(question, pageParam, PAGE, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  })
  const first = list.data?.pages[0]
  const rows = list.data?.pages.flatMap((page) => page.variants)
  return (
    <Card
      title="Running low"
      aside={<Export what="the inventory" path="/api/analytics/inventory" query={{ ...question }} />}
    >
      {list.isError && !list.data ? (
        <Failed what="The inventory" error={list.error} onRetry={() => void list.refetch()} />
      ) : rows?.length === 0 ? (
        <Empty icon={<Boxes aria-hidden className="size-5" />} title="No stock is known yet">
          It appears with the next product or stock level that the shop changes.
        </Empty>
      ) : (
        <div className={classes('transition-opacity', list.isPlaceholderData && 'opacity-60')}>
          <StockSummary inventory={first} />
          <Table
            caption="Variants, those first that run out first"
            columns={columns}
            rows={rows}
            keyOf={(row) => `${row.store} ${row.variant_id}`}
            loading={8}
          />
          <p className="border-t border-line px-5 py-2.5 text-[13px] text-ink-3">
            Lasts: if it goes on selling as in the chosen period.
          </p>
        </div>
      )}
      <More list={list} />
    </Card>
  )
}

const columns: readonly Column<StockedVariant>[] = [
  { id: 'variant', head: 'Variant', cell: (row) => <Variant variant={row} /> },
  {
    id: 'on_hand',
    head: 'Left',
    width: 'w-16',
    cell: (row) => (row.on_hand === null ? '–' : formatCount(row.on_hand)),
  },
  { id: 'sold', head: 'Sold', width: 'w-16', quiet: true, cell: (row) => formatCount(row.units_sold) },
  {
    id: 'lasts',
    head: 'Lasts',
    width: 'w-28',
    cell: (row) => <Lasts onHand={row.on_hand} days={row.days_of_stock} />,
  },
]

function Variant({ variant }: { variant: StockedVariant }) {
  const title = variant.title || `Variant ${variant.variant_id}`
  const small = [variant.variant_title, variant.sku].filter(Boolean).join(' · ')
  return (
    <>
      <span className="block truncate" title={title}>
        {title}
      </span>
      {small && <span className="block truncate text-[13px] text-ink-3">{small}</span>}
    </>
  )
}

function StockSummary({ inventory }: { inventory: Inventory | undefined }) {
  const { summary, currency = 'USD' } = inventory ?? {}
  const parts = [
    { label: 'Out of stock', value: summary && formatCount(summary.out_of_stock) },
    { label: 'Variants', value: summary && formatCount(summary.variants) },
    { label: 'On hand', value: summary && formatCount(summary.on_hand) },
    {
      label: 'Worth, at cost',
      value: summary && (summary.value === null ? '–' : formatMoney(summary.value, currency)),
    },
  ]
  return (
    <dl className="grid grid-cols-2 gap-x-4 gap-y-2.5 border-b border-line px-5 pt-1 pb-4 figures sm:grid-cols-4 min-[1400px]:grid-cols-2">
      {parts.map(({ label, value }) => (
        <div key={label}>
          <dt className="text-[13px] text-ink-3">{label}</dt>
          <dd className="font-semibold">{value ?? <Skeleton className="h-5 w-16" />}</dd>
        </div>
      ))}
    </dl>
  )
}
