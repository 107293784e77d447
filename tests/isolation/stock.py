"""Rows of both rivals in every table that has a tenant, so that there is something to steal in each.

First by the API, as people make them; then, for tables that no call here reaches, by hand: a row that
the table's own constraints let in, its texts marked with whose it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from psycopg import Error, sql

from tests.isolation.rivals import CANARY, OWN, Rivals, Tenant, tenant_tables

if TYPE_CHECKING:
    import psycopg

_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef OR a.attidentity <> ''
FROM pg_attribute AS a
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
"""
_CHECKS = """
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'
"""


async def stock(rivals: Rivals) -> None:
    """See above; fails loudly for a table that stays empty."""
    for tenant in (rivals.victim, rivals.attacker):
        await _by_the_api(rivals, tenant)
    with rivals.site.owner() as owner:
        owner.execute("SET session_replication_role = replica")  # no references, no triggers
        for schema, table, has_tenant in tenant_tables(owner):
            if has_tenant:
                for tenant in (rivals.victim, rivals.attacker):
                    _by_hand(owner, tenant, schema, table)


async def _by_the_api(rivals: Rivals, tenant: Tenant) -> None:
    mark = CANARY if tenant.side == "victim" else OWN
    async with rivals.site.client(tenant.token) as client:
        made = [
            await client.post("/api/sql-logins", json={"name": f"{mark} sql"}),
            await client.post(
                "/api/keys",
                json={"name": f"{mark} key", "scopes": ["analytics"], "expires_in_days": 30},
            ),
            await client.post(
                "/api/invitations", json={"email": f"{mark}-guest@example.com", "role": "analyst"}
            ),
            await client.patch(
                f"/api/stores/{tenant.store_id}", json={"api_secret": f"{mark}-new"}
            ),
            await client.post(f"/api/stores/{tenant.store_id}/transfers"),
        ]
    for answer in made:
        assert answer.status_code in {200, 201, 409}, answer.text


def _by_hand(owner: psycopg.Connection[Any], tenant: Tenant, schema: str, table: str) -> None:
    name = sql.Identifier(schema, table)
    count = sql.SQL("SELECT count(*) FROM {} WHERE tenant_id = %s").format(name)
    found = owner.execute(count, (tenant.tenant_id,)).fetchone()
    if found is not None and found[0]:
        return
    target = f"{schema}.{table}"
    checks = " ".join(row[0] for row in owner.execute(_CHECKS, (target,)).fetchall())
    columns = owner.execute(_COLUMNS, (target,)).fetchall()
    values = {
        column: _value(tenant, column, kind, checks)
        for column, kind, required, given in columns
        if column in {"tenant_id", "store_id"} or (required and not given)
    }
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        name,
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(sql.Placeholder() * len(values)),
    )
    try:
        owner.execute(statement, list(values.values()))
    except Error as error:
        message = (
            f"{target} is new: let stock.py make a row of it, so that it is attacked ({error})"
        )
        raise AssertionError(message) from error


def _value(tenant: Tenant, column: str, kind: str, checks: str) -> Any:
    mark = CANARY if tenant.side == "victim" else OWN
    known: dict[str, Any] = {
        "tenant_id": tenant.tenant_id, "store_id": tenant.store_id, "user_id": tenant.user_id,
        "domain": f"{mark}.myshopify.com", "expires_at": "2099-01-01Z", "due_at": "2099-01-01Z",
    }  # fmt: skip
    if column in known:
        return known[column]
    found = re.search(rf"\(?{column}\)?(?:::\w+)? = ANY \(\(?ARRAY\['([^']+)'", checks)
    found = found or re.search(rf"\(?{column}\)? = '([^']+)'", checks)
    if found is not None:
        return found[1]
    plain: dict[str, Any] = {
        "bigint": 1, "integer": 1, "smallint": 1, "numeric": 1, "boolean": False, "text": mark,
        "json": "{}", "jsonb": "{}", "text[]": "{}", "bigint[]": "{}", "date": "2026-03-14",
        "timestamp with time zone": "2026-03-14T10:00:00Z", "interval": "1 hour",
        "uuid": f"00000000-0000-4000-8000-{tenant.tenant_id:012d}",
        "bytea": mark.encode().ljust(32, b".")[:32], "inet": "127.0.0.1", "double precision": 1.0,
    }  # fmt: skip
    return plain[kind.partition("(")[0]]
