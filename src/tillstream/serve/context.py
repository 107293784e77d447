"""What the API's calls work with, and how each of them gets at its tenant's rows."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Final, LiteralString, cast

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

from tillstream.foundation.clock import Clock, utc_now
from tillstream.foundation.database import (
    Connection,
    Pool,
    tenant_snapshot,
    tenant_transaction,
)
from tillstream.foundation.endpoints import Endpoint
from tillstream.journal.contract import Status
from tillstream.serve.addresses import client_address
from tillstream.serve.afterwards import Afterwards
from tillstream.serve.pace import Patience, Strikes
from tillstream.serve.problems import FORBIDDEN, UNAUTHENTICATED, ProblemFound
from tillstream.shops.api_keys import PREFIX, KeyBearer, PresentedKey, Scope, enter_with_key
from tillstream.shops.audit import note
from tillstream.shops.mail import Postbox
from tillstream.shops.passwords import PasswordVault
from tillstream.shops.recovery import LinkSigner
from tillstream.shops.sealing import Keyring
from tillstream.shops.sessions import Device, role_of
from tillstream.shops.tokens import Bearer, TokenMint, TokenRefused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tillstream.foundation.settings import Settings
    from tillstream.serve.live import LiveHub
    from tillstream.serve.meters import Meters


_PATIENCE: Final = Patience(free=10, longest=300.0, forgiven_after=300.0)

JournalProbe = Callable[[], Awaitable[Status]]


@dataclass(frozen=True)
class Context:
    """What one API process works with; made by ``create_app``."""

    settings: Settings
    pool: Pool
    mint: TokenMint
    links: LinkSigner
    postbox: Postbox
    keyring: Keyring
    host: str
    live: LiveHub
    meters: Meters
    frontend_url: str | None = None
    journal_status: JournalProbe | None = None
    vault: PasswordVault = field(default_factory=PasswordVault)
    sql_endpoint: Endpoint | None = None
    """Where merchants' SQL logins reach the database, if it is not where ``pool`` does."""
    clock: Clock = utc_now
    random: Callable[[int], bytes] = os.urandom
    afterwards: Afterwards = field(default_factory=Afterwards)
    guesses: Strikes = field(default_factory=lambda: Strikes(_PATIENCE))
    """Passwords tried at invitations, by the invited address."""

    def address(self, request: HTTPConnection) -> str:
        """Where a call comes from, past the proxies that are trusted."""
        return client_address(request.scope, self.settings.trusted_proxies)

    def device(self, request: HTTPConnection) -> Device:
        """Where a call comes from, as the list of sign-ins shows it."""
        return Device(self.address(request), request.headers.get("user-agent"))

    @property
    def secure(self) -> bool:
        """Whether browsers reach us over HTTPS, so that cookies may insist on it."""
        return self.host.startswith("https://")


def mint_of(settings: Settings) -> TokenMint:
    """What signs this installation's access tokens."""
    return TokenMint(settings.jwt_secret, settings.host)


def _context(request: Request) -> Context:
    return cast("Context", request.app.state.context)


InContext = Annotated[Context, Depends(_context)]

_NOT_FOR_KEYS: Final = "API keys cannot make this call: a person has to sign in for it."
_EMAIL: LiteralString = "SELECT email FROM shops.users WHERE id = %s"
_BEARER: Final = HTTPBearer(
    auto_error=False,
    bearerFormat="JWT",
    scheme_name="accessToken",
    description=(
        "The `token` of signing in; it lasts 15 minutes, and `POST /api/auth/refresh` renews it. "
        "Or an API key (`ts_…`), for the calls of its scopes."
    ),
)


