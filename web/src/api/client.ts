/** The page's one session, and calls that answer with JSON or throw a `ProblemError`. */

import { ProblemError, problemOf, unreachable } from './problem.ts'
import { sessionKeeper } from './session.ts'
import type {
  Breakdown,
  BreakdownSort,
  Checkouts,
  Cohorts,
  CustomerKind,
  Customers,
  CustomerSegments,
  HeatMap,
  Inventory,
  Ledger,
  FulfillmentTimes,
  MeasureInfo,
  OneOrder,
  NewStore,
  OrderHistory,
  Orders,
  Products,
  ProductSort,
  SegmentName,
  SalesOverTime,
  Stage,
  Stats,
  Store,
  StoreChanges,
  TopCustomers,
  Transfer,
} from './shapes.ts'
import type { Dimension } from '../domain/dimensions.ts'
import type { Filters } from '../domain/filters.ts'
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

/** An address with parameters: null and undefined are left out, while an empty text asks for what is empty. */
export function address(path: string, query: Query): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) search.set(name, String(value))
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

/** What a figure is asked about that knows its orders apart. */
export type FilteredQuestion = Question & Filters

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
  stats: (question: FilteredQuestion, compare: Compare, signal: AbortSignal) =>
    call<Stats>(address('/api/analytics/stats', { ...question, compare }), { signal }),
  salesOverTime: (question: FilteredQuestion, interval: Interval, signal: AbortSignal) =>
    call<SalesOverTime>(address('/api/analytics/sales-over-time', { ...question, interval }), { signal }),
  topCustomers: (question: Question, limit: number, signal: AbortSignal) =>
    call<TopCustomers>(address('/api/analytics/top-customers', { ...question, limit }), { signal }),
  orders: (question: Partial<FilteredQuestion>, cursor: string | null, limit: number, signal: AbortSignal) =>
    call<Orders>(address('/api/analytics/orders', { ...question, cursor, limit }), { signal }),
  fulfillmentTimes: (question: Question, signal: AbortSignal) =>
    call<FulfillmentTimes>(address('/api/analytics/fulfillment-times', { ...question }), { signal }),
  order: (order: string, store: string | null, signal: AbortSignal) =>
    call<OneOrder>(address(`/api/orders/${encodeURIComponent(order)}`, { store }), { signal }),
  checkouts: (
    question: Partial<Question>,
    stage: Stage | null,
    cursor: string | null,
    limit: number,
    signal: AbortSignal,
  ) =>
    call<Checkouts>(address('/api/analytics/checkouts', { ...question, stage, cursor, limit }), { signal }),
  measures: async (signal: AbortSignal) =>
    (await call<{ measures: MeasureInfo[] }>('/api/analytics/measures', { signal })).measures,
  ledger: (
    question: FilteredQuestion,
    measure: string,
    cursor: string | null,
    limit: number,
    signal: AbortSignal,
  ) => call<Ledger>(address('/api/analytics/ledger', { ...question, measure, cursor, limit }), { signal }),
  orderHistory: (order: string, store: string | null, signal: AbortSignal) =>
    call<OrderHistory>(address(`/api/orders/${encodeURIComponent(order)}/history`, { store }), { signal }),
  breakdown: (
    question: FilteredQuestion,
    by: Dimension,
    sort: BreakdownSort,
    cursor: string | null,
    limit: number,
    signal: AbortSignal,
  ) =>
    call<Breakdown>(address('/api/analytics/breakdown', { ...question, by, sort, cursor, limit }), {
      signal,
    }),
  heatMap: (question: FilteredQuestion, signal: AbortSignal) =>
    call<HeatMap>(address('/api/analytics/heat-map', { ...question }), { signal }),
  products: (
    question: Question,
    sort: ProductSort,
    cursor: string | null,
    limit: number,
    signal: AbortSignal,
  ) => call<Products>(address('/api/analytics/products', { ...question, sort, cursor, limit }), { signal }),
  inventory: (question: Question, cursor: string | null, limit: number, signal: AbortSignal) =>
    call<Inventory>(address('/api/analytics/inventory', { ...question, cursor, limit }), { signal }),
  customers: (
    question: Question,
    kind: CustomerKind | null,
    cursor: string | null,
    limit: number,
    signal: AbortSignal,
  ) => call<Customers>(address('/api/analytics/customers', { ...question, kind, cursor, limit }), { signal }),
  segments: (
    question: Question,
    group: SegmentName | null,
    cursor: string | null,
    limit: number,
    signal: AbortSignal,
  ) =>
    call<CustomerSegments>(
      address('/api/analytics/customer-segments', { ...question, group, cursor, limit }),
      { signal },
    ),
  cohorts: (question: Partial<Question>, signal: AbortSignal) =>
    call<Cohorts>(address('/api/analytics/cohorts', { ...question }), { signal }),
}
