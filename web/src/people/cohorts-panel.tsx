import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { CalendarRange } from 'lucide-react'
import { useState } from 'react'
import { api, type Question } from '../api/client.ts'
import type { CohortPeriod, Cohorts } from '../api/shapes.ts'
import {
  cohortLevel,
  cohortRange,
  cohortRows,
  type CohortMeasure,
  type CohortRow,
} from '../domain/cohorts.ts'
import { formatCount, formatMoney, formatRate, pageLocale } from '../domain/money.ts'
import { Card } from '../ui/card.tsx'
import { classes } from '../ui/classes.ts'
import { Export } from '../ui/export.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { Empty, Failed, Skeleton } from '../ui/states.tsx'

const measures = [
  { value: 'retention', label: 'Came back' },
  { value: 'spent_per_customer', label: 'Spent' },
] as const

/** Customers by the month of their first order, and what they did since. */
export function CohortsPanel({ question }: { question: Question }) {
  const [measure, setMeasure] = useState<CohortMeasure>('retention')
  const asked = { ...cohortRange(question), store: question.store }
  const cohorts = useQuery({
    queryKey: ['cohorts', asked],
    queryFn: ({ signal }) => api.cohorts(asked, signal),
    placeholderData: keepPreviousData,
  })
  const { data } = cohorts
  return (
    <Card
      title="By month of the first order"
      aside={
        <div className="flex items-center gap-1">
          <Segmented label="What is shown" value={measure} options={measures} onChange={setMeasure} />
          <Export what="the cohorts" path="/api/analytics/cohorts" query={asked} />
        </div>
      }
    >
      {cohorts.isError && !data ? (
        <Failed what="The cohorts" error={cohorts.error} onRetry={() => void cohorts.refetch()} />
      ) : !data ? (
        <Skeleton className="mx-5 mt-2 mb-5 h-64" />
      ) : data.cohorts.length === 0 ? (
        <Empty
          icon={<CalendarRange aria-hidden className="size-5" />}
          title="No first orders in these months"
        >
          Each month with a first order has a row.
        </Empty>
      ) : (
        <div className={classes('transition-opacity', cohorts.isPlaceholderData && 'opacity-60')}>
          <Triangle data={data} measure={measure} />
          <p className="px-5 pt-2 pb-4 text-[13px] text-ink-3">
            {measure === 'retention'
              ? 'The share of each month’s new customers who ordered again so many months later.'
              : 'What each month’s new customers had spent by then, per customer, less what was refunded.'}{' '}
            {asked.from ? '' : 'The last twelve months; choose a longer period to see others.'}
          </p>
        </div>
      )}
    </Card>
  )
}

function monthName(day: string): string {
  const format = new Intl.DateTimeFormat(pageLocale(), { timeZone: 'UTC', month: 'short', year: 'numeric' })
  return format.format(new Date(`${day}T00:00:00Z`))
}

function Triangle({ data, measure }: { data: Cohorts; measure: CohortMeasure }) {
  const rows = cohortRows(data.cohorts)
  const months = rows[0]?.periods.length ?? 0
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scroller must be reachable by keyboard
    <div tabIndex={0} role="group" aria-label="Cohorts" className="relative overflow-x-auto px-5 pt-1">
      <table className="w-full min-w-max border-separate border-spacing-[2px] text-[13px] figures">
        <caption className="sr-only">
          {measure === 'retention' ? 'Customers who ordered again' : 'Spent per customer'}, by month of the
          first order and months since
        </caption>
        <thead className="text-ink-3">
          <tr>
            <th scope="col" className="sticky left-0 bg-surface py-1 pr-3 text-left font-medium">
              First order
            </th>
            <th scope="col" className="px-2 py-1 text-right font-medium">
              Customers
            </th>
            {Array.from({ length: months }, (_, month) => (
              <th key={month} scope="col" className="min-w-14 px-2 py-1 text-right font-medium">
                <span className="sr-only">Month </span>
                {month}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <TriangleRow key={row.cohort.cohort} row={row} data={data} measure={measure} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function TriangleRow({ row, data, measure }: { row: CohortRow; data: Cohorts; measure: CohortMeasure }) {
  return (
    <tr>
      <th scope="row" className="sticky left-0 bg-surface py-1 pr-3 text-left font-normal whitespace-nowrap">
        {monthName(row.cohort.cohort)}
      </th>
      <td className="px-2 py-1 text-right text-ink-2">{formatCount(row.cohort.customers)}</td>
      {row.periods.map((period, month) => (
        <td
          // oxlint-disable-next-line react/no-array-index-key -- a month's place is what it is
          key={month}
          title={period && reading(period, data.currency)}
          className="rounded-[4px] px-2 py-1 text-right"
          style={{ background: shade(cohortLevel(period, measure, data.cohorts)) }}
        >
          {period && shown(period, measure, data.currency)}
        </td>
      ))}
    </tr>
  )
}

function shown(period: CohortPeriod, measure: CohortMeasure, currency: string): string {
  return measure === 'retention'
    ? formatRate(period.retention)
    : formatMoney(period.spent_per_customer, currency)
}

function reading(period: CohortPeriod, currency: string): string {
  const people = `${formatCount(period.customers)} ${period.customers === 1 ? 'customer' : 'customers'}`
  const orders = `${formatCount(period.orders)} ${period.orders === 1 ? 'order' : 'orders'}`
  return `${monthName(period.month)}: ${people}, ${orders}, ${formatMoney(period.total_spent, currency)}`
}

/** Never so dark that the number on it could not be read. */
function shade(level: number): string {
  if (level <= 0) return 'transparent'
  return `color-mix(in oklab, var(--accent) ${Math.round(4 + level * 30)}%, var(--surface))`
}
