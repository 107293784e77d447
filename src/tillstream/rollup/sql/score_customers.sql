-- Customers with orders by their three scores, each from 0 to 4. `last_day` are the instants from which on an
-- order exceeds a boundary. One pass over a store's customers, with as few comparisons as can be.
SELECT
  CASE
    WHEN last_order_at >= (%(last_day)s::timestamptz[])[3] THEN CASE WHEN last_order_at >= (%(last_day)s::timestamptz[])[4] THEN 4 ELSE 3 END
    WHEN last_order_at >= (%(last_day)s::timestamptz[])[2] THEN 2 WHEN last_order_at >= (%(last_day)s::timestamptz[])[1] THEN 1 ELSE 0 END AS recency,
  CASE
    WHEN orders > (%(orders)s::bigint[])[3] THEN CASE WHEN orders > (%(orders)s::bigint[])[4] THEN 4 ELSE 3 END
    WHEN orders > (%(orders)s::bigint[])[2] THEN 2 WHEN orders > (%(orders)s::bigint[])[1] THEN 1 ELSE 0 END AS frequency,
  CASE
    WHEN total_spent > (%(spent)s::bigint[])[3] THEN CASE WHEN total_spent > (%(spent)s::bigint[])[4] THEN 4 ELSE 3 END
    WHEN total_spent > (%(spent)s::bigint[])[2] THEN 2 WHEN total_spent > (%(spent)s::bigint[])[1] THEN 1 ELSE 0 END AS monetary,
  count(*), sum(orders)::bigint, sum(total_spent)::bigint
FROM rollup.customers
WHERE tenant_id = %(tenant)s AND store_id = %(store)s AND orders > 0
GROUP BY recency, frequency, monetary
