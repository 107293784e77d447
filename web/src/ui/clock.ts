import { useSyncExternalStore } from 'react'

const listeners = new Map<number, Set<() => void>>()
const timers = new Map<number, ReturnType<typeof setInterval>>()

function subscribe(everyMs: number, listener: () => void): () => void {
  const group = listeners.get(everyMs) ?? new Set()
  listeners.set(everyMs, group)
  group.add(listener)
  if (!timers.has(everyMs)) {
    timers.set(
      everyMs,
      setInterval(() => {
        for (const each of group) each()
      }, everyMs),
    )
  }
  return () => {
    group.delete(listener)
    if (group.size > 0) return
    clearInterval(timers.get(everyMs))
    timers.delete(everyMs)
  }
}

const subscribers = new Map<number, (listener: () => void) => () => void>()

/** The time, rounded down to `everyMs`; renders again when that changes. One timer for all who ask. */
export function useNow(everyMs: number): number {
  const known = subscribers.get(everyMs) ?? ((listener: () => void) => subscribe(everyMs, listener))
  subscribers.set(everyMs, known)
  return useSyncExternalStore(known, () => Math.floor(Date.now() / everyMs) * everyMs)
}
