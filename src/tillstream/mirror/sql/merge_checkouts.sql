-- Write merged checkouts. Takes one JSON array of rows; returns nothing.
INSERT INTO mirror.checkouts (
  tenant_id, store_id, token, cart_token, name, email, phone, customer_id, customer_name,
  currency, total_price, created_at, updated_at, completed_at, abandoned_checkout_url,
  source_name, deleted, state
)
SELECT
  r.tenant_id, r.store_id, r.token, r.cart_token, r.name, r.email, r.phone, r.customer_id,
  r.customer_name, r.currency, r.total_price, r.created_at, r.updated_at, r.completed_at,
  r.abandoned_checkout_url, r.source_name, r.deleted, r.state
FROM json_to_recordset(%s::json) AS r (
  tenant_id bigint, store_id bigint, token text, cart_token text, name text, email text,
  phone text, customer_id bigint, customer_name text, currency text, total_price bigint,
  created_at timestamptz, updated_at timestamptz, completed_at timestamptz,
  abandoned_checkout_url text, source_name text, deleted boolean, state json
)
ON CONFLICT (tenant_id, store_id, token) DO UPDATE SET
  cart_token = excluded.cart_token, name = excluded.name, email = excluded.email,
  phone = excluded.phone, customer_id = excluded.customer_id,
  customer_name = excluded.customer_name, currency = excluded.currency,
  total_price = excluded.total_price, created_at = excluded.created_at,
  updated_at = excluded.updated_at, completed_at = excluded.completed_at,
  abandoned_checkout_url = excluded.abandoned_checkout_url, source_name = excluded.source_name,
  deleted = excluded.deleted, state = excluded.state
