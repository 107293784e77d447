"""What reading a delivery gives: elements to be joined into the rows of resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from tillstream.mirror.join import Element

Resource: TypeAlias = Literal[
    "order",
    "checkout",
    "customer",
    "product",
    "shop",
    "transaction",
    "tender_transaction",
    "fulfillment",
    "return",
    "draft_order",
    "dispute",
    "cart",
    "collection",
    "inventory_item",
    "inventory_level",
    "location",
    "domain",
]
"""What there is a copy of: one kind of element each."""


class Change(NamedTuple):
    """One delivery's word on one resource. ``key``: its id, a token, or for an inventory level ``item:location``."""

    resource: Resource
    key: int | str
    element: Element


Body: TypeAlias = dict[str, Any]
Reader: TypeAlias = "Callable[[Body], list[Change]]"
"""Turns a decoded body into changes; raises ``Malformed`` and nothing else."""
