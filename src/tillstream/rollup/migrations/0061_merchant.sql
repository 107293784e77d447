-- What merchants query with SQL: views for people over mirror and rollup, amounts in the currency's
-- units. security_invoker, so that the policies of the tables below hold for whoever asks;
-- security_barrier, so that no function of a query sees a row before they have.
-- Safe before and after the new code: it only adds.
CREATE SCHEMA merchant;
GRANT USAGE ON SCHEMA merchant TO tillstream_reader;

-- Columns one by one: what a view does not show, a login cannot read by any other way either. It has
-- no USAGE on the schemas of the tables, so it cannot even name them.
GRANT SELECT (id, tenant_id, domain, removed_at) ON shops.stores TO tillstream_reader;
GRANT SELECT (tenant_id, store_id, id, name, email, phone, customer_id, currency, presentment_currency,
  financial_status, fulfillment_status, source_name, taxes_included, test, deleted, created_at, processed_at,
  updated_at, cancelled_at, closed_at, cancel_reason, total_price, subtotal_price, total_tax, total_discounts,
  current_total_price, discount_codes) ON mirror.orders TO tillstream_reader;
GRANT SELECT (tenant_id, store_id, order_id, id, product_id, variant_id, title, variant_title, sku, vendor,
  quantity, current_quantity, price, discount, tax, gift_card, tip) ON mirror.order_lines TO tillstream_reader;
GRANT SELECT (tenant_id, store_id, id, email, first_name, last_name, phone, created_at, updated_at, deleted)
  ON mirror.customers TO tillstream_reader;
GRANT SELECT (tenant_id, store_id, token, email, phone, customer_id, customer_name, currency, created_at,
  abandoned_checkout_url, source_name, deleted) ON mirror.checkouts TO tillstream_reader;
GRANT SELECT (tenant_id, store_id, id, title, handle, status, vendor, product_type, created_at, updated_at,
  deleted) ON mirror.products TO tillstream_reader;
GRANT SELECT (tenant_id, store_id, product_id, id, price, inventory_quantity) ON mirror.variants TO tillstream_reader;
GRANT SELECT ON rollup.sums TO tillstream_reader;
GRANT SELECT (tenant_id, store_id, customer_id, orders, total_spent, first_order_at, last_order_at)
  ON rollup.customers TO tillstream_reader;
GRANT SELECT (tenant_id, store_id, token, stage, counted, started_at, last_active_at, abandoned_at, recovered_at,
  completed_at, value, order_id, recovered_value) ON rollup.checkouts TO tillstream_reader;
GRANT SELECT (tenant_id, store_id, timezone, currency) ON rollup.stores TO tillstream_reader;
GRANT SELECT ON rollup.breakdown, rollup.cohorts TO tillstream_reader;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['shops.stores', 'mirror.orders', 'mirror.order_lines', 'mirror.customers',
                              'mirror.checkouts', 'mirror.products', 'mirror.variants', 'rollup.sums',
                              'rollup.customers', 'rollup.checkouts', 'rollup.stores', 'rollup.breakdown',
                              'rollup.cohorts'] LOOP
    EXECUTE format('CREATE POLICY reader ON %s FOR SELECT TO tillstream_reader '
                   'USING (tenant_id = (SELECT shops.reader_tenant()))', name);
  END LOOP;
END $$;

