"""How a call ends that lets somebody in: a session, its cookie, an access token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, cast
from uuid import UUID

from psycopg.errors import ForeignKeyViolation

from tillstream.foundation.database import tenant_transaction
from tillstream.serve import models
from tillstream.shops.accounts import describe_account, tenants_of
from tillstream.shops.audit import note
from tillstream.shops.refusals import CredentialsWrong
from tillstream.shops.sessions import (
    LIFETIME,
    RefreshToken,
    RefreshTokenMalformed,
    hold_password,
    open_session,
)
from tillstream.shops.tokens import LIFETIME as ACCESS_LIFETIME

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from fastapi import Response

    from tillstream.serve.context import Context
    from tillstream.shops.accounts import Account, Membership
    from tillstream.shops.sessions import Device

COOKIE: Final = "tillstream_refresh"
_COOKIE_PATH: Final = "/api/auth"

Role = Literal["owner", "analyst", "viewer"]


async def let_in(  # noqa: PLR0913 - what a sign-in consists of
    context: Context,
    response: Response,
    *,
    tenant_id: int,
    user_id: int,
    password_hash: str | None,
    device: Device,
    action: str,
) -> models.SignIn:
    """Open a session of a member of the tenant, and answer with it.

    Args:
        context: the process's.
        response: gets the cookie.
        tenant_id: which of the person's tenants.
        user_id: the person.
        password_hash: what they proved to know, which must still be so; None for another proof.
        device: where they are.
        action: how they came in, for the audit log.

    Raises:
        CredentialsWrong: the password was changed, or the person removed, a moment ago.
    """
    now = context.clock()
    family = UUID(bytes=context.random(16), version=4)
    token = RefreshToken.draw(tenant_id, context.random)
    async with tenant_transaction(context.pool, tenant_id) as connection:
        if password_hash is not None and not await hold_password(
            connection, user_id, password_hash
        ):
            raise CredentialsWrong
        account = await describe_account(connection, tenant_id, user_id)
        if account is None:
            raise CredentialsWrong
        try:
            await open_session(
                connection, token, user_id=user_id, family=family, device=device, now=now
            )
        except ForeignKeyViolation as error:
            # Removed between the two statements; the transaction is over.
            raise CredentialsWrong from error
        tenants = await tenants_of(connection, family, now)
        await note(
            connection,
            tenant_id,
            action,
            actor=account.email,
            address=device.address,
            now=now,
        )
    set_cookie(context, response, token)
    return signed_in(context, account, tenants, family, now)


def note_refusal(context: Context, error: CredentialsWrong, device: Device) -> None:
    """Tell the owners of whose account it was, later: the answer's time must not tell of it."""
    if not error.tenants:
        return
    now = context.clock()

    async def write() -> None:
        for tenant_id in error.tenants:
            async with tenant_transaction(context.pool, tenant_id) as connection:
                await note(
                    connection,
                    tenant_id,
                    "session.refused",
                    actor=error.email,
                    address=device.address,
                    now=now,
                )

    context.afterwards.start(write)


def signed_in(
    context: Context,
    account: Account,
    tenants: Iterable[Membership],
    family: UUID,
    now: datetime,
) -> models.SignIn:
    """The body of an answer that signs in."""
    token = context.mint.issue(
        user_id=account.user_id,
        tenant_id=account.tenant_id,
        role=account.role,
        family=family,
        now=now,
    )
    return models.SignIn(
        token=token,
        expires_in=int(ACCESS_LIFETIME.total_seconds()),
        **me_fields(account, tenants),
    )


def me_fields(account: Account, tenants: Iterable[Membership]) -> dict[str, Any]:
    """The fields of ``models.Me``."""
    role = cast("Role", account.role)
    return {
        "tenant": models.Tenant(id=str(account.tenant_id), name=account.tenant_name),
        "user": models.User(
            id=str(account.user_id), email=account.email, name=account.name, role=role
        ),
        "tenants": [
            models.Membership(
                id=str(one.tenant_id), name=one.tenant_name, role=cast("Role", one.role)
            )
            for one in tenants
        ],
    }


def parse_cookie(cookie: str | None) -> RefreshToken | None:
    """The refresh token that the browser sent, if it is well made."""
    try:
        return None if cookie is None else RefreshToken.parse(cookie)
    except RefreshTokenMalformed:
        return None


def set_cookie(context: Context, response: Response, token: RefreshToken) -> None:
    """Let the browser keep ``token``."""
    # Lax keeps it out of requests that other sites' pages make; only /api/auth ever sees it.
    response.set_cookie(
        COOKIE,
        str(token),
        max_age=int(LIFETIME.total_seconds()),
        path=_COOKIE_PATH,
        secure=context.secure,
        httponly=True,
        samesite="lax",
    )
    response.headers["Cache-Control"] = "no-store"


def forget_cookie(context: Context, response: Response) -> None:
    """Let the browser forget it."""
    response.delete_cookie(
        COOKIE, path=_COOKIE_PATH, secure=context.secure, httponly=True, samesite="lax"
    )
