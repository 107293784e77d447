/** The API's answers, under the names the pages use; all but the stream's are generated from the API itself. */

import type { components } from './schema.d.ts'

type Schemas = components['schemas']

export type Session = Schemas['SignIn']
export type Store = Schemas['Store']
export type NewStore = Schemas['NewStore']
export type StoreChanges = Schemas['StoreChanges']
export type StoreStatus = Store['status']
export type StoreWarning = Schemas['StoreWarning']
export type Transfer = Schemas['Transfer']
export type Membership = Schemas['Membership']
export type Role = Membership['role']
export type SignInRecord = Schemas['SignInRecord']
export type TenantSettings = Schemas['TenantSettings']
export type TenantChanges = Schemas['TenantChanges']
export type Member = Schemas['Member']
export type Invitation = Schemas['Invitation']
export type SentInvitation = Schemas['SentInvitation']
export type InvitationOffer = Schemas['InvitationOffer']
export type ApiKey = Schemas['Key']
export type MadeKey = Schemas['MadeKey']
export type NewKey = Schemas['NewKey']
export type KeyScope = NewKey['scopes'][number]
export type AuditEvent = Schemas['AuditEvent']
export type AuditPage = Schemas['AuditPage']
export type SqlLogin = Schemas['Login']
export type SqlLogins = Schemas['Logins']
export type MadeSqlLogin = Schemas['MadeLogin']
export type PrivacyRequest = Schemas['PrivacyRequest']
export type Stats = Schemas['Stats']
export type Point = Schemas['Point']
export type SalesOverTime = Schemas['SalesOverTime']
export type TopCustomer = Schemas['CustomerValue']
export type TopCustomers = Schemas['TopCustomers']
export type Checkout = Schemas['Checkout']
export type Stage = Checkout['stage']
export type CheckoutSummary = Schemas['CheckoutSummary']
export type Checkouts = Schemas['Checkouts']
export type Orders = Schemas['Orders']
export type Order = Schemas['Order']
export type OneOrder = Schemas['OneOrder']
export type OrderLine = Schemas['OrderLine']
export type OrderCheckout = Schemas['OrderCheckout']
export type FulfillmentTimes = Schemas['FulfillmentTimes']
export type MeasureInfo = Schemas['MeasureOut']
export type Ledger = Schemas['Ledger']
export type FigureEntry = Schemas['FigureEntry']
export type OrderHistory = Schemas['OrderHistory']
export type Delivered = Schemas['Delivered']
export type LedgerEntry = Schemas['Entry']
export type Breakdown = Schemas['Breakdown']
export type BreakdownRow = Schemas['BreakdownRow']
export type BreakdownSort = 'total_sales' | 'net_sales' | 'gross_sales' | 'orders' | 'units_sold'
export type HeatMap = Schemas['HeatMap']
export type HeatMapCell = Schemas['HeatMapCell']
export type Product = Schemas['Product']
export type Products = Schemas['Products']
export type ProductSort =
  | 'newest'
  | 'units_sold'
  | 'units_reversed'
  | 'gross_sales'
  | 'net_sales'
  | 'orders'
  | 'on_hand'
  | 'days_of_stock'
export type Inventory = Schemas['Inventory']
export type StockedVariant = Schemas['StockedVariant']
export type Customer = Schemas['Customer']
export type CustomerKind = Customer['kind']
export type Customers = Schemas['Customers']
export type CustomerSegments = Schemas['CustomerSegments']
export type Segment = Schemas['Segment']
export type SegmentName = Segment['group']
export type ScoredCustomer = Schemas['ScoredCustomer']
export type Cohort = Schemas['Cohort']
export type CohortPeriod = Schemas['CohortPeriod']
export type Cohorts = Schemas['Cohorts']
/** `detail` is absent only in problems that a proxy on the way invented. */
export type Problem = Omit<Schemas['Problem'], 'detail'> & { detail?: string }

export type Changed = 'sales' | 'customers' | 'checkouts' | 'products' | 'shop'
export type FeedKind = 'order' | 'refund' | 'cancellation' | 'checkout_abandoned' | 'checkout_recovered'

/** One line of the live feed. */
export interface FeedItem {
  kind: FeedKind
  id: string
  title: string
  customer: string | null
  amount: string
  currency: string
  at: string
}

/** The data of a `change` event of `GET /api/live`. */
export interface LiveChange {
  store: string
  at: string
  changed: Changed[]
  feed: FeedItem[]
  received_at: string
}
