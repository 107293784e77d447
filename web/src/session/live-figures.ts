/**
 * Which questions a live change makes worth asking again, asked at once and then at most every 300 ms.
 * A hidden page asks nothing; what it missed is asked when it is seen again.
 */

import type { Changed } from '../api/shapes.ts'
import { throttle, type Throttled, type Timers } from '../domain/throttle.ts'

export type Panel = 'stats' | 'series' | 'comparison' | 'customers' | 'checkouts' | 'recent' | 'stores'

const GAP_MS = 300
/** Earlier periods move only by late data, so they are asked again seldom. */
const COMPARISON_GAP_MS = 10_000

const affected: Record<Changed, readonly Panel[]> = {
  sales: ['stats', 'series', 'comparison', 'customers', 'checkouts'],
  customers: ['stats', 'customers'],
  checkouts: ['stats', 'series', 'checkouts'],
  products: [],
  shop: ['stores'],
}

/** `recent` is what the feed opens with: the stream adds to it, unless it had a gap. */
const everything: readonly Panel[] = [
  'stats',
  'series',
  'comparison',
  'customers',
  'checkouts',
  'recent',
  'stores',
]

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
      throttle(() => ask(panel), panel === 'comparison' ? COMPARISON_GAP_MS : GAP_MS, timers),
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
