"""How PostgreSQL looks things up for every call of a panel, as the API's role and behind its wall.

Row-level security hides an index where a key is compared with what a cast, or any function that could
tell what it sees, makes of a value: the answer stays right, and is looked for in the whole store. That
costs nothing in a small store, so the tables are filled with 20,000 orders of a year, a quarter of
which is the store's that is asked. Every statement that the calls send is taken down as it is sent, and
explained as it runs with its values. That it runs so, and not by a plan for any values, the API's sessions
see to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast, get_args

import psycopg
from psycopg import sql

from tillstream.command.bench.population import populate, settle
from tillstream.command.bench.questions import questions
from tillstream.command.roles import ASKING
from tillstream.foundation.database import connect, open_pool
from tillstream.rollup.measures import MEASURES
from tillstream.serve.questions.breakdown import BreakdownSort, Dimension
from tillstream.serve.questions.products import ProductSort, StockSort
from tillstream.serve.questions.segments import Group

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pytest

    from tests.serve.conftest import Site

ORDERS = 5_000
TIMES = 3
"""How many times as much others have as the store that is asked, in as many stores each time."""
OTHERS = 200
LARGE = 2_000
"""Rows of one store from which on a table is not to be read whole."""
SHARE = 0.25
"""How much of a large table a call may look at: it asks for 30 days of the 365 that there are."""
WHOLE = {("/api/analytics/customer-segments", "rollup.customers")}
"""What all customers are scored for: a call with a promise of its own."""

_TABLES = """
SELECT format('%I.%I', table_schema, table_name), array_agg(column_name::text)
FROM information_schema.columns AS c JOIN information_schema.tables AS t USING (table_schema, table_name)
WHERE table_schema IN ('mirror', 'rollup') AND t.table_type = 'BASE TABLE' AND c.is_generated = 'NEVER'
GROUP BY 1 HAVING 'store_id' = ANY (array_agg(column_name::text))
"""


class Sent(NamedTuple):
    """A statement that a call sent, with its values."""

    call: str
    text: str
    values: Mapping[str, Any]


def calls(today: Any) -> Iterator[str]:
    """Every panel, with every order and filter that has a statement of its own."""
    for one in questions(today):
        if one.promised is not None:
            yield one.path
    for by in get_args(Dimension):
        for sort in get_args(BreakdownSort):
            if sort != "orders" or by not in {"product_type", "collection"}:
                yield f"/api/analytics/breakdown?by={by}&sort={sort}"
        yield f"/api/analytics/breakdown?by={by}&country=US"
        yield f"/api/analytics/breakdown?by={by}&product=1"
    yield from (f"/api/analytics/products?sort={sort}" for sort in get_args(ProductSort))
    yield from (f"/api/analytics/inventory?sort={sort}" for sort in get_args(StockSort))
    yield from (f"/api/analytics/customer-segments?group={group}" for group in get_args(Group))
    yield from (f"/api/analytics/customers?kind={kind}" for kind in ("none", "one_time", "repeat"))
    yield from (f"/api/analytics/ledger?measure={measure.name}" for measure in MEASURES)
    for filters in (
        "channel=web",
        "country=",
        "product=1",
        "discount_code=",
        "country=US&channel=web",
    ):
        for panel in ("stats", "sales-over-time", "heat-map", "orders", "ledger?measure=net_sales"):
            yield f"/api/analytics/{panel}{'&' if '?' in panel else '?'}{filters}"
    yield "/api/analytics/sales-over-time?interval=hour"
    yield "/api/analytics/checkouts?twins=true"
    yield "/api/orders/1"


async def test_every_statement_of_a_panel_finds_its_rows_by_an_index(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await site.register()
    await site.connect(ada["token"], "large.myshopify.com")
    async with await connect(site.database.admin_url) as owner:
        await populate(owner, "large.myshopify.com", ORDERS, site.clock.now)
        large = {table: rows for table, rows in copied(site).items() if rows >= LARGE}
        await settle(owner)
    assert large.keys() >= {
        "mirror.orders",
        "rollup.ledger",
        "rollup.breakdown",
        "rollup.checkouts",
    }
    sent = await statements(site, ada["token"], monkeypatch)
    assert len(sent) > 50
    with psycopg.connect(site.database.api_url, autocommit=True, prepare_threshold=None) as reader:
        reader.execute("SELECT set_config('tillstream.tenant', %s, false)", (ada["tenant"]["id"],))
        faults = [fault for one in sent for fault in faults_of(explained(reader, one), one, large)]
    assert faults == [], "\n".join(faults)


def copied(site: Site) -> dict[str, int]:
    """Give many small stores of others as much together; how many rows this one has of each table."""
    rows: dict[str, int] = {}
    with site.owner() as owner:
        for table, columns in owner.execute(_TABLES).fetchall():
            others = [name for name in columns if name not in {"tenant_id", "store_id"}]
            copy = sql.SQL(
                "INSERT INTO {table} (tenant_id, store_id, {names}) SELECT r.tenant_id + n, r.store_id + n, {of_row} "
                "FROM (SELECT *, row_number() OVER () AS place FROM {table}) AS r, generate_series(1, %s) AS t (time), "
                "LATERAL (SELECT 1000 * t.time + r.place %% %s) AS o (n)"
            ).format(
                table=sql.SQL(table),
                names=sql.SQL(", ").join(map(sql.Identifier, others)),
                of_row=sql.SQL(", ").join(sql.Identifier("r", name) for name in others),
            )
            rows[table] = owner.execute(copy, (TIMES, OTHERS)).rowcount // TIMES
    return rows


async def statements(site: Site, token: str, monkeypatch: pytest.MonkeyPatch) -> list[Sent]:
    """Each statement once that the calls send, those for their second pages included."""
    told: dict[str, Sent] = {}
    call = ""
    execute = psycopg.AsyncConnection.execute

    async def noted(self: Any, query: Any, params: Any = None, **more: Any) -> Any:
        if isinstance(params, dict):
            values = cast("dict[str, Any]", params)
            told.setdefault(query, Sent(call, query, values))
        return await execute(self, query, cast("Any", params), **more)

    async with site.client(token) as client:
        monkeypatch.setattr(psycopg.AsyncConnection, "execute", noted)
        for call in calls(site.clock.now.date()):
            answer = await client.get(call)
            assert answer.status_code == 200, (call, answer.text)
            following = answer.json().get("next")
            if following:
                cursor = f"{'&' if '?' in call else '?'}cursor={following}"
                assert (await client.get(call + cursor)).status_code == 200
    monkeypatch.undo()
    return list(told.values())


def explained(reader: psycopg.Connection[Any], one: Sent) -> dict[str, Any]:
    """The plan with which a statement runs."""
    explain = cast("Any", "EXPLAIN (ANALYZE, VERBOSE, TIMING OFF, FORMAT JSON) " + one.text)
    row = reader.execute(explain, one.values).fetchone()
    assert row is not None
    return row[0][0]["Plan"]


def faults_of(plan: dict[str, Any], sent: Sent, large: Mapping[str, int]) -> Iterator[str]:
    """What is wrong with how a plan reads large tables."""
    for node in nodes_of(plan):
        table = f"{node.get('Schema')}.{node.get('Relation Name')}"
        if table not in large:
            continue
        kind = node["Node Type"]
        where = f"{sent.call}: {kind} of {table}"
        if (sent.call, table) in WHOLE:
            continue
        if kind == "Seq Scan":
            yield where
        condition = condition_of(node)
        if condition is not None and "store_id" not in condition:
            yield f"{where} by {condition}"
        seen = node["Actual Loops"] * (
            node["Actual Rows"]
            + node.get("Rows Removed by Filter", 0)
            + node.get("Rows Removed by Index Recheck", 0)
        )
        if seen > SHARE * large[table]:
            yield f"{where} looks at {seen:.0f} of {large[table]} rows by {condition}"


def condition_of(node: Mapping[str, Any]) -> str | None:
    """By what an index is looked into; None where the node does not look into one itself."""
    if "Index" in node["Node Type"]:
        return node.get("Index Cond", "nothing")
    if node["Node Type"] == "Bitmap Heap Scan":
        return " ".join(
            child.get("Index Cond", "") for one in node["Plans"] for child in nodes_of(one)
        )
    return None


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan and all below it."""
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes_of(child)


async def test_sessions_of_the_api_plan_for_the_values_of_each_call(site: Site) -> None:
    async with open_pool(site.database.api_url, session=ASKING) as pool:
        for setting, told in (
            ("plan_cache_mode", "force_custom_plan"),
            ("statement_timeout", "65s"),
        ):
            async with pool.connection() as connection:
                row = await (
                    await connection.execute("SELECT current_setting(%s)", (setting,))
                ).fetchone()
            assert row == (told,)
