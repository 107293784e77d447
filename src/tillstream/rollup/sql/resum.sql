-- Sum a store's ledger from nothing.
INSERT INTO rollup.sums (
  tenant_id, store_id, hour, day,
  gross_sales, discounts, sales_reversals, shipping, taxes, duties, additional_fees, orders,
  placed_gross, placed_discounts, gift_cards_sold, tips, checkouts, abandoned_checkouts,
  recovered_checkouts, converted_checkouts, recovered_sales, abandoned_value, customer_orders
)
SELECT
  tenant_id, store_id, hour, day,
  sum(gross_sales), sum(discounts), sum(sales_reversals), sum(shipping), sum(taxes), sum(duties),
  sum(additional_fees), sum(orders), sum(placed_gross), sum(placed_discounts),
  sum(gift_cards_sold), sum(tips), sum(checkouts), sum(abandoned_checkouts),
  sum(recovered_checkouts), sum(converted_checkouts), sum(recovered_sales), sum(abandoned_value), sum(customer_orders)
FROM rollup.ledger WHERE tenant_id = %s AND store_id = %s
GROUP BY tenant_id, store_id, hour, day
-- As when booking: an hour that comes to nothing has no row.
HAVING (sum(gross_sales), sum(discounts), sum(sales_reversals), sum(shipping), sum(taxes), sum(duties),
        sum(additional_fees), sum(orders), sum(placed_gross), sum(placed_discounts),
        sum(gift_cards_sold), sum(tips), sum(checkouts), sum(abandoned_checkouts),
        sum(recovered_checkouts), sum(converted_checkouts), sum(recovered_sales), sum(abandoned_value), sum(customer_orders))
  <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
