"""Which app may read which shop: apps, installations, codes and tokens.

The rules of tokens are those of
https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/offline-access-tokens
and, for refresh tokens, of
https://shopify.dev/changelog/more-resilient-refreshes-for-expiring-offline-access-tokens
Nothing here looks at a clock: every ``now`` is handed in.
"""

from __future__ import annotations

import hmac
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from tillstream.shopify.scopes import format_scopes, missing_scopes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tillstream.simulator.admin.bucket import Bucket
    from tillstream.simulator.admin.subscriptions import Subscription

_CODE_LIFE: Final = timedelta(minutes=5)
ONLINE_LIFE: Final = timedelta(seconds=86_399)


class TokenRefused(Exception):
    """No token is given out: ``error`` as OAuth names it, the message for the developer."""

    def __init__(self, error: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.error = error
        self.status = status


@dataclass(slots=True)
class App:
    """An app as its developer registered it.

    ``secrets`` come newest first; webhooks are signed with the last, the oldest not yet revoked.
    ``webhook_url`` receives the compliance topics, which no shop subscribes to by itself.
    """

    client_id: str
    name: str
    secrets: tuple[bytes, ...] = field(repr=False)
    app_url: str
    redirect_uris: tuple[str, ...]
    webhook_url: str

    @property
    def signing_secret(self) -> bytes:
        """What webhooks and queries are signed with."""
        return self.secrets[-1]

    def knows(self, secret: str) -> bool:
        """Whether ``secret`` is one of the app's."""
        given = secret.encode()
        matches = [hmac.compare_digest(known, given) for known in self.secrets]
        return any(matches)


@dataclass(slots=True)
class AccessToken:
    """A token for the Admin API; ``user`` is set for an online one."""

    value: str = field(repr=False)
    expires_at: datetime | None
    user: int | None = None


@dataclass(slots=True)
class RefreshChain:
    """The refresh tokens of an installation: the newest, and the one it replaced while it is good.

    Using the newest for the first time makes the one before it void. Using the one before it,
    as a client does whose answer was lost, makes the newest void and puts another in its place.
    """

    newest: str = field(repr=False)
    expires_at: datetime
    previous: str | None = field(default=None, repr=False)
    previous_expires_at: datetime | None = None

    def turn(self, token: str, successor: str, now: datetime, life: timedelta) -> None:
        """Use ``token``; ``successor`` becomes the newest.

        Raises:
            TokenRefused: for a token that is neither, or that is too old.
        """
        if token == self.newest:
            until: datetime | None = self.expires_at
        elif token == self.previous:
            until = self.previous_expires_at
        else:
            until = None
        if until is None or now >= until:
            raise TokenRefused("invalid_grant", "The refresh token is unknown, used up or too old.")
        self.previous, self.previous_expires_at = token, until
        self.newest, self.expires_at = successor, now + life


@dataclass(slots=True)
class Installation:
    """An app on a shop, what it was granted, and what it set up there."""

    app: App
    shop: str
    scopes: frozenset[str]
    installed_at: datetime
    bucket: Bucket
    tokens: dict[str, AccessToken] = field(default_factory=dict[str, AccessToken], repr=False)
    permanent: str | None = field(default=None, repr=False)
    chain: RefreshChain | None = field(default=None, repr=False)
    subscriptions: dict[int, Subscription] = field(default_factory=dict[int, "Subscription"])

    def may(self, *scopes: str) -> bool:
        """Whether any one of ``scopes`` is granted; True if none is asked for."""
        return not scopes or any(not missing_scopes(self.scopes, {scope}) for scope in scopes)


@dataclass(frozen=True, slots=True)
class _Code:
    client_id: str
    shop: str
    scopes: frozenset[str]
    user: int | None
    expires_at: datetime


class Consent:
    """All installations of all apps on all shops, and the codes on their way.

    ``mint`` gives fresh hexadecimal digits, 32 of them; ``fill`` makes an installation's bucket.
    """

    def __init__(
        self,
        mint: Callable[[], str],
        fill: Callable[[datetime], Bucket],
        *,
        token_life: timedelta,
        refresh_life: timedelta = timedelta(days=90),
    ) -> None:
        self.apps: dict[str, App] = {}
        self.installations: dict[tuple[str, str], Installation] = {}
        self.token_life = token_life
        self.refresh_life = refresh_life
        self._mint = mint
        self._fill = fill
        self._codes: dict[str, _Code] = {}
        self.given: Counter[str] = Counter()
        """How many tokens were given out, by what was handed in for them; and how often none was."""

    # -- installing -----------------------------------------------------------------------------

    def on(self, shop: str) -> list[Installation]:
        """The installations on a shop."""
        return [found for (domain, _), found in self.installations.items() if domain == shop]

    def approve(
        self, app: App, shop: str, scopes: Iterable[str], now: datetime, *, user: int | None = None
    ) -> str:
        """The merchant agrees: the app is installed, or has more scopes; a code for it."""
        granted = frozenset(scopes)
        found = self.installations.get((shop, app.client_id))
        if found is None:
            found = Installation(app, shop, granted, now, self._fill(now))
            self.installations[shop, app.client_id] = found
        else:
            found.scopes = granted
        code = self._mint()
        self._codes[code] = _Code(app.client_id, shop, granted, user, now + _CODE_LIFE)
        return code

    def uninstall(self, shop: str, client_id: str) -> Installation | None:
        """Take the app off the shop: every token of it is dead at once."""
        self._codes = {
            code: kept
            for code, kept in self._codes.items()
            if (kept.shop, kept.client_id) != (shop, client_id)
        }
        return self.installations.pop((shop, client_id), None)

    # -- tokens ---------------------------------------------------------------------------------

    def authenticate(self, client_id: str, secret: str) -> App:
        """The app with this id and secret.

        Raises:
            TokenRefused: if there is none.
        """
        app = self.apps.get(client_id)
        if app is None or not app.knows(secret):
            raise TokenRefused(
                "invalid_client", "The client id or the client secret is wrong.", 401
            )
        return app

    def redeem(
        self, app: App, shop: str, code: str, now: datetime, *, expiring: bool
    ) -> dict[str, object]:
        """The answer to a code, which works once.

        Raises:
            TokenRefused: for a code that is unknown, used, too old, or another's.
        """
        kept = self._codes.pop(code, None)
        installation = self.installations.get((shop, app.client_id))
        if (
            kept is None
            or installation is None
            or (kept.client_id, kept.shop) != (app.client_id, shop)
            or now >= kept.expires_at
        ):
            raise TokenRefused("invalid_request", "The code is unknown, used up or too old.")
        if kept.user is not None:
            return self._online(installation, kept.user, now)
        return self.grant(installation, now, expiring=expiring)

    def grant(
        self, installation: Installation, now: datetime, *, expiring: bool
    ) -> dict[str, object]:
        """A new offline token. Expiring ones come with a refresh token, older ones of which end."""
        if not expiring:
            return self._permanent(installation)
        refresh = f"shprt_{self._mint()}"
        installation.chain = RefreshChain(refresh, now + self.refresh_life)
        return self._expiring(installation, refresh, now)

    def refresh(self, app: App, shop: str, token: str, now: datetime) -> dict[str, object]:
        """The answer to a refresh token: a new pair.

        Raises:
            TokenRefused: where the token does not count, or no longer.
        """
        installation = self.installations.get((shop, app.client_id))
        if installation is None or installation.chain is None:
            raise TokenRefused("invalid_grant", "The app has nothing to refresh on this shop.")
        successor = f"shprt_{self._mint()}"
        installation.chain.turn(token, successor, now, self.refresh_life)
        return self._expiring(installation, successor, now)

    def migrate(self, app: App, shop: str, token: str, now: datetime) -> dict[str, object]:
        """An expiring pair for a token that never expires, which ends.

        Raises:
            TokenRefused: if the token is not the app's permanent one.
        """
        installation = self.installations.get((shop, app.client_id))
        if (
            installation is None
            or installation.permanent is None
            or installation.permanent != token
        ):
            raise TokenRefused("invalid_subject_token", "This is no offline token of the app.")
        del installation.tokens[token]
        installation.permanent = None
        return self.grant(installation, now, expiring=True)

    def holder(self, shop: str, token: str, now: datetime) -> Installation | None:
        """Whose token this is; None if it is nobody's, or no longer."""
        for installation in self.on(shop):
            found = installation.tokens.get(token)
            if found is not None:
                alive = found.expires_at is None or now < found.expires_at
                return installation if alive else None
        return None

    def expire(self, installation: Installation, now: datetime) -> None:
        """Let every token that can expire have expired."""
        for token in installation.tokens.values():
            if token.expires_at is not None:
                token.expires_at = min(token.expires_at, now)

    def revoke(self, installation: Installation) -> None:
        """End every token, refresh tokens too."""
        installation.tokens.clear()
        installation.permanent = installation.chain = None

    def _permanent(self, installation: Installation) -> dict[str, object]:
        if installation.permanent is None:
            installation.permanent = f"shpat_{self._mint()}"
            installation.tokens[installation.permanent] = AccessToken(installation.permanent, None)
        return {
            "access_token": installation.permanent,
            "scope": format_scopes(installation.scopes),
        }

    def _expiring(
        self, installation: Installation, refresh: str, now: datetime
    ) -> dict[str, object]:
        value = f"shpat_{self._mint()}"
        alive = {
            token: kept
            for token, kept in installation.tokens.items()
            if kept.expires_at is None or now < kept.expires_at
        }
        installation.tokens = alive | {value: AccessToken(value, now + self.token_life)}
        return {
            "access_token": value,
            "scope": format_scopes(installation.scopes),
            "expires_in": int(self.token_life.total_seconds()),
            "refresh_token": refresh,
            "refresh_token_expires_in": int(self.refresh_life.total_seconds()),
        }

    def _online(self, installation: Installation, user: int, now: datetime) -> dict[str, object]:
        value = f"shpua_{self._mint()}"
        installation.tokens[value] = AccessToken(value, now + ONLINE_LIFE, user)
        scopes = format_scopes(installation.scopes)
        return {
            "access_token": value,
            "scope": scopes,
            "expires_in": int(ONLINE_LIFE.total_seconds()),
            "associated_user_scope": scopes,
            "associated_user": {
                "id": user,
                "first_name": "Robin",
                "last_name": "Shopkeeper",
                "email": "robin@example.com",
                "email_verified": True,
                "account_owner": True,
                "locale": "en",
                "collaborator": False,
            },
        }
