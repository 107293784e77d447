"""Customers in groups by recency, frequency and monetary value (RFM).

Each customer is scored from 1 to 5 three times: by the day of the last order, the number of orders and
the total spent, each against the other customers of the shop. A 5 is the shop's top fifth; customers
who are equal have equal scores, the lower ones where a boundary falls among them. The group comes of
the recency score and of FM, the mean of the other two.

Shopify names the eleven groups and says what they mean, not where they end, save for Champions (a
recency of 5 and an FM above 3). The boundaries here are chosen so that the groups follow those words and
every customer is in exactly one: "very recent" is a recency of 5, "recent" 4 or 3, anything else is not;
"many orders and most spend" is an FM above 3, "some" above 2.
https://shopify.dev/docs/api/admin-graphql/latest/enums/CustomerRfmGroup
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate, product
from typing import TYPE_CHECKING, Any, Final, LiteralString, NamedTuple
from zoneinfo import ZoneInfo

from tillstream.foundation.statements import statement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tillstream.foundation.database import Connection

GROUPS: Final = (
    "champions", "loyal", "active", "new", "promising", "needs_attention", "almost_lost", "at_risk",
    "previously_loyal", "dormant", "prospects",
)  # fmt: skip
"""As CustomerRfmGroup names them, in small letters; prospects are customers without orders."""

FIFTHS: Final = 5

_PACKAGE: Final = "tillstream.rollup"
_SPREAD = statement(_PACKAGE, "load_spread")
_AMOUNTS = statement(_PACKAGE, "amounts_at")
_SCORES = statement(_PACKAGE, "score_customers")
_ZONE: LiteralString = (
    "SELECT timezone FROM rollup.stores WHERE tenant_id = %(tenant)s AND store_id = %(store)s"
)
_PROSPECTS: LiteralString = (
    "SELECT count(*) FROM rollup.prospects WHERE tenant_id = %(tenant)s AND store_id = %(store)s"
)


class Bin(NamedTuple):
    """How many customers have a value, or one of neighbouring values: the smallest is ``start``."""

    start: int
    customers: int


class Place(NamedTuple):
    """Where in the order of values one stands: the one after ``offset`` others from ``start`` on."""

    start: int
    offset: int


class Cuts(NamedTuple):
    """The four boundaries between five scores: a value scores 1, and 1 more for each that it exceeds."""

    last_day: tuple[int, ...]
    """Days since January 1st of year 1, shop-local."""
    orders: tuple[int, ...]
    spent: tuple[int, ...]


class Boundaries(NamedTuple):
    """Cuts as statements take them (see score_customers.sql): ``last_day`` are instants."""

    last_day: list[datetime]
    orders: list[int]
    spent: list[int]


class Segment(NamedTuple):
    """A group of a store's customers; money in ten-thousandths."""

    group: str
    customers: int
    orders: int
    total_spent: int


