"""The account's API keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Response

from tillstream.serve import people_models as bodies
from tillstream.serve.context import SignedIn, parse_id
from tillstream.serve.problems import answers
from tillstream.shops import api_keys
from tillstream.shops.refusals import KeyUnknown

router = APIRouter(prefix="/api/keys", tags=["keys"])


@router.get("", responses=answers(401, 403))
async def list_keys(visit: SignedIn) -> bodies.Keys:
    """The account's API keys, the newest first. Takes the role owner."""
    async with visit.transaction("owner") as connection:
        found = await api_keys.list_keys(connection, visit.tenant_id)
    return bodies.Keys(keys=[bodies.Key(**_key(one)) for one in found])


@router.post("", status_code=201, responses=answers(401, 403, 422))
async def make_key(body: bodies.NewKey, visit: SignedIn, response: Response) -> bodies.MadeKey:
    """Make a key for a machine. It is shown this once. Takes the role owner.

    A key makes the calls of its scopes, and no others: `analytics` reads figures and lists, `live`
    the event stream, `stores` reads and changes stores, `exports` takes files out.
    """
    context = visit.context
    wish = api_keys.KeyWish(body.name, body.scopes, timedelta(days=body.expires_in_days))
    async with visit.transaction("owner") as connection:
        made, text = await api_keys.make_key(
            connection,
            visit.tenant_id,
            wish,
            user_id=visit.bearer.user_id,
            random=context.random,
            now=context.clock(),
        )
        detail = {"prefix": made.prefix, "scopes": made.scopes, "days": body.expires_in_days}
        await visit.note(connection, "key.made", subject=made.name, detail=detail)
    response.headers["Cache-Control"] = "no-store"
    return bodies.MadeKey(**_key(made), key=text)


@router.delete("/{id}", status_code=204, response_class=Response, responses=answers(401, 403, 404))
async def revoke_key(id: str, visit: SignedIn) -> Response:  # noqa: A002
    """End a key at once, its event streams included. Takes the role owner."""
    async with visit.transaction("owner") as connection:
        number = parse_id(id)
        if number is None:
            raise KeyUnknown
        now = visit.context.clock()
        name = await api_keys.revoke_key(connection, visit.tenant_id, number, now)
        await visit.note(connection, "key.revoked", subject=name)
    return Response(status_code=204)


def _key(key: api_keys.Key) -> dict[str, Any]:
    return {
        "id": str(key.id),
        "name": key.name,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
    }
