"""Connecting a store by OAuth: the browser goes to Shopify and comes back with a code."""
