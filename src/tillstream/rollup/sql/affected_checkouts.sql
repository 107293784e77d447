-- The checkouts that a change of these checkout tokens and cart tokens may move, with all others of
-- their carts, and where they stood. Takes two JSON arrays of [[tenant_id, store_id], token].
WITH tokens AS MATERIALIZED (
  SELECT (k->0->>0)::bigint AS tenant_id, (k->0->>1)::bigint AS store_id, k->>1 AS token
  FROM json_array_elements(%s::json) AS k
), carts AS MATERIALIZED (
  SELECT (k->0->>0)::bigint AS tenant_id, (k->0->>1)::bigint AS store_id, k->>1 AS cart_token
  FROM json_array_elements(%s::json) AS k
  -- Where an order's own checkout turns up, other checkouts of its cart may lose that order.
  UNION
  SELECT o.tenant_id, o.store_id, o.cart_token
  FROM tokens AS t
  JOIN mirror.orders AS o
    ON o.tenant_id = t.tenant_id AND o.store_id = t.store_id AND o.checkout_token = t.token
  WHERE o.cart_token IS NOT NULL
  -- An order of the cart may go from one of its checkouts to another.
  UNION
  SELECT c.tenant_id, c.store_id, c.cart_token
  FROM tokens AS t
  JOIN mirror.checkouts AS c USING (tenant_id, store_id, token)
  WHERE c.cart_token IS NOT NULL
), found AS (
  SELECT tenant_id, store_id, token FROM tokens
  UNION
  SELECT c.tenant_id, c.store_id, c.token
  FROM carts AS k
  JOIN mirror.checkouts AS c
    ON c.tenant_id = k.tenant_id AND c.store_id = k.store_id AND c.cart_token = k.cart_token
)
SELECT c.tenant_id, c.store_id, c.token, c.state::text, to_json(r)::text
FROM found
JOIN mirror.checkouts AS c USING (tenant_id, store_id, token)
LEFT JOIN rollup.checkouts AS r USING (tenant_id, store_id, token)
ORDER BY c.tenant_id, c.store_id, c.token
