"""Lists and tables as files, made while they are read: memory does not grow with the rows.

CSV as RFC 4180 has it, in UTF-8 without a mark, with a line of names. Parquet with money as
``decimal128(19, 4)`` and times in the shop's zone.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from fastapi.responses import StreamingResponse

from tillstream.serve.forms import MEDIA_TYPES, Column, Form, Place, in_csv, in_parquet

if TYPE_CHECKING:
    from datetime import date

Row = Sequence[Any]
Rows = Sequence[Row]

ROWS_A_GROUP: Final = 20_000
"""Rows of Parquet that are encoded together: enough to compress well, few enough to hold."""

CUT_SHORT: Final = "This file is not complete: what follows could not be read. Ask for it again."
"""The one cell of the last line of a CSV file that breaks off. Our server, as others do, ends an answer
that broke off like one that did not; Parquet without its end cannot be read, but lines can."""


def file_answer(
    name: str, form: Form, columns: Sequence[Column], pages: AsyncIterable[Rows], place: Place
) -> StreamingResponse:
    """An answer that is a file called ``name``, sent page by page. ``form`` is not JSON."""
    write = _csv if form == "csv" else _parquet
    return StreamingResponse(
        write(columns, pages, place),
        media_type=MEDIA_TYPES[form],
        headers={
            "Content-Disposition": f'attachment; filename="{name}.{form}"',
            "Vary": "Accept",
        },
    )


def file_name(name: str, first: date | None, last: date | None) -> str:
    """What to call a file, without its suffix: with its days, where it is about any."""
    days = "" if first is None or last is None else f"-{first.isoformat()}-{last.isoformat()}"
    return f"{name}{days}"


async def _csv(
    columns: Sequence[Column], pages: AsyncIterable[Rows], place: Place
) -> AsyncGenerator[bytes]:
    yield csv_lines([[column.name for column in columns]])
    try:
        async for page in pages:
            cells = (
                [
                    in_csv(column.kind, value, place)
                    for column, value in zip(columns, row, strict=True)
                ]
                for row in page
            )
            yield csv_lines(cells)
    except Exception:
        yield csv_lines([[CUT_SHORT]])
        raise


def csv_lines(rows: Any) -> bytes:  # noqa: ANN401 - rows of cells, as csv takes them
    """Rows of cells as lines of a file."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


async def _parquet(
    columns: Sequence[Column], pages: AsyncIterable[Rows], place: Place
) -> AsyncGenerator[bytes]:
    # In a thread, like the encoding: the loop serves others meanwhile.
    writer = await asyncio.to_thread(_ParquetWriter, columns, place)
    waiting: list[Row] = []
    async for page in pages:
        waiting.extend(page)
        if len(waiting) >= ROWS_A_GROUP:
            yield await asyncio.to_thread(writer.group, waiting)
            waiting = []
    if waiting:
        yield await asyncio.to_thread(writer.group, waiting)
    yield await asyncio.to_thread(writer.end)


class _Drain(io.RawIOBase):
    """A file that is taken away as it is written."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - any buffer
        part = bytes(data)
        self._parts.append(part)
        self._at += len(part)
        return len(part)

    def take(self) -> bytes:
        """What was written since it was last taken."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


class _ParquetWriter:
    """Encodes groups of rows; pyarrow is loaded with the first of them, as few ask for it."""

    def __init__(self, columns: Sequence[Column], place: Place) -> None:
        import pyarrow as pa  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs]
        import pyarrow.parquet as pq  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs]

        self._arrow = cast("Any", pa)
        self._columns = columns
        self._place = place
        types = _types(self._arrow, place)
        self._schema = self._arrow.schema([(one.name, types[one.kind]) for one in columns])
        self._drain = _Drain()
        make = cast("Callable[..., Any]", cast("Any", pq).ParquetWriter)
        self._writer = make(self._drain, self._schema, compression="zstd")

    def group(self, rows: Rows) -> bytes:
        """The next bytes of the file: these rows as one group."""
        arrays = [
            self._arrow.array(
                [in_parquet(column.kind, row[place], self._place) for row in rows],
                self._schema.field(place).type,
            )
            for place, column in enumerate(self._columns)
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        return self._drain.take()

    def end(self) -> bytes:
        """The last bytes: where everything is."""
        self._writer.close()
        return self._drain.take()


def _types(arrow: Any, place: Place) -> dict[str, Any]:  # noqa: ANN401 - pyarrow has no types
    return {
        "id": arrow.int64(),
        "text": arrow.string(),
        "texts": arrow.list_(arrow.string()),
        "count": arrow.int64(),
        # As many digits as the database's integers of ten-thousandths hold, for every currency.
        "money": arrow.decimal128(19, 4),
        "number": arrow.float64(),
        "time": arrow.timestamp("us", tz=place.zone.key),
        "date": arrow.date32(),
        "flag": arrow.bool_(),
    }
