-- The checkouts of these customers near in time to what changed. Takes a JSON array of a customer, the
-- span of the change, and the margin within which one thing can bear on another.
--
-- Three steps out, each by the margin: what changed bears on the first, these on the second
-- (`inner`: what they are to become can be told), and the third is needed to tell it.
WITH changed AS MATERIALIZED (
  SELECT * FROM json_to_recordset(%s::json) AS k (
    tenant_id bigint, store_id bigint, customer_id bigint, since timestamptz, until timestamptz, margin interval
  )
), first AS MATERIALIZED (
  SELECT
    k.tenant_id, k.store_id, k.customer_id, k.margin,
    least(k.since, min(r.active_from)) - k.margin AS since,
    greatest(k.until, max(r.last_active_at)) + k.margin AS until
  FROM changed AS k
  LEFT JOIN rollup.checkouts AS r
    ON r.tenant_id = k.tenant_id AND r.store_id = k.store_id AND r.customer_id = k.customer_id
    AND r.last_active_at >= k.since - k.margin AND r.active_from <= k.until + k.margin
  GROUP BY k.tenant_id, k.store_id, k.customer_id, k.margin, k.since, k.until
), second AS MATERIALIZED (
  SELECT
    k.tenant_id, k.store_id, k.customer_id, k.since AS inner_since, k.until AS inner_until,
    least(k.since, min(r.active_from)) - k.margin AS since,
    greatest(k.until, max(r.last_active_at)) + k.margin AS until
  FROM first AS k
  JOIN rollup.checkouts AS r
    ON r.tenant_id = k.tenant_id AND r.store_id = k.store_id AND r.customer_id = k.customer_id
    AND r.last_active_at >= k.since AND r.active_from <= k.until
  GROUP BY k.tenant_id, k.store_id, k.customer_id, k.margin, k.since, k.until
)
SELECT to_json(r)::text, r.last_active_at >= k.inner_since AND r.active_from <= k.inner_until
FROM second AS k
JOIN rollup.checkouts AS r
  ON r.tenant_id = k.tenant_id AND r.store_id = k.store_id AND r.customer_id = k.customer_id
  AND r.last_active_at >= k.since AND r.active_from <= k.until
