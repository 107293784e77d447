/** The page's one session, and calls that answer with JSON or throw a `ProblemError`. */

import { ProblemError, problemOf, unreachable } from './problem.ts'
import { sessionKeeper } from './session.ts'
import type {
  Checkouts,
  NewStore,
  Orders,
  SalesOverTime,
  Stage,
  Stats,
  Store,
  StoreChanges,
  TopCustomers,
  Transfer,
} from './shapes.ts'
import type { Interval } from '../domain/ranges.ts'

export const session = sessionKeeper({
  fetch: (input, init) => fetch(input, init),
  now: () => Date.now(),
  exclusively: async (run) =>
    'locks' in navigator ? navigator.locks.request('tillstream.refresh', run) : run(),
  setTimer: (run, ms) => setTimeout(run, ms),
  clearTimer: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
})

export type Query = Record<string, string | number | null | undefined>

export function address(path: string, query: Query): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') search.set(name, String(value))
  }
  const text = search.toString()
  return text ? `${path}?${text}` : path
}

/** What an answer says; undefined where it says nothing, be it 204 or 202. */
export async function bodyOf(response: Response): Promise<unknown> {
  const text = await response.text()
  return text === '' ? undefined : JSON.parse(text)
}

export async function call<T>(path: string, init?: RequestInit): Promise<T> {
  let response: Response
  try {
    response = await session.fetch(path, init)
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new ProblemError(unreachable)
  }
  if (!response.ok) throw new ProblemError(await problemOf(response))
  return (await bodyOf(response)) as T
}

export function send<T>(method: string, path: string, body?: unknown): Promise<T> {
  const init: RequestInit = { method }
  if (body !== undefined) {
    init.headers = { 'Content-Type': 'application/json' }
    init.body = JSON.stringify(body)
  }
  return call<T>(path, init)
}

/** What every figure is asked about. */
export interface Question {
  readonly from: string
  readonly to: string
  readonly store: string | null
}

export type Compare = 'previous' | 'year' | 'none'

export const api = {
  stores: async (signal?: AbortSignal) => {
    const { stores } = await call<{ stores: Store[] }>('/api/stores', signal ? { signal } : {})
    return stores
  },
  addStore: (store: NewStore) => send<Store>('POST', '/api/stores', store),
  changeStore: (id: string, change: StoreChanges) =>
    send<Store>('PATCH', `/api/stores/${encodeURIComponent(id)}`, change),
  removeStore: (id: string) => send<void>('DELETE', `/api/stores/${encodeURIComponent(id)}`),
  transferStore: (id: string) => send<Transfer>('POST', `/api/stores/${encodeURIComponent(id)}/transfers`),
  stats: (question: Question, compare: Compare, signal: AbortSignal) =>
    call<Stats>(address('/api/analytics/stats', { ...question, compare }), { signal }),
  salesOverTime: (question: Question, interval: Interval, signal: AbortSignal) =>
    call<SalesOverTime>(address('/api/analytics/sales-over-time', { ...question, interval }), { signal }),
  topCustomers: (question: Question, limit: number, signal: AbortSignal) =>
    call<TopCustomers>(address('/api/analytics/top-customers', { ...question, limit }), { signal }),
  orders: (question: Question, limit: number, signal: AbortSignal) =>
    call<Orders>(address('/api/analytics/orders', { ...question, limit }), { signal }),
  checkouts: (
    question: Question,
    stage: Stage | null,
    cursor: string | null,
    limit: number,
    signal: AbortSignal,
  ) =>
    call<Checkouts>(address('/api/analytics/checkouts', { ...question, stage, cursor, limit }), { signal }),
}
