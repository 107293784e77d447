"""What all panels share: their addresses, and their answers as JSON or as a file."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from fastapi import APIRouter, Response
from pydantic import BaseModel

from tillstream.serve.export import Rows, file_answer, file_name
from tillstream.serve.forms import MEDIA_TYPES, Column
from tillstream.serve.listing import Listing, Page, pages_after, read_page
from tillstream.serve.parameters import ONLY_KNOWN, query_answers

if TYPE_CHECKING:
    from tillstream.foundation.database import Connection
    from tillstream.serve.asking import Asked, Frame

Call = TypeVar("Call", bound=Callable[..., Any])

_FILES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "content": {
            MEDIA_TYPES["csv"]: {
                "schema": {"type": "string"},
                "example": "id,name\\r\\n5,Eve\\r\\n",
            },
            MEDIA_TYPES["parquet"]: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


def panels() -> APIRouter:
    """A router for panels."""
    return APIRouter(
        prefix="/api/analytics",
        tags=["analytics"],
        dependencies=[ONLY_KNOWN],
        responses=query_answers(401, 403, 404),
    )


def panel(
    router: APIRouter,
    path: str,
    model: type[BaseModel],
) -> Callable[[Call], Call]:
    """Register a call that answers ``model``, or a file: by its Accept header, or at ``path.csv``."""

    def register(call: Call) -> Call:
        router.get(path, response_model=model, responses=_FILES)(call)
        for form in ("csv", "parquet"):
            # The same call: the document tells of it once, by its media types.
            router.get(f"{path}.{form}", response_model=model, include_in_schema=False)(call)
        return call

    return register


async def first_page(
    connection: Connection,
    asked: Asked,
    listing: Listing,
    values: Mapping[str, object],
    place: tuple[str | None, int],
) -> Page:
    """The page asked for; of a file, the first part of it.

    Args:
        connection: in the call's transaction.
        asked: the call.
        listing: what to read.
        values: what its statement takes besides keys and limit.
        place: the cursor and the limit that were sent.
    """
    cursor, limit = place
    if asked.form == "json":
        return await read_page(connection, listing, values, cursor, limit)
    await _note(asked, connection, listing)
    return await read_page(connection, listing, values, cursor, listing.at_once)


async def _note(asked: Asked, connection: Connection, listing: Listing) -> None:
    """Write down that a list of people is taken out as a file."""
    if listing.personal:
        detail = {"form": asked.form}
        await asked.visit.note(connection, "export.made", subject=listing.title, detail=detail)


def list_answer(
    asked: Asked, frame: Frame, page: Page, values: Mapping[str, object], **more: object
) -> dict[str, object] | Response:
    """A page as JSON, with ``more`` beside it; or all rows from there on as a file."""
    listing = page.listing
    if asked.form == "json":
        return {
            **frame.told,
            **more,
            listing.name: page.told(frame.place),
            "next": page.cursor,
        }
    name = file_name(listing.title, frame.days.first, frame.days.last)
    pages = pages_after(asked, page, values)
    return file_answer(name, asked.form, listing.columns, pages, frame.place)


def table_answer(
    asked: Asked,
    frame: Frame,
    name: str,
    columns: Sequence[Column],
    rows: Rows,
) -> Response:
    """A table that is all at hand as a file."""
    name = file_name(name, frame.days.first, frame.days.last)
    return file_answer(name, asked.form, columns, once(rows), frame.place)


async def once(rows: Rows) -> AsyncGenerator[Rows]:
    """Rows that are all at hand, as pages."""
    yield rows