-- Texts and references are expressions (`|| ''`, `+ 0`) on purpose: PostgreSQL keeps no statistics of
-- them. It estimates from samples of all tenants' rows, and EXPLAIN shows the estimates: those of
-- `email < 'm'` would give away, asked again and again, other tenants' customers letter by letter, and
-- those of `product_id = 7` how well a rival's product sells.
CREATE VIEW merchant.orders WITH (security_invoker = true, security_barrier = true) AS
SELECT s.domain || '' AS store, o.id, o.name || '' AS name, o.email || '' AS email, o.phone || '' AS phone,
  o.customer_id + 0 AS customer_id, o.currency || '' AS currency,
  o.presentment_currency || '' AS presentment_currency, o.financial_status || '' AS financial_status,
  o.fulfillment_status || '' AS fulfillment_status, o.source_name || '' AS source_name, o.taxes_included,
  o.test, o.created_at, o.processed_at, o.updated_at, o.cancelled_at, o.closed_at,
  o.cancel_reason || '' AS cancel_reason, o.total_price * 0.0001 AS total_price,
  o.subtotal_price * 0.0001 AS subtotal_price, o.total_tax * 0.0001 AS total_tax,
  o.total_discounts * 0.0001 AS total_discounts, o.current_total_price * 0.0001 AS current_total_price,
  o.discount_codes || '{}' AS discount_codes
FROM mirror.orders AS o
JOIN shops.stores AS s ON s.tenant_id = o.tenant_id AND s.id = o.store_id AND s.removed_at IS NULL
WHERE NOT o.deleted;

CREATE VIEW merchant.order_lines WITH (security_invoker = true, security_barrier = true) AS
SELECT s.domain || '' AS store, l.order_id + 0 AS order_id, l.id, o.processed_at AS ordered_at,
  l.product_id + 0 AS product_id, l.variant_id + 0 AS variant_id, l.title || '' AS title,
  l.variant_title || '' AS variant_title, l.sku || '' AS sku, l.vendor || '' AS vendor, l.quantity,
  l.current_quantity, o.currency || '' AS currency, l.price * 0.0001 AS price, l.discount * 0.0001 AS discount,
  l.tax * 0.0001 AS tax, l.gift_card, l.tip
FROM mirror.order_lines AS l
JOIN mirror.orders AS o
  ON o.tenant_id = l.tenant_id AND o.store_id = l.store_id AND o.id = l.order_id AND NOT o.deleted
JOIN shops.stores AS s ON s.tenant_id = l.tenant_id AND s.id = l.store_id AND s.removed_at IS NULL;

CREATE VIEW merchant.customers WITH (security_invoker = true, security_barrier = true) AS
SELECT s.domain || '' AS store, c.id, c.email || '' AS email, c.first_name || '' AS first_name,
  c.last_name || '' AS last_name, c.phone || '' AS phone, c.created_at, c.updated_at,
  coalesce(r.orders, 0) AS orders, coalesce(r.total_spent, 0) * 0.0001 AS total_spent,
  b.currency || '' AS currency, r.first_order_at, r.last_order_at
FROM mirror.customers AS c
JOIN shops.stores AS s ON s.tenant_id = c.tenant_id AND s.id = c.store_id AND s.removed_at IS NULL
LEFT JOIN rollup.customers AS r
  ON r.tenant_id = c.tenant_id AND r.store_id = c.store_id AND r.customer_id = c.id
LEFT JOIN rollup.stores AS b ON b.tenant_id = c.tenant_id AND b.store_id = c.store_id
WHERE NOT c.deleted;

CREATE VIEW merchant.checkouts WITH (security_invoker = true, security_barrier = true) AS
SELECT s.domain || '' AS store, r.token || '' AS token, r.stage || '' AS stage, m.email || '' AS email,
  m.phone || '' AS phone, m.customer_id + 0 AS customer_id, m.customer_name || '' AS customer_name,
  m.currency || '' AS currency, r.value * 0.0001 AS total_price, r.started_at, r.last_active_at, r.abandoned_at,
  r.recovered_at, r.completed_at, r.order_id + 0 AS order_id, r.recovered_value * 0.0001 AS recovered_sales,
  m.abandoned_checkout_url || '' AS recovery_url, m.source_name || '' AS source_name
FROM rollup.checkouts AS r
JOIN shops.stores AS s ON s.tenant_id = r.tenant_id AND s.id = r.store_id AND s.removed_at IS NULL
LEFT JOIN mirror.checkouts AS m
  ON m.tenant_id = r.tenant_id AND m.store_id = r.store_id AND m.token = r.token
