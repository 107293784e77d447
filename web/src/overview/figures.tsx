import { ReceiptText } from 'lucide-react'
import type { Point, Stats } from '../api/shapes.ts'
import { movement } from '../domain/comparison.ts'
import { formatMeasure, measure, type Measure, type MeasureName } from '../domain/measures.ts'
import { approximately, pageLocale } from '../domain/money.ts'
import { formatRange } from '../domain/ranges.ts'
import { classes } from '../ui/classes.ts'
import { Delta } from '../ui/delta.tsx'
import { Skeleton } from '../ui/states.tsx'
import { Tween } from '../ui/tween.tsx'
import { openWhy } from '../why/open.ts'
import { Sparkline } from './sparkline.tsx'
import { elapsedPoints } from './points.ts'

const leading: readonly MeasureName[] = [
  'total_sales',
  'orders',
  'average_order_value',
  'recovered_checkout_rate',
]
const following: readonly MeasureName[] = [
  'net_sales',
  'recovered_sales',
  'customers',
  'new_customers',
  'returning_customers',
  'returning_customer_rate',
]

interface FiguresProps {
  stats: Stats | undefined
  points: readonly Point[] | undefined
  /** The figures on show answer the question before this one. */
  stale: boolean
  chosen: MeasureName
  onChoose: (name: MeasureName) => void
  /** Only some of the orders are asked about. */
  narrowed: boolean
}

export function Figures({ stats, points, stale, chosen, onChoose, narrowed }: FiguresProps) {
  return (
    <section
      aria-label="Figures"
      aria-busy={stale || !stats}
      className={classes('flex flex-col gap-4 transition-opacity', stale && 'opacity-60')}
    >
      <ul className="grid grid-cols-2 gap-3 sm:gap-4 lg:grid-cols-4">
        {leading.map((name) => (
          <LeadingFigure
            key={name}
            measure={measure(name)}
            stats={stats}
            points={points}
            chosen={chosen === name}
            onChoose={() => onChoose(name)}
            hidden={narrowed && isHidden(name, stats)}
          />
        ))}
      </ul>
      <FigureStrip
        names={following}
        stats={stats}
        narrowed={narrowed}
        className="sm:grid-cols-3 lg:grid-cols-6"
      />
    </section>
  )
}

/** Figures side by side in one box. */
export function FigureStrip({
  names,
  stats,
  className,
  narrowed = false,
}: {
  names: readonly MeasureName[]
  stats: Stats | undefined
  narrowed?: boolean
  /** How many stand beside each other, where there is room for more than two. */
  className: string
}) {
  return (
    <ul
      className={classes(
        'grid grid-cols-2 overflow-hidden rounded-xl border border-line bg-surface shadow-card',
        className,
      )}
    >
      {names.map((name) => (
        <FollowingFigure
          key={name}
          measure={measure(name)}
          stats={stats}
          hidden={narrowed && isHidden(name, stats)}
        />
      ))}
    </ul>
  )
}

/** Whether the filters hide it: checkouts, say, have no channel. An average may be null for want of orders alone. */
function isHidden(name: MeasureName, stats: Stats | undefined): boolean {
  return stats?.[name] === null && name !== 'average_order_value'
}

interface FigureProps {
  measure: Measure
  stats: Stats | undefined
  hidden?: boolean
}

function LeadingFigure({
  measure: shown,
  stats,
  points,
  chosen,
  onChoose,
  hidden = false,
}: FigureProps & { points: readonly Point[] | undefined; chosen: boolean; onChoose: () => void }) {
  const drawn = points && stats ? elapsedPoints(points, Date.parse(stats.as_of)) : []
  return (
    <li
      className={classes(
        'group relative flex min-w-0 flex-col rounded-xl border bg-surface px-3.5 pt-3 pb-2.5 shadow-card transition-colors sm:px-5',
        chosen ? 'border-accent ring-1 ring-accent' : 'border-line hover:border-line-strong',
      )}
    >
      <div className="flex items-center justify-between gap-1">
        <button
          type="button"
          aria-pressed={chosen}
          onClick={onChoose}
          title={`Show ${shown.label.toLowerCase()} in the chart`}
          className="truncate rounded text-left text-[13px] font-medium text-ink-2 after:absolute after:inset-0 after:rounded-xl focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:outline-accent"
        >
          <span className={classes(shown.short && 'max-sm:hidden')}>{shown.label}</span>
          {shown.short && <span className="sm:hidden">{shown.short}</span>}
        </button>
        {!hidden && <Why measure={shown} />}
      </div>
      <FigureValue
        measure={shown}
        stats={stats}
        className="mt-1 leading-8 font-semibold tracking-[-0.025em]"
        sized
      />
      <div className="mt-1 flex h-8 items-end justify-between gap-3">
        {hidden ? (
          <HiddenNote />
        ) : stats ? (
          <FigureDelta measure={shown} stats={stats} />
        ) : (
          <Skeleton className="h-4 w-14" />
        )}
        <Sparkline values={drawn.map((point) => approximately(point[shown.name as keyof Point]))} />
      </div>
    </li>
  )
}

