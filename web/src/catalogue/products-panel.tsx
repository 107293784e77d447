import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { Package } from 'lucide-react'
import { useState } from 'react'
import { api, type Question } from '../api/client.ts'
import type { Product, ProductSort } from '../api/shapes.ts'
import { formatCount, formatMoney } from '../domain/money.ts'
import { onward } from '../overview/scope.ts'
import { useChosenByServer } from '../overview/server-choice.ts'
import { Badge } from '../ui/badge.tsx'
import { Card } from '../ui/card.tsx'
import { classes } from '../ui/classes.ts'
import { Export } from '../ui/export.tsx'
import { Link, usePlace } from '../ui/location.tsx'
import { Empty, Failed } from '../ui/states.tsx'
import { More, Table, type Column } from '../ui/table.tsx'
import { Lasts } from './lasts.tsx'

const PAGE = 25

/** All products, with what was sold of each in the range and what is left. */
export function ProductsPanel({ question }: { question: Question }) {
  const [sort, setSort] = useState<ProductSort>('net_sales')
  const list = useInfiniteQuery({
    queryKey: ['products', question, sort],
    queryFn: ({ pageParam, signal }) => api.products(question, sort, pageParam, PAGE, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  })
  useChosenByServer(list.error)
  const rows = list.data?.pages.flatMap((page) => page.products)
  return (
    <Card
      title="Products"
      aside={<Export what="the products" path="/api/analytics/products" query={{ ...question, sort }} />}
    >
      {list.isError && !list.data ? (
        <Failed what="Products" error={list.error} onRetry={() => void list.refetch()} />
      ) : rows?.length === 0 ? (
        <Empty icon={<Package aria-hidden className="size-5" />} title="No products yet">
          They appear as soon as the shop makes or changes one.
        </Empty>
      ) : (
        <div className={classes('transition-opacity', list.isPlaceholderData && 'opacity-60')}>
          <Table
            caption="Products"
            columns={columnsOf(list.data?.pages[0]?.currency ?? 'USD')}
            rows={rows}
            keyOf={(row) => `${row.store} ${row.id}`}
            loading={10}
            sort={sort}
            onSort={setSort}
          />
        </div>
      )}
      <More list={list} />
    </Card>
  )
}

function columnsOf(currency: string): readonly Column<Product, ProductSort>[] {
  const money = (amount: string) => formatMoney(amount, currency)
  return [
    { id: 'product', head: 'Product', cell: (row) => <Title product={row} /> },
    {
      id: 'orders',
      head: 'Orders',
      width: 'w-20',
      hide: 'lg',
      sort: 'orders',
      cell: (row) => formatCount(row.orders),
    },
    {
      id: 'sold',
      head: 'Sold',
      width: 'w-16',
      hide: 'sm',
      sort: 'units_sold',
      cell: (row) => formatCount(row.units_sold),
    },
    {
      id: 'reversed',
      head: 'Reversed',
      width: 'w-24',
      hide: 'lg',
      sort: 'units_reversed',
      quiet: true,
      cell: (row) => formatCount(row.units_reversed),
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
      sort: 'net_sales',
      cell: (row) => <span className="font-medium">{money(row.net_sales)}</span>,
    },
    {
      id: 'on_hand',
      head: 'On hand',
      width: 'w-24',
      hide: 'md',
      sort: 'on_hand',
      cell: (row) => (row.on_hand === null ? '–' : formatCount(row.on_hand)),
    },
    {
      id: 'lasts',
      head: 'Lasts',
      width: 'w-28',
      hide: 'sm',
      sort: 'days_of_stock',
      ascending: true,
      cell: (row) => <Lasts onHand={row.on_hand} days={row.days_of_stock} />,
    },
  ]
}

/** A product leads to the overview of its sales. */
function Title({ product }: { product: Product }) {
  const { search } = usePlace()
  const title = product.title || `Product ${product.id}`
  const about = [product.vendor, product.product_type].filter(Boolean).join(' · ')
  return (
    <>
      <span className="flex items-center gap-2">
        <Link
          href={onward('/', search, { product: product.id, by: 'variant' })}
          title={`Show the sales of ${title}`}
          className="truncate rounded text-accent hover:underline"
        >
          {title}
        </Link>
        {product.status && product.status !== 'active' && <Badge>{product.status}</Badge>}
      </span>
      {about && <span className="block truncate text-[13px] text-ink-3">{about}</span>}
    </>
  )
}
