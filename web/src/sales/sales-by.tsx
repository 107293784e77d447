import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { Layers } from 'lucide-react'
import { useState } from 'react'
import { api, type FilteredQuestion } from '../api/client.ts'
import type { BreakdownRow, BreakdownSort } from '../api/shapes.ts'
import {
  dimension,
  dimensions,
  isDimension,
  valueNote,
  valueWords,
  type Dimension,
} from '../domain/dimensions.ts'
import { formatMeasure } from '../domain/measures.ts'
import { formatMoney, formatRate } from '../domain/money.ts'
import { Card } from '../ui/card.tsx'
import { classes } from '../ui/classes.ts'
import { Export } from '../ui/export.tsx'
import { setSearch, usePlace } from '../ui/location.tsx'
import { Select } from '../ui/select.tsx'
import { Empty, Failed } from '../ui/states.tsx'
import { More, Table, type Column } from '../ui/table.tsx'

const PAGE = 8
const options = dimensions.map(({ by, label }) => ({ value: by, label }))

/** Sales by one thing that orders differ in; a value becomes a filter of the whole page where it can. */
export function SalesBy({ question }: { question: FilteredQuestion }) {
  const { search } = usePlace()
  const named = search.get('by')
  const by: Dimension = isDimension(named) ? named : 'channel'
  const [sort, setSort] = useState<BreakdownSort>('total_sales')
  const list = useInfiniteQuery({
    queryKey: ['breakdown', question, by, sort],
    queryFn: ({ pageParam, signal }) => api.breakdown(question, by, sort, pageParam, PAGE, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  })
  const pages = list.data?.pages
  const rows = pages?.flatMap((page) => page.rows)
  // While the next answer comes, the values on show are still of the dimension before.
  const shown = pages?.[0]?.by ?? by
  return (
    <Card
      title={`Sales by ${dimension(by).label.toLowerCase()}`}
      aside={
        <div className="flex items-center gap-1">
          <Select
            label="Tell sales apart by"
            bare
            className="w-40"
            value={by}
            options={options}
            onChange={(event) => setSearch({ by: event.target.value }, 'replace')}
          />
          <Export
            what={`sales by ${dimension(by).label.toLowerCase()}`}
            path="/api/analytics/breakdown"
            query={{ ...question, by, sort }}
          />
        </div>
      }
    >
      {list.isError && !list.data ? (
        <Failed what="The breakdown" error={list.error} onRetry={() => void list.refetch()} />
      ) : rows?.length === 0 ? (
        <Empty icon={<Layers aria-hidden className="size-5" />} title="No sales in this period">
          Rows appear with the first order that counts in it.
        </Empty>
      ) : (
        <div className={classes('pb-2 transition-opacity', list.isPlaceholderData && 'opacity-60')}>
          <Table
            caption={`Sales by ${dimension(shown).label.toLowerCase()}`}
            columns={columnsOf(shown, pages?.[0]?.currency ?? 'USD')}
            rows={rows}
            keyOf={(row) => row.value}
            loading={5}
            sort={sort}
            onSort={setSort}
          />
          <Note by={shown} />
        </div>
      )}
      <More list={list} />
    </Card>
  )
}

function columnsOf(by: Dimension, currency: string): readonly Column<BreakdownRow, BreakdownSort>[] {
  const money = (amount: string | null) => formatMeasure(amount, 'money', currency)
  const counted = (count: number | null) => formatMeasure(count, 'count', currency)
  // Of types and collections, how many orders had them is not told: an order may have several.
  const ordered = by !== 'product_type' && by !== 'collection'
  return [
    { id: 'value', head: dimension(by).label, cell: (row) => <Value by={by} row={row} /> },
    {
      id: 'orders',
      head: 'Orders',
      width: 'w-16',
      hide: 'sm',
      ...(ordered ? { sort: 'orders' as const } : {}),
      cell: (row) => counted(row.orders),
    },
    {
      id: 'units',
      head: 'Units',
      width: 'w-16',
      hide: 'md',
      sort: 'units_sold',
      cell: (row) => counted(row.units_sold),
    },
    {
      id: 'gross',
      head: 'Gross',
      width: 'w-28',
      hide: 'lg',
      sort: 'gross_sales',
      cell: (row) => money(row.gross_sales),
    },
    {
      id: 'net',
      head: 'Net',
      width: 'w-28',
      hide: 'md',
      sort: 'net_sales',
      cell: (row) => money(row.net_sales),
    },
    {
      id: 'total',
      head: 'Total sales',
      width: 'w-32',
      sort: 'total_sales',
      cell: (row) => <span className="font-medium">{formatMoney(row.total_sales, currency)}</span>,
    },
    {
      id: 'share',
      head: 'Share',
      width: 'w-20',
      hide: 'sm',
      quiet: true,
      cell: (row) => formatRate(row.share),
    },
  ]
}

function Value({ by, row }: { by: Dimension; row: BreakdownRow }) {
  const { filter, label } = dimension(by)
  const words = valueWords(by, row.value, row.label)
  return (
    <>
      {filter ? (
        <button
          type="button"
          title={valueNote(by, row.value) ?? `Show only ${words}`}
          onClick={() => setSearch({ [filter]: row.value })}
          className="max-w-full truncate rounded text-left text-accent hover:underline"
        >
          {words}
          <span className="sr-only">, show only this {label.toLowerCase()}</span>
        </button>
      ) : (
        <span title={words}>{words}</span>
      )}
      <span aria-hidden className="mt-1 block h-1 overflow-hidden rounded-full bg-sunken">
        <span className="block h-full rounded-full bg-accent" style={{ width: barWidth(row.share) }} />
      </span>
    </>
  )
}

/** A share may be negative, where more went back than was sold, and then has no bar. */
export function barWidth(share: number | null): string {
  return `${Math.round(Math.min(1, Math.max(0, share ?? 0)) * 1000) / 10}%`
}

const ofLines: ReadonlySet<Dimension> = new Set([
  'product',
  'variant',
  'vendor',
  'product_type',
  'collection',
])

/** What the rows of such a table do not add up to, said before somebody tries. */
function Note({ by }: { by: Dimension }) {
  const notes = [
    ofLines.has(by) && 'Shipping, duties and fees belong to no line and are left out.',
    by === 'discount_code' && 'An order with two codes counts under each.',
    by === 'collection' &&
      'A product in two collections counts in each. Only smart collections: who is in a custom one is in no webhook.',
  ].filter(Boolean)
  if (notes.length === 0) return null
  return <p className="px-5 pt-2 pb-2 text-[13px] text-ink-3">{notes.join(' ')}</p>
}
