/** The webhook topics that the figures are made of, as Shopify names them. */
export const topics = [
  'orders/create',
  'orders/updated',
  'orders/cancelled',
  'orders/edited',
  'orders/delete',
  'refunds/create',
  'checkouts/create',
  'checkouts/update',
  'checkouts/delete',
  'customers/create',
  'customers/update',
  'customers/delete',
  'products/create',
  'products/update',
  'products/delete',
  'shop/update',
] as const

/** Where Shopify is to send them: the address that this page came from. */
export function webhookAddress(): string {
  return `${location.origin}/api/webhook`
}
