"""The account's stores."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, cast

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from tillstream.serve import models
from tillstream.serve.context import SignedIn, Visit, parse_id
from tillstream.serve.problems import answers
from tillstream.shopify.scopes import parse_scopes
from tillstream.shops import standing, transfers
from tillstream.shops import stores as shops
from tillstream.shops.refusals import StoreUnknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tillstream.foundation.database import Connection
    from tillstream.foundation.settings import Settings

router = APIRouter(prefix="/api/stores", tags=["stores"])


@router.get("", responses=answers(401))
async def list_stores(visit: SignedIn) -> models.Stores:
    """The connected stores, by domain; also those whose app was uninstalled, until they are erased."""
    async with visit.transaction(scope="stores") as connection:
        stores = await shops.list_connected(connection, visit.tenant_id)
        return models.Stores(stores=await _all_shown(visit, connection, stores))


@router.post("", status_code=201, responses=answers(401, 403, 409, 422))
async def connect_store(body: models.NewStore, visit: SignedIn, response: Response) -> models.Store:
    """Connect a shop by a custom app of its own, without OAuth. Takes the role owner.

    That claims the shop; `GET /api/auth/shopify` proves it, and a proof wins over a claim. A shop can
    be connected to one account at a time. A store that this account removed comes
    back with its data. Secrets are sealed and never returned.
    """
    async with visit.transaction("owner") as connection:
        store = await shops.connect_store(
            connection,
            visit.context.keyring,
            visit.tenant_id,
            body.domain,
            _details(body),
            now=visit.context.clock(),
        )
        await visit.note(connection, "store.claimed", subject=store.domain, detail=_told(body))
        response.headers["Location"] = f"/api/stores/{store.id}"
        return await _shown(visit, connection, store)


@router.get("/{id}", responses=answers(401, 404))
async def get_store(id: str, visit: SignedIn) -> models.Store:  # noqa: A002
    """One of the connected stores."""
    async with visit.transaction(scope="stores") as connection:
        store = await shops.find_store(connection, visit.tenant_id, _known_id(id))
        return await _shown(visit, connection, store)


@router.patch("/{id}", responses=answers(401, 403, 404, 422))
async def change_store(
    id: str,  # noqa: A002
    body: models.StoreChanges,
    visit: SignedIn,
) -> models.Store:
    """Change what the body names; the rest stays. Takes the role owner."""
    async with visit.transaction("owner") as connection:
        store = await shops.change_store(
            connection,
            visit.context.keyring,
            visit.tenant_id,
            _known_id(id),
            _details(body),
            now=visit.context.clock(),
            overlap=visit.context.settings.secret_overlap,
        )
        await visit.note(connection, "store.changed", subject=store.domain, detail=_told(body))
        return await _shown(visit, connection, store)


@router.delete("/{id}", status_code=204, response_class=Response, responses=answers(401, 403, 404))
async def remove_store(id: str, visit: SignedIn) -> Response:  # noqa: A002
    """Disconnect a store. Its data stays; its secrets are erased. Takes the role owner."""
    async with visit.transaction("owner") as connection:
        store = await shops.find_store(connection, visit.tenant_id, _known_id(id))
        now = visit.context.clock()
        await shops.disconnect_store(connection, visit.tenant_id, store.id, now)
        await visit.note(connection, "store.removed", subject=store.domain)
    return Response(status_code=204)


class Transfer(BaseModel):
    """Leave for another account to connect a shop in this one's place."""

    code: str = Field(
        description="For the other account: `GET /api/auth/shopify?shop=…&transfer=<code>`."
    )
    expires_at: datetime


@router.post("/{id}/transfers", status_code=201, responses=answers(401, 403, 404))
async def offer_transfer(id: str, visit: SignedIn) -> Transfer:  # noqa: A002
    """Let another account connect the shop by OAuth. Takes the role owner.

    The code works once, for three days; a new one replaces it. The store then leaves this account as
    if it had been removed. Its data does not go with it.
    """
    async with visit.transaction("owner") as connection:
        store = await shops.find_store(connection, visit.tenant_id, _known_id(id))
        code, expires_at = await transfers.offer_transfer(
            connection,
            visit.tenant_id,
            store.id,
            random=visit.context.random,
            now=visit.context.clock(),
        )
        await visit.note(connection, "store.transfer_offered", subject=store.domain)
    return Transfer(code=code, expires_at=expires_at)


def _known_id(text: str) -> int:
    number = parse_id(text)
    if number is None:
        raise StoreUnknown
    return number


def _told(body: models.NewStore | models.StoreChanges) -> dict[str, list[str]]:
    """Which fields were set: their names, never their values."""
    return {"fields": sorted(body.model_dump(exclude_none=True, exclude={"domain"}))}


def _details(body: models.NewStore | models.StoreChanges) -> shops.StoreDetails:
    minutes = body.abandonment_window_minutes
    return shops.StoreDetails(
        name=body.name,
        timezone=body.timezone,
        currency=body.currency,
        abandonment_window=None if minutes is None else timedelta(minutes=minutes),
        api_secret=body.api_secret,
        access_token=body.access_token,
        client_id=body.api_key,
    )


async def _shown(visit: Visit, connection: Connection, store: shops.Store) -> models.Store:
    return (await _all_shown(visit, connection, [store]))[0]


async def _all_shown(
    visit: Visit, connection: Connection, stores: Sequence[shops.Store]
) -> list[models.Store]:
    settings = visit.context.settings
    missing = await standing.missing_scopes_of(connection, stores, settings.shopify_scopes)
    return [_as_model(store, missing[store.id], settings) for store in stores]


def _as_model(store: shops.Store, missing: frozenset[str], settings: Settings) -> models.Store:
    warnings = standing.warnings_of(store, missing, proof_needed=settings.claims_proved)
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
        status=standing.standing(store),
        app=store.app_key,
        api_key=store.client_id,
        connected_by=cast("Literal['secret', 'oauth']", store.connected_by),
        proved=store.proved_at is not None,
        granted_scopes=sorted(parse_scopes(store.granted_scopes or "")),
        missing_scopes=sorted(missing),
        warnings=[
            models.StoreWarning(code=one.code, title=one.title, detail=one.detail)
            for one in warnings
        ],
        installed_at=store.installed_at,
        uninstalled_at=store.uninstalled_at,
        erase_at=store.erase_at,
    )
