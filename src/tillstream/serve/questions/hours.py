"""Sales by the hour of the week."""

# ruff: noqa: S608 - statements are made of literals only

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from tillstream.rollup.breakdown import MEASURES
from tillstream.rollup.columns import each
from tillstream.serve.buckets import offsets
from tillstream.serve.figures import Sums
from tillstream.serve.questions.filtered import SUMMED, entries_of, entry_values, known_sums

if TYPE_CHECKING:
    from tillstream.foundation.database import Connection
    from tillstream.serve.asking import Frame
    from tillstream.serve.filters import Filters

_STORED: LiteralString = (
    "WITH entries AS (SELECT hour, day, "
    + each("$", names=MEASURES)
    + """ FROM rollup.sums
  WHERE tenant_id = %(tenant)s AND store_id = ANY (%(stores)s)
    AND hour >= %(after)s AND hour < %(before)s AND day BETWEEN %(first)s AND %(last)s)
"""
)
# Local time by offsets that are told, so that zones are known in one place only.
_BY_HOUR: LiteralString = (
    """
SELECT extract(isodow FROM b.day)::integer,
  extract(hour FROM b.hour AT TIME ZONE 'UTC' + make_interval(secs => z.seconds))::integer, """
    + SUMMED
    + """
FROM unnest(%(since)s::timestamptz[], %(until)s::timestamptz[], %(seconds)s::integer[])
  AS z (since, until, seconds)
JOIN entries AS b ON b.hour >= z.since AND b.hour < z.until
GROUP BY 1, 2
"""
)


async def hours_of_week(
    connection: Connection, frame: Frame, filters: Filters
) -> dict[tuple[int, int], Sums]:
    """Sums by weekday (1 is Monday) and local hour, of those that have any."""
    spans = offsets(frame.days, frame.scope.zone)
    values = {
        **entry_values(frame.tenant_id, frame.scope, frame.days, None, filters),
        "since": [span.since for span in spans],
        "until": [span.until for span in spans],
        "seconds": [span.seconds for span in spans],
    }
    source = entries_of(filters) if filters.wanted else _STORED
    cursor = await connection.execute(source + _BY_HOUR, values)
    return {(row[0], row[1]): known_sums(row[2:]) for row in await cursor.fetchall()}
