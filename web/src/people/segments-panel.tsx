import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { Users, X } from 'lucide-react'
import { api, type Question } from '../api/client.ts'
import type { CustomerSegments, ScoredCustomer, Segment, SegmentName } from '../api/shapes.ts'
import { formatCount, formatMoney, formatRate } from '../domain/money.ts'
import { isSegment, segmentLooks } from '../domain/segments.ts'
import { barWidth } from '../sales/sales-by.tsx'
import { Card } from '../ui/card.tsx'
import { classes } from '../ui/classes.ts'
import { Export } from '../ui/export.tsx'
import { IconButton } from '../ui/button.tsx'
import { setSearch, usePlace } from '../ui/location.tsx'
import { Empty, Failed } from '../ui/states.tsx'
import { More, Table, type Column } from '../ui/table.tsx'
import { customerColumns } from './columns.tsx'

const PAGE = 10

/** The eleven groups, and the customers of the one that the address names. */
export function SegmentsPanel({ question }: { question: Question }) {
  const { search } = usePlace()
  const named = search.get('group')
  const group = isSegment(named) ? named : null
  const list = useInfiniteQuery({
    queryKey: ['segments', question.store, group],
    queryFn: ({ pageParam, signal }) => api.segments(question, group, pageParam, PAGE, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  })
  const first = list.data?.pages[0]
  const total = first?.segments.reduce((sum, each) => sum + each.customers, 0)
  return (
    <Card
      title="Customer groups"
      aside={
        <div className="flex items-center gap-1">
          {first && (
            <span className="text-[13px] text-ink-3 figures">
              {formatCount(first.one_time)} with one order, {formatCount(first.repeat)} with more
            </span>
          )}
          <Export
            what="the groups"
            path="/api/analytics/customer-segments"
            query={{ store: question.store }}
          />
        </div>
      }
    >
      {list.isError && !list.data ? (
        <Failed what="The groups" error={list.error} onRetry={() => void list.refetch()} />
      ) : total === 0 ? (
        <Empty icon={<Users aria-hidden className="size-5" />} title="No customers yet">
          Groups are told apart once people order.
        </Empty>
      ) : (
        <Table
          caption="Groups of customers"
          columns={groupColumns(first?.currency ?? 'USD', group)}
          rows={first?.segments}
          keyOf={(row) => row.group}
          loading={11}
        />
      )}
      {group && first && (
        <Members
          group={group}
          store={question.store}
          pages={list.data?.pages ?? []}
          stale={list.isPlaceholderData}
        />
      )}
      {group && <More list={list} />}
    </Card>
  )
}

function groupColumns(currency: string, chosen: SegmentName | null): readonly Column<Segment>[] {
  return [
    { id: 'group', head: 'Group', cell: (row) => <Group segment={row} chosen={row.group === chosen} /> },
    {
      id: 'customers',
      head: 'Customers',
      width: 'w-24',
      cell: (row) => formatCount(row.customers),
    },
    { id: 'share', head: 'Share', width: 'w-44', hide: 'md', cell: (row) => <Share share={row.share} /> },
    { id: 'spent', head: 'Spent', width: 'w-32', cell: (row) => formatMoney(row.total_spent, currency) },
    {
      id: 'spent_share',
      head: 'Of all spent',
      width: 'w-44',
      hide: 'lg',
      cell: (row) => <Share share={row.spent_share} />,
    },
  ]
}

function Group({ segment, chosen }: { segment: Segment; chosen: boolean }) {
  const { label, about } = segmentLooks[segment.group]
  return (
    <>
      <button
        type="button"
        aria-pressed={chosen}
        onClick={() => setSearch({ group: chosen ? null : segment.group })}
        className={classes('rounded text-accent hover:underline', chosen && 'font-semibold')}
      >
        {label}
      </button>
      <span className="ml-2 text-[13px] text-ink-3 max-lg:hidden" title={about}>
        {about}
      </span>
    </>
  )
}

function Share({ share }: { share: number | null }) {
  return (
    <span className="flex items-center justify-end gap-2">
      <span aria-hidden className="h-1.5 flex-1 overflow-hidden rounded-full bg-sunken">
        <span className="block h-full rounded-full bg-accent" style={{ width: barWidth(share) }} />
      </span>
      <span className="w-12 text-ink-3">{formatRate(share)}</span>
    </span>
  )
}

interface MembersProps {
  group: SegmentName
  store: string | null
  pages: readonly CustomerSegments[]
  stale: boolean
}

function Members({ group, store, pages, stale }: MembersProps) {
  const { label, about } = segmentLooks[group]
  const first = pages[0]
  // While the answer for this group comes, those on show are of the group before.
  const rows = stale ? undefined : pages.flatMap((page) => page.customers)
  return (
    <section aria-label={label} className="border-t border-line-strong">
      <header className="flex items-center justify-between gap-3 px-5 pt-3 pb-1">
        <div className="min-w-0">
          <h3 className="font-semibold">{label}</h3>
          <p className="text-[13px] text-ink-3">
            {about} Scores are of 5, against this shop’s other customers.
          </p>
        </div>
        <div className="flex shrink-0 items-center">
          <Export
            what={`the customers: ${label.toLowerCase()}`}
            path="/api/analytics/customer-segments"
            query={{ store, group }}
          />
          <IconButton label="Close the group" className="size-8" onClick={() => setSearch({ group: null })}>
            <X aria-hidden className="size-4" />
          </IconButton>
        </div>
      </header>
      {rows?.length === 0 ? (
        <Empty title="Nobody is in this group" />
      ) : (
        <Table
          caption={`Customers: ${label}`}
          columns={memberColumns(first?.currency ?? 'USD', first?.timezone)}
          rows={rows}
          keyOf={(row) => `${row.store} ${row.id}`}
          loading={PAGE}
        />
      )}
    </section>
  )
}

function memberColumns(currency: string, timezone: string | undefined): readonly Column<ScoredCustomer>[] {
  const [who, ...others] = customerColumns<ScoredCustomer>(currency, timezone)
  const scores: Column<ScoredCustomer> = {
    id: 'scores',
    head: 'R · F · M',
    width: 'w-24',
    hide: 'sm',
    quiet: true,
    cell: (row) => [row.recency, row.frequency, row.monetary].map((score) => score ?? '–').join(' · '),
  }
  return who ? [who, scores, ...others] : others
}