WHERE r.counted AND m.deleted IS NOT TRUE;

CREATE VIEW merchant.products WITH (security_invoker = true, security_barrier = true) AS
SELECT s.domain || '' AS store, p.id, p.title || '' AS title, p.handle || '' AS handle, p.status || '' AS status,
  p.vendor || '' AS vendor, p.product_type || '' AS product_type, p.created_at, p.updated_at, v.variants,
  v.lowest * 0.0001 AS lowest_price, v.highest * 0.0001 AS highest_price, v.inventory,
  b.currency || '' AS currency
FROM mirror.products AS p
JOIN shops.stores AS s ON s.tenant_id = p.tenant_id AND s.id = p.store_id AND s.removed_at IS NULL
LEFT JOIN rollup.stores AS b ON b.tenant_id = p.tenant_id AND b.store_id = p.store_id
CROSS JOIN LATERAL (
  SELECT count(*) AS variants, min(r.price) AS lowest, max(r.price) AS highest,
    sum(r.inventory_quantity) AS inventory
  FROM mirror.variants AS r
  WHERE r.tenant_id = p.tenant_id AND r.store_id = p.store_id AND r.product_id = p.id
) AS v
WHERE NOT p.deleted;

CREATE VIEW merchant.daily_sales WITH (security_invoker = true, security_barrier = true) AS
SELECT s.domain || '' AS store, d.day, b.currency || '' AS currency, b.timezone || '' AS timezone,
  d.orders::bigint AS orders,
  (d.net + d.shipping + d.taxes + d.duties + d.additional_fees) * 0.0001 AS total_sales,
  d.gross_sales * 0.0001 AS gross_sales, d.discounts * 0.0001 AS discounts,
  d.sales_reversals * 0.0001 AS sales_reversals, d.net * 0.0001 AS net_sales, d.shipping * 0.0001 AS shipping,
  d.taxes * 0.0001 AS taxes, d.duties * 0.0001 AS duties, d.additional_fees * 0.0001 AS additional_fees,
  d.gift_cards_sold * 0.0001 AS gift_cards_sold, d.tips * 0.0001 AS tips,
  d.units_sold::bigint AS units_sold, d.units_reversed::bigint AS units_reversed,
  d.refund_adjustments * 0.0001 AS refund_adjustments, d.tax_in_prices * 0.0001 AS tax_in_prices,
  d.cash_rounding * 0.0001 AS cash_rounding,
  round(d.placed * 0.0001 / nullif(d.orders, 0), 4) AS average_order_value, d.checkouts::bigint AS checkouts,
  d.abandoned_checkouts::bigint AS abandoned_checkouts, d.abandonments::bigint AS abandonments,
  d.recovered_checkouts::bigint AS recovered_checkouts, d.converted_checkouts::bigint AS converted_checkouts, d.recovered_sales * 0.0001 AS recovered_sales,
  d.abandoned_value * 0.0001 AS abandoned_value, d.inferred_recoveries::bigint AS inferred_recoveries,
  d.inferred_recovered_sales * 0.0001 AS inferred_recovered_sales
