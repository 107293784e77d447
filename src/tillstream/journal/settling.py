"""Writing down in PostgreSQL what became of claims: that they are done, or come again later."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from tillstream.journal.contract import ClaimLost

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from tillstream.foundation.database import Connection
    from tillstream.journal.contract import Claim
    from tillstream.journal.outcome import Outcome

_SETTLE: LiteralString = """
WITH gone AS (
  DELETE FROM journal.pending p USING unnest(%b::int4[], %b::uuid[]) AS c(partition, frame_id)
  WHERE p.partition = c.partition AND p.frame_id = c.frame_id
  RETURNING 1),
progress AS (
  INSERT INTO journal.progress AS p (partition, applied) SELECT * FROM unnest(%b::int4[], %b::int8[])
  ON CONFLICT (partition) DO UPDATE SET applied = p.applied + excluded.applied)
SELECT count(*) FROM gone
"""
_FORGET_HELD: LiteralString = """
WITH gone AS (DELETE FROM journal.held WHERE id = ANY (%b::int8[]) RETURNING 1)
SELECT count(*) FROM gone
"""
_HOLD: LiteralString = """
INSERT INTO journal.held AS h (kind, delivery_key, partition, shop, topic, webhook_id,
  tenant_id, store_id, reason, detail, delivery, deliveries)
VALUES (%s, %b, %s, %s, %s, %s, %s, %s, %s, %s, %b, %s)
ON CONFLICT (delivery_key) DO UPDATE SET
  kind = excluded.kind, tenant_id = excluded.tenant_id, store_id = excluded.store_id,
  reason = excluded.reason, detail = excluded.detail, deliveries = h.deliveries + excluded.deliveries,
  attempt = 0, not_before = NULL, released_at = NULL
"""
_RETRY: LiteralString = """
UPDATE journal.pending p
SET attempt = p.attempt + 1, not_before = c.not_before, reason = %s
FROM unnest(%b::int4[], %b::uuid[], %b::timestamptz[]) AS c(partition, frame_id, not_before)
WHERE p.partition = c.partition AND p.frame_id = c.frame_id
"""
_RETRY_HELD: LiteralString = """
UPDATE journal.held h SET attempt = h.attempt + 1, not_before = c.not_before
FROM unnest(%b::int8[], %b::timestamptz[]) AS c(id, not_before) WHERE h.id = c.id
"""


async def settle_outcome(connection: Connection, frames: Sequence[Claim], outcome: Outcome) -> None:
    """Write ``outcome`` down in the worker's transaction.

    Args:
        connection: in that transaction.
        frames: those claims of the outcome that are frames stored in PostgreSQL.
        outcome: what is applied, held and no longer held.

    Raises:
        ClaimLost: another worker was first.
    """
    await _settle_held(connection, outcome)
    values = (
        [claim.partition for claim in frames],
        [claim.frame_id for claim in frames],
        list(outcome.applied),
        list(outcome.applied.values()),
    )
    result = await connection.execute(_SETTLE, values, prepare=True)
    expect(await result.fetchone(), len(frames))


async def _settle_held(connection: Connection, outcome: Outcome) -> None:
    """Take finished deliveries out of the held ones, and put the new ones in."""
    if outcome.released:
        row = await (await connection.execute(_FORGET_HELD, (outcome.released,))).fetchone()
        expect(row, len(outcome.released))
    if outcome.held:
        async with connection.cursor() as cursor:
            await cursor.executemany(_HOLD, [held.row() for held in outcome.held])


async def postpone(session: Connection, due: Mapping[Claim, datetime], reason: str) -> None:
    """Let claims come again, counted as tried once more, when they are ``due``."""
    frames = [claim for claim in due if claim.frame_id is not None]
    held = [claim for claim in due if claim.held_id is not None]
    await session.execute(
        _RETRY,
        (
            reason[:1000],
            [claim.partition for claim in frames],
            [claim.frame_id for claim in frames],
            [due[claim] for claim in frames],
        ),
    )
    if held:
        await session.execute(
            _RETRY_HELD, ([claim.held_id for claim in held], [due[claim] for claim in held])
        )


def expect(row: tuple[int] | None, number: int) -> None:
    """Compare-and-set: fewer rows than were claimed means that another worker settled them."""
    if row is None or row[0] != number:
        message = f"{row[0] if row else 0} of {number} claims were still open; roll back"
        raise ClaimLost(message)
