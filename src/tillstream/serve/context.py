"""What the API's calls work with, and how each of them gets at its tenant's rows."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Final, cast

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from tillstream.foundation.clock import Clock, utc_now
from tillstream.foundation.database import Connection, Pool, tenant_transaction
from tillstream.journal.contract import Status
from tillstream.serve.problems import FORBIDDEN, UNAUTHENTICATED, ProblemFound
from tillstream.shops.passwords import PasswordVault
from tillstream.shops.sealing import Keyring
from tillstream.shops.sessions import role_of
from tillstream.shops.tokens import Bearer, TokenMint, TokenRefused

if TYPE_CHECKING:
    from tillstream.foundation.settings import Settings
    from tillstream.serve.live import LiveHub
    from tillstream.serve.meters import Meters


JournalProbe = Callable[[], Awaitable[Status]]


@dataclass(frozen=True)
class Context:
    """What one API process works with; made by ``create_app``."""

    pool: Pool
    mint: TokenMint
    keyring: Keyring
    host: str
    live: LiveHub
    meters: Meters
    frontend_url: str | None = None
    journal_status: JournalProbe | None = None
    vault: PasswordVault = field(default_factory=PasswordVault)
    clock: Clock = utc_now
    random: Callable[[int], bytes] = os.urandom

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

_BEARER: Final = HTTPBearer(
    auto_error=False,
    bearerFormat="JWT",
    scheme_name="accessToken",
    description="The `token` of signing in. It lasts 15 minutes; `POST /api/auth/refresh` renews it.",
)


@dataclass(frozen=True)
class Visit:
    """A call by somebody whose token is good; whether the sign-in still stands is seen inside."""

    context: Context
    bearer: Bearer

    @property
    def tenant_id(self) -> int:
        """The tenant whose rows this call may touch."""
        return self.bearer.tenant_id

    @asynccontextmanager
    async def transaction(self, *roles: str) -> AsyncGenerator[Connection]:
        """The call's one transaction, under its tenant's row-level security.

        Args:
            roles: those that may make this call; nothing means all.

        Raises:
            ProblemFound: 401 if the sign-in was revoked, 403 if the role does not allow it.
        """
        async with tenant_transaction(self.context.pool, self.tenant_id) as connection:
            role = await self.role(connection)
            if role is None:
                raise ProblemFound(UNAUTHENTICATED, "You have been signed out. Sign in again.")
            if roles and role not in roles:
                raise ProblemFound(FORBIDDEN, f"This takes the role {' or '.join(roles)}.")
            yield connection

    async def role(self, connection: Connection) -> str | None:
        """The caller's role now; None once the sign-in was revoked."""
        return await role_of(
            connection,
            tenant_id=self.tenant_id,
            user_id=self.bearer.user_id,
            family=self.bearer.family,
            now=self.context.clock(),
        )


def read_bearer(context: Context, credentials: HTTPAuthorizationCredentials | None) -> Bearer:
    """Who the Authorization header speaks for.

    Raises:
        ProblemFound: 401 if there is none, or it is not valid (any more).
    """
    if credentials is None:
        raise ProblemFound(UNAUTHENTICATED, "Sign in first: send Authorization: Bearer <token>.")
    try:
        return context.mint.read(credentials.credentials, context.clock())
    except TokenRefused as error:
        raise ProblemFound(UNAUTHENTICATED, str(error)) from error


Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


def _visit(context: InContext, credentials: Credentials) -> Visit:
    return Visit(context, read_bearer(context, credentials))


SignedIn = Annotated[Visit, Depends(_visit)]


# Nineteen digits hold the largest bigint; more need not even be read.
_DIGITS: Final = re.compile(r"[0-9]{1,19}")


def parse_id(text: str) -> int | None:
    """An id of ours out of JSON or an address; None for what cannot be one."""
    if not _DIGITS.fullmatch(text):
        return None
    number = int(text)
    return number if number < 2**63 else None
