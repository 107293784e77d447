import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { Users } from 'lucide-react'
import { useState } from 'react'
import { api, type Question } from '../api/client.ts'
import { Card } from '../ui/card.tsx'
import { classes } from '../ui/classes.ts'
import { Export } from '../ui/export.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { Empty, Failed } from '../ui/states.tsx'
import { More, Table } from '../ui/table.tsx'
import { customerColumns } from './columns.tsx'

const PAGE = 15

const kinds = [
  { value: 'all', label: 'All' },
  { value: 'repeat', label: 'Repeat' },
  { value: 'one_time', label: 'One order' },
  { value: 'none', label: 'No order' },
] as const

type Kind = (typeof kinds)[number]['value']

/** Everybody the shop knows, the newest first, with what they have been worth. */
export function CustomersList({ question }: { question: Question }) {
  const [kind, setKind] = useState<Kind>('all')
  const wanted = kind === 'all' ? null : kind
  const list = useInfiniteQuery({
    // Lifetime value is the same for every range: only the store matters to the key.
    queryKey: ['people', question.store, wanted],
    queryFn: ({ pageParam, signal }) => api.customers(question, wanted, pageParam, PAGE, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  })
  const first = list.data?.pages[0]
  const rows = list.data?.pages.flatMap((page) => page.customers)
  return (
    <Card
      title="All customers, the newest first"
      aside={
        <div className="flex items-center gap-1">
          <Segmented label="Which customers" value={kind} options={kinds} onChange={setKind} />
          <Export
            what="the customers"
            path="/api/analytics/customers"
            query={{ store: question.store, kind: wanted }}
          />
        </div>
      }
    >
      {list.isError && !list.data ? (
        <Failed what="Customers" error={list.error} onRetry={() => void list.refetch()} />
      ) : rows?.length === 0 ? (
        <Empty icon={<Users aria-hidden className="size-5" />} title="Nobody yet">
          Customers appear as soon as the shop knows them.
        </Empty>
      ) : (
        <div className={classes('transition-opacity', list.isPlaceholderData && 'opacity-60')}>
          <Table
            caption="Customers"
            columns={customerColumns(first?.currency ?? 'USD', first?.timezone)}
            rows={rows}
            keyOf={(row) => `${row.store} ${row.id}`}
          />
        </div>
      )}
      <More list={list} />
    </Card>
  )
}
