-- Write variants. Takes one JSON array of rows.
INSERT INTO mirror.variants (
  tenant_id, store_id, product_id, id, title, sku, price, compare_at_price, inventory_item_id,
  inventory_quantity, position
)
SELECT
  r.tenant_id, r.store_id, r.product_id, r.id, r.title, r.sku, r.price, r.compare_at_price,
  r.inventory_item_id, r.inventory_quantity, r.position
FROM json_to_recordset(%s::json) AS r (
  tenant_id bigint, store_id bigint, product_id bigint, id bigint, title text, sku text,
  price bigint, compare_at_price bigint, inventory_item_id bigint, inventory_quantity integer,
  position integer
)