function FollowingFigure({ measure: shown, stats, hidden = false }: FigureProps) {
  return (
    <li className="relative -mr-px -mb-px flex min-w-0 flex-col border-r border-b border-line bg-surface px-4 py-3 transition-colors hover:bg-sunken/60">
      <div className="flex items-center justify-between gap-1">
        {hidden ? (
          <span className="truncate text-[13px] text-ink-2">{shown.short ?? shown.label}</span>
        ) : (
          <>
            <WhyFace measure={shown}>{shown.short ?? shown.label}</WhyFace>
            <ReceiptText aria-hidden className="size-3.5 shrink-0 text-ink-3" />
          </>
        )}
      </div>
      <FigureValue
        measure={shown}
        stats={stats}
        className="mt-0.5 text-base leading-6 font-semibold tracking-[-0.015em]"
      />
      <div className="flex h-5 items-center">
        {hidden ? <HiddenNote /> : stats && <FigureDelta measure={shown} stats={stats} />}
      </div>
    </li>
  )
}

/** A long amount is set smaller instead of being cut off: a figure without its end is another figure. */
function sizeFor(text: string): string {
  if (text.length > 15) return 'text-base'
  return text.length > 12 ? 'text-lg sm:text-xl' : 'text-[22px] sm:text-[26px]'
}

interface FigureValueProps extends FigureProps {
  className: string
  sized?: boolean
}

function FigureValue({ measure: shown, stats, className, sized = false }: FigureValueProps) {
  const text = stats ? formatMeasure(stats[shown.name], shown.unit, stats.currency) : ''
  return (
    <p
      data-testid={`figure-${shown.name}`}
      className={classes('truncate figures', className, sized && sizeFor(text))}
    >
      {stats ? (
        <Tween
          value={stats[shown.name]}
          unit={shown.unit}
          currency={stats.currency}
          question={`${stats.from} ${stats.to} ${stats.currency}`}
        />
      ) : (
        <Skeleton className="my-1.5 h-5 w-24" />
      )}
    </p>
  )
}

function HiddenNote() {
  return <span className="truncate text-[13px] text-ink-3">Not known by filter</span>
}

function FigureDelta({ measure: shown, stats }: { measure: Measure; stats: Stats }) {
  const { comparison } = stats
  if (!comparison) return null
  const before = comparison[shown.name]
  return (
    <Delta
      movement={movement(stats[shown.name], before, shown.unit, shown.better)}
      title={`${formatMeasure(before, shown.unit, stats.currency)} in ${formatRange(comparison, pageLocale())}`}
    />
  )
}

/** What the figure is made of, a click away. Above the tile's own button, so that it can be reached. */
function Why({ measure: shown }: { measure: Measure }) {
  return (
    <button
      type="button"
      data-testid={`why-${shown.name}`}
      aria-label={`Why is ${shown.label.toLowerCase()} so?`}
      title={`Why is ${shown.label.toLowerCase()} so?`}
      onClick={() => openWhy(shown.name)}
      className="relative z-10 inline-flex size-6 shrink-0 items-center justify-center rounded-md text-ink-3 transition hover:bg-sunken hover:text-ink"
    >
      <ReceiptText aria-hidden className="size-3.5" />
    </button>
  )
}

/** A tile whose whole face opens what its figure is made of. */
function WhyFace({ measure: shown, children }: { measure: Measure; children: string }) {
  return (
    <button
      type="button"
      data-testid={`why-${shown.name}`}
      title={`Why is ${shown.label.toLowerCase()} so?`}
      onClick={() => openWhy(shown.name)}
      className="truncate rounded text-left text-[13px] text-ink-2 after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-accent"
    >
      {children}
      <span className="sr-only">: why is it so?</span>
    </button>
  )
}
