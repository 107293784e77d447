-- Customers who are listed as prospects and are none (true), or are and are not listed. Takes tenant and
-- store twice.
WITH wanted AS (
  SELECT m.id AS customer_id FROM mirror.customers AS m
  WHERE m.tenant_id = %s AND m.store_id = %s AND NOT m.deleted AND NOT EXISTS (
    SELECT FROM rollup.customers AS c
    WHERE c.tenant_id = m.tenant_id AND c.store_id = m.store_id AND c.customer_id = m.id AND c.orders > 0
  )
), listed AS (
  SELECT customer_id FROM rollup.prospects WHERE tenant_id = %s AND store_id = %s
)
SELECT customer_id, l.customer_id IS NOT NULL
FROM wanted AS w FULL JOIN listed AS l USING (customer_id)
WHERE w.customer_id IS NULL OR l.customer_id IS NULL
ORDER BY customer_id
