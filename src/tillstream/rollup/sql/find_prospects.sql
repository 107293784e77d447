-- All prospects of a store. Takes a tenant and a store.
INSERT INTO rollup.prospects (tenant_id, store_id, customer_id)
SELECT m.tenant_id, m.store_id, m.id FROM mirror.customers AS m
WHERE m.tenant_id = %s AND m.store_id = %s AND NOT m.deleted AND NOT EXISTS (
  SELECT FROM rollup.customers AS c
  WHERE c.tenant_id = m.tenant_id AND c.store_id = m.store_id AND c.customer_id = m.id AND c.orders > 0
)
