"""What each delivery changed of an order, written down while it is applied.

The state of an order does not depend on the order of deliveries; which of them brought a field does.
So this says what happened here, not what is so: no figure and no hash knows of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString, TypeAlias

from tillstream.foundation.statements import json_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tillstream.foundation.database import Connection
    from tillstream.mirror.change import Change, Resource
    from tillstream.mirror.join import Element, Layers
    from tillstream.mirror.merge import Store
    from tillstream.mirror.record import Arrived

Known: TypeAlias = "Mapping[Resource, Mapping[tuple[Store, int | str], Element]]"
"""What was known before a batch of what it speaks of, by resource."""

_WRITE: LiteralString = """
INSERT INTO mirror.history (tenant_id, store_id, order_id, key, changed)
SELECT tenant_id, store_id, order_id, key, changed
FROM json_populate_recordset(NULL::mirror.history, %s::json)
ON CONFLICT (tenant_id, store_id, order_id, key) DO NOTHING
"""

_Stamp: TypeAlias = tuple[int, int, str]


async def write_history(connection: Connection, fresh: Sequence[Arrived], known: Known) -> None:
    """Write down what these deliveries, applied in this order to what was known, changed of orders."""
    rows = history_of(fresh, known)
    if rows:
        await connection.execute(_WRITE, (json_text(rows),))


def history_of(fresh: Iterable[Arrived], known: Known) -> list[dict[str, Any]]:
    """For each order that a delivery speaks of, the names of the fields that it changed. Pure.

    Args:
        fresh: in the order in which they are applied.
        known: what was known before the first of them.

    Returns:
        Rows of ``mirror.history``. A field is named as the mirror names it; one of a transaction or a
        fulfilment of the order with its kind before it (``fulfillment.status``).
    """
    traces: dict[tuple[Store, Resource, int | str], Trace] = {}
    rows: list[dict[str, Any]] = []
    for one in fresh:
        changed: dict[int, set[str]] = {}
        for change in one.changes:
            order_id = order_of(change)
            if order_id is None:
                continue
            place = (one.store, change.resource, change.key)
            trace = traces.get(place)
            if trace is None:
                before = known.get(change.resource, {}).get((one.store, change.key))
                trace = traces[place] = Trace(before)
            names = trace.follow(change.element)
            if change.resource != "order":
                names = {f"{change.resource}.{name}" for name in names}
            changed.setdefault(order_id, set()).update(names)
        rows.extend(
            {
                "tenant_id": one.store.tenant_id,
                "store_id": one.store.store_id,
                "order_id": order_id,
                "key": one.key,
                "changed": sorted(names),
            }
            for order_id, names in changed.items()
        )
    return rows


def order_of(change: Change) -> int | None:
    """The order that a change belongs to the history of: itself, or the one that it names."""
    if change.resource == "order":
        return int(change.key)
    if change.resource in {"customer", "product", "checkout"}:
        return None
    for layer in change.element.layers:
        named = layer.fields.get("order_id")
        if named is not None:
            return int(named)
    return None


class Trace:
    """The current value of every field of one resource, and which body told it.

    Following an element costs what the element holds, not what is known: joining would sort and copy
    all layers again for each delivery of a batch.
    """

    def __init__(self, known: Element | None) -> None:
        self._at = 0
        self._fields: dict[str, tuple[_Stamp, Any]] = {}
        self._personal: dict[str, tuple[_Stamp, Any]] = {}
        self._parts: dict[tuple[str, str], dict[str, tuple[_Stamp, Any]]] = {}
        self._marks: dict[str, int] = {}
        self._deleted = False
        self._redacted = False
        if known is not None:
            self.follow(known)

    def follow(self, element: Element) -> set[str]:
        """Join an element in; the names of what is different now."""
        changed = _newer(self._fields, element.layers)
        self._follow_person(element, changed)
        for kind, parts in element.parts.items():
            for key, layers in parts.items():
                fields = self._parts.get((kind, key))
                if fields is None:
                    # A part counts from the first word of it, even one without any value.
                    fields = self._parts[kind, key] = {}
                    changed.add(kind)
                if _newer(fields, layers):
                    changed.add(kind)
        for name, value in element.marks.items():
            if value > self._marks.get(name, -1):
                self._marks[name] = value
                changed.add(name)
        if element.deleted and not self._deleted:
            self._deleted = True
            changed.add("deleted")
        return changed

    def _follow_person(self, element: Element, changed: set[str]) -> None:
        """Layers of the person, and when the resource was last told of."""
        told = (*element.layers, *element.personal)
        at = max((layer.at for layer in told), default=0)
        if at > self._at:
            self._at = at
            changed.add("updated_at")
        if element.redacted and not self._redacted:
            self._redacted = True
            changed.add("redacted")
            self._personal.clear()
        if element.personal and not self._redacted:
            names = _newer(self._personal, element.personal)
            changed.update("refunds" if name.startswith("note:") else name for name in names)


def _newer(known: dict[str, tuple[_Stamp, Any]], layers: Layers) -> set[str]:
    """Take over what is newer than what is known; the names of the fields whose value differs."""
    changed: set[str] = set()
    for layer in layers:
        stamp = layer.stamp
        for name, value in layer.fields.items():
            before = known.get(name)
            if before is None:
                known[name] = (stamp, value)
                # null, false, zero and nothing in a list say no more than a missing field does.
                if value:
                    changed.add(name)
            elif stamp > before[0]:
                known[name] = (stamp, value)
                if value != before[1] and (value or before[1]):
                    changed.add(name)
    return changed
