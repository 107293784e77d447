"""Holding checkouts against the mirror: where each stands, and what it contributes to the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, LiteralString

import msgspec

from tillstream.foundation.database import streamed
from tillstream.rollup.checkouts import Reference, contributions, derive
from tillstream.rollup.findings import Difference, shown
from tillstream.rollup.standing import Row as Standing
from tillstream.rollup.standing import row_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from tillstream.foundation.database import Connection
    from tillstream.mirror.merge import Store
    from tillstream.rollup.findings import Findings
    from tillstream.rollup.progress import Progress
    from tillstream.rollup.standing import Staged
    from tillstream.rollup.survey_ledger import Ledger

_CHUNK: Final = 2000

# By customer: what a checkout is to its shopper's others is told of all of them at once.
_TOKENS: LiteralString = """
SELECT customer_id, token FROM mirror.checkouts WHERE tenant_id = %s AND store_id = %s
ORDER BY customer_id, token
"""
_STANDINGS: LiteralString = """
SELECT r.token, to_json(r)::text FROM rollup.checkouts AS r
WHERE r.tenant_id = %s AND r.store_id = %s AND r.token = ANY (%s)
"""
_STRAYS: LiteralString = """
SELECT r.token FROM rollup.checkouts AS r
WHERE r.tenant_id = %s AND r.store_id = %s AND NOT EXISTS (
  SELECT FROM mirror.checkouts AS c
  WHERE c.tenant_id = r.tenant_id AND c.store_id = r.store_id AND c.token = r.token)
ORDER BY r.token
"""


async def survey_checkouts(
    connection: Connection, ledger: Ledger, now: int, progress: Progress
) -> None:
    """Whether every checkout stands where it should, and contributes what is booked of it.

    Orders have to have been looked at: whose they should be decides what a checkout led to.
    """
    findings = ledger.findings
    await _survey_strays(connection, findings)
    store, profiles = findings.store, {findings.store: ledger.profile}
    placed = await ledger.placed(connection)
    async for tokens in _token_batches(connection, store):
        asked = {one.token for one in tokens}
        staged = [
            one
            # With each come the others of its cart, which have their own turn.
            for one in await derive(connection, tokens, [], profiles, now, placed=placed)
            if one.token in asked
        ]
        await _survey_standings(connection, findings, staged)
        await ledger.compare(connection, contributions(staged))
        findings.checkouts += len(tokens)
        progress("checkouts", findings.checkouts)


async def _token_batches(connection: Connection, store: Store) -> AsyncIterator[list[Reference]]:
    """The tokens of a store's checkouts, some at a time; those of one customer together."""
    batch: list[Reference] = []
    current: int | None = None
    async for customer_id, token in streamed(connection, "survey_tokens", _TOKENS, store):
        if len(batch) >= _CHUNK and (customer_id is None or customer_id != current):
            yield batch
            batch = []
        current = customer_id
        batch.append(Reference(store, token))
    if batch:
        yield batch


async def _survey_strays(connection: Connection, findings: Findings) -> None:
    """Standings of checkouts that the mirror does not have."""
    cursor = await connection.execute(_STRAYS, findings.store)
    for (token,) in await cursor.fetchall():
        findings.tokens.add(token)
        findings.add([Difference("stages", f"checkout {token}", "", "present", "missing")])


async def _survey_standings(
    connection: Connection, findings: Findings, staged: Iterable[Staged]
) -> None:
    """Whether each checkout stands where its times, and its shopper's others, put it."""
    wanted = {one.token: row_of(one) for one in staged}
    cursor = await connection.execute(_STANDINGS, (*findings.store, list(wanted)))
    stored = {
        token: msgspec.json.decode(row, type=Standing) for token, row in await cursor.fetchall()
    }
    for token, row in sorted(wanted.items()):
        if stored.get(token) == row:
            continue
        findings.tokens.add(token)
        findings.add(_standing_differences(token, stored.get(token), row))


def _standing_differences(
    token: str, stored: Standing | None, wanted: Standing
) -> Iterable[Difference]:
    where = f"checkout {token}"
    if stored is None:
        yield Difference("stages", where, "", "missing", "present")
        return
    for column in wanted.__struct_fields__:
        here, there = getattr(stored, column), getattr(wanted, column)
        if here != there:
            yield Difference("stages", where, column, shown(here), shown(there))
