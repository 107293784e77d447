-- Drop sums that came to nothing, so that equal ledgers give equal tables. Takes a JSON array of keys.
DELETE FROM rollup.sums AS s
USING json_to_recordset(%s::json) AS k (tenant_id bigint, store_id bigint, hour timestamptz)
WHERE s.tenant_id = k.tenant_id AND s.store_id = k.store_id AND s.hour = k.hour
  AND s.gross_sales = 0 AND s.discounts = 0 AND s.sales_reversals = 0 AND s.shipping = 0
  AND s.taxes = 0 AND s.duties = 0 AND s.additional_fees = 0 AND s.orders = 0
  AND s.placed_gross = 0 AND s.placed_discounts = 0 AND s.gift_cards_sold = 0 AND s.tips = 0
  AND s.checkouts = 0 AND s.abandoned_checkouts = 0 AND s.recovered_checkouts = 0 AND s.converted_checkouts = 0
  AND s.recovered_sales = 0 AND s.abandoned_value = 0 AND s.customer_orders = 0