FROM (
  SELECT r.tenant_id, r.store_id, r.day, sum(r.orders) AS orders,
    sum(r.gross_sales) AS gross_sales, sum(r.discounts) AS discounts, sum(r.sales_reversals) AS sales_reversals,
    sum(r.gross_sales - r.discounts - r.sales_reversals) AS net, sum(r.shipping) AS shipping,
    sum(r.taxes) AS taxes, sum(r.duties) AS duties, sum(r.additional_fees) AS additional_fees,
    sum(r.gift_cards_sold) AS gift_cards_sold, sum(r.tips) AS tips, sum(r.units_sold) AS units_sold,
    sum(r.units_reversed) AS units_reversed, sum(r.refund_adjustments) AS refund_adjustments,
    sum(r.tax_in_prices) AS tax_in_prices, sum(r.cash_rounding) AS cash_rounding,
    sum(r.placed_gross - r.placed_discounts) AS placed, sum(r.checkouts) AS checkouts,
    sum(r.abandoned_checkouts) AS abandoned_checkouts, sum(r.abandonments) AS abandonments,
    sum(r.recovered_checkouts) AS recovered_checkouts,
    sum(r.converted_checkouts) AS converted_checkouts, sum(r.recovered_sales) AS recovered_sales,
    sum(r.abandoned_value) AS abandoned_value, sum(r.inferred_recoveries) AS inferred_recoveries,
    sum(r.inferred_recovered_sales) AS inferred_recovered_sales
  FROM rollup.sums AS r
  GROUP BY r.tenant_id, r.store_id, r.day
) AS d
JOIN shops.stores AS s ON s.tenant_id = d.tenant_id AND s.id = d.store_id AND s.removed_at IS NULL
LEFT JOIN rollup.stores AS b ON b.tenant_id = d.tenant_id AND b.store_id = d.store_id;

CREATE VIEW merchant.sales_breakdown WITH (security_invoker = true, security_barrier = true) AS
SELECT s.domain || '' AS store, d.day, d.dimension || '' AS dimension, d.value || '' AS value,
  b.currency || '' AS currency, d.orders,
  (d.gross_sales - d.discounts - d.sales_reversals + d.shipping + d.taxes + d.duties + d.additional_fees)
    * 0.0001 AS total_sales,
  d.gross_sales * 0.0001 AS gross_sales, d.discounts * 0.0001 AS discounts,
  d.sales_reversals * 0.0001 AS sales_reversals,
  (d.gross_sales - d.discounts - d.sales_reversals) * 0.0001 AS net_sales, d.shipping * 0.0001 AS shipping,
  d.taxes * 0.0001 AS taxes, d.duties * 0.0001 AS duties, d.additional_fees * 0.0001 AS additional_fees,
  d.units_sold, d.units_reversed
FROM rollup.breakdown AS d
JOIN shops.stores AS s ON s.tenant_id = d.tenant_id AND s.id = d.store_id AND s.removed_at IS NULL
LEFT JOIN rollup.stores AS b ON b.tenant_id = d.tenant_id AND b.store_id = d.store_id
WHERE d.grain = 'day' AND d.dimension <> 'fulfilled_after';

CREATE VIEW merchant.cohorts WITH (security_invoker = true, security_barrier = true) AS
SELECT s.domain || '' AS store, c.cohort, c.month, c.customers, c.orders,
  c.total_spent * 0.0001 AS total_spent, b.currency || '' AS currency
FROM rollup.cohorts AS c
JOIN shops.stores AS s ON s.tenant_id = c.tenant_id AND s.id = c.store_id AND s.removed_at IS NULL
LEFT JOIN rollup.stores AS b ON b.tenant_id = c.tenant_id AND b.store_id = c.store_id;

GRANT SELECT ON merchant.orders, merchant.order_lines, merchant.customers, merchant.checkouts,
  merchant.products, merchant.daily_sales, merchant.sales_breakdown, merchant.cohorts TO tillstream_reader;

COMMENT ON SCHEMA merchant IS 'Your stores'' data. Amounts are in units of the currency, times in UTC.';

