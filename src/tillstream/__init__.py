"""Tillstream: a real-time, multi-tenant Shopify data engine."""
