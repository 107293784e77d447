import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { CalendarClock } from 'lucide-react'
import { useState } from 'react'
import { api, type FilteredQuestion } from '../api/client.ts'
import type { HeatMap as HeatMapAnswer, HeatMapCell } from '../api/shapes.ts'
import { weekdayNames } from '../domain/calendar.ts'
import { busiest, heatRows, type HeatMeasure } from '../domain/heat.ts'
import { formatMeasure } from '../domain/measures.ts'
import { pageLocale } from '../domain/money.ts'
import { Card } from '../ui/card.tsx'
import { classes } from '../ui/classes.ts'
import { Export } from '../ui/export.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { Empty, Failed, Skeleton } from '../ui/states.tsx'

const measures = [
  { value: 'orders', label: 'Orders' },
  { value: 'total_sales', label: 'Total sales' },
] as const

/** When the shop sells: the hours of the week, added up over the range. */
export function HeatMap({ question }: { question: FilteredQuestion }) {
  const [measure, setMeasure] = useState<HeatMeasure>('orders')
  const map = useQuery({
    queryKey: ['heat', question],
    queryFn: ({ signal }) => api.heatMap(question, signal),
    placeholderData: keepPreviousData,
  })
  const { data } = map
  return (
    <Card
      title="Hours of the week"
      aside={
        <div className="flex items-center gap-1">
          <Segmented label="What is counted" value={measure} options={measures} onChange={setMeasure} />
          <Export what="the hours of the week" path="/api/analytics/heat-map" query={{ ...question }} />
        </div>
      }
    >
      {map.isError && !data ? (
        <Failed what="The hours" error={map.error} onRetry={() => void map.refetch()} />
      ) : !data ? (
        <Skeleton className="mx-5 mt-2 mb-5 h-44" />
      ) : busiest(data.cells, measure) === null ? (
        <Empty icon={<CalendarClock aria-hidden className="size-5" />} title="No sales in this period">
          Each hour of the week darkens with what was sold in it.
        </Empty>
      ) : (
        <div className={classes('px-5 pt-1 pb-4 transition-opacity', map.isPlaceholderData && 'opacity-60')}>
          <Grid data={data} measure={measure} />
          <Busiest data={data} measure={measure} />
        </div>
      )}
    </Card>
  )
}

/** `14:00`, `2 PM`: an hour of no day in particular. */
function hourName(hour: number): string {
  const format = new Intl.DateTimeFormat(pageLocale(), { timeZone: 'UTC', hour: 'numeric' })
  return format.format(new Date(Date.UTC(2024, 0, 1, hour)))
}

function worth(cell: HeatMapCell, measure: HeatMeasure, currency: string): string {
  const sales = formatMeasure(cell.total_sales, 'money', currency)
  if (measure === 'total_sales') return sales
  return `${formatMeasure(cell.orders, 'count', currency)} ${cell.orders === 1 ? 'order' : 'orders'}`
}

function Grid({ data, measure }: { data: HeatMapAnswer; measure: HeatMeasure }) {
  const days = weekdayNames(pageLocale())
  return (
    <table className="w-full table-fixed border-separate border-spacing-[2px] text-xs text-ink-3 figures">
      <caption className="sr-only">
        {measure === 'orders' ? 'Orders' : 'Total sales'} by hour of the week, in {data.timezone}
      </caption>
      <thead>
        <tr>
          <th scope="col" className="w-9">
            <span className="sr-only">Day</span>
          </th>
          {Array.from({ length: 24 }, (_, hour) => (
            <th key={hour} scope="col" className="relative h-5 p-0 font-normal">
              {/* Every sixth is written; the others are read to those who listen. */}
              <span className={classes('absolute left-0 whitespace-nowrap', hour % 6 > 0 && 'sr-only')}>
                {hourName(hour)}
              </span>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {heatRows(data.cells, measure).map(({ weekday, hours }) => (
          <tr key={weekday}>
            <th scope="row" className="w-9 p-0 text-left font-normal">
              {days[weekday - 1]}
            </th>
            {hours.map(({ cell, level }) => (
              <td
                key={cell.hour}
                title={`${days[weekday - 1]} ${hourName(cell.hour)}: ${worth(cell, measure, data.currency)}`}
                className="h-6 rounded-[4px] p-0"
                style={{ background: shade(level) }}
              >
                <span className="sr-only">{worth(cell, measure, data.currency)}</span>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** What sold anything is told from what sold nothing, however little it is. */
function shade(level: number): string {
  if (level <= 0) return 'var(--sunken)'
  return `color-mix(in oklab, var(--accent) ${Math.round(12 + level * 88)}%, var(--sunken))`
}

function Busiest({ data, measure }: { data: HeatMapAnswer; measure: HeatMeasure }) {
  const best = busiest(data.cells, measure)
  if (!best) return null
  const day = weekdayNames(pageLocale())[best.weekday - 1]
  return (
    <p className="mt-3 text-[13px] text-ink-3">
      Most on <span className="font-medium text-ink">{day}</span> from{' '}
      <span className="font-medium text-ink">{hourName(best.hour)}</span>:{' '}
      {worth(best, measure, data.currency)} over the period. Times of {data.timezone}.
    </p>
  )
}
