"""How fields are made: ids, times, pages, lists, and what is made only where it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from tillstream.simulator.admin.connections import Listing, Page, connect, connect_all
from tillstream.simulator.shop_clock import instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from tillstream.simulator.admin.context import Info

Json: TypeAlias = dict[str, Any]
Presentment: TypeAlias = tuple[str, int] | None


def gid(kind: str, identifier: int) -> str:
    """``gid://shopify/Order/1``."""
    return f"gid://shopify/{kind}/{identifier}"


def number_of(text: str) -> int:
    """The number of a gid, or a number by itself; -1 for what is neither."""
    tail = text.rpartition("/")[2].partition("?")[0]
    return int(tail) if tail.isdecimal() and len(tail) < 20 else -1  # noqa: PLR2004 - int64's digits


def when(at: int | None) -> str | None:
    """An instant as the API prints it, in UTC."""
    return None if at is None else utc(instant(at))


def utc(at: datetime) -> str:
    """An aware UTC time as the API prints it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def paged(listing: Listing[Any]) -> Callable[..., Json]:
    """A connection's field: a page of the listing, or all of it in a bulk operation."""

    def resolve(info: Info, **arguments: Any) -> Json:
        if info.context.bulk:
            return connect_all(listing)
        return connect(listing, Page.of(arguments))

    return resolve


def parts(items: Sequence[Any], show: Callable[[Any], Json]) -> Callable[..., Json]:
    """A connection over the parts of one thing, in their own order."""
    numbered = list(enumerate(items, 1))
    return paged(Listing(numbered, lambda pair: (pair[0], 0), lambda pair: show(pair[1])))


def later(make: Callable[[], Json | None]) -> Callable[[Info], Json | None]:
    """A field that is made only where it is asked for: objects refer to one another."""

    def resolve(_: Info) -> Json | None:
        return make()

    return resolve


def first(items: Iterable[Json]) -> Callable[..., list[Json]]:
    """A list's field, cut after ``first`` if that is given."""
    kept = list(items)

    def resolve(_info: Info, *, first: int | None = None) -> list[Json]:
        return kept if first is None else kept[: max(0, first)]

    return resolve
