"""The account's audit log."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query

from tillstream.serve import people_models as bodies
from tillstream.serve.context import SignedIn
from tillstream.serve.cursors import CursorRefused, read_cursor, write_cursor
from tillstream.serve.parameters import ONLY_KNOWN, query_answers
from tillstream.serve.problems import invalid
from tillstream.shops.audit import Line, list_lines

router = APIRouter(prefix="/api", tags=["audit"])

_LARGEST_ID: Final = 2**63 - 1


@router.get("/audit", dependencies=[ONLY_KNOWN], responses=query_answers(401, 403))
async def list_audit_events(
    visit: SignedIn,
    limit: Annotated[int, Query(ge=1, le=200, description="How many at most.")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=200, description="`next` of the page before.")
    ] = None,
) -> bodies.AuditPage:
    """Who did what in the account, the latest first. Takes the role owner.

    Sign-ins and refused ones, changes of access, stores connected and removed, exports, erasures.
    Lines are added and never changed.
    """
    before = _place(cursor)
    async with visit.transaction("owner") as connection:
        lines = await list_lines(connection, visit.tenant_id, before=before, limit=limit + 1)
    page = lines[:limit]
    return bodies.AuditPage(
        events=[_event(line) for line in page],
        next=write_cursor(page[-1].id) if len(lines) > limit else None,
    )


def _place(cursor: str | None) -> int:
    if cursor is None:
        return _LARGEST_ID
    try:
        return int(read_cursor(cursor, (int,))[0])
    except CursorRefused as error:
        raise invalid("query.cursor", str(error)) from error


def _event(line: Line) -> bodies.AuditEvent:
    return bodies.AuditEvent(
        id=str(line.id),
        at=line.at,
        actor=line.actor,
        action=line.action,
        subject=line.subject,
        detail=dict(line.detail),
        address=line.address,
    )
