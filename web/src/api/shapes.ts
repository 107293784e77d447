/** The API's answers, under the names the pages use. */

import type { Decimal } from '../domain/money.ts'
import type { Day, Interval } from '../domain/ranges.ts'

export interface Session {
  token: string
  expires_in: number
  tenant: { id: string; name: string }
  user: { id: string; email: string; name: string; role: 'owner' | 'analyst' | 'viewer' }
}

export interface Store {
  id: string
  domain: string
  name: string
  timezone: string | null
  currency: string | null
  abandonment_window_minutes: number
  has_api_secret: boolean
  has_access_token: boolean
  created_at: string
}

export interface Measures {
  total_sales: Decimal
  gross_sales: Decimal
  discounts: Decimal
  sales_reversals: Decimal
  net_sales: Decimal
  shipping: Decimal
  taxes: Decimal
  duties: Decimal
  additional_fees: Decimal
  orders: number
  average_order_value: Decimal | null
  checkouts: number
  abandoned_checkouts: number
  recovered_checkouts: number
  recovered_checkout_rate: number | null
  recovered_sales: Decimal
  abandoned_value: Decimal
}

export interface Stats extends Measures {
  currency: string
  timezone: string
  from: Day
  to: Day
  customers: number
  new_customers: number
  returning_customers: number
  returning_customer_rate: number | null
  as_of: string
  comparison: Omit<Stats, 'comparison'> | null
}

export type Point = Measures & { start: string }

export interface SalesOverTime {
  interval: Interval
  currency: string
  timezone: string
  points: Point[]
}

export interface TopCustomer {
  id: string
  name: string | null
  email: string | null
  orders: number
  total_spent: Decimal
  first_order_at: string | null
  last_order_at: string | null
}

export interface TopCustomers {
  currency: string
  customers: TopCustomer[]
}

export type Stage = 'open' | 'abandoned' | 'recovered' | 'converted'

export interface Checkout {
  token: string
  store: string
  email: string | null
  customer_name: string | null
  total: Decimal
  currency: string
  stage: Stage
  started_at: string | null
  last_active_at: string
  abandoned_at: string | null
  recovered_at: string | null
  recovery_url: string | null
  order_name: string | null
}

export interface CheckoutSummary {
  open: number
  abandoned: number
  recovered: number
  converted: number
  abandoned_value: Decimal
  recovered_sales: Decimal
  recovered_checkout_rate: number | null
}

export interface Checkouts {
  currency: string
  summary: CheckoutSummary
  checkouts: Checkout[]
  next: string | null
}

export interface Order {
  id: string
  store: string
  name: string | null
  email: string | null
  customer_name: string
  current_total_price: Decimal
  total_price: Decimal
  processed_at: string
  cancelled_at: string | null
  test: boolean
}

export interface Orders {
  currency: string
  orders: Order[]
  next: string | null
}

export type FeedKind = 'order' | 'refund' | 'cancellation' | 'checkout_abandoned' | 'checkout_recovered'

export interface FeedItem {
  kind: FeedKind
  id: string
  title: string
  customer: string | null
  amount: Decimal
  currency: string
  at: string
}

export type Changed = 'sales' | 'customers' | 'checkouts' | 'products' | 'shop'

export interface LiveChange {
  store: string
  at: string
  changed: Changed[]
  feed: FeedItem[]
  received_at: string
}

export interface Problem {
  type: string
  title: string
  status: number
  detail?: string
  choices?: { id: string; domain?: string; name?: string; currency?: string; timezone?: string }[]
  errors?: { field?: string; detail?: string }[]
}
