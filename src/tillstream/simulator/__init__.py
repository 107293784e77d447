"""A pretend Shopify: seeded stories, delivered as Shopify delivers, with books of their own."""
