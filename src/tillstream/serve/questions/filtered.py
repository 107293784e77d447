"""Sums of some orders only: of a channel, a country, a product, a discount code.

One filter is answered from ``rollup.breakdown``, which holds days and months: the cost depends on
the days. Several filters, hours, and a day that counts in part are answered from the ledger, entry
by entry: the cost depends on what happened in the days.
"""

# ruff: noqa: S608 - statements are made of literals only

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, LiteralString, cast

from tillstream.rollup.breakdown import LINE_MEASURES, MEASURES
from tillstream.rollup.columns import each
from tillstream.serve.figures import Sums
from tillstream.serve.listing import LAST_TIME
from tillstream.serve.ranges import Days, Part, parts_of, start_of_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tillstream.foundation.database import Connection
    from tillstream.serve.filters import Filters
    from tillstream.serve.ranges import Period
    from tillstream.serve.scope import Scope

_SPARE: Final = timedelta(hours=1)

SUMMED: LiteralString = each("coalesce(sum(b.$), 0)::bigint AS $", names=MEASURES)
"""The measures of rows called ``b``, added up, in the order of MEASURES."""

# A probe of the key for each part of the range, which is its days or its whole months.
_PARTS: LiteralString = f"""
SELECT p.day, {SUMMED}
FROM unnest(%(stores)s::bigint[]) AS t (store_id)
CROSS JOIN unnest(%(signs)s::integer[], %(grains)s::text[], %(days)s::date[]) AS p (sign, grain, day)
CROSS JOIN LATERAL (
  SELECT {each("p.sign * r.$ AS $", names=MEASURES)} FROM rollup.breakdown AS r
  WHERE r.tenant_id = %(tenant)s AND r.store_id = t.store_id AND r.dimension = %(dimension)s
    AND r.grain = p.grain AND r.day = p.day AND r.value = %(value)s
) AS b
GROUP BY p.day
"""

_POSTED: LiteralString = """
  FROM rollup.ledger AS l
  WHERE l.tenant_id = %(tenant)s AND l.store_id = ANY (%(stores)s) AND l.source = 'order'
    AND l.hour >= %(after)s AND l.hour < %(before)s AND l.day BETWEEN %(first)s AND %(last)s
    AND l.at < %(cut)s"""
_COLUMNS: LiteralString = (
    "l.store_id, l.hour, l.day, l.channel, l.country, l.region, l.referrer, l.landing,"
    "l.discount_codes," + each(" l.$", ",", MEASURES) + ", l.lines"
)
# The filters of orders are columns of the ledger; an unknown facet is null there.
_CONDITIONS: Final[Mapping[str, LiteralString]] = {
    "channel": "\n    AND coalesce(l.channel, '') = %(channel)s",
    "country": "\n    AND coalesce(l.country, '') = %(country)s",
    "discount_code": """
    AND CASE WHEN %(discount_code)s = '' THEN coalesce(cardinality(l.discount_codes), 0) = 0
             ELSE l.discount_codes @> ARRAY[%(discount_code)s::text] END""",
    "product": "",
}


def line_amounts(entry: LiteralString) -> LiteralString:
    """The measures of lines called ``line``, added up, and of ``entry``, in the order of MEASURES.

    A line is an array: see LINE_MEASURES of ``rollup/breakdown.py``. An entry that places an order
    places it once under whatever its lines are grouped by.
    """
    places = {name: 4 + place for place, name in enumerate(LINE_MEASURES)}
    told = [
        f"coalesce(sum((line ->> {places[name]})::bigint), 0)::bigint AS {name}"
        if name in places
        else (f"{entry}.{name}" if name in {"orders", "customer_orders"} else f"0 AS {name}")
        for name in MEASURES
    ]
    # Names and places out of the registry are part of the program.
    return cast("LiteralString", ", ".join(told))


# A line has amounts if anything follows its four names.
_OF_PRODUCT: LiteralString = (
    """
  SELECT l.store_id, l.hour, l.day, l.channel, l.country, l.region, l.referrer, l.landing, l.discount_codes,
    """
    + each("m.$", names=MEASURES)
    + """, m.of_product AS lines
  FROM posted AS l
  CROSS JOIN LATERAL (
    SELECT """
    + line_amounts("l")
    + """, json_agg(line) AS of_product
    FROM json_array_elements(l.lines) AS e (line)
    WHERE coalesce(line ->> 1, '') = %(product)s AND json_array_length(line) > 4
    HAVING count(*) > 0
  ) AS m
"""
)


