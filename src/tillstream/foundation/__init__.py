"""What everything stands on: settings, PostgreSQL, money, time. Knows nothing of Shopify."""
