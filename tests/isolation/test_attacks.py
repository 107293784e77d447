"""One tenant against another, over HTTP and with SQL: nothing of the victim's is shown or changed.

Real: the API, the database, the worker's way in. Both sides have the very same Shopify ids; see
rivals.py for what is looked for. The cases are generated from the OpenAPI document and the catalogue,
so that calls and tables that come later are attacked as well; their number is printed and asserted.

One variant switches the application's own checks off, and one leaves the application out: then the
database alone holds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

import httpx
import psycopg
import pytest
from psycopg import sql

from tests.isolation.attacks import (
    INJECTIONS,
    Case,
    Operation,
    example,
    forged_tokens,
    known,
    operations,
    texts_in,
)
from tests.isolation.conftest import drop_sql_logins
from tests.isolation.rivals import CANARY, OWN, Rivals, fingerprint, make_rivals, tenant_tables
from tests.isolation.stock import stock
from tests.isolation.told import tell
from tests.serve.conftest import open_site, settings_for
from tillstream.foundation import database as foundation
from tillstream.serve.app import bare_app
from tillstream.serve.context import Visit
from tillstream.serve.cursors import write_cursor

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from pathlib import Path

    from tests.conftest import Database
    from tests.serve.conftest import Site

OPERATIONS = operations(bare_app().openapi())

# Failed attempts to sign in as the victim are told in her own audit log, and only there.
TOLD = frozenset({"shops.audit"})
# Ends the attacker's own sign-in, and with it all cases after it.
SELF_HARM = {"POST /api/auth/logout"}


@pytest.fixture
async def rivals(database: Database, tmp_path: Path) -> AsyncGenerator[Rivals]:
    # Without limits: they would answer instead of what is behind them.
    settings = settings_for(
        tmp_path,
        rate=0,
        account_rate=0,
        sign_in_attempts=0,
        registrations=0,
        shopify_api_key="client",
    )
    try:
        async with open_site(database, settings) as site:
            found = await make_rivals(site)
            await stock(found)
            yield found
    finally:
        drop_sql_logins(database.admin_url)


# -- sending -------------------------------------------------------------------------------------


async def send(site: Site, case: Case, authorization: str | None) -> tuple[int, str]:
    """The answer to a case: status, and its head and body as text."""
    headers = dict(case.headers)
    if authorization is not None:
        headers["Authorization"] = authorization
    query = "?" + urlencode(case.query) if case.query else ""
    if case.operation.path == "/api/live":
        return await _beginning(site, case.address, query, headers)
    transport = httpx.ASGITransport(site.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://tillstream.test") as client:
        content = None if case.body is None else json.dumps(case.body).encode()
        if content is not None:
            headers["Content-Type"] = "application/json"
        answer = await client.request(
            case.operation.method, case.address + query, headers=_encoded(headers), content=content
        )
    return answer.status_code, f"{answer.headers} {answer.text}"


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("utf-8", "replace")) for name, value in headers.items()]


async def _beginning(site: Site, path: str, query: str, headers: dict[str, str]) -> tuple[int, str]:
    """What an event stream says at once; then the client goes away."""
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": path,
        "raw_path": path.encode(), "query_string": query[1:].encode(), "scheme": "http",
        "headers": [(name.lower(), value) for name, value in _encoded(headers)],
        "client": ("127.0.0.1", 1), "server": ("tillstream.test", 80), "root_path": "",
    }  # fmt: skip
    said = asyncio.Event()
    asked = False
    status = 0
    parts: list[bytes] = []

    async def hear(message: Any) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            parts.append(message.get("body", b""))
            if parts[-1] or not message.get("more_body"):
                said.set()

    async def go_away() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await said.wait()
        return {"type": "http.disconnect"}

    task = asyncio.create_task(site.app(scope, go_away, hear))
    waiting = asyncio.create_task(said.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
    task.cancel()
    waiting.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await task
    return status, b"".join(parts).decode(errors="replace")


class Tally:
    """What became of the cases; nothing may have succeeded."""

    def __init__(self, rivals: Rivals) -> None:
        self.rivals = rivals
        self.statuses: Counter[int] = Counter()
        self.faults: list[str] = []

    @property
    def count(self) -> int:
        return sum(self.statuses.values())

    async def attack(
        self, case: Case, authorization: str | None, *, refused: bool = False, faults: bool = False
    ) -> None:
        """Send a case. ``refused``: it must be told so; ``faults``: a 500 is an answer as well."""
        began = time.monotonic()
        status, text = await send(self.rivals.site, case, authorization)
        self.statuses[status] += 1
        told = f"{case.what} on {case.operation.name}"
        if status == 0 or (status >= 500 and not faults and status != 503):
            self.faults.append(f"{told}: {status} {text[:300]}")
        if not case.echoes and self.rivals.leaks(text):
            self.faults.append(f"{told}: LEAKS {text[:600]}")
        if refused and status not in {401, 403, 404, 422}:
            self.faults.append(f"{told}: let in with {status}")
        if time.monotonic() - began > 4.5:
            self.faults.append(f"{told}: took {time.monotonic() - began:.1f} s")

    def finish(self, what: str, capsys: pytest.CaptureFixture[str], at_least: int) -> None:
        shown = ", ".join(f"{n} × {status}" for status, n in sorted(self.statuses.items()))
        tell(capsys, f"{what}: {self.count} cases, {len(self.faults)} succeeded ({shown})")
        assert not self.faults, "\n".join(self.faults)
        assert self.count >= at_least


def sample(operation: Operation) -> Any:
    return None if operation.body is None else example(operation.body)


NEEDED = {"analytics/breakdown": {"by": "product"}, "analytics/ledger": {"measure": "net_sales"}}
"""What some calls do not answer without."""


# -- the detectors detect --------------------------------------------------------------------------


async def test_the_victim_sees_what_the_attacker_must_not(rivals: Rivals) -> None:
    """Otherwise all that follows would be worth nothing."""
    lists = [
        one for one in OPERATIONS if one.method == "GET" and one.secured and "{" not in one.path
    ]
    seen: dict[str, set[str]] = {}
    for side in (rivals.victim, rivals.attacker):
        for operation in lists:
            query = {"from": "2026-03-01", "to": "2026-03-15", "last_event_id": "0"}
            query |= NEEDED.get(operation.path.removeprefix("/api/"), {})
            case = Case("", operation, query=known(operation, query))
            status, text = await send(rivals.site, case, f"Bearer {side.token}")
            assert status == 200, (operation.name, text)
            if rivals.leaks(text):
                seen.setdefault(side.side, set()).add(operation.path)
            if side.side == "attacker" and operation.path in {
                "/api/stores",
                "/api/analytics/orders",
            }:
                assert OWN in text
    assert set(seen) == {"victim"}
    must = {"stores", "analytics/orders", "analytics/customers", "analytics/products", "members"}
    must |= {"analytics/checkouts", "analytics/stats", "analytics/top-customers", "audit", "live"}
    must |= {"keys", "invitations", "auth/me", "tenant", "analytics/sales-over-time"}
    assert {f"/api/{one}" for one in must} <= seen["victim"]
    prints = fingerprint(rivals.site.database.admin_url, rivals.victim)
    nothing = fingerprint(
        rivals.site.database.admin_url, replace(rivals.victim, tenant_id=-1, user_id=-1)
    )
    assert [name for name, value in prints.items() if value == nothing[name]] == []


# -- over HTTP -------------------------------------------------------------------------------------


async def test_forged_credentials_let_nobody_in(
    rivals: Rivals, capsys: pytest.CaptureFixture[str]
) -> None:
    before = fingerprint(rivals.site.database.admin_url, rivals.victim, but=TOLD)
    tally = Tally(rivals)
    tokens = list(forged_tokens(rivals, rivals.site.settings.jwt_secret))
    for operation in OPERATIONS:
        if not operation.secured or operation.name in SELF_HARM:
            continue
        path = {"id": str(rivals.victim.store_id), "app": "shop"}
        case = Case("nothing", operation, path=path, body=sample(operation))
        await tally.attack(case, None, refused=True)
        for what, authorization in tokens:
            await tally.attack(replace(case, what=what), authorization, refused=True)
    assert fingerprint(rivals.site.database.admin_url, rivals.victim, but=TOLD) == before
    tally.finish("Forged credentials", capsys, 1500)


def stolen_values(rivals: Rivals) -> Iterator[tuple[str, str]]:
    """Everything of the victim's that an attacker may have guessed or seen."""
    victim = rivals.victim
    yield "store", str(victim.store_id)
    yield "tenant", str(victim.tenant_id)
    yield "person", str(victim.user_id)
    with rivals.site.owner() as owner:
        for schema, table, has_tenant in tenant_tables(owner):
            if not has_tenant:
                continue
            columns = owner.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
                "AND column_name IN ('id', 'family', 'token', 'username')",
                (schema, table),
            ).fetchall()
            for (column,) in columns:
                found = owner.execute(
                    sql.SQL("SELECT min({}::text) FROM {} WHERE tenant_id = %s").format(
                        sql.Identifier(column), sql.Identifier(schema, table)
                    ),
                    (victim.tenant_id,),
                ).fetchone()
                if found is not None and found[0] is not None:
                    yield f"{table}.{column}", found[0]


