/** The page of an order. Ids of orders are of all Shopify's; the store says which of two that share a copy. */
export function orderAddress(order: string, store: string | null): string {
  const path = `/orders/${encodeURIComponent(order)}`
  return store ? `${path}?store=${encodeURIComponent(store)}` : path
}

/** The order that an address is the page of. */
export function orderIn(path: string): string | null {
  return /^\/orders\/(\d+)$/.exec(path)?.[1] ?? null
}
