INSERT INTO rollup.stores (tenant_id, store_id, timezone, currency) VALUES (%s, %s, %s, %s)
ON CONFLICT (tenant_id, store_id) DO UPDATE SET timezone = excluded.timezone, currency = excluded.currency
