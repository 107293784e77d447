"""What Shopify answered, read without relying on its shape."""

from __future__ import annotations

from typing import Any, cast


def json_object(value: object) -> dict[str, Any]:
    """``value`` if it is a JSON object, else an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