def places(bins: Sequence[Bin]) -> list[Place]:
    """Where the four boundaries stand: the last of the lowest fifth, of the lowest two fifths, and so on.

    Args:
        bins: by value.
    """
    counted = [0, *accumulate(one.customers for one in bins)]
    everyone = counted[-1]
    found: list[Place] = []
    for fifth in range(1, FIFTHS):
        rank = -(-everyone * fifth // FIFTHS)
        found.extend(
            Place(one.start, rank - before - 1)
            for one, before in zip(bins, counted, strict=False)
            if before < rank <= before + one.customers
        )
    return found


def score(value: int, cuts: Sequence[int]) -> int:
    """From 1 to 5."""
    return 1 + sum(value > cut for cut in cuts)


def group(recency: int, frequency: int, monetary: int) -> str:
    """The group of a customer with orders, by the three scores."""
    twice_fm = frequency + monetary
    if recency == FIFTHS:
        return _by_fm(twice_fm, "champions", "active", "new")
    if recency == FIFTHS - 1:
        return _by_fm(twice_fm, "loyal", "active", "promising")
    if recency == FIFTHS - 2:
        return _by_fm(twice_fm, "loyal", "needs_attention", "promising")
    if twice_fm > 2 * 4:
        return "previously_loyal"
    return _by_fm(twice_fm, "at_risk", "almost_lost", "dormant")


def scores_of(name: str) -> list[tuple[int, int, int]]:
    """All recency, frequency and monetary scores that make a customer one of the group."""
    scores = range(1, FIFTHS + 1)
    return [one for one in product(scores, scores, scores) if group(*one) == name]


def _by_fm(twice_fm: int, many: str, some: str, few: str) -> str:
    if twice_fm > 2 * 3:
        return many
    return some if twice_fm > 2 * 2 else few


def bin_of(amount: int) -> int:
    """Which of the neighbouring amounts are counted together: sixteen bins for each doubling. Rises with it."""
    if amount < 0:
        return -bin_of(-amount)
    shift = max(0, amount.bit_length() - 5)
    return (shift << 4) + (amount >> shift)


def start_of(number: int) -> int:
    """The smallest amount of a bin."""
    if number < 0:
        return 1 - start_of(1 - number)
    shift = max(0, (number >> 4) - 1)
    return (number - (shift << 4)) << shift


async def boundaries_of(connection: Connection, tenant_id: int, store_id: int) -> Boundaries | None:
    """Between which values the scores of a store's customers lie; None without any orders.

    Args:
        connection: of a role that sees the tenant's rows.
        tenant_id: whose store it is.
        store_id: which.
    """
    whose = {"tenant": tenant_id, "store": store_id}
    cuts = await _cuts(connection, whose, await _spread(connection, whose))
    if cuts is None:
        return None
    # The days of the spread are those of the zone that the store's figures were made with.
    zone = ZoneInfo(next((name for (name,) in await _rows(connection, _ZONE, whose)), "UTC"))
    return Boundaries(
        [end_of(day, zone) for day in cuts.last_day], list(cuts.orders), list(cuts.spent)
    )


def end_of(day: int, zone: ZoneInfo) -> datetime:
    """The instant at which a shop-local day (counted from January 1st of year 1) is over."""
    return datetime.combine(date.fromordinal(day) + timedelta(days=1), time(), zone).astimezone(UTC)


async def segments_of(connection: Connection, tenant_id: int, store_id: int) -> list[Segment]:
    """The eleven groups of a store's customers, in the order of ``GROUPS``, also the empty ones.

    Args:
        connection: of a role that sees the tenant's rows.
        tenant_id: whose store it is.
        store_id: which.
    """
    whose = {"tenant": tenant_id, "store": store_id}
    counted = {name: [0, 0, 0] for name in GROUPS}
    boundaries = await boundaries_of(connection, tenant_id, store_id)
    if boundaries is not None:
        values = {**whose, **boundaries._asdict()}
        for recency, frequency, monetary, *amounts in await _rows(connection, _SCORES, values):
            there = counted[group(recency + 1, frequency + 1, monetary + 1)]
            there[:] = [a + b for a, b in zip(there, amounts, strict=True)]
    [(counted["prospects"][0],)] = await _rows(connection, _PROSPECTS, whose)
    return [Segment(name, *counted[name]) for name in GROUPS]


async def repeats_of(connection: Connection, tenant_id: int, store_id: int) -> tuple[int, int]:
    """How many customers of a store have placed one order in all time, and how many more than one."""
    spread = await _spread(connection, {"tenant": tenant_id, "store": store_id})
    orders = spread.get("orders", [])
    once = sum(one.customers for one in orders if one.start == 1)
    return once, sum(one.customers for one in orders) - once


async def _spread(connection: Connection, whose: Mapping[str, object]) -> dict[str, list[Bin]]:
    spread: dict[str, list[Bin]] = {}
    for dimension, number, customers in await _rows(connection, _SPREAD, whose):
        start = start_of(number) if dimension == "spent" else number
        spread.setdefault(dimension, []).append(Bin(start, customers))
    return spread


async def _cuts(
    connection: Connection, whose: Mapping[str, object], spread: Mapping[str, Sequence[Bin]]
) -> Cuts | None:
    """The boundaries; days and orders are counted one by one, amounts have to be looked up."""
    if not spread:
        return None
    amounts = places(spread["spent"])
    values = {
        **whose,
        "starts": [place.start for place in amounts],
        "offsets": [place.offset for place in amounts],
    }
    return Cuts(
        tuple(place.start for place in places(spread["last_day"])),
        tuple(place.start for place in places(spread["orders"])),
        tuple(amount for (amount,) in await _rows(connection, _AMOUNTS, values)),
    )


async def _rows(
    connection: Connection, query: LiteralString, values: Mapping[str, object]
) -> list[tuple[Any, ...]]:
    return await (await connection.execute(query, values)).fetchall()
