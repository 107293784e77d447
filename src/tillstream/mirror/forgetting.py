"""The marks in force: which people, orders and checkouts a store has to forget."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from tillstream.foundation.database import Connection
    from tillstream.mirror.merge import Store

_PUT_IN_FORCE: LiteralString = """
INSERT INTO mirror.redactions (tenant_id, store_id, mark, since)
SELECT %s, %s, mark, %s FROM unnest(%s::text[]) AS mark ORDER BY mark
ON CONFLICT (tenant_id, store_id, mark) DO NOTHING
"""


_IN_FORCE: LiteralString = """
SELECT mark FROM mirror.redactions WHERE tenant_id = %s AND store_id = %s AND mark = ANY (%s)
"""


async def in_force(connection: Connection, store: Store, marks: Collection[str]) -> set[str]:
    """Those of the marks that are in force."""
    cursor = await connection.execute(_IN_FORCE, (*store, sorted(marks)))
    return {mark for (mark,) in await cursor.fetchall()}


async def put_in_force(
    connection: Connection, store: Store, marks: Collection[str], now: datetime
) -> int:
    """Forget these from now on, whatever comes; how many were not forgotten before."""
    result = await connection.execute(_PUT_IN_FORCE, (*store, now, sorted(marks)))
    return result.rowcount
