"""Lists: one shape for all of them, whether answered by the page or as a whole file.

A listing is a statement and what its rows hold: first the columns that are shown, then the keys by
which they are sorted. A page begins after the keys of the row before it, so it stays right while
rows are added, and a file is all pages one after the other: no transaction stays open while a slow
reader reads, and memory holds a page.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, LiteralString

from tillstream.serve.cursors import CursorRefused, read_cursor, write_cursor
from tillstream.serve.export import Rows
from tillstream.serve.forms import Column, Place, in_row
from tillstream.serve.problems import invalid

if TYPE_CHECKING:
    from tillstream.foundation.database import Connection
    from tillstream.serve.asking import Asked

FIRST_TEXT: Final = ""
"""Before any token, where texts ascend."""
FIRST_ID: Final = -1
"""Before any id, where ids ascend."""
LAST_ID: Final = 2**63 - 1
"""After any id, where ids descend."""
LAST_TIME: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""After any time, where times descend."""

ROWS_AT_ONCE: Final = 1_000
"""Rows of a file that are read in one transaction."""
ALL_AT_ONCE: Final = 20_000
"""The same where each page adds everything up anew: few and long ones."""

KeyValue = datetime | str | int


@dataclass(frozen=True)
class Listing:
    """A list that is read page by page.

    ``statement`` selects the ``columns`` and then the ``keys``, sorted by the keys, and takes each
    key's value of the row before under its name, and ``limit``. ``keys`` say with what values a
    list begins.
    """

    name: str
    """The list's field in the answer."""
    columns: tuple[Column, ...]
    statement: LiteralString
    keys: Mapping[str, KeyValue]
    called: str = ""
    """What files of it are called, if not as the field."""
    order: str = ""
    """By what it is sorted, where there is a choice: a cursor is good for one order only."""
    personal: bool = False
    """Whether it tells of people, so that a file of it is noted in the audit log."""
    at_once: int = ROWS_AT_ONCE

    @property
    def mark(self) -> str:
        """What its cursors begin with."""
        return ":".join(part for part in (self.title, self.order) if part)

    @property
    def title(self) -> str:
        """What files of it are called."""
        return self.called or self.name


@dataclass(frozen=True)
class Page:
    """Rows of a listing, columns and keys, and whether there are more."""

    listing: Listing
    rows: Rows
    more: bool

    @property
    def cursor(self) -> str | None:
        """Where the next page begins; None on the last one."""
        if not self.more:
            return None
        return write_cursor(self.listing.mark, *self.rows[-1][len(self.listing.columns) :])

    @property
    def shown(self) -> Rows:
        """The rows without their keys."""
        width = len(self.listing.columns)
        return [row[:width] for row in self.rows]

    def told(self, place: Place) -> list[dict[str, Any]]:
        """The rows as the API shows them."""
        return [in_row(self.listing.columns, row, place) for row in self.shown]


async def read_page(
    connection: Connection,
    listing: Listing,
    values: Mapping[str, object],
    cursor: str | None,
    limit: int,
) -> Page:
    """A page of a listing.

    Args:
        connection: in the tenant's transaction.
        listing: what to read.
        values: what its statement takes besides keys and limit.
        cursor: that of the page before; None for the first page.
        limit: rows on the page.

    Raises:
        ProblemFound: 422 if the cursor is none of this listing.
    """
    keys = _keys(listing, cursor)
    # One more than is shown tells whether there is a next page.
    taken = {**values, **keys, "limit": limit + 1}
    rows = await (await connection.execute(listing.statement, taken)).fetchall()
    return Page(listing, rows[:limit], len(rows) > limit)


def _keys(listing: Listing, cursor: str | None) -> dict[str, KeyValue]:
    if cursor is None:
        return dict(listing.keys)
    kinds = tuple(type(value) for value in listing.keys.values())
    try:
        name, *found = read_cursor(cursor, (str, *kinds))
        if name != listing.mark:
            raise CursorRefused
    except CursorRefused as error:
        raise invalid("query.cursor", str(error)) from error
    return dict(zip(listing.keys, found, strict=True))


def page_of(listing: Listing, rows: Rows, cursor: str | None, limit: int) -> Page:
    """A page of rows that are all at hand, sorted by an amount, the most first, and a text.

    Raises:
        ProblemFound: 422 if the cursor is none of this listing.
    """
    amount, text = _keys(listing, cursor).values()
    after = 0
    if cursor is not None:
        # Whether or not that row is still there.
        after = sum(row[-2] > amount or (row[-2] == amount and row[-1] <= text) for row in rows)
    return Page(listing, rows[after : after + limit], after + limit < len(rows))


async def pages_after(
    asked: Asked, page: Page, values: Mapping[str, object]
) -> AsyncGenerator[Rows]:
    """``page`` without its keys, and all that follow, each read in a transaction of its own."""
    yield page.shown
    while page.more:
        cursor = page.cursor
        # Anew each time, so that a sign-in or key that ended meanwhile ends the file, too.
        async with asked.transaction() as connection:
            page = await read_page(connection, page.listing, values, cursor, page.listing.at_once)
        yield page.shown
