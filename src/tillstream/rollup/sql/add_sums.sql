-- Add differences to the sums. Takes a JSON array of rows.
INSERT INTO rollup.sums AS s (
  tenant_id, store_id, hour, day, gross_sales, discounts, sales_reversals, shipping, taxes,
  duties, additional_fees, orders, placed_gross, placed_discounts, gift_cards_sold, tips,
  checkouts, abandoned_checkouts, recovered_checkouts, converted_checkouts, recovered_sales,
  abandoned_value, customer_orders
)
SELECT
  r.tenant_id, r.store_id, r.hour, r.day, r.gross_sales, r.discounts, r.sales_reversals,
  r.shipping, r.taxes, r.duties, r.additional_fees, r.orders, r.placed_gross, r.placed_discounts,
  r.gift_cards_sold, r.tips, r.checkouts, r.abandoned_checkouts, r.recovered_checkouts,
  r.converted_checkouts, r.recovered_sales, r.abandoned_value, r.customer_orders
FROM json_to_recordset(%s::json) AS r (
  tenant_id bigint, store_id bigint, hour timestamptz, day date, gross_sales bigint,
  discounts bigint, sales_reversals bigint, shipping bigint, taxes bigint, duties bigint,
  additional_fees bigint, orders bigint, placed_gross bigint, placed_discounts bigint,
  gift_cards_sold bigint, tips bigint, checkouts bigint, abandoned_checkouts bigint,
  recovered_checkouts bigint, converted_checkouts bigint, recovered_sales bigint,
  abandoned_value bigint, customer_orders bigint
)
ON CONFLICT (tenant_id, store_id, hour) DO UPDATE SET
  gross_sales = s.gross_sales + excluded.gross_sales,
  discounts = s.discounts + excluded.discounts,
  sales_reversals = s.sales_reversals + excluded.sales_reversals,
  shipping = s.shipping + excluded.shipping, taxes = s.taxes + excluded.taxes,
  duties = s.duties + excluded.duties,
  additional_fees = s.additional_fees + excluded.additional_fees,
  orders = s.orders + excluded.orders, placed_gross = s.placed_gross + excluded.placed_gross,
  placed_discounts = s.placed_discounts + excluded.placed_discounts,
  gift_cards_sold = s.gift_cards_sold + excluded.gift_cards_sold, tips = s.tips + excluded.tips,
  checkouts = s.checkouts + excluded.checkouts,
  abandoned_checkouts = s.abandoned_checkouts + excluded.abandoned_checkouts,
  recovered_checkouts = s.recovered_checkouts + excluded.recovered_checkouts,
  converted_checkouts = s.converted_checkouts + excluded.converted_checkouts,
  recovered_sales = s.recovered_sales + excluded.recovered_sales,
  abandoned_value = s.abandoned_value + excluded.abandoned_value,
  customer_orders = s.customer_orders + excluded.customer_orders
