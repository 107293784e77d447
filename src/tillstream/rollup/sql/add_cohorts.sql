-- Add differences. Takes a JSON array of rows; returns the keys of the rows that came to nothing, to be swept.
WITH written AS (
  INSERT INTO rollup.cohorts AS c (tenant_id, store_id, cohort, month, customers, orders, total_spent)
  SELECT r.tenant_id, r.store_id, r.cohort, r.month, r.customers, r.orders, r.total_spent
  FROM json_to_recordset(%s::json) AS r (
    tenant_id bigint, store_id bigint, cohort date, month date, customers bigint, orders bigint, total_spent bigint
  )
  ON CONFLICT (tenant_id, store_id, cohort, month) DO UPDATE SET
    customers = c.customers + excluded.customers, orders = c.orders + excluded.orders,
    total_spent = c.total_spent + excluded.total_spent
  RETURNING tenant_id, store_id, cohort, month, customers = 0 AND orders = 0 AND total_spent = 0 AS nothing
)
SELECT tenant_id, store_id, cohort, month FROM written WHERE nothing
