-- The entries of these sources. Takes a JSON array of keys. Times in µs since the epoch.
SELECT
  l.tenant_id, l.store_id, l.source, l.source_id, l.entry,
  (extract(epoch FROM l.at) * 1000000)::bigint, l.hour, l.day, l.customer_id,
  l.gross_sales, l.discounts, l.sales_reversals, l.shipping, l.taxes, l.duties,
  l.additional_fees, l.orders, l.placed_gross, l.placed_discounts, l.gift_cards_sold, l.tips,
  l.checkouts, l.abandoned_checkouts, l.recovered_checkouts, l.converted_checkouts,
  l.recovered_sales, l.abandoned_value, l.customer_orders
FROM json_to_recordset(%s::json) AS k (tenant_id bigint, store_id bigint, source text, source_id text)
JOIN rollup.ledger AS l USING (tenant_id, store_id, source, source_id)
