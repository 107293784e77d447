"""The account's stores."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Response

from tillstream.serve import models
from tillstream.serve.context import SignedIn, parse_id
from tillstream.serve.problems import answers
from tillstream.shops import stores as shops
from tillstream.shops.refusals import StoreUnknown

router = APIRouter(prefix="/api/stores", tags=["stores"])


@router.get("", responses=answers(401))
async def list_stores(visit: SignedIn) -> models.Stores:
    """The connected stores, by domain."""
    async with visit.transaction() as connection:
        stores = await shops.list_connected(connection, visit.tenant_id)
    return models.Stores(stores=[_shown(store) for store in stores])


@router.post("", status_code=201, responses=answers(401, 403, 409, 422))
async def connect_store(body: models.NewStore, visit: SignedIn, response: Response) -> models.Store:
    """Connect a shop by a custom app of its own, without OAuth. Takes the role owner.

    A shop can be connected to one account at a time. A store that this account removed comes
    back with its data. Secrets are sealed and never returned.
    """
    async with visit.transaction("owner") as connection:
        store = await shops.connect_store(
            connection, visit.context.keyring, visit.tenant_id, body.domain, _details(body)
        )
    response.headers["Location"] = f"/api/stores/{store.id}"
    return _shown(store)


@router.get("/{id}", responses=answers(401, 404))
async def get_store(id: str, visit: SignedIn) -> models.Store:  # noqa: A002
    """One of the connected stores."""
    async with visit.transaction() as connection:
        return _shown(await shops.find_store(connection, visit.tenant_id, _known_id(id)))


@router.patch("/{id}", responses=answers(401, 403, 404, 422))
async def change_store(
    id: str,  # noqa: A002
    body: models.StoreChanges,
    visit: SignedIn,
) -> models.Store:
    """Change what the body names; the rest stays. Takes the role owner."""
    async with visit.transaction("owner") as connection:
        store = await shops.change_store(
            connection, visit.context.keyring, visit.tenant_id, _known_id(id), _details(body)
        )
    return _shown(store)


@router.delete("/{id}", status_code=204, response_class=Response, responses=answers(401, 403, 404))
async def remove_store(id: str, visit: SignedIn) -> Response:  # noqa: A002
    """Disconnect a store. Its data stays; its secrets are erased. Takes the role owner."""
    async with visit.transaction("owner") as connection:
        now = visit.context.clock()
        await shops.disconnect_store(connection, visit.tenant_id, _known_id(id), now)
    return Response(status_code=204)


def _known_id(text: str) -> int:
    number = parse_id(text)
    if number is None:
        raise StoreUnknown
    return number


def _details(body: models.NewStore | models.StoreChanges) -> shops.StoreDetails:
    minutes = body.abandonment_window_minutes
    return shops.StoreDetails(
        name=body.name,
        timezone=body.timezone,
        currency=body.currency,
        abandonment_window=None if minutes is None else timedelta(minutes=minutes),
        api_secret=body.api_secret,
        access_token=body.access_token,
    )


def _shown(store: shops.Store) -> models.Store:
    return models.Store(
        id=str(store.id),
        domain=store.domain,
        name=store.name,
        timezone=store.timezone,
        currency=store.currency,
        abandonment_window_minutes=store.abandonment_window / timedelta(minutes=1),
        has_api_secret=store.has_api_secret,
        has_access_token=store.has_access_token,
        created_at=store.created_at,
    )
