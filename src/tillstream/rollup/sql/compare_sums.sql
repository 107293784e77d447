-- Hours whose sums are not the sum of their entries: the hour, the stored sums, the right ones.
-- Takes tenant and store twice.
WITH wanted AS (
  SELECT
    hour,
    sum(gross_sales)::bigint AS gross_sales, sum(discounts)::bigint AS discounts,
    sum(sales_reversals)::bigint AS sales_reversals, sum(shipping)::bigint AS shipping,
    sum(taxes)::bigint AS taxes, sum(duties)::bigint AS duties,
    sum(additional_fees)::bigint AS additional_fees, sum(orders)::bigint AS orders,
    sum(placed_gross)::bigint AS placed_gross, sum(placed_discounts)::bigint AS placed_discounts,
    sum(gift_cards_sold)::bigint AS gift_cards_sold, sum(tips)::bigint AS tips,
    sum(checkouts)::bigint AS checkouts, sum(abandoned_checkouts)::bigint AS abandoned_checkouts,
    sum(recovered_checkouts)::bigint AS recovered_checkouts,
    sum(converted_checkouts)::bigint AS converted_checkouts,
    sum(recovered_sales)::bigint AS recovered_sales,
    sum(abandoned_value)::bigint AS abandoned_value,
    sum(customer_orders)::bigint AS customer_orders
  FROM rollup.ledger WHERE tenant_id = %s AND store_id = %s GROUP BY hour
), stored AS (
  SELECT * FROM rollup.sums WHERE tenant_id = %s AND store_id = %s
)
SELECT
  hour,
  s.gross_sales, s.discounts, s.sales_reversals, s.shipping, s.taxes, s.duties,
  s.additional_fees, s.orders, s.placed_gross, s.placed_discounts, s.gift_cards_sold, s.tips,
  s.checkouts, s.abandoned_checkouts, s.recovered_checkouts, s.converted_checkouts,
  s.recovered_sales, s.abandoned_value, s.customer_orders, w.gross_sales, w.discounts, w.sales_reversals,
  w.shipping, w.taxes, w.duties, w.additional_fees, w.orders, w.placed_gross, w.placed_discounts,
  w.gift_cards_sold, w.tips, w.checkouts, w.abandoned_checkouts, w.recovered_checkouts,
  w.converted_checkouts, w.recovered_sales, w.abandoned_value, w.customer_orders
FROM stored AS s FULL JOIN wanted AS w USING (hour)
WHERE (s.gross_sales, s.discounts, s.sales_reversals, s.shipping, s.taxes, s.duties, s.additional_fees, s.orders, s.placed_gross,
       s.placed_discounts, s.gift_cards_sold, s.tips, s.checkouts, s.abandoned_checkouts, s.recovered_checkouts, s.converted_checkouts, s.recovered_sales, s.abandoned_value, s.customer_orders)
  IS DISTINCT FROM
      (w.gross_sales, w.discounts, w.sales_reversals, w.shipping, w.taxes, w.duties, w.additional_fees, w.orders, w.placed_gross,
       w.placed_discounts, w.gift_cards_sold, w.tips, w.checkouts, w.abandoned_checkouts, w.recovered_checkouts, w.converted_checkouts, w.recovered_sales, w.abandoned_value, w.customer_orders)
  AND NOT (s.hour IS NULL AND w.gross_sales = 0 AND w.discounts = 0 AND w.sales_reversals = 0 AND w.shipping = 0 AND w.taxes = 0 AND w.duties = 0 AND w.additional_fees = 0 AND w.orders = 0 AND w.placed_gross = 0 AND w.placed_discounts = 0 AND w.gift_cards_sold = 0 AND w.tips = 0 AND w.checkouts = 0 AND w.abandoned_checkouts = 0 AND w.recovered_checkouts = 0 AND w.converted_checkouts = 0 AND w.recovered_sales = 0 AND w.abandoned_value = 0 AND w.customer_orders = 0)
