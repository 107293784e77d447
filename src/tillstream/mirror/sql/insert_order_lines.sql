-- Write order_lines. Takes one JSON array of rows.
INSERT INTO mirror.order_lines (
  tenant_id, store_id, order_id, id, product_id, variant_id, title, variant_title, sku, vendor,
  quantity, current_quantity, price, discount, tax, gift_card, tip
)
SELECT
  r.tenant_id, r.store_id, r.order_id, r.id, r.product_id, r.variant_id, r.title,
  r.variant_title, r.sku, r.vendor, r.quantity, r.current_quantity, r.price, r.discount, r.tax,
  r.gift_card, r.tip
FROM json_to_recordset(%s::json) AS r (
  tenant_id bigint, store_id bigint, order_id bigint, id bigint, product_id bigint,
  variant_id bigint, title text, variant_title text, sku text, vendor text, quantity integer,
  current_quantity integer, price bigint, discount bigint, tax bigint, gift_card boolean,
  tip boolean
)