def cursors(rivals: Rivals) -> Iterator[tuple[str, str]]:
    """Cursors of the victim's pages, and such as would begin before all rows."""
    store = rivals.victim.store_id
    yield "cursor of orders", write_cursor("orders", "2099-01-01T00:00:00+00:00", 2**62, 2**62)
    yield "cursor of checkouts", write_cursor("checkouts", "2099-01-01T00:00:00+00:00", "", store)
    yield "cursor of ids", write_cursor(2**62)
    yield "cursor of customers", write_cursor("customers", 2**62, store)
    yield "cursor of text", write_cursor("' OR 1=1--", 1)
    yield "broken cursor", "AAAA"


async def test_the_victims_ids_lead_nowhere(  # noqa: C901, PLR0912 - every place of a request
    rivals: Rivals, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every id, cursor and event number of hers, in every place of every call, with a good token."""
    site = rivals.site
    before = fingerprint(site.database.admin_url, rivals.victim, but=TOLD)
    good = f"Bearer {rivals.attacker.token}"
    tally = Tally(rivals)
    values = list(dict.fromkeys(stolen_values(rivals)))
    theirs = list(cursors(rivals))
    # Last, because the attacker's own lists show afterwards what he wrote himself.
    echoing: list[Case] = []
    for operation in OPERATIONS:
        if operation.name in SELF_HARM:
            continue
        body = sample(operation)
        for name in operation.names("path"):
            for what, value in values:
                if value in {str(rivals.attacker.store_id), str(rivals.attacker.user_id)}:
                    continue  # his own, which he may change
                case = Case(f"{what} in the path", operation, {name: value}, body=body)
                await tally.attack(
                    case,
                    good,
                    refused="auth/install" not in case.address
                    and "callback" not in case.address
                    # Shopify's ids are the same here on both sides: he has an order of that number too.
                    and (what, name) != ("orders.id", "order_id"),
                )
        for name in (*operation.names("query"), "tenant", "tenant_id", "tid", "user_id"):
            for what, value in [*values[:3], *theirs] if operation.method == "GET" else values[:3]:
                query = {name: value}
                await tally.attack(
                    Case(f"{what} as {name}", operation, {"id": "0"}, query, body=body), good
                )
        for name in (
            *operation.names("header"),
            "X-Tenant",
            "X-Tenant-Id",
            "X-Forwarded-User",
            "X-Original-URL",
        ):
            headers = {name: str(rivals.victim.tenant_id)}
            await tally.attack(
                Case(f"header {name}", operation, {"id": "0"}, headers=headers, body=body), good
            )
        for name in texts_in(operation.body):
            for what, value in [*values[:6], ("email", rivals.victim.email)]:
                changed = {**body, name: value}
                case = Case(f"{what} as {name}", operation, {"id": "0"}, body=changed)
                if CANARY in value:
                    echoing.append(replace(case, echoes=True))
                else:
                    await tally.attack(case, good)
    live = next(one for one in OPERATIONS if one.path == "/api/live")
    for number in ("0", "1", "2", "-1", "999999", str(2**63), "1' OR 1=1"):
        await tally.attack(Case("event number", live, headers={"Last-Event-ID": number}), good)
        await tally.attack(Case("event number", live, query={"last_event_id": number}), good)
    await _with_cookies(rivals, tally)
    for case in echoing:
        await tally.attack(case, good)
    assert fingerprint(site.database.admin_url, rivals.victim, but=TOLD) == before
    tally.finish("The victim's ids", capsys, 900)


async def _with_cookies(rivals: Rivals, tally: Tally) -> None:
    """Refresh tokens put together from two, or cut short."""
    own = rivals.attacker.cookies["tillstream_refresh"].partition(".")[2]
    theirs = rivals.victim.cookies["tillstream_refresh"].partition(".")[2]
    tenant = rivals.victim.tenant_id
    forged = [
        f"{tenant}.{own}", f"{rivals.attacker.tenant_id}.{theirs}", f"{tenant}.", f"{tenant}",
        f"{tenant}.{theirs[:-2]}", f"{tenant}.{'A' * 43}", f"{tenant}.{theirs}.{own}", f"0{tenant}.{own}",
        f"{tenant}, {rivals.attacker.tenant_id}.{own}", f"-{tenant}.{theirs}", f"{tenant}.{theirs}A",
    ]  # fmt: skip
    for operation in OPERATIONS:
        if not operation.path.startswith("/api/auth/"):
            continue
        for cookie in forged:
            case = Case(
                "a forged cookie", operation, {"id": "1", "app": "x"}, body=sample(operation)
            )
            headers = {"Cookie": f"tillstream_refresh={cookie}"}
            await tally.attack(replace(case, headers=headers), None)


async def test_injected_sql_does_nothing(
    rivals: Rivals, capsys: pytest.CaptureFixture[str]
) -> None:
    """In every text field, parameter and header of every call, with a good token."""
    site = rivals.site
    before = fingerprint(site.database.admin_url, rivals.victim, but=TOLD)
    good = f"Bearer {rivals.attacker.token}"
    tally = Tally(rivals)
    for operation in OPERATIONS:
        if operation.name in SELF_HARM:
            continue
        body = sample(operation)
        for text in INJECTIONS:
            for name in operation.names("path"):
                await tally.attack(Case("path", operation, {name: text}, body=body), good)
            for name in operation.names("query"):
                await tally.attack(
                    Case(name, operation, {"id": "0"}, {name: text}, body=body), good
                )
            for name in (*operation.names("header"), "User-Agent"):
                await tally.attack(
                    Case(name, operation, {"id": "0"}, headers={name: text}, body=body), good
                )
            for name in texts_in(operation.body):
                await tally.attack(
                    Case(name, operation, {"id": "0"}, body={**body, name: text}), good
                )
    assert fingerprint(site.database.admin_url, rivals.victim, but=TOLD) == before
    tally.finish("Injected SQL", capsys, 1500)


# -- the application's checks switched off ---------------------------------------------------------


def misled(honest: Any, attacker: int) -> Any:
    """A way to open a transaction that takes it for the attacker's, whoever's it was to be."""

    @asynccontextmanager
    async def opened(pool: Any, _tenant_id: int, **how: Any) -> AsyncGenerator[Any]:
        async with honest(pool, attacker, **how) as connection:
            yield connection

    return opened


@pytest.fixture
def unchecked(rivals: Rivals, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever calls is let in as an owner, and every statement names the victim; but the transaction's
    tenant is the attacker: as if each check of ours, and each filter, were wrong at once."""  # noqa: D205, D209
    attacker = rivals.attacker.tenant_id

    opening = [
        (honest, misled(honest, attacker))
        for honest in (foundation.tenant_transaction, foundation.tenant_snapshot)
    ]

    async def anyone(*_arguments: Any, **_named: Any) -> str:
        return "owner"

    async def welcome(*_arguments: Any, **_named: Any) -> None:
        return None

    async def stands(*_arguments: Any, **_named: Any) -> bool:
        return True

    for module in [one for name, one in sys.modules.items() if name.startswith("tillstream.")]:
        for honest, instead in opening:
            if getattr(module, honest.__name__, None) is honest:
                monkeypatch.setattr(module, honest.__name__, instead)
        for name in ("role_of", "still_stands"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, anyone if name == "role_of" else stands)
    monkeypatch.setattr(Visit, "_admit_person", welcome)
    monkeypatch.setattr(Visit, "role", anyone)


@pytest.mark.usefixtures("unchecked")
async def test_the_database_alone_holds(rivals: Rivals, capsys: pytest.CaptureFixture[str]) -> None:
    """Every call with the victim's own token and ids, by a process that does not check anything."""
    site = rivals.site
    before = fingerprint(site.database.admin_url, rivals.victim, but=TOLD)
    her_token = f"Bearer {rivals.victim.token}"
    tally = Tally(rivals)
    values = list(dict.fromkeys(stolen_values(rivals)))
    let_in: Counter[str] = Counter()
    for operation in OPERATIONS:
        # These prove a password, a cookie or a token of their own: no tenant's transaction decides.
        if not operation.secured or operation.path.startswith("/api/auth/"):
            continue
        body = sample(operation)
        for what, value in values if operation.names("path") else values[:1]:
            case = Case(f"{what} in the path", operation, {"id": value}, body=body)
            await tally.attack(case, her_token, faults=True)
        for name in operation.names("query"):
            for what, value in [*values[:1], *cursors(rivals)]:
                query = known(operation, {"from": "2026-03-01", "to": "2026-03-15", name: value})
                case = Case(f"{what} as {name}", operation, {"id": "0"}, query, body=body)
                await tally.attack(case, her_token, faults=True)
        let_in[operation.path] += 1
    # The process did let her token in, and so every filter was hers.
    stores = next(one for one in OPERATIONS if one.name == "GET /api/stores")
    status, text = await send(site, Case("", stores), her_token)
    assert status == 200
    assert json.loads(text[text.index('{"stores"') :]) == {"stores": []}
    assert fingerprint(site.database.admin_url, rivals.victim, but=TOLD) == before
    tally.finish("Without the application's checks", capsys, 250)


# -- without the application -----------------------------------------------------------------------

FILTERS = (
    "true",
    "tenant_id = {victim}",
    "tenant_id <> {attacker}",
    "tenant_id = ANY ('{{{victim},{attacker}}}')",
)


@pytest.mark.parametrize("role", ["api", "worker"])
async def test_statements_of_the_attackers_choice(
    rivals: Rivals, role: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every table with every verb, as the processes' own roles, with filters that want the victim."""
    url = rivals.site.database.api_url if role == "api" else rivals.site.database.worker_url
    setting = "tillstream.tenant" if role == "api" else "tillstream.tenants"
    before = fingerprint(rivals.site.database.admin_url, rivals.victim)
    outcomes: Counter[str] = Counter()
    with rivals.site.owner() as owner, psycopg.connect(url, autocommit=True) as session:
        for schema, table, has_tenant in tenant_tables(owner):
            if not has_tenant or (role == "worker" and schema == "journal"):
                continue  # deliveries that wait are the worker's, whosever they are
            for tenant in ("", str(rivals.attacker.tenant_id)):
                for statement in _statements(owner, rivals, schema, table):
                    outcome = _try(session, rivals, setting, tenant, statement)
                    outcomes[outcome] += 1
    assert fingerprint(rivals.site.database.admin_url, rivals.victim) == before
    tell(capsys, f"Statements as {role}: {sum(outcomes.values())}, {dict(outcomes)}")
    assert set(outcomes) == {"refused", "nothing"}
    assert sum(outcomes.values()) >= 500


def _try(
    session: psycopg.Connection[Any],
    rivals: Rivals,
    setting: str,
    tenant: str,
    statement: sql.Composed,
) -> str:
    """What became of a statement: refused, or nothing of the victim's seen and changed."""
    try:
        with session.transaction():
            session.execute("SELECT set_config(%s, %s, true)", (setting, tenant))
            cursor = session.execute(statement)
            shown = str(cursor.fetchall()) if cursor.description else ""
            assert not rivals.leaks(shown), (statement.as_string(session), shown[:400])
            if not tenant:
                assert cursor.rowcount == 0, f"{statement.as_string(session)} without a tenant"
            raise psycopg.Rollback
    except psycopg.Error:
        return "refused"
    return "nothing"


def _statements(
    owner: psycopg.Connection[Any], rivals: Rivals, schema: str, table: str
) -> Iterator[sql.Composed]:
    name = sql.Identifier(schema, table)
    columns = [
        row[0]
        for row in owner.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
            "AND is_generated = 'NEVER' ORDER BY ordinal_position",
            (schema, table),
        ).fetchall()
    ]
    victim = rivals.victim.tenant_id
    for text in FILTERS:
        wanted = sql.SQL(
            cast("Any", text.format(victim=victim, attacker=rivals.attacker.tenant_id))
        )
        for column in columns:
            yield sql.SQL("SELECT {} FROM {} WHERE {}").format(sql.Identifier(column), name, wanted)
        if "true" not in text:
            yield sql.SQL("DELETE FROM {} WHERE {} AND tenant_id <> {}").format(
                name, wanted, rivals.attacker.tenant_id
            )
            for column in columns:
                yield sql.SQL("UPDATE {} SET {} = {} WHERE {} AND tenant_id <> {}").format(
                    name,
                    sql.Identifier(column),
                    sql.Identifier(column),
                    wanted,
                    rivals.attacker.tenant_id,
                )
    yield sql.SQL("SELECT t::text FROM {} AS t FOR UPDATE").format(name)
    yield sql.SQL("UPDATE {} SET tenant_id = {}").format(name, victim)
    yield sql.SQL("TRUNCATE {}").format(name)
    # One of her rows, word for word, and one of her own making.
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    row = owner.execute(
        sql.SQL("SELECT to_jsonb(t) FROM {} AS t WHERE tenant_id = %s LIMIT 1").format(name),
        (victim,),
    ).fetchone()
    assert row is not None, f"{schema}.{table} has no row of the victim's: see stock.py"
    yield sql.SQL(
        "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM jsonb_populate_record(NULL::{}, {})"
    ).format(name, listed, listed, name, sql.Literal(json.dumps(row[0])))
