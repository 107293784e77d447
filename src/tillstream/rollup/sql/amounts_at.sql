-- The amounts that stand in these places among a store's customers: each so many customers after the
-- first one who spent `start` or more. Reads the index by value from there on.
SELECT (
  SELECT c.total_spent FROM rollup.customers AS c
  WHERE c.tenant_id = %(tenant)s AND c.store_id = %(store)s AND c.total_spent >= p.start
  ORDER BY c.total_spent, c.customer_id DESC LIMIT 1 OFFSET p.beyond
)
FROM unnest(%(starts)s::bigint[], %(offsets)s::bigint[]) WITH ORDINALITY AS p (start, beyond, place)
ORDER BY p.place
