-- All customers of a store from its ledger. Takes tenant and store three times.
-- The JSON is spelled as the worker spells it: the digest of a store is over the bytes.
INSERT INTO rollup.customers (
  tenant_id, store_id, customer_id, orders, total_spent, first_order_at, last_order_at, moments, months
)
WITH active AS (
  SELECT customer_id, date_trunc('month', day::timestamp)::date AS month,
    count(*) FILTER (WHERE entry = 'placement') AS orders,
    sum(gross_sales - discounts - sales_reversals + shipping + taxes + duties + additional_fees)::bigint AS spent
  FROM rollup.ledger
  WHERE tenant_id = %s AND store_id = %s AND source = 'order' AND customer_id IS NOT NULL
  GROUP BY 1, 2
), told AS (
  SELECT customer_id, sum(orders)::bigint AS orders, sum(spent)::bigint AS total_spent,
    '[' || string_agg(format('["%%s",%%s,%%s]', to_char(month, 'YYYY-MM-DD'), orders, spent), ',' ORDER BY month) || ']'
      AS months
  FROM active WHERE orders <> 0 OR spent <> 0
  GROUP BY customer_id
), placed AS (
  SELECT customer_id, min(at) AS first_order_at, max(at) AS last_order_at,
    '[' || string_agg(
      format('[%%s,%%s]', (extract(epoch FROM at) * 1000000)::bigint, source_id), ',' ORDER BY at, source_id::bigint
    ) || ']' AS moments
  FROM rollup.ledger
  WHERE tenant_id = %s AND store_id = %s AND source = 'order' AND entry = 'placement' AND customer_id IS NOT NULL
  GROUP BY customer_id
)
SELECT %s, %s, t.customer_id, t.orders, t.total_spent, p.first_order_at, p.last_order_at,
  coalesce(p.moments, '[]')::json, t.months::json
FROM told AS t LEFT JOIN placed AS p USING (customer_id)
