"""Durable, at least once: what was received, until it is applied, parked or released again."""
