/** Shopify's access scopes in words: `read_orders` is "Orders", read. */

const nouns: Record<string, string> = {
  orders: 'Orders',
  all_orders: 'Orders older than 60 days',
  customers: 'Customers',
  customer_merge: 'Merged customers',
  products: 'Products',
  checkouts: 'Checkouts',
  inventory: 'Inventory',
  locations: 'Locations',
  discounts: 'Discounts',
  price_rules: 'Discount rules',
  draft_orders: 'Draft orders',
  fulfillments: 'Fulfilments',
  reports: 'Reports',
  returns: 'Returns',
  shipping: 'Shipping',
  shopify_payments_disputes: 'Disputes of payments',
}

export function scopeLabel(scope: string): string {
  const [, verb, noun] = /^(?:unauthenticated_)?(read|write)_(.+)$/.exec(scope) ?? []
  if (!verb || !noun) return scope
  const words = nouns[noun] ?? noun.replaceAll('_', ' ').replace(/^./, (first) => first.toUpperCase())
  return verb === 'write' ? `${words} (changing them)` : words
}

/** `Orders, Customers and Products`. */
export function scopeWords(scopes: readonly string[], locale: string): string {
  const labels = [...new Set(scopes.map(scopeLabel))]
  return new Intl.ListFormat(locale, { type: 'conjunction' }).format(labels)
}
