"""Signing up, in and out. The browser keeps the refresh token; pages keep the access token."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Cookie, Request, Response

from tillstream.foundation.database import Connection, tenant_transaction
from tillstream.serve import models, people_models
from tillstream.serve.context import (
    Context,
    Credentials,
    InContext,
    SignedIn,
    Visit,
    parse_id,
    read_bearer,
)
from tillstream.serve.problems import (
    UNAUTHENTICATED,
    WEAK_PASSWORD,
    ProblemFound,
    answers,
    problem_response,
)
from tillstream.serve.signing_in import (
    COOKIE,
    forget_cookie,
    let_in,
    me_fields,
    note_refusal,
    parse_cookie,
    set_cookie,
    signed_in,
)
from tillstream.shops.accounts import (
    Account,
    Membership,
    Person,
    authenticate,
    describe_account,
    find_person,
    parse_email,
    register,
    tenants_of,
)
from tillstream.shops.audit import note
from tillstream.shops.mail import reset_letter
from tillstream.shops.recovery import Change, change_password, reset_password
from tillstream.shops.refusals import (
    CredentialsWrong,
    EmailMalformed,
    PasswordWrong,
    RegistrationClosed,
    SignInUnknown,
    TenantUnknown,
    WeakPassword,
)
from tillstream.shops.sessions import (
    Device,
    RefreshToken,
    end_sign_in,
    find_session,
    find_standing,
    list_sign_ins,
    person_signed_in,
    revoke_family,
    rotate_session,
)
from tillstream.shops.tokens import Bearer

router = APIRouter(prefix="/api/auth", tags=["auth"])

_ENDED: Final = "The sign-in has ended. Sign in again."

RefreshCookie = Annotated[
    str | None,
    Cookie(alias=COOKIE, description="Set by signing in; http-only.", include_in_schema=False),
]


@router.post("/register", status_code=201, responses=answers(403, 409, 422))
async def register_account(
    body: models.Registration, request: Request, context: InContext, response: Response
) -> models.SignIn:
    """Make an account and sign in to it.

    The password needs 10 characters, must not be the e-mail address, and none of the first that
    anybody would guess. Where registration is closed, accounts are by invitation.
    """
    if not context.settings.registration_open:
        raise RegistrationClosed
    account = await register(
        context.pool, context.vault, email=body.email, password=body.password, name=body.name
    )
    return await let_in(
        context,
        response,
        tenant_id=account.tenant_id,
        user_id=account.user_id,
        password_hash=None,
        device=context.device(request),
        action="account.registered",
    )


@router.post("/login", responses=answers(401, 422))
async def login(
    body: models.Credentials, request: Request, context: InContext, response: Response
) -> models.SignIn:
    """Sign in, to the account that the person was in last. `POST /api/auth/switch` goes to others.

    The answer sets the refresh cookie, which `/api/auth` alone receives.
    """
    device = context.device(request)
    try:
        person = await authenticate(
            context.pool, context.vault, email=body.email, password=body.password
        )
    except CredentialsWrong as error:
        note_refusal(context, error, device)
        raise
    return await let_in(
        context,
        response,
        tenant_id=person.last_entered,
        user_id=person.user_id,
        password_hash=person.password_hash,
        device=device,
        action="session.signed_in",
    )


@router.post("/refresh", responses=answers(401), response_model=models.SignIn)
async def refresh(
    request: Request, context: InContext, response: Response, cookie: RefreshCookie = None
) -> models.SignIn | Response:
    """Exchange the refresh cookie for a new one and a new access token.

    A cookie works once. Using an old one ends the sign-in everywhere, unless it was replaced less
    than 10 seconds ago: that is the same browser with two tabs.
    """
    token = parse_cookie(cookie)
    renewed = None if token is None else await _rotate(context, token, context.device(request))
    if renewed is None:
        refused = problem_response(UNAUTHENTICATED, _ENDED)
        forget_cookie(context, refused)
        return refused
    account, tenants, family, successor, now = renewed
    set_cookie(context, response, successor)
    return signed_in(context, account, tenants, family, now)


async def _rotate(
    context: Context, token: RefreshToken, device: Device
) -> tuple[Account, tuple[Membership, ...], UUID, RefreshToken, datetime] | None:
    now = context.clock()
    successor = RefreshToken.draw(token.tenant_id, context.random)
    # Nothing is raised in here: a reused token revokes its family, which has to be committed.
    async with tenant_transaction(context.pool, token.tenant_id) as connection:
        session = await rotate_session(
            connection, token, successor=successor, device=device, now=now
        )
        if session is None:
            return None
        account = await describe_account(connection, token.tenant_id, session.user_id)
        tenants = await tenants_of(connection, session.family, now)
    return None if account is None else (account, tenants, session.family, successor, now)


@router.post("/logout", status_code=204, response_class=Response)
async def logout(
    request: Request, context: InContext, credentials: Credentials, cookie: RefreshCookie = None
) -> Response:
    """Sign out: the refresh cookie, the access tokens and the event streams of this sign-in end.

    It is told by the cookie, the access token, or both; without either there is nothing to end.
    """
    device = context.device(request)
    token = parse_cookie(cookie)
    if token is not None:
        async with tenant_transaction(context.pool, token.tenant_id) as connection:
            session = await find_session(connection, token)
            if session is not None:
                await _sign_out(context, connection, token.tenant_id, session.family, device)
    bearer = None if credentials is None else _bearer_of(context, credentials)
    if bearer is not None:
        async with tenant_transaction(context.pool, bearer.tenant_id) as connection:
            await _sign_out(context, connection, bearer.tenant_id, bearer.family, device)
    response = Response(status_code=204)
    forget_cookie(context, response)
    return response


async def _sign_out(
    context: Context, connection: Connection, tenant_id: int, family: UUID, device: Device
) -> None:
    now = context.clock()
    email = await person_signed_in(connection, tenant_id, family)
    if email is None:
        return
    await revoke_family(connection, tenant_id, family, now)
    await note(
        connection,
        tenant_id,
        "session.signed_out",
        actor=email,
        address=device.address,
        now=now,
    )


def _bearer_of(context: Context, credentials: Credentials) -> Bearer | None:
    try:
        return read_bearer(context, credentials)
    except ProblemFound:
        return None


@router.get("/me", responses=answers(401, 403))
async def me(visit: SignedIn) -> models.Me:
    """Who is signed in."""
    async with visit.transaction() as connection:
        account = await _account(visit, connection)
        tenants = await tenants_of(connection, visit.bearer.family, visit.context.clock())
    return models.Me.model_validate(me_fields(account, tenants))


@router.post("/switch", responses=answers(401, 403, 404, 422))
async def switch(
    body: people_models.Switch,
    visit: SignedIn,
    response: Response,
    cookie: RefreshCookie = None,
) -> models.SignIn:
    """Go to another of the person's accounts: a new sign-in there, in place of this one.

    It takes the refresh cookie as well as the access token, both of the same sign-in: a token that
    was stolen for its quarter of an hour does not become a cookie of thirty days.
    """
    context = visit.context
    now = context.clock()
    token = parse_cookie(cookie)
    async with visit.transaction() as connection:
        if token is None or token.tenant_id != visit.tenant_id:
            raise ProblemFound(UNAUTHENTICATED, "Send the browser's cookie of this sign-in along.")
        session = await find_standing(connection, token, now)
        if session is None or session.family != visit.bearer.family:
            raise ProblemFound(UNAUTHENTICATED, "Send the browser's cookie of this sign-in along.")
        theirs = await tenants_of(connection, session.family, now)
    wanted = parse_id(body.tenant)
    if wanted is None or wanted not in {one.tenant_id for one in theirs}:
        raise TenantUnknown
    answer = await let_in(
        context,
        response,
        tenant_id=wanted,
        user_id=session.user_id,
        password_hash=None,
        device=visit.device,
        action="session.switched",
    )
    async with tenant_transaction(context.pool, visit.tenant_id) as connection:
        await revoke_family(connection, visit.tenant_id, session.family, now)
    return answer


@router.post(
    "/password", status_code=204, response_class=Response, responses=answers(401, 403, 422)
)
async def change_own_password(body: people_models.PasswordChange, visit: SignedIn) -> Response:
    """Change the password. All other sign-ins of the person end, in all their accounts."""
    context = visit.context
    async with visit.transaction() as connection:
        account = await _account(visit, connection)
        person = await find_person(connection, account.email)
    if person is None:
        raise ProblemFound(UNAUTHENTICATED, _ENDED)
    try:
        await change_password(
            context.pool,
            context.vault,
            person,
            Change(body.current, body.new),
            kept=visit.bearer.family,
            now=context.clock(),
        )
    except PasswordWrong:
        # Somebody with a stolen token who guesses; or a slip of the fingers.
        await _note_in_all(context, person, "password.refused", visit.device)
        raise
    except WeakPassword as error:
        fault = {"field": "body.new", "detail": str(error)}
        raise ProblemFound(WEAK_PASSWORD, str(error), errors=[fault]) from error
    await _note_in_all(context, person, "password.changed", visit.device)
    return Response(status_code=204)


@router.post("/password/forgot", status_code=202, response_class=Response, responses=answers(422))
async def forget_password(
    body: people_models.Forgotten, request: Request, context: InContext
) -> Response:
    """Ask for a link by which to choose a new password.

    The answer is the same, and as quick, whether there is such an account or not.
    """
    device = context.device(request)

    async def work() -> None:
        await _send_link(context, body.email, device)

    context.afterwards.start(work)
    return Response(status_code=202)


async def _send_link(context: Context, email: str, device: Device) -> None:
    try:
        address = parse_email(email)
    except EmailMalformed:
        return
    async with context.pool.connection() as connection:
        person = await find_person(connection, address)
    if person is None:
        return
    token = context.links.issue(person, context.clock())
    await _note_in_all(context, person, "password.link_asked", device)
    await context.postbox.send(reset_letter(address, f"{context.host}/reset#token={token}"))


@router.post(
    "/password/reset", status_code=204, response_class=Response, responses=answers(404, 422)
)
async def choose_password(
    body: people_models.PasswordReset, request: Request, context: InContext
) -> Response:
    """Choose a new password by a link. It works once; all sign-ins of the person end."""
    now = context.clock()
    claim = context.links.read(body.token, now)
    person = await reset_password(context.pool, context.vault, claim, body.password, now)
    await _note_in_all(context, person, "password.reset", context.device(request))
    return Response(status_code=204)


@router.get("/sessions", responses=answers(401, 403))
async def list_sessions(visit: SignedIn) -> people_models.SignInRecords:
    """The person's sign-ins, in all their accounts, the latest used first."""
    async with visit.transaction() as connection:
        found = await list_sign_ins(connection, visit.bearer.family, visit.context.clock())
    return people_models.SignInRecords(
        sessions=[
            people_models.SignInRecord(
                id=str(one.family),
                current=one.family == visit.bearer.family,
                tenant=one.tenant_name,
                created_at=one.began_at,
                last_used_at=one.last_used_at,
                expires_at=one.expires_at,
                address=one.address,
                agent=one.agent,
            )
            for one in found
        ]
    )


@router.delete(
    "/sessions/{id}", status_code=204, response_class=Response, responses=answers(401, 403, 404)
)
async def end_session(id: str, visit: SignedIn) -> Response:  # noqa: A002
    """End one of the person's sign-ins: its cookie, access tokens and event streams."""
    async with visit.transaction() as connection:
        ended = _family(id)
        now = visit.context.clock()
        if not await end_sign_in(connection, visit.bearer.family, ended=ended, now=now):
            raise SignInUnknown
        await visit.note(connection, "session.ended")
    return Response(status_code=204)


def _family(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise SignInUnknown from error


async def _account(visit: Visit, connection: Connection) -> Account:
    account = await describe_account(connection, visit.tenant_id, visit.bearer.user_id)
    if account is None:
        raise ProblemFound(UNAUTHENTICATED, _ENDED)
    return account


async def _note_in_all(context: Context, person: Person, action: str, device: Device) -> None:
    """Tell the owners of all the person's accounts: each of them is concerned."""
    now = context.clock()
    for tenant_id in person.tenants:
        async with tenant_transaction(context.pool, tenant_id) as connection:
            await note(
                connection,
                tenant_id,
                action,
                actor=person.email,
                address=device.address,
                now=now,
            )
