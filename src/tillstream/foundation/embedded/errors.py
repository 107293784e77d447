"""Why the embedded PostgreSQL cannot run. Each message says what to do."""

from __future__ import annotations


class EmbeddedPostgresError(RuntimeError):
    """PostgreSQL cannot run in this folder; the message says what to do."""


class FolderInUseError(EmbeddedPostgresError):
    """Another live process owns the folder."""
