/** What the overview is asked about: which stores, which days, compared with what. All of it in the address. */

import { useEffect, useMemo, useState } from 'react'
import type { Compare, FilteredQuestion, Question } from '../api/client.ts'
import type { Store } from '../api/shapes.ts'
import { filtersOf } from '../domain/filters.ts'
import {
  dayIn,
  defaultPreset,
  isDay,
  isPreset,
  knownZone,
  presetOf,
  presetRange,
  tidyRange,
  type Day,
  type PresetId,
  type Range,
} from '../domain/ranges.ts'
import { useNow } from '../ui/clock.ts'
import { setSearch, usePlace } from '../ui/location.tsx'

export interface StoreChoice {
  /** The store asked about; null for all of them together. */
  readonly store: string | null
  /** Whether all stores can be added up: one currency and one time zone. */
  readonly together: boolean
  readonly timezone: string
}

/** What a store of which nothing is known yet counts in, as the API has it too. */
function frameOf(store: Store): string {
  return `${store.currency ?? 'USD'} ${store.timezone ?? 'UTC'}`
}

/** Stores can be added up only when they count in one currency and one calendar. */
export function chooseStores(
  stores: readonly Store[],
  wanted: string | null,
  remembered: string | null,
): StoreChoice {
  const first = stores[0]
  const together = new Set(stores.map(frameOf)).size <= 1
  const found = stores.find((store) => store.id === wanted)
  if (found) return { store: found.id, together, timezone: knownZone(found.timezone) }
  if (together) return { store: null, together, timezone: knownZone(first?.timezone) }
  const fallback = stores.find((store) => store.id === remembered) ?? first
  return { store: fallback?.id ?? null, together, timezone: knownZone(fallback?.timezone) }
}

export interface RangeChoice {
  readonly range: Range
  readonly preset: PresetId | null
}

/**
 * The range that an address means today. A named preset moves on with the days (so a bookmark of "last 7
 * days" stays that); two dates alone stay where they are.
 */
export function chooseRange(search: URLSearchParams, today: Day): RangeChoice {
  const named = search.get('range')
  if (isPreset(named)) return { range: presetRange(named, today), preset: named }
  const from = search.get('from')
  const to = search.get('to')
  if (isDay(from) || isDay(to)) {
    const range = tidyRange(isDay(from) ? from : (to as Day), isDay(to) ? to : today, today)
    return { range, preset: presetOf(range, today) }
  }
  return { range: presetRange(defaultPreset, today), preset: defaultPreset }
}

function chooseCompare(search: URLSearchParams): Compare {
  const wanted = search.get('compare')
  return wanted === 'year' || wanted === 'none' ? wanted : 'previous'
}

export interface Scope extends StoreChoice, RangeChoice {
  readonly question: Question
  /** The same of the orders that the address filters for. */
  readonly filtered: FilteredQuestion
  readonly compare: Compare
  readonly today: Day
  readonly setStore: (store: string | null) => void
  readonly setPreset: (preset: PresetId) => void
  readonly setRange: (range: Range) => void
  readonly setCompare: (compare: Compare) => void
}

const REMEMBERED_STORE = 'tillstream.store'

export function useScope(stores: readonly Store[]): Scope {
  const { search } = usePlace()
  const [remembered] = useState(() => localStorage.getItem(REMEMBERED_STORE))
  const chosen = chooseStores(stores, search.get('store'), remembered)
  // A minute is fine enough to notice midnight in the shop.
  const minute = useNow(60_000)
  const today = useMemo(() => dayIn(chosen.timezone, new Date(minute)), [chosen.timezone, minute])
  const { range, preset } = chooseRange(search, today)
  const { from, to } = range
  const { store } = chosen

  // The address always tells the dates it stands for, once it tells a range at all.
  const named = search.get('range')
  const question = useMemo(() => ({ from, to, store }), [from, to, store])
  const filtered = useMemo(() => ({ ...question, ...filtersOf(search) }), [question, search])
  useEffect(() => {
    if (named && (search.get('from') !== from || search.get('to') !== to)) setSearch({ from, to }, 'replace')
  }, [named, search, from, to])

  // Stores that cannot be added up: the address says which one is shown.
  useEffect(() => {
    if (store && search.get('store') !== store) setSearch({ store }, 'replace')
  }, [store, search])

  return {
    ...chosen,
    range,
    preset,
    today,
    compare: chooseCompare(search),
    question,
    filtered,
    setStore: (next) => {
      if (next) localStorage.setItem(REMEMBERED_STORE, next)
      else localStorage.removeItem(REMEMBERED_STORE)
      setSearch({ store: next })
    },
    setPreset: (next) => {
      const days = presetRange(next, today)
      setSearch({ range: next, from: days.from, to: days.to })
    },
    setRange: (next) => {
      const days = tidyRange(next.from, next.to, today)
      setSearch({ range: null, from: days.from, to: days.to })
    },
    setCompare: (next) => setSearch({ compare: next === 'previous' ? null : next }),
  }
}

const carried = ['store', 'range', 'from', 'to', 'compare'] as const

/** Another page of the same store and days. Filters stay behind unless they are named: not every page knows them. */
export function onward(
  path: string,
  search: URLSearchParams,
  more: Readonly<Record<string, string | undefined>> = {},
): string {
  const kept = new URLSearchParams()
  for (const name of carried) {
    const value = search.get(name)
    if (value) kept.set(name, value)
  }
  for (const [name, value] of Object.entries(more)) if (value !== undefined) kept.set(name, value)
  const text = kept.toString()
  return text ? `${path}?${text}` : path
}
