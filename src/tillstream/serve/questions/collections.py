"""What was sold of each smart collection: the products that its rules pick, as they are now.

Who is in a custom collection is in no webhook, so those are not told apart. A product may be in
several collections, and then counts under each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tillstream.serve.figures import Sums
from tillstream.serve.questions.breakdown import OF_LINES, sums_by_place
from tillstream.serve.questions.memberships import memberships

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tillstream.foundation.database import Connection
    from tillstream.serve.export import Row
    from tillstream.serve.filters import Filters
    from tillstream.serve.questions.breakdown import BreakdownSort
    from tillstream.serve.questions.memberships import Membership


async def collection_rows(
    connection: Connection, values: Mapping[str, Any], sort: BreakdownSort, filters: Filters
) -> list[Row]:
    """Rows of all smart collections that hold anything, in the listing's order: columns and keys.

    Args:
        connection: in the tenant's transaction.
        values: what ``breakdown_values`` tells.
        sort: of what there is most in the first row.
        filters: of orders.
    """
    collections = await memberships(connection, values["tenant"], values["stores"])
    sold = await _sold(connection, values, collections, filters)
    everything = sold[None].total_sales
    rows = [
        _row(collection, sold[place], everything, sort)
        for place, collection in enumerate(collections)
        if place in sold
    ]
    return sorted(rows, key=lambda row: (-row[-2], row[-1]))


async def _sold(
    connection: Connection,
    values: Mapping[str, Any],
    collections: Sequence[Membership],
    filters: Filters,
) -> dict[int | None, Sums]:
    """Sums by the place of a collection, and of everything under None."""
    told = {
        **values,
        "of_stores": _array(f"{one.store}," * one.size for one in collections),
        "of_products": _array(one.products for one in collections),
        "places": _array(f"{place}," * one.size for place, one in enumerate(collections)),
    }
    cursor = await connection.execute(sums_by_place(filters), told)
    return {
        place: Sums(**dict(zip(OF_LINES, amounts, strict=True)))
        for place, *amounts in await cursor.fetchall()
    }


def _array(told: Iterable[str]) -> str:
    """An array as PostgreSQL spells it, of ids that each end with a comma: there may be thousands."""
    return "{" + "".join(told)[:-1] + "}"


def _row(collection: Membership, sums: Sums, everything: int, sort: BreakdownSort) -> Row:
    value = str(collection.id)
    return [
        value,
        collection.title,
        sums.gross_sales,
        sums.discounts,
        sums.sales_reversals,
        sums.net_sales,
        None,
        sums.taxes,
        None,
        None,
        sums.total_sales,
        sums.total_sales / everything if everything else None,
        None,
        None,
        sums.units_sold,
        sums.units_reversed,
        getattr(sums, sort),
        value,
    ]