COMMENT ON VIEW merchant.orders IS 'One row per order, as the shop has it now.';
COMMENT ON COLUMN merchant.orders.store IS 'The shop''s domain.';
COMMENT ON COLUMN merchant.orders.id IS 'Shopify''s id of the order.';
COMMENT ON COLUMN merchant.orders.name IS 'The order''s number as the shop shows it, such as #1001.';
COMMENT ON COLUMN merchant.orders.email IS 'The e-mail address of the order.';
COMMENT ON COLUMN merchant.orders.phone IS 'The telephone number of the order.';
COMMENT ON COLUMN merchant.orders.customer_id IS 'The customer who ordered: customers.id.';
COMMENT ON COLUMN merchant.orders.currency IS 'The shop''s currency, in which the amounts are.';
COMMENT ON COLUMN merchant.orders.presentment_currency IS 'The currency that the customer saw.';
COMMENT ON COLUMN merchant.orders.financial_status IS 'Shopify''s: pending, authorized, paid, partially_refunded, refunded, voided.';
COMMENT ON COLUMN merchant.orders.fulfillment_status IS 'Shopify''s: fulfilled, partial, restocked; null when nothing was sent yet.';
COMMENT ON COLUMN merchant.orders.source_name IS 'Where the order came from: web, pos, an app.';
COMMENT ON COLUMN merchant.orders.taxes_included IS 'Whether prices include taxes.';
COMMENT ON COLUMN merchant.orders.test IS 'Whether it is a test order; those count in no figure.';
COMMENT ON COLUMN merchant.orders.created_at IS 'When the order was made.';
COMMENT ON COLUMN merchant.orders.processed_at IS 'When the order counts in the figures.';
COMMENT ON COLUMN merchant.orders.updated_at IS 'When the order last changed.';
COMMENT ON COLUMN merchant.orders.cancelled_at IS 'When the order was cancelled; null if it was not.';
COMMENT ON COLUMN merchant.orders.closed_at IS 'When the order was closed; null if it was not.';
COMMENT ON COLUMN merchant.orders.cancel_reason IS 'Why the order was cancelled.';
COMMENT ON COLUMN merchant.orders.total_price IS 'What the customer was to pay, when ordering.';
COMMENT ON COLUMN merchant.orders.subtotal_price IS 'The lines after discounts, without shipping.';
COMMENT ON COLUMN merchant.orders.total_tax IS 'All taxes.';
COMMENT ON COLUMN merchant.orders.total_discounts IS 'All discounts.';
COMMENT ON COLUMN merchant.orders.current_total_price IS 'The total after edits, refunds and returns.';
COMMENT ON COLUMN merchant.orders.discount_codes IS 'The discount codes that were used.';

COMMENT ON VIEW merchant.order_lines IS 'One row per line of an order.';
COMMENT ON COLUMN merchant.order_lines.store IS 'The shop''s domain.';
COMMENT ON COLUMN merchant.order_lines.order_id IS 'The order it belongs to: orders.id.';
COMMENT ON COLUMN merchant.order_lines.id IS 'Shopify''s id of the line.';
COMMENT ON COLUMN merchant.order_lines.ordered_at IS 'When the order counts in the figures.';
COMMENT ON COLUMN merchant.order_lines.product_id IS 'The product that was sold: products.id.';
COMMENT ON COLUMN merchant.order_lines.variant_id IS 'The product''s variant that was sold.';
COMMENT ON COLUMN merchant.order_lines.title IS 'The product''s title when it was sold.';
COMMENT ON COLUMN merchant.order_lines.variant_title IS 'The variant''s title when it was sold.';
COMMENT ON COLUMN merchant.order_lines.sku IS 'The stock keeping unit.';
COMMENT ON COLUMN merchant.order_lines.vendor IS 'The product''s vendor.';
COMMENT ON COLUMN merchant.order_lines.quantity IS 'How many were ordered.';
COMMENT ON COLUMN merchant.order_lines.current_quantity IS 'How many are left after edits and refunds.';
COMMENT ON COLUMN merchant.order_lines.currency IS 'The shop''s currency, in which the amounts are.';
COMMENT ON COLUMN merchant.order_lines.price IS 'The price of one.';
COMMENT ON COLUMN merchant.order_lines.discount IS 'All discounts on the line.';
COMMENT ON COLUMN merchant.order_lines.tax IS 'All taxes on the line.';
COMMENT ON COLUMN merchant.order_lines.gift_card IS 'Whether the line sells a gift card; those are no sales.';
COMMENT ON COLUMN merchant.order_lines.tip IS 'Whether the line is a tip; those are no sales.';

