"""Tenants and trust: accounts, sign-ins, stores, and the secrets they bring."""
