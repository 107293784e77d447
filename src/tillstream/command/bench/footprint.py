"""What it takes: memory of the processes, and bytes on disk for an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString

from tillstream.command.bench import accounting
from tillstream.command.bench.figures import Figure, Section, figure
from tillstream.command.bench.gun import Fire
from tillstream.command.bench.stand import BenchFailed, standing
from tillstream.foundation.database import connect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tillstream.command.bench.stand import Bench, Stand
    from tillstream.command.up import Child

NAME: Final = "footprint"
TITLE: Final = "Memory, and bytes kept for an order"

_SCHEMAS: Final = ("mirror", "rollup", "journal", "shops")

# Tables with their indexes and what is kept out of line.
_BYTES: LiteralString = """
SELECT n.nspname, sum(pg_total_relation_size(c.oid))::bigint
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname = ANY (%s) GROUP BY n.nspname
"""
_LARGEST: LiteralString = """
SELECT n.nspname || '.' || c.relname, pg_total_relation_size(c.oid)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname = ANY (%s) ORDER BY 2 DESC LIMIT 5
"""
_COUNTS: LiteralString = """
SELECT (SELECT count(*) FROM mirror.orders), (SELECT count(*) FROM mirror.deliveries)
"""


async def measure(bench: Bench) -> Section:
    """One import into an empty installation; sizes before and after."""
    async with standing(bench) as stand:
        async with stand.everything() as children, stand.gun() as gun:
            before = await _memory(stand, children)
            await gun.load(bench.effort.import_deliveries)
            await gun.fire(Fire(stand.settings.port))
            await stand.drained()
            after = await _memory(stand, children)
            bench.note(f"{bench.effort.import_deliveries:,} deliveries taken in")
        stored, notes = await _stored(stand)
    memory = [
        figure(f"{name}_{when}_mb", f"{label}, {when.replace('_', ' ')}", "MB", [sizes[name]])
        for name, label in _PROCESSES
        for when, sizes in (("idle", before), ("after_load", after))
        if name in sizes
    ]
    return Section(NAME, TITLE, [*memory, *stored], notes)


_PROCESSES: Final = (
    ("web", "web process, resident"),
    ("worker", "worker process, resident"),
    ("postgres", "PostgreSQL, all processes, shared memory once"),
)


async def _memory(stand: Stand, children: Sequence[Child]) -> dict[str, float]:
    worker, web = (child.pid or 0 for child in children)
    sizes = {
        "web": accounting.resident_mb(web),
        "worker": accounting.resident_mb(worker),
        "postgres": accounting.proportional_mb(await stand.postmaster()),
    }
    return {name: size for name, size in sizes.items() if size is not None}


async def _stored(stand: Stand) -> tuple[list[Figure], list[str]]:
    async with await connect(stand.database.admin_url) as connection:
        sizes = dict(await (await connection.execute(_BYTES, (list(_SCHEMAS),))).fetchall())
        largest = await (await connection.execute(_LARGEST, (list(_SCHEMAS),))).fetchall()
        orders, deliveries = await (await connection.execute(_COUNTS)).fetchone() or (0, 0)
    if not orders:
        message = "The import brought no order."
        raise BenchFailed(message)
    kept = sizes["mirror"] + sizes["rollup"]
    figures = [
        figure("orders", "orders imported", "", [orders]),
        figure("deliveries_per_order", "deliveries for each order", "", [deliveries / orders]),
        figure("mirror_bytes", "mirror, for each order", "B", [sizes["mirror"] / orders]),
        figure("rollup_bytes", "rollup, for each order", "B", [sizes["rollup"] / orders]),
        figure("state_bytes", "mirror and rollup, for each order", "B", [kept / orders]),
        figure(
            "journal_bytes",
            "journal (kept 30 days), for each order",
            "B",
            [sizes["journal"] / orders],
        ),
    ]
    tables = ", ".join(f"{name} {size / orders:,.0f} B" for name, size in largest)
    return figures, [
        "Tables with their indexes as they are after the import, all else of the stores included.",
        f"Largest, for each order: {tables}.",
    ]
