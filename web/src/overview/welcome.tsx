/** What the overview says of the stores it shows, over their figures: one was just connected, or has ended. */

import { LoaderCircle } from 'lucide-react'
import type { Stats, Store } from '../api/shapes.ts'
import { useLive } from '../session/live.tsx'
import { useOwner } from '../session/use-session.ts'
import { storeLabel } from '../stores/label.ts'
import { reconnectCall } from '../stores/status.ts'
import { Reconnect } from '../stores/store-state.tsx'
import { setSearch, usePlace } from '../ui/location.tsx'
import { Notice } from '../ui/notice.tsx'

/** Whether there is a sale among what is shown; checkouts alone leave the first figures at zero. */
export function hasFigures(stats: Stats | undefined): boolean {
  return stats !== undefined && (stats.orders > 0 || Number(stats.total_sales) !== 0)
}

/** How far a store that was just connected has come. */
export type Arrival = 'waiting' | 'delivering' | 'counting'

export function arrivalOf(store: Store, active: readonly string[], stats: Stats | undefined): Arrival {
  if (hasFigures(stats)) return 'counting'
  const delivering = active.includes(store.id) || (stats?.checkouts ?? 0) > 0
  return delivering ? 'delivering' : 'waiting'
}

const arrivals: Record<Arrival, string> = {
  waiting:
    'Waiting for its first figures. They appear here by themselves, with the next order, checkout or change in the store.',
  delivering: 'Its first deliveries are here. Sales begin to count with the next order.',
  counting: 'The first figures are here. From now on they move by themselves.',
}

/** After `?connected=1`: the store is there; then, by itself, so are its first figures. */
export function Welcome({ store, stats }: { store: Store | undefined; stats: Stats | undefined }) {
  const { search } = usePlace()
  const { activeStores } = useLive()
  if (!store || search.get('connected') !== '1') return null
  const arrival = arrivalOf(store, activeStores, stats)
  const counting = arrival === 'counting'
  const warning = counting ? undefined : store.warnings[0]
  return (
    <div data-testid="welcome" data-arrived={counting} className="mb-4">
      <Notice
        tone={counting ? 'good' : 'info'}
        title={`${storeLabel(store)} is connected`}
        icon={counting ? undefined : <LoaderCircle aria-hidden className="size-4.5 animate-spin" />}
        onDismiss={() => setSearch({ connected: null }, 'replace')}
      >
        {arrivals[arrival]}
        {warning && (
          <p className="mt-1.5 text-warn">
            <span className="font-medium">{warning.title}.</span> {warning.detail}
          </p>
        )}
      </Notice>
    </div>
  )
}

/** Of each store shown that is no longer connected: why, until when its data stays, and the way back. */
export function StoreNotices({ stores }: { stores: readonly Store[] }) {
  const owner = useOwner()
  const ended = stores.filter((store) => store.status !== 'connected')
  if (ended.length === 0) return null
  return (
    <div className="mb-4 flex flex-col gap-2">
      {ended.map((store) => {
        const gone = store.status === 'uninstalled'
        return (
          <Notice
            key={store.id}
            testId="store-notice"
            tone={gone ? 'bad' : 'warn'}
            title={`${storeLabel(store)} ${gone ? 'is uninstalled' : 'needs reconnecting'}`}
            actions={owner && <Reconnect store={store} />}
          >
            {reconnectCall(store)?.detail}
            {!owner && ' Ask an owner of this account to reconnect it.'}
          </Notice>
        )
      })}
    </div>
  )
}
