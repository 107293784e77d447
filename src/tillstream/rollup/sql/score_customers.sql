-- Customers with orders by their three scores, each from 0 to 4. `last_day` are the instants after which
-- an order exceeds a boundary. One pass over a store's customers; adding up comparisons is the quickest.
SELECT
  (last_order_at >= (%(last_day)s::timestamptz[])[1])::int + (last_order_at >= (%(last_day)s::timestamptz[])[2])::int
    + (last_order_at >= (%(last_day)s::timestamptz[])[3])::int
    + (last_order_at >= (%(last_day)s::timestamptz[])[4])::int AS recency,
  (orders > (%(orders)s::bigint[])[1])::int + (orders > (%(orders)s::bigint[])[2])::int
    + (orders > (%(orders)s::bigint[])[3])::int + (orders > (%(orders)s::bigint[])[4])::int AS frequency,
  (total_spent > (%(spent)s::bigint[])[1])::int + (total_spent > (%(spent)s::bigint[])[2])::int
    + (total_spent > (%(spent)s::bigint[])[3])::int + (total_spent > (%(spent)s::bigint[])[4])::int AS monetary,
  count(*), sum(orders)::bigint, sum(total_spent)::bigint
FROM rollup.customers
WHERE tenant_id = %(tenant)s AND store_id = %(store)s AND orders > 0
GROUP BY recency, frequency, monetary