COMMENT ON VIEW merchant.customers IS 'One row per customer.';
COMMENT ON COLUMN merchant.customers.store IS 'The shop''s domain.';
COMMENT ON COLUMN merchant.customers.id IS 'Shopify''s id of the customer.';
COMMENT ON COLUMN merchant.customers.email IS 'E-mail address.';
COMMENT ON COLUMN merchant.customers.first_name IS 'First name.';
COMMENT ON COLUMN merchant.customers.last_name IS 'Last name.';
COMMENT ON COLUMN merchant.customers.phone IS 'Telephone number.';
COMMENT ON COLUMN merchant.customers.created_at IS 'When the customer was made.';
COMMENT ON COLUMN merchant.customers.updated_at IS 'When the customer last changed.';
COMMENT ON COLUMN merchant.customers.orders IS 'Orders placed in all time.';
COMMENT ON COLUMN merchant.customers.total_spent IS 'Total sales of all their orders, refunds subtracted.';
COMMENT ON COLUMN merchant.customers.currency IS 'The shop''s currency, in which the amount is.';
COMMENT ON COLUMN merchant.customers.first_order_at IS 'When they ordered first.';
COMMENT ON COLUMN merchant.customers.last_order_at IS 'When they ordered last.';

COMMENT ON VIEW merchant.checkouts IS 'One row per checkout whose shopper is known.';
COMMENT ON COLUMN merchant.checkouts.store IS 'The shop''s domain.';
COMMENT ON COLUMN merchant.checkouts.token IS 'Shopify''s token of the checkout.';
COMMENT ON COLUMN merchant.checkouts.stage IS 'open, abandoned, recovered (completed after having been abandoned) or converted.';
COMMENT ON COLUMN merchant.checkouts.email IS 'The shopper''s e-mail address.';
COMMENT ON COLUMN merchant.checkouts.phone IS 'The shopper''s telephone number.';
COMMENT ON COLUMN merchant.checkouts.customer_id IS 'The customer, if known: customers.id.';
COMMENT ON COLUMN merchant.checkouts.customer_name IS 'The shopper''s name.';
COMMENT ON COLUMN merchant.checkouts.currency IS 'The currency of the amounts.';
COMMENT ON COLUMN merchant.checkouts.total_price IS 'What the checkout is worth.';
COMMENT ON COLUMN merchant.checkouts.started_at IS 'When it began.';
COMMENT ON COLUMN merchant.checkouts.last_active_at IS 'When something happened in it last.';
COMMENT ON COLUMN merchant.checkouts.abandoned_at IS 'When it was abandoned; null if it was not.';
COMMENT ON COLUMN merchant.checkouts.recovered_at IS 'When it was completed after having been abandoned; null if it was not.';
COMMENT ON COLUMN merchant.checkouts.completed_at IS 'When it became an order; null if it did not.';
COMMENT ON COLUMN merchant.checkouts.order_id IS 'The order it became: orders.id.';
COMMENT ON COLUMN merchant.checkouts.recovered_sales IS 'What its order is worth, if it was recovered.';
COMMENT ON COLUMN merchant.checkouts.recovery_url IS 'Where the shopper can go on.';
COMMENT ON COLUMN merchant.checkouts.source_name IS 'Where the checkout came from: web, pos, an app.';

