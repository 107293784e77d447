"""Signing up, in and out. The browser keeps the refresh token; pages keep the access token."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal, cast
from uuid import UUID

from fastapi import APIRouter, Cookie, Response

from tillstream.foundation.database import tenant_transaction
from tillstream.serve import models
from tillstream.serve.context import Context, Credentials, InContext, SignedIn, read_bearer
from tillstream.serve.problems import UNAUTHENTICATED, ProblemFound, answers, problem_response
from tillstream.shops.accounts import Account, authenticate, describe_account, register
from tillstream.shops.sessions import (
    LIFETIME,
    RefreshToken,
    RefreshTokenMalformed,
    open_session,
    revoke_family,
    revoke_session,
    rotate_session,
)
from tillstream.shops.tokens import LIFETIME as ACCESS_LIFETIME

router = APIRouter(prefix="/api/auth", tags=["auth"])

COOKIE: Final = "tillstream_refresh"
_COOKIE_PATH: Final = "/api/auth"

RefreshCookie = Annotated[
    str | None,
    Cookie(alias=COOKIE, description="Set by signing in; http-only.", include_in_schema=False),
]


@router.post("/register", status_code=201, responses=answers(409, 422))
async def register_account(
    body: models.Registration, context: InContext, response: Response
) -> models.SignIn:
    """Make an account and sign in to it.

    The password needs 10 characters, must not be the e-mail address, and none of the first that
    anybody would guess.
    """
    account = await register(
        context.pool, context.vault, email=body.email, password=body.password, name=body.name
    )
    return await _sign_in(context, account, response)


@router.post("/login", responses=answers(401, 422))
async def login(body: models.Credentials, context: InContext, response: Response) -> models.SignIn:
    """Sign in. The answer sets the refresh cookie, which `/api/auth` alone receives."""
    account = await authenticate(
        context.pool, context.vault, email=body.email, password=body.password
    )
    return await _sign_in(context, account, response)


@router.post("/refresh", responses=answers(401), response_model=models.SignIn)
async def refresh(
    context: InContext, response: Response, cookie: RefreshCookie = None
) -> models.SignIn | Response:
    """Exchange the refresh cookie for a new one and a new access token.

    A cookie works once. Using an old one ends the sign-in everywhere, unless it was replaced less
    than 10 seconds ago: that is the same browser with two tabs.
    """
    token = _parse_cookie(cookie)
    renewed = None if token is None else await _rotate(context, token)
    if renewed is None:
        refused = problem_response(UNAUTHENTICATED, "The sign-in has ended. Sign in again.")
        _forget_cookie(context, refused)
        return refused
    account, family, successor, now = renewed
    _set_cookie(context, response, successor)
    return _signed_in(context, account, family, now)


async def _rotate(
    context: Context, token: RefreshToken
) -> tuple[Account, UUID, RefreshToken, datetime] | None:
    now = context.clock()
    successor = RefreshToken.draw(token.tenant_id, context.random)
    # Nothing is raised in here: a reused token revokes its family, which has to be committed.
    async with tenant_transaction(context.pool, token.tenant_id) as connection:
        session = await rotate_session(connection, token, successor=successor, now=now)
        if session is None:
            return None
        account = await describe_account(connection, token.tenant_id, session.user_id)
    return None if account is None else (account, session.family, successor, now)


@router.post("/logout", status_code=204, response_class=Response)
async def logout(
    context: InContext, credentials: Credentials, cookie: RefreshCookie = None
) -> Response:
    """Sign out: the refresh cookie, the access tokens and the event streams of this sign-in end.

    It is told by the cookie, the access token, or both; without either there is nothing to end.
    """
    token = _parse_cookie(cookie)
    if token is not None:
        async with tenant_transaction(context.pool, token.tenant_id) as connection:
            await revoke_session(connection, token, context.clock())
    if credentials is not None:
        await _revoke_bearer(context, credentials)
    response = Response(status_code=204)
    _forget_cookie(context, response)
    return response


async def _revoke_bearer(context: Context, credentials: Credentials) -> None:
    try:
        bearer = read_bearer(context, credentials)
    except ProblemFound:
        return
    async with tenant_transaction(context.pool, bearer.tenant_id) as connection:
        await revoke_family(connection, bearer.tenant_id, bearer.family, context.clock())


@router.get("/me", responses=answers(401))
async def me(visit: SignedIn) -> models.Me:
    """Who is signed in."""
    async with visit.transaction() as connection:
        account = await describe_account(connection, visit.tenant_id, visit.bearer.user_id)
    if account is None:
        raise ProblemFound(UNAUTHENTICATED, "You have been signed out. Sign in again.")
    return models.Me(tenant=_tenant(account), user=_user(account))


async def _sign_in(context: Context, account: Account, response: Response) -> models.SignIn:
    now = context.clock()
    family = UUID(bytes=context.random(16), version=4)
    token = RefreshToken.draw(account.tenant_id, context.random)
    async with tenant_transaction(context.pool, account.tenant_id) as connection:
        await open_session(connection, token, user_id=account.user_id, family=family, now=now)
    _set_cookie(context, response, token)
    return _signed_in(context, account, family, now)


def _signed_in(context: Context, account: Account, family: UUID, now: datetime) -> models.SignIn:
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
        tenant=_tenant(account),
        user=_user(account),
    )


def _tenant(account: Account) -> models.Tenant:
    return models.Tenant(id=str(account.tenant_id), name=account.tenant_name)


def _user(account: Account) -> models.User:
    role = cast("Literal['owner', 'analyst', 'viewer']", account.role)
    return models.User(id=str(account.user_id), email=account.email, name=account.name, role=role)


def _parse_cookie(cookie: str | None) -> RefreshToken | None:
    try:
        return None if cookie is None else RefreshToken.parse(cookie)
    except RefreshTokenMalformed:
        return None


def _set_cookie(context: Context, response: Response, token: RefreshToken) -> None:
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


def _forget_cookie(context: Context, response: Response) -> None:
    response.delete_cookie(
        COOKIE, path=_COOKIE_PATH, secure=context.secure, httponly=True, samesite="lax"
    )