def entries_of(filters: Filters) -> LiteralString:
    """A ``WITH`` clause whose rows ``entries`` are the ledger's, of orders under these filters.

    They have the facets, the measures of MEASURES, and ``lines``; of a product's, only its lines
    and what those have. It takes what ``entry_values`` tells.
    """
    conditions: LiteralString = "".join(_CONDITIONS[name] for name in filters.wanted)
    posted = "WITH posted AS (SELECT " + _COLUMNS + _POSTED + conditions + ")"
    told = _OF_PRODUCT if "product" in filters.wanted else "SELECT * FROM posted"
    return posted + ", entries AS (" + told + ")"


def entry_values(
    tenant_id: int, scope: Scope, days: Days, until: datetime | None, filters: Filters
) -> dict[str, Any]:
    """What the clause of ``entries_of`` takes: ``until`` cuts the last of ``days`` short."""
    # An hour to spare where clocks changed about midnight: entries are then picked by their day.
    begin = start_of_day(days.first, scope.zone) - _SPARE
    end = until or start_of_day(days.last + timedelta(days=1), scope.zone)
    return {
        "tenant": tenant_id,
        "stores": list(scope.stores),
        "first": days.first,
        "last": days.last,
        "after": begin,
        "before": end + _SPARE,
        "cut": until or LAST_TIME,
        **filters.wanted,
    }


@dataclass(frozen=True)
class FilteredSums:
    """Sums under filters; those that are not known by them are 0."""

    connection: Connection
    tenant_id: int
    scope: Scope
    filters: Filters

    async def of_period(self, period: Period) -> Sums:
        """Sums of a period."""
        if len(self.filters.wanted) > 1:
            until = None if period.until is None else period.until.date()
            days = Days(period.days.first, until or period.days.last)
            return _total(await self._of_entries("day", days, period.until))
        total = Sums()
        if period.whole is not None:
            total += _total(await self._of_parts(parts_of(period.whole, period.whole.last)))
        if period.cut_day is not None:
            day = Days(period.cut_day, period.cut_day)
            total += _total(await self._of_entries("day", day, period.until))
        return total

    async def by_day(self, days: Days) -> list[tuple[date, Sums]]:
        """Sums of each day that has any."""
        if len(self.filters.wanted) > 1:
            return await self._of_entries("day", days, None)
        return await self._of_parts([Part(1, "day", day) for day in days])

    async def by_hour(self, days: Days) -> dict[datetime, Sums]:
        """Sums of each hour that has any, by the instant at which it begins."""
        return dict(await self._of_entries("hour", days, None))

    async def _of_parts(self, parts: Iterable[Part]) -> list[tuple[date, Sums]]:
        [(dimension, value)] = self.filters.wanted.items()
        taken = list(parts)
        values = {
            "tenant": self.tenant_id,
            "stores": list(self.scope.stores),
            "dimension": dimension,
            "value": value,
            "signs": [part.sign for part in taken],
            "grains": [part.grain for part in taken],
            "days": [part.day for part in taken],
        }
        cursor = await self.connection.execute(_PARTS, values)
        return [(row[0], known_sums(row[1:])) for row in await cursor.fetchall()]

    async def _of_entries(
        self, by: Literal["day", "hour"], days: Days, until: datetime | None
    ) -> list[tuple[Any, Sums]]:
        grouped: LiteralString = (
            f" SELECT b.day, {SUMMED} FROM entries AS b GROUP BY b.day"
            if by == "day"
            else f" SELECT b.hour, {SUMMED} FROM entries AS b GROUP BY b.hour"
        )
        values = entry_values(self.tenant_id, self.scope, days, until, self.filters)
        cursor = await self.connection.execute(entries_of(self.filters) + grouped, values)
        return [(row[0], known_sums(row[1:])) for row in await cursor.fetchall()]


def known_sums(amounts: tuple[int, ...]) -> Sums:
    """Sums of the measures of MEASURES, in that order; the others are 0."""
    return Sums(**dict(zip(MEASURES, amounts, strict=True)))


def _total(rows: Iterable[tuple[Any, Sums]]) -> Sums:
    return sum((sums for _, sums in rows), Sums())