@dataclass(eq=False)
class Visit:
    """A call by somebody whose token is well made; whether it still stands is seen inside."""

    context: Context
    presented: Bearer | PresentedKey
    device: Device
    _key: KeyBearer | None = None

    @property
    def tenant_id(self) -> int:
        """The tenant whose rows this call may touch."""
        return self.presented.tenant_id

    @property
    def bearer(self) -> Bearer:
        """The person who calls.

        Raises:
            ProblemFound: 403 for a key: it is nobody.
        """
        if isinstance(self.presented, Bearer):
            return self.presented
        raise ProblemFound(FORBIDDEN, _NOT_FOR_KEYS)

    @property
    def caller(self) -> Bearer | KeyBearer:
        """Who calls, once a transaction has let them in."""
        if isinstance(self.presented, Bearer):
            return self.presented
        if self._key is None:
            message = "A key's caller is known inside its transaction only."
            raise RuntimeError(message)
        return self._key

    @asynccontextmanager
    async def transaction(
        self, *roles: str, scope: Scope | None = None
    ) -> AsyncGenerator[Connection]:
        """The call's one transaction, under its tenant's row-level security.

        Args:
            roles: the people who may make this call; nothing means all.
            scope: the API keys that may, whatever the role; None means none, so that a call is
                closed to keys until it says otherwise.

        Raises:
            ProblemFound: 401 if the sign-in or key has ended, 403 if role or scope do not allow it.
        """
        async with tenant_transaction(self.context.pool, self.tenant_id) as connection:
            if isinstance(self.presented, PresentedKey):
                await self._admit_key(connection, self.presented, scope)
            else:
                await self._admit_person(connection, roles)
            yield connection

    @asynccontextmanager
    async def snapshot(self, *, scope: Scope, read_only: bool) -> AsyncGenerator[Connection]:
        """``transaction``, of one moment: what is committed meanwhile none of its statements see.

        Args:
            scope: the API keys that may make this call.
            read_only: whether it writes nothing, not even a line of the audit log.

        Raises:
            ProblemFound: as ``transaction`` has it.
        """
        if isinstance(self.presented, PresentedKey):
            # Apart: that a key is used is written down, in a row that its other calls write, too.
            async with self.transaction(scope=scope):
                pass
        async with tenant_snapshot(
            self.context.pool, self.tenant_id, read_only=read_only
        ) as connection:
            if isinstance(self.presented, Bearer):
                await self._admit_person(connection, ())
            yield connection

    async def _admit_key(
        self, connection: Connection, presented: PresentedKey, scope: Scope | None
    ) -> None:
        key = await enter_with_key(connection, presented, self.context.clock())
        if key is None:
            raise ProblemFound(UNAUTHENTICATED, "This API key is unknown, revoked or has expired.")
        if scope is None:
            raise ProblemFound(FORBIDDEN, _NOT_FOR_KEYS)
        if scope not in key.scopes:
            raise ProblemFound(FORBIDDEN, f"This takes an API key with the scope {scope}.")
        self._key = key

    async def _admit_person(self, connection: Connection, roles: tuple[str, ...]) -> None:
        role = await self.role(connection)
        if role is None:
            raise ProblemFound(UNAUTHENTICATED, "You have been signed out. Sign in again.")
        if roles and role not in roles:
            raise ProblemFound(FORBIDDEN, f"This takes the role {' or '.join(roles)}.")

    async def role(self, connection: Connection) -> str | None:
        """The person's role now; None once the sign-in was revoked.

        Raises:
            ProblemFound: 403 for a key: it has scopes instead.
        """
        return await role_of(
            connection,
            tenant_id=self.tenant_id,
            user_id=self.bearer.user_id,
            family=self.bearer.family,
            now=self.context.clock(),
        )

    async def actor(self, connection: Connection) -> str:
        """Who calls, as the audit log names them; inside the transaction."""
        caller = self.caller
        if isinstance(caller, KeyBearer):
            return f"API key {caller.name}"
        cursor = await connection.execute(_EMAIL, (caller.user_id,))
        row = await cursor.fetchone()
        return f"user {caller.user_id}" if row is None else str(row[0])

    async def note(
        self,
        connection: Connection,
        action: str,
        *,
        subject: str | None = None,
        detail: Mapping[str, str | int | bool | Sequence[str] | None] | None = None,
    ) -> None:
        """Write a line of the tenant's audit log, inside the transaction that does what it tells."""
        await note(
            connection,
            self.tenant_id,
            action,
            actor=await self.actor(connection),
            subject=subject,
            detail=detail,
            address=self.device.address,
            now=self.context.clock(),
        )


def read_bearer(context: Context, credentials: HTTPAuthorizationCredentials | None) -> Bearer:
    """The person whom the Authorization header speaks for.

    Raises:
        ProblemFound: 401 if there is none, or it is not valid (any more).
    """
    if credentials is None:
        raise ProblemFound(UNAUTHENTICATED, "Sign in first: send Authorization: Bearer <token>.")
    try:
        return context.mint.read(credentials.credentials, context.clock())
    except TokenRefused as error:
        raise ProblemFound(UNAUTHENTICATED, str(error)) from error


def _read_presented(
    context: Context, credentials: HTTPAuthorizationCredentials | None
) -> Bearer | PresentedKey:
    if credentials is None or not credentials.credentials.startswith(PREFIX):
        return read_bearer(context, credentials)
    presented = PresentedKey.parse(credentials.credentials)
    if presented is None:
        raise ProblemFound(UNAUTHENTICATED, "This API key is unknown, revoked or has expired.")
    return presented


Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


def _visit(request: Request, context: InContext, credentials: Credentials) -> Visit:
    return Visit(context, _read_presented(context, credentials), context.device(request))


SignedIn = Annotated[Visit, Depends(_visit)]


# Nineteen digits hold the largest bigint; more need not even be read.
_DIGITS: Final = re.compile(r"[0-9]{1,19}")


def parse_id(text: str) -> int | None:
    """An id of ours out of JSON or an address; None for what cannot be one."""
    if not _DIGITS.fullmatch(text):
        return None
    number = int(text)
    return number if number < 2**63 else None
