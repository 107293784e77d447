-- Write merged orders. Takes one JSON array of rows; returns nothing.
INSERT INTO mirror.orders (
  tenant_id, store_id, id, name, email, phone, customer_id, checkout_token, cart_token,
  currency, presentment_currency, financial_status, fulfillment_status, source_name,
  taxes_included, test, deleted, created_at, processed_at, updated_at, cancelled_at, closed_at,
  cancel_reason, total_price, subtotal_price, total_tax, total_discounts, current_total_price,
  discount_codes, state
)
SELECT
  r.tenant_id, r.store_id, r.id, r.name, r.email, r.phone, r.customer_id, r.checkout_token,
  r.cart_token, r.currency, r.presentment_currency, r.financial_status, r.fulfillment_status,
  r.source_name, r.taxes_included, r.test, r.deleted, r.created_at, r.processed_at,
  r.updated_at, r.cancelled_at, r.closed_at, r.cancel_reason, r.total_price, r.subtotal_price,
  r.total_tax, r.total_discounts, r.current_total_price, r.discount_codes, r.state
FROM json_to_recordset(%s::json) AS r (
  tenant_id bigint, store_id bigint, id bigint, name text, email text, phone text,
  customer_id bigint, checkout_token text, cart_token text, currency text,
  presentment_currency text, financial_status text, fulfillment_status text, source_name text,
  taxes_included boolean, test boolean, deleted boolean, created_at timestamptz,
  processed_at timestamptz, updated_at timestamptz, cancelled_at timestamptz,
  closed_at timestamptz, cancel_reason text, total_price bigint, subtotal_price bigint,
  total_tax bigint, total_discounts bigint, current_total_price bigint, discount_codes text[],
  state json
)
ON CONFLICT (tenant_id, store_id, id) DO UPDATE SET
  name = excluded.name, email = excluded.email, phone = excluded.phone,
  customer_id = excluded.customer_id, checkout_token = excluded.checkout_token,
  cart_token = excluded.cart_token, currency = excluded.currency,
  presentment_currency = excluded.presentment_currency,
  financial_status = excluded.financial_status,
  fulfillment_status = excluded.fulfillment_status, source_name = excluded.source_name,
  taxes_included = excluded.taxes_included, test = excluded.test, deleted = excluded.deleted,
  created_at = excluded.created_at, processed_at = excluded.processed_at,
  updated_at = excluded.updated_at, cancelled_at = excluded.cancelled_at,
  closed_at = excluded.closed_at, cancel_reason = excluded.cancel_reason,
  total_price = excluded.total_price, subtotal_price = excluded.subtotal_price,
  total_tax = excluded.total_tax, total_discounts = excluded.total_discounts,
  current_total_price = excluded.current_total_price, discount_codes = excluded.discount_codes,
  state = excluded.state
