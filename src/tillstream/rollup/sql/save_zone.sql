INSERT INTO rollup.stores (tenant_id, store_id, timezone, currency, window_seconds, inference_seconds)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (tenant_id, store_id) DO UPDATE SET
  timezone = excluded.timezone, currency = excluded.currency, window_seconds = excluded.window_seconds,
  inference_seconds = excluded.inference_seconds
