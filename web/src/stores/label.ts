import type { Store } from '../api/shapes.ts'

/** A store's name, or its domain without the ending that all of them share. */
export function storeLabel(store: Store): string {
  return store.name || store.domain.replace(/\.myshopify\.com$/, '')
}
