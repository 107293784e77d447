-- The orders that have the token or the cart of one of these checkouts. Takes a JSON array of checkouts.
WITH checkouts AS MATERIALIZED (
  SELECT * FROM json_to_recordset(%s::json) AS k (tenant_id bigint, store_id bigint, token text, cart_token text)
), matched AS (
  SELECT o.tenant_id, o.store_id, o.id
  FROM checkouts AS k
  JOIN mirror.orders AS o
    ON o.tenant_id = k.tenant_id AND o.store_id = k.store_id AND o.checkout_token = k.token
  UNION
  SELECT o.tenant_id, o.store_id, o.id
  FROM checkouts AS k
  JOIN mirror.orders AS o
    ON o.tenant_id = k.tenant_id AND o.store_id = k.store_id AND o.cart_token = k.cart_token
  WHERE k.cart_token IS NOT NULL
)
SELECT
  o.tenant_id, o.store_id, o.id, o.checkout_token, o.cart_token,
  (extract(epoch FROM coalesce(o.processed_at, o.created_at)) * 1000000)::bigint,
  o.test, o.total_price,
  EXISTS (
    SELECT FROM mirror.checkouts AS c
    WHERE c.tenant_id = o.tenant_id AND c.store_id = o.store_id AND c.token = o.checkout_token
  )
FROM matched AS m
JOIN mirror.orders AS o ON o.tenant_id = m.tenant_id AND o.store_id = m.store_id AND o.id = m.id
WHERE NOT o.deleted
