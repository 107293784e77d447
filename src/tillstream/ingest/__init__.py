"""The door in: verify, make durable, answer."""
