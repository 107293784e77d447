"""Access tokens: JSON Web Tokens, HS256, a quarter of an hour."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import jwt

LIFETIME: Final = timedelta(minutes=15)
AUDIENCE: Final = "tillstream-api"
_ALGORITHM: Final = "HS256"
_LARGEST_ID: Final = 2**63 - 1
_CLAIMS: Final = ["sub", "tid", "role", "sid", "exp", "iat", "iss", "aud"]
# Clocks of several API processes may differ by this much.
_SKEW: Final = timedelta(seconds=30)


class TokenRefused(Exception):
    """The token does not let anyone in. The message is safe to show."""


@dataclass(frozen=True)
class Bearer:
    """Who a token speaks for: a user, the tenant, and the sign-in it came from."""

    user_id: int
    tenant_id: int
    role: str
    family: UUID
    expires_at: datetime


@dataclass(frozen=True)
class TokenMint:
    """Issues and reads access tokens of one installation (``issuer`` is its public address)."""

    secret: str = field(repr=False)
    issuer: str

    def issue(self, *, user_id: int, tenant_id: int, role: str, family: UUID, now: datetime) -> str:
        """A token that is good until ``now + LIFETIME``, or until the sign-in is revoked."""
        claims = {
            "sub": str(user_id),
            "tid": str(tenant_id),
            "role": role,
            "sid": str(family),
            "iat": int(now.timestamp()),
            "exp": int((now + LIFETIME).timestamp()),
            "iss": self.issuer,
            "aud": AUDIENCE,
        }
        return jwt.encode(claims, self.secret, algorithm=_ALGORITHM)

    def read(self, token: str, now: datetime) -> Bearer:
        """Who ``token`` speaks for.

        Raises:
            TokenRefused: if it is malformed, altered, expired, or made for something else.
        """
        try:
            claims = self._verified(token)
            bearer = _bearer(claims)
            issued_at = datetime.fromtimestamp(int(claims["iat"]), UTC)
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError) as error:
            message = "The access token is not valid."
            raise TokenRefused(message) from error
        if now >= bearer.expires_at or now + _SKEW < issued_at:
            message = "The access token has expired."
            raise TokenRefused(message)
        return bearer

    def _verified(self, token: str) -> dict[str, Any]:
        # Times are compared with the clock that was passed in, not with the library's.
        return jwt.decode(
            token,
            self.secret,
            algorithms=[_ALGORITHM],
            audience=AUDIENCE,
            issuer=self.issuer,
            options={"require": _CLAIMS, "verify_exp": False, "verify_iat": False},
        )


def _bearer(claims: dict[str, Any]) -> Bearer:
    return Bearer(
        user_id=_id(claims["sub"]),
        tenant_id=_id(claims["tid"]),
        role=str(claims["role"]),
        family=UUID(claims["sid"]),
        expires_at=datetime.fromtimestamp(int(claims["exp"]), UTC),
    )


def _id(claim: object) -> int:
    """An id of the database; it holds 64 bits.

    Raises:
        ValueError: for anything else.
    """
    number = int(str(claim))
    if not 0 < number <= _LARGEST_ID:
        message = f"{claim!r} is no id"
        raise ValueError(message)
    return number
