/** What a store's connection is worth saying about, in words. Pure: the pages only lay it out. */

import type { Store, StoreStatus, StoreWarning } from '../api/shapes.ts'
import { fullDate } from '../domain/moments.ts'
import type { Tone } from '../ui/badge.tsx'

const looks: Record<StoreStatus, { word: string; tone: Tone }> = {
  connected: { word: 'Connected', tone: 'good' },
  needs_reconnect: { word: 'Needs reconnecting', tone: 'warn' },
  uninstalled: { word: 'Uninstalled', tone: 'bad' },
}

export function statusLook(store: Store): { word: string; tone: Tone } {
  return looks[store.status]
}

/** Whether an owner should look at the store: it is not connected, or something about it is not as it should be. */
export function needsAttention(store: Store): boolean {
  return store.status !== 'connected' || store.warnings.length > 0
}

export function countAttention(stores: readonly Store[]): number {
  return stores.filter(needsAttention).length
}

/** Where asking Shopify for a store begins. The browser goes there; it is no call. */
export function approvalAddress(shop: string, options: { app?: string; transfer?: string } = {}): string {
  const search = new URLSearchParams({ shop })
  if (options.app) search.set('app', options.app)
  if (options.transfer) search.set('transfer', options.transfer)
  return `/api/auth/shopify?${search}`
}

/** The warnings that approving once more in Shopify ends, the gravest first. */
const RECONNECTING = ['uninstalled', 'token_refused', 'scopes_missing', 'unproved']

/** What asks for the store to be connected again, in the server's words; null where nothing does. */
export function reconnectCall(store: Store): StoreWarning | null {
  if (store.status === 'uninstalled') {
    return { code: 'uninstalled', title: 'The app was uninstalled', detail: uninstalledWords(store) }
  }
  const found = RECONNECTING.map((code) => store.warnings.find((warning) => warning.code === code))
  return found.find(Boolean) ?? (store.status === 'connected' ? null : LOST)
}

const LOST: StoreWarning = {
  code: 'token_refused',
  title: 'Shopify no longer accepts the connection',
  detail: 'Webhooks may still arrive, but nobody can check that none is missing.',
}

/** When the app was removed, and what becomes of what was recorded; in the reader's own dates. */
export function uninstalledWords(store: Store): string {
  const when = store.uninstalled_at ? `Since ${fullDate(store.uninstalled_at)} nothing` : 'Nothing'
  const then = store.erase_at
    ? ` Its data will be erased on ${fullDate(store.erase_at)}, unless it is connected again before.`
    : ''
  return `${when} new arrives.${then}`
}
