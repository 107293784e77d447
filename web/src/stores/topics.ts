/** Topics that one access scope opens. */
export interface TopicGroup {
  /** The scope an app needs for them; null where it needs none. */
  scope: string | null
  /** What they tell of. */
  tells: string
  /** As Shopify spells them. */
  topics: readonly string[]
}

/** All that Tillstream reads, under the scope that it takes; what figures are made of first. */
export const groups: readonly TopicGroup[] = [
  {
    scope: null,
    tells: 'The store itself',
    topics: ['shop/update', 'domains/create', 'domains/update', 'domains/destroy'],
  },
  {
    scope: 'read_orders',
    tells: 'Orders, edits, refunds, payments, checkouts and carts',
    topics: [
      'orders/create',
      'orders/updated',
      'orders/cancelled',
      'orders/edited',
      'orders/delete',
      'refunds/create',
      'order_transactions/create',
      'tender_transactions/create',
      'checkouts/create',
      'checkouts/update',
      'checkouts/delete',
      'carts/create',
      'carts/update',
    ],
  },
  {
    scope: 'read_customers',
    tells: 'Customers, their tags and consent',
    topics: [
      'customers/create',
      'customers/update',
      'customers/delete',
      'customers/enable',
      'customers/disable',
      'customers/purchasing_summary',
      'customer.tags_added',
      'customer.tags_removed',
      'customers_email_marketing_consent/update',
      'customers_marketing_consent/update',
    ],
  },
  {
    scope: 'read_products',
    tells: 'Products, variants, collections, and what a unit costs',
    topics: [
      'products/create',
      'products/update',
      'products/delete',
      'variants/in_stock',
      'variants/out_of_stock',
      'collections/create',
      'collections/update',
      'collections/delete',
      'inventory_items/create',
      'inventory_items/update',
      'inventory_items/delete',
    ],
  },
  {
    scope: 'read_inventory',
    tells: 'Stock of each item at each place',
    topics: ['inventory_levels/connect', 'inventory_levels/update', 'inventory_levels/disconnect'],
  },
  { scope: 'read_fulfillments', tells: 'Parcels', topics: ['fulfillments/create', 'fulfillments/update'] },
  { scope: 'read_customer_merge', tells: 'Customers whom Shopify has merged', topics: ['customers/merge'] },
  {
    scope: 'read_returns',
    tells: 'Returns, from the request on',
    topics: [
      'returns/request',
      'returns/approve',
      'returns/decline',
      'returns/cancel',
      'returns/close',
      'returns/reopen',
      'returns/process',
      'returns/update',
    ],
  },
  {
    scope: 'read_locations',
    tells: 'The places where stock is kept',
    topics: [
      'locations/create',
      'locations/update',
      'locations/activate',
      'locations/deactivate',
      'locations/delete',
    ],
  },
  {
    scope: 'read_draft_orders',
    tells: 'Draft orders',
    topics: ['draft_orders/create', 'draft_orders/update', 'draft_orders/delete'],
  },
  {
    scope: 'read_shopify_payments_disputes',
    tells: 'Disputes of payments',
    topics: ['disputes/create', 'disputes/update'],
  },
]

/** How many of the groups the figures are made of: the store itself, and what is asked for by default. */
export const ESSENTIAL = 4

/** Where Shopify is to send them: the address that this page came from. */
export function webhookAddress(): string {
  return `${location.origin}/api/webhook`
}