COMMENT ON VIEW merchant.products IS 'One row per product.';
COMMENT ON COLUMN merchant.products.store IS 'The shop''s domain.';
COMMENT ON COLUMN merchant.products.id IS 'Shopify''s id of the product.';
COMMENT ON COLUMN merchant.products.title IS 'Title.';
COMMENT ON COLUMN merchant.products.handle IS 'The last part of its address in the shop.';
COMMENT ON COLUMN merchant.products.status IS 'active, draft or archived.';
COMMENT ON COLUMN merchant.products.vendor IS 'Vendor.';
COMMENT ON COLUMN merchant.products.product_type IS 'The type the shop gave it.';
COMMENT ON COLUMN merchant.products.created_at IS 'When the product was made.';
COMMENT ON COLUMN merchant.products.updated_at IS 'When the product last changed.';
COMMENT ON COLUMN merchant.products.variants IS 'How many variants it has.';
COMMENT ON COLUMN merchant.products.lowest_price IS 'The price of its cheapest variant.';
COMMENT ON COLUMN merchant.products.highest_price IS 'The price of its dearest variant.';
COMMENT ON COLUMN merchant.products.inventory IS 'How many are in stock, over all variants.';
COMMENT ON COLUMN merchant.products.currency IS 'The shop''s currency, in which the prices are.';

COMMENT ON VIEW merchant.daily_sales IS 'One row per store and day with any figures; the same figures as the dashboard''s.';
COMMENT ON COLUMN merchant.daily_sales.store IS 'The shop''s domain.';
COMMENT ON COLUMN merchant.daily_sales.day IS 'The day in the shop''s time zone.';
COMMENT ON COLUMN merchant.daily_sales.currency IS 'The shop''s currency, in which the amounts are.';
COMMENT ON COLUMN merchant.daily_sales.timezone IS 'The shop''s time zone.';
COMMENT ON COLUMN merchant.daily_sales.orders IS 'Orders placed.';
COMMENT ON COLUMN merchant.daily_sales.total_sales IS 'Net sales, shipping, taxes, duties and additional fees.';
COMMENT ON COLUMN merchant.daily_sales.gross_sales IS 'Price times quantity, before discounts and refunds, without taxes.';
COMMENT ON COLUMN merchant.daily_sales.discounts IS 'Discounts on sales.';
COMMENT ON COLUMN merchant.daily_sales.sales_reversals IS 'Refunds, returns and cancellations of sales.';
COMMENT ON COLUMN merchant.daily_sales.net_sales IS 'Gross sales less discounts and reversals.';
COMMENT ON COLUMN merchant.daily_sales.shipping IS 'Shipping, less what of it was refunded.';
COMMENT ON COLUMN merchant.daily_sales.taxes IS 'Taxes, less what of them was refunded.';
COMMENT ON COLUMN merchant.daily_sales.duties IS 'Duties, less what of them was refunded.';
COMMENT ON COLUMN merchant.daily_sales.additional_fees IS 'Additional fees, less what of them was refunded.';
COMMENT ON COLUMN merchant.daily_sales.gift_cards_sold IS 'Gift cards sold; no sales.';
COMMENT ON COLUMN merchant.daily_sales.tips IS 'Tips; no sales.';
COMMENT ON COLUMN merchant.daily_sales.units_sold IS 'Units of lines that are sales, also those added by edits.';
COMMENT ON COLUMN merchant.daily_sales.units_reversed IS 'Units refunded, removed or cancelled.';
COMMENT ON COLUMN merchant.daily_sales.refund_adjustments IS 'Money given back that belongs to no line and no shipping; not in reversals.';
COMMENT ON COLUMN merchant.daily_sales.tax_in_prices IS 'Tax taken out of gross sales where prices include it.';
COMMENT ON COLUMN merchant.daily_sales.cash_rounding IS 'Rounding of cash payments; not in total sales.';
COMMENT ON COLUMN merchant.daily_sales.average_order_value IS 'Gross sales less discounts of the orders placed, for each order; null without orders.';
COMMENT ON COLUMN merchant.daily_sales.checkouts IS 'Checkouts begun by shoppers who are known.';
COMMENT ON COLUMN merchant.daily_sales.abandoned_checkouts IS 'Checkouts abandoned, also if recovered later.';
COMMENT ON COLUMN merchant.daily_sales.abandonments IS 'How often a checkout was abandoned, also more than once.';
COMMENT ON COLUMN merchant.daily_sales.recovered_checkouts IS 'Of those, the ones completed afterwards.';
COMMENT ON COLUMN merchant.daily_sales.converted_checkouts IS 'Checkouts completed without having been abandoned.';
COMMENT ON COLUMN merchant.daily_sales.recovered_sales IS 'What the orders of recovered checkouts are worth.';
COMMENT ON COLUMN merchant.daily_sales.abandoned_value IS 'What checkouts that are still abandoned are worth.';
COMMENT ON COLUMN merchant.daily_sales.inferred_recoveries IS 'Abandoned checkouts whose customer bought by another one soon after.';
COMMENT ON COLUMN merchant.daily_sales.inferred_recovered_sales IS 'What those orders are worth.';

