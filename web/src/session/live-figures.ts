/**
 * Which questions a live change makes worth asking again: figures at once and then at most every 300 ms, tables
 * a little later and less often.
 * A hidden page asks nothing; what it missed is asked when it is seen again.
 */

import type { Changed } from '../api/shapes.ts'
import { throttle, type Throttled, type Timers } from '../domain/throttle.ts'

const everything = [
  'stats',
  'series',
  'comparison',
  'customers',
  'checkouts',
  // What the feed opens with: the stream adds to it, unless it had a gap.
  'recent',
  'stores',
  'breakdown',
  'heat',
  'ledger',
  'history',
  'orders',
  'order',
  'fulfillment',
  'products',
  'inventory',
  'people',
  'segments',
  'cohorts',
] as const

export type Panel = (typeof everything)[number]

const GAP_MS = 300
/** Tables may be long, and nobody watches one cell of them. */
const TABLE_GAP_MS = 5_000
/** Earlier periods move only by late data, groups and cohorts slowly: they are asked again seldom. */
const SELDOM_MS = 10_000

/** A browser asks one server six things at a time: the figures that people look at go first. */
const HEAD_START_MS = 1_000

const gaps: Partial<Record<Panel, number>> = {
  comparison: SELDOM_MS,
  breakdown: TABLE_GAP_MS,
  heat: TABLE_GAP_MS,
  ledger: TABLE_GAP_MS,
  history: TABLE_GAP_MS,
  orders: TABLE_GAP_MS,
  order: TABLE_GAP_MS,
  fulfillment: SELDOM_MS,
  products: TABLE_GAP_MS,
  inventory: TABLE_GAP_MS,
  people: TABLE_GAP_MS,
  segments: SELDOM_MS,
  cohorts: SELDOM_MS,
}

const ofSales: readonly Panel[] = [
  ...(['stats', 'series', 'comparison', 'breakdown', 'heat', 'ledger', 'history'] as const),
  ...(['orders', 'order', 'fulfillment'] as const),
]

const affected: Record<Changed, readonly Panel[]> = {
  sales: [...ofSales, 'customers', 'checkouts', 'products', 'inventory', 'people', 'segments', 'cohorts'],
  customers: ['stats', 'customers', 'people', 'segments'],
  checkouts: ['stats', 'series', 'checkouts', 'ledger'],
  products: ['products', 'inventory', 'breakdown'],
  shop: ['stores'],
}

export function panelsOf(changed: readonly Changed[]): Set<Panel> {
  return new Set(changed.flatMap((each) => affected[each] ?? []))
}

export interface LiveFigures {
  readonly changed: (changed: readonly Changed[]) => void
  readonly catchUp: () => void
  readonly shown: (visible: boolean) => void
  readonly stop: () => void
}

/** `ask` fetches a panel's figures again and resolves when they are on the page. */
export function liveFigures(
  ask: (panel: Panel) => Promise<unknown>,
  visible: boolean,
  timers?: Timers,
): LiveFigures {
  let seen = visible
  const missed = new Set<Panel>()
  const asks = new Map<Panel, Throttled>(
    everything.map((panel) => [
      panel,
      throttle(() => ask(panel), gaps[panel] ?? GAP_MS, timers, panel in gaps ? HEAD_START_MS : 0),
    ]),
  )

  function want(panels: Iterable<Panel>): void {
    for (const panel of panels) {
      if (seen) asks.get(panel)?.()
      else missed.add(panel)
    }
  }

  return {
    changed: (changed) => want(panelsOf(changed)),
    catchUp: () => want(everything),
    shown: (nowVisible) => {
      seen = nowVisible
      if (!seen) return
      const panels = [...missed]
      missed.clear()
      want(panels)
    },
    stop: () => {
      for (const each of asks.values()) each.cancel()
    },
  }
}
