/** The chart itself, in a chunk of its own: the figures are on the page before it is loaded. */

import { useState } from 'react'
import {
  Area,
  CartesianGrid,
  ComposedChart,
  Line,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from 'recharts'
import type { SalesOverTime } from '../api/shapes.ts'
import { movement, type Unit } from '../domain/comparison.ts'
import { formatMeasure } from '../domain/measures.ts'
import { formatCount, formatMoneyShort, pageLocale } from '../domain/money.ts'
import { formatPoint, formatPointFully } from '../domain/ranges.ts'
import { Delta } from '../ui/delta.tsx'
import { evenTicks, type ChartRow } from './chart-rows.ts'

interface SalesChartProps {
  rows: readonly ChartRow[]
  series: SalesOverTime
  unit: Unit
  label: string
}

/** Room for a date and the air around it. */
const PIXELS_PER_TICK = 76

const axis = { fontSize: 12, fill: 'var(--ink-3)' }

export default function SalesChart({ rows, series, unit, label }: SalesChartProps) {
  const locale = pageLocale()
  const { interval, timezone, currency } = series
  const [width, setWidth] = useState(0)
  const ticks = evenTicks(rows.length, Math.floor(width / PIXELS_PER_TICK))
  const short = (value: number) => {
    if (unit === 'money') return formatMoneyShort(value, currency, locale)
    return unit === 'rate' ? `${Math.round(value * 100)}%` : formatCount(value, locale)
  }
  // Recharts calls this as a function: nothing in it keeps state that a new identity would lose.
  const reading = ({ active, label: key }: { active?: boolean; label?: string | number }) =>
    active ? <Reading row={rows[Number(key)]} series={series} unit={unit} label={label} /> : null
  return (
    <figure aria-label={`${label} over time. The same numbers are in the table view.`} className="h-full">
      <ResponsiveContainer width="100%" height="100%" onResize={setWidth}>
        <ComposedChart data={[...rows]} margin={{ top: 8, right: 12, bottom: 0, left: 0 }}>
          <defs>
            <linearGradient id="sales-fill" x1="0" y1="0" x2="0" y2="1">
              <stop offset="0%" stopColor="var(--accent)" stopOpacity={0.18} />
              <stop offset="100%" stopColor="var(--accent)" stopOpacity={0.01} />
            </linearGradient>
          </defs>
          <CartesianGrid vertical={false} stroke="var(--line)" />
          <XAxis
            dataKey="key"
            tick={axis}
            tickLine={false}
            axisLine={{ stroke: 'var(--line)' }}
            tickMargin={8}
            interval={0}
            ticks={ticks}
            tickFormatter={(key: number) => {
              const start = rows[key]?.start
              return start ? formatPoint(start, interval, timezone, locale) : ''
            }}
          />
          <YAxis
            tick={axis}
            tickLine={false}
            axisLine={false}
            width="auto"
            tickCount={5}
            allowDecimals={unit !== 'count'}
            tickFormatter={short}
            {...(unit === 'rate' ? { domain: [0, (max: number) => Math.min(1, Math.max(0.1, max))] } : {})}
          />
          <Tooltip
            isAnimationActive={false}
            cursor={{ stroke: 'var(--line-strong)', strokeWidth: 1 }}
            content={reading}
          />
          <Line
            dataKey="before"
            type="monotone"
            stroke="var(--ink-3)"
            strokeOpacity={0.65}
            strokeWidth={1.5}
            strokeDasharray="3 4"
            strokeLinecap="round"
            dot={false}
            activeDot={{ r: 3, fill: 'var(--ink-3)', stroke: 'var(--surface)', strokeWidth: 2 }}
            isAnimationActive={false}
          />
          <Line
            dataKey="unfinished"
            type="monotone"
            stroke="var(--accent)"
            strokeWidth={2}
            strokeDasharray="1 5"
            strokeLinecap="round"
            dot={false}
            activeDot={{ r: 4, fill: 'var(--accent)', stroke: 'var(--surface)', strokeWidth: 2 }}
            isAnimationActive={false}
          />
          <Area
            dataKey="value"
            type="monotone"
            stroke="var(--accent)"
            strokeWidth={2}
            fill="url(#sales-fill)"
            dot={
              rows.filter((row) => row.value !== null).length === 1 ? { r: 3, fill: 'var(--accent)' } : false
            }
            activeDot={{ r: 4, fill: 'var(--accent)', stroke: 'var(--surface)', strokeWidth: 2 }}
            isAnimationActive={false}
          />
        </ComposedChart>
      </ResponsiveContainer>
    </figure>
  )
}

interface ReadingProps extends Omit<SalesChartProps, 'rows'> {
  row: ChartRow | undefined
}

function Reading({ row, series, unit, label }: ReadingProps) {
  if (!row) return null
  const { interval, timezone, currency } = series
  const when = (start: string) => formatPointFully(start, interval, timezone, pageLocale())
  const moved = row.exact === undefined ? null : movement(row.exact, row.exactBefore, unit, 'neither')
  return (
    <div className="min-w-48 rounded-lg border border-line bg-raised px-3 py-2.5 text-[13px] shadow-raised figures">
      <p className="mb-1.5 flex items-center justify-between gap-4 font-medium">
        {label}
        {moved && <Delta movement={moved} />}
      </p>
      {row.start && row.exact !== undefined && (
        <p className="flex justify-between gap-6">
          <span className="text-ink-2">{when(row.start)}</span>
          <span className="font-medium">{formatMeasure(row.exact, unit, currency)}</span>
        </p>
      )}
      {row.startBefore && (
        <p className="mt-0.5 flex justify-between gap-6 text-ink-3">
          <span>{when(row.startBefore)}</span>
          <span>{formatMeasure(row.exactBefore, unit, currency)}</span>
        </p>
      )}
    </div>
  )
}
