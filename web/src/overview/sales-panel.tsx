import type { UseQueryResult } from '@tanstack/react-query'
import { ChartSpline, Table2 } from 'lucide-react'
import { lazy, Suspense, useMemo, useState } from 'react'
import type { Point, SalesOverTime, Stats } from '../api/shapes.ts'
import { formatMeasure, measure, type MeasureName } from '../domain/measures.ts'
import { pageLocale } from '../domain/money.ts'
import { formatPointFully, formatRange, type Range } from '../domain/ranges.ts'
import { Card } from '../ui/card.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { Empty, Failed, Skeleton } from '../ui/states.tsx'
import { chartRows, type ChartRow } from './chart-rows.ts'

const SalesChart = lazy(() => import('./sales-chart.tsx'))

const views = [
  {
    value: 'chart',
    label: (
      <>
        <ChartSpline aria-hidden className="size-3.5" />
        Chart
      </>
    ),
  },
  {
    value: 'table',
    label: (
      <>
        <Table2 aria-hidden className="size-3.5" />
        Table
      </>
    ),
  },
] as const

interface SalesPanelProps {
  measureName: MeasureName
  stats: Stats | undefined
  series: UseQueryResult<SalesOverTime>
  before: SalesOverTime | undefined
  range: Range
  /** Whether the range reaches into the present. */
  openEnded: boolean
  /** Only some of the orders are asked about, by which not every figure is known. */
  narrowed: boolean
}

export function SalesPanel({
  measureName,
  stats,
  series,
  before,
  range,
  openEnded,
  narrowed,
}: SalesPanelProps) {
  const [view, setView] = useState<'chart' | 'table'>('chart')
  const shown = measure(measureName)
  const { data } = series
  const asOf = stats ? Date.parse(stats.as_of) : Number.POSITIVE_INFINITY
  const name = measureName as keyof Point
  const rows = useMemo(
    () => (data ? chartRows(data.points, before?.points ?? [], name, asOf, openEnded) : []),
    [data, before, name, asOf, openEnded],
  )

  return (
    <Card
      title={`${shown.label} over time`}
      aside={<Segmented label="Show as" value={view} options={views} onChange={setView} />}
    >
      <Legend range={range} before={before ? (stats?.comparison ?? null) : null} />
      <div className="h-[280px] px-2 pb-3 sm:px-3">
        {series.isError && !data ? (
          <Failed what="The chart" error={series.error} onRetry={() => void series.refetch()} />
        ) : !data ? (
          <Skeleton className="mx-2 mt-2 h-[252px] rounded-lg" />
        ) : view === 'table' ? (
          <PointsTable rows={rows} series={data} label={shown.label} unit={shown.unit} />
        ) : isFlat(rows) ? (
          <div className="grid h-full place-items-center">
            {narrowed && rows.every((row) => row.exact === null || row.exact === undefined) ? (
              <Empty title={`${shown.label} are not known by this filter`}>
                Remove the filter, or choose another figure.
              </Empty>
            ) : (
              <Empty title="Nothing in this period yet">The line begins with the first order.</Empty>
            )}
          </div>
        ) : (
          <Suspense fallback={<Skeleton className="mx-2 mt-2 h-[252px] rounded-lg" />}>
            <SalesChart rows={rows} series={data} unit={shown.unit} label={shown.label} />
          </Suspense>
        )}
      </div>
    </Card>
  )
}

function isFlat(rows: readonly ChartRow[]): boolean {
  return rows.every((row) => !row.value && !row.unfinished && !row.before)
}

function Legend({ range, before }: { range: Range; before: Stats['comparison'] }) {
  return (
    <div className="flex flex-wrap gap-x-5 gap-y-1 px-5 pb-2 text-[13px] text-ink-3 figures">
      <span className="flex items-center gap-2">
        <svg aria-hidden viewBox="0 0 16 4" className="h-1 w-4 text-accent">
          <path d="M1 2h14" stroke="currentColor" strokeWidth="2.5" strokeLinecap="round" />
        </svg>
        {formatRange(range, pageLocale())}
      </span>
      {before && (
        <span className="flex items-center gap-2">
          <svg aria-hidden viewBox="0 0 16 4" className="h-1 w-4">
            <path
              d="M1 2h14"
              stroke="currentColor"
              strokeWidth="2"
              strokeLinecap="round"
              strokeDasharray="3 3.5"
            />
          </svg>
          {formatRange(before, pageLocale())}
        </span>
      )}
    </div>
  )
}

interface PointsTableProps {
  rows: readonly ChartRow[]
  series: SalesOverTime
  label: string
  unit: 'money' | 'count' | 'rate'
}

function PointsTable({ rows, series, label, unit }: PointsTableProps) {
  const compared = rows.some((row) => row.exactBefore !== undefined)
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scroller must be reachable by keyboard
    <div tabIndex={0} className="h-full overflow-y-auto rounded-lg px-2">
      <table className="w-full figures">
        <caption className="sr-only">{label} over time</caption>
        <thead className="sticky top-0 bg-surface text-[13px] text-ink-3">
          <tr>
            <th scope="col" className="py-2 text-left font-medium">
              Time
            </th>
            <th scope="col" className="py-2 text-right font-medium">
              {label}
            </th>
            {compared && (
              <th scope="col" className="py-2 text-right font-medium">
                Earlier period
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key} className="border-t border-line">
              <th scope="row" className="py-1.5 text-left font-normal text-ink-2">
                {row.start
                  ? formatPointFully(row.start, series.interval, series.timezone, pageLocale())
                  : '–'}
              </th>
              <td className="py-1.5 text-right">{formatMeasure(row.exact, unit, series.currency)}</td>
              {compared && (
                <td className="py-1.5 text-right text-ink-3">
                  {formatMeasure(row.exactBefore, unit, series.currency)}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
