-- Takes a tenant and a store.
SELECT dimension, bin, customers FROM rollup.spread
WHERE tenant_id = %(tenant)s AND store_id = %(store)s ORDER BY dimension, bin
