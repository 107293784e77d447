/** The signed-in page's live connection, shared by all that shows or follows it. */

import { useQueryClient } from '@tanstack/react-query'
import { createContext, use, useEffect, useMemo, useRef, useSyncExternalStore, type ReactNode } from 'react'
import { session } from '../api/client.ts'
import { ProblemError } from '../api/problem.ts'
import { followLive, type LiveStatus } from '../api/live.ts'
import type { FeedItem, LiveChange } from '../api/shapes.ts'
import { liveFigures } from './live-figures.ts'

export interface FeedEntry extends FeedItem {
  readonly store: string
  /** Came while the page was open: such an entry is animated in. */
  readonly fresh: boolean
}

export interface Live {
  readonly status: LiveStatus
  /** When the last change arrived here, by this machine's clock; null before the first. */
  readonly changedAt: number | null
  readonly feed: readonly FeedEntry[]
  /** The stores that something arrived for since the page was opened. */
  readonly activeStores: readonly string[]
}

const FEED_LENGTH = 60

interface LiveStore {
  readonly get: () => Live
  readonly set: (change: Partial<Live>) => void
  readonly subscribe: (listener: () => void) => () => void
}

function liveStore(initial: Live): LiveStore {
  let live = initial
  const listeners = new Set<() => void>()
  return {
    get: () => live,
    set: (change) => {
      live = { ...live, ...change }
      for (const listener of listeners) listener()
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

const LiveContext = createContext<LiveStore | null>(null)

/** The feed outlives a reload of the tab, so that it does not start empty each time. */
function rememberedFeed(key: string): FeedEntry[] {
  try {
    const entries = JSON.parse(sessionStorage.getItem(key) ?? '[]') as FeedEntry[]
    for (const entry of entries) Object.assign(entry, { fresh: false })
    return entries
  } catch {
    return []
  }
}

export function mergeFeed(feed: readonly FeedEntry[], change: LiveChange): FeedEntry[] {
  const known = new Set(feed.map((entry) => `${entry.kind} ${entry.id}`))
  const added = change.feed
    .filter((item) => !known.has(`${item.kind} ${item.id}`))
    .map((item) => Object.assign({}, item, { store: change.store, fresh: true }))
  if (added.length === 0) return feed as FeedEntry[]
  return [...added, ...feed].toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at)).slice(0, FEED_LENGTH)
}

/** What was refused stays so, whatever changes in the store: asking again would only hide the reason each time. */
function wasRefused({ data, error }: { data: unknown; error: Error | null }): boolean {
  if (data !== undefined || !(error instanceof ProblemError)) return false
  const { status } = error
  return status >= 400 && status < 500 && status !== 408 && status !== 429
}

export function LiveProvider({ tenant, children }: { tenant: string; children: ReactNode }) {
  const client = useQueryClient()
  const key = `tillstream.feed.${tenant}`
  const store = useMemo(
    () => liveStore({ status: 'connecting', changedAt: null, feed: rememberedFeed(key), activeStores: [] }),
    [key],
  )
  const firstCatchUp = useRef(true)

  useEffect(() => {
    const stop = new AbortController()
    const figures = liveFigures(
      (panel) =>
        client.invalidateQueries({ queryKey: [panel], predicate: ({ state }) => !wasRefused(state) }),
      document.visibilityState === 'visible',
    )
    const onVisibility = () => figures.shown(document.visibilityState === 'visible')
    document.addEventListener('visibilitychange', onVisibility)

    void followLive(
      {
        onStatus: (status) => store.set({ status }),
        onChange: (change) => {
          figures.changed(change.changed ?? [])
          const feed = mergeFeed(store.get().feed, { ...change, feed: change.feed ?? [] })
          const { activeStores } = store.get()
          store.set({
            changedAt: Date.now(),
            feed,
            activeStores: activeStores.includes(change.store)
              ? activeStores
              : [...activeStores, change.store],
          })
          sessionStorage.setItem(key, JSON.stringify(feed))
        },
        onCatchUp: () => {
          // The page's own first questions are on their way when the first connection is made.
          if (!firstCatchUp.current || client.isFetching() === 0) figures.catchUp()
          firstCatchUp.current = false
        },
      },
      { fetch: (path, init) => session.fetch(path, init), random: Math.random, sleep: sleepUntilWoken },
      stop.signal,
    )
    return () => {
      stop.abort()
      figures.stop()
      document.removeEventListener('visibilitychange', onVisibility)
    }
  }, [client, store, key])

  return <LiveContext value={store}>{children}</LiveContext>
}

export function useLive(): Live {
  const store = use(LiveContext)
  if (!store) throw new Error('useLive needs a LiveProvider above it.')
  return useSyncExternalStore(store.subscribe, store.get)
}

/** Waits before the next attempt, but no longer once the network is back or the tab is looked at. */
function sleepUntilWoken(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      removeEventListener('online', done)
      document.removeEventListener('visibilitychange', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    addEventListener('online', done)
    document.addEventListener('visibilitychange', done)
    signal.addEventListener('abort', done)
  })
}