COMMENT ON VIEW merchant.sales_breakdown IS 'One row per store, day and value of a dimension: sales told apart.';
COMMENT ON COLUMN merchant.sales_breakdown.store IS 'The shop''s domain.';
COMMENT ON COLUMN merchant.sales_breakdown.day IS 'The day in the shop''s time zone.';
COMMENT ON COLUMN merchant.sales_breakdown.dimension IS
  'channel, country, region, referrer, landing, discount_code, product, variant or vendor. Ask for one at a time.';
COMMENT ON COLUMN merchant.sales_breakdown.value IS 'Its value, such as web, DE or a product''s id; empty where there is none.';
COMMENT ON COLUMN merchant.sales_breakdown.currency IS 'The shop''s currency, in which the amounts are.';
COMMENT ON COLUMN merchant.sales_breakdown.orders IS 'Orders placed; of products: orders that contain them.';
COMMENT ON COLUMN merchant.sales_breakdown.total_sales IS 'Net sales, shipping, taxes, duties and additional fees.';
COMMENT ON COLUMN merchant.sales_breakdown.gross_sales IS 'Price times quantity, before discounts and refunds, without taxes.';
COMMENT ON COLUMN merchant.sales_breakdown.discounts IS 'Discounts on sales.';
COMMENT ON COLUMN merchant.sales_breakdown.sales_reversals IS 'Refunds, returns and cancellations of sales.';
COMMENT ON COLUMN merchant.sales_breakdown.net_sales IS 'Gross sales less discounts and reversals.';
COMMENT ON COLUMN merchant.sales_breakdown.shipping IS 'Shipping, less what of it was refunded; belongs to no product.';
COMMENT ON COLUMN merchant.sales_breakdown.taxes IS 'Taxes, less what of them was refunded; of products: those on lines.';
COMMENT ON COLUMN merchant.sales_breakdown.duties IS 'Duties, less what of them was refunded; belong to no product.';
COMMENT ON COLUMN merchant.sales_breakdown.additional_fees IS 'Additional fees, less what of them was refunded; belong to no product.';
COMMENT ON COLUMN merchant.sales_breakdown.units_sold IS 'Units of lines that are sales.';
COMMENT ON COLUMN merchant.sales_breakdown.units_reversed IS 'Units refunded, removed or cancelled.';

COMMENT ON VIEW merchant.cohorts IS 'One row per month of customers'' first orders and month in which they did anything.';
COMMENT ON COLUMN merchant.cohorts.store IS 'The shop''s domain.';
COMMENT ON COLUMN merchant.cohorts.cohort IS 'The month of these customers'' first order, by its first day.';
COMMENT ON COLUMN merchant.cohorts.month IS 'The month in which they ordered or were refunded, by its first day.';
COMMENT ON COLUMN merchant.cohorts.customers IS 'How many of them ordered in the month; in the first: how many they are.';
COMMENT ON COLUMN merchant.cohorts.orders IS 'Orders they placed in the month.';
COMMENT ON COLUMN merchant.cohorts.total_spent IS 'Total sales of their orders in the month, refunds subtracted.';
COMMENT ON COLUMN merchant.cohorts.currency IS 'The shop''s currency, in which the amount is.';
