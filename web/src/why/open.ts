/** What is opened beside the page, in the address: why a figure is so, and what made an order what it is. */

import { setSearch } from '../ui/location.tsx'

export function openWhy(measure: string): void {
  setSearch({ why: measure, order: null, of: null })
}

/** @param store needed only where two stores have the order. */
export function openOrder(order: string, store: string | null): void {
  setSearch({ order, of: store })
}

export function backToWhy(): void {
  setSearch({ order: null, of: null })
}

export function closeBeside(): void {
  setSearch({ why: null, order: null, of: null })
}
