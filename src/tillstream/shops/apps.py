"""The apps of the installation, their secrets with their validity, and stores' secrets of before.

An app has a key, which is part of its webhook address (``/api/webhook/<key>``), an id, scopes, and a
list of secrets. The app with the key "" is the default one: its id, its scopes and its first secrets
are settings, and secrets may be added to it like to any other. All of them belong to the operator; a
store that brings an app of its own keeps that secret with itself (``shops.stores``).

Rotating a secret means: make the new one at Shopify, add it here, revoke the old one at Shopify, and
an hour later retire it here. Shopify signs with the oldest secret that was not revoked, and takes up
to an hour to change over:
https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
https://shopify.dev/docs/apps/build/authentication-authorization/client-secrets/rotate-revoke-client-credentials
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, LiteralString

from psycopg.errors import ForeignKeyViolation, UniqueViolation

from tillstream.shops.refusals import (
    AppKeyMalformed,
    AppTaken,
    AppUnknown,
    ClientIdMalformed,
    LastSecret,
    SecretMalformed,
    SecretUnknown,
)
from tillstream.shops.sealing import app_place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from tillstream.foundation.database import Connection
    from tillstream.foundation.settings import Settings
    from tillstream.shops.sealing import Keyring

DEFAULT: Final = ""
"""The key of the app that the settings describe."""

DEFAULT_NAME: Final = "default"
"""What people call it on the command line; no other app may have this key."""

_KEY: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_CLIENT_ID: Final = re.compile(r"[!-~]{1,128}")
_SECRET: Final = re.compile(r"[!-~]{8,512}")

_CREDENTIALS: LiteralString = """
SELECT key, client_id, scopes, secret_id, sealed FROM shops.app_credentials(%s)
"""
_LIST: LiteralString = """
SELECT key, name, client_id, scopes, created_at, retired_at FROM shops.apps ORDER BY key
"""
_LIST_SECRETS: LiteralString = """
SELECT app_key, id, created_at, retires_at, sealed IS NULL FROM shops.app_secrets ORDER BY app_key, id DESC
"""
_INSERT: LiteralString = """
INSERT INTO shops.apps (key, name, client_id, scopes, created_at) VALUES (%s, %s, %s, %s, %s)
"""
_REVIVE: LiteralString = """
UPDATE shops.apps SET retired_at = NULL, name = %(name)s, client_id = %(client_id)s,
  scopes = %(scopes)s
WHERE key = %(key)s AND retired_at IS NOT NULL
RETURNING key
"""
_RETIRE: LiteralString = """
UPDATE shops.apps SET retired_at = %s WHERE key = %s AND key <> '' AND retired_at IS NULL RETURNING key
"""
_END_ALL: LiteralString = """
UPDATE shops.app_secrets SET retires_at = least(retires_at, %(now)s), sealed = NULL
WHERE app_key = %(key)s
"""
# The id is part of the place that a secret is sealed for, so it is drawn before.
_DRAW_ID: LiteralString = """
SELECT nextval(pg_get_serial_sequence('shops.app_secrets', 'id'))
FROM shops.apps WHERE key = %s AND retired_at IS NULL
"""
_KEEP: LiteralString = """
INSERT INTO shops.app_secrets (app_key, id, sealed, created_at) OVERRIDING SYSTEM VALUE
VALUES (%s, %s, %s, %s)
"""
_LOCK: LiteralString = """
SELECT id, retires_at FROM shops.app_secrets
WHERE app_key = %s AND sealed IS NOT NULL ORDER BY id FOR UPDATE
"""
_END_ONE: LiteralString = """
UPDATE shops.app_secrets SET retires_at = %s WHERE app_key = %s AND id = %s
"""
_SET_ASIDE: LiteralString = "SELECT shops.retire_store_secret(%s, %s, %s, %s)"
_FORGET: LiteralString = "SELECT shops.forget_retired_secrets(%s)"


@dataclass(frozen=True)
class AppCredentials:
    """What an app is known by at Shopify: its client id and its secrets that count now, newest first.

    ``secrets`` may be empty where the operator has added none yet; then the app can verify nothing.
    """

    key: str
    client_id: str
    scopes: str
    secrets: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True)
class AppSecret:
    """That there is a secret, and until when it counts (None: until it is retired). Never the secret."""

    id: int
    created_at: datetime
    retires_at: datetime | None
    erased: bool

    def counts(self, now: datetime) -> bool:
        """Whether it is accepted at ``now``."""
        return not self.erased and (self.retires_at is None or self.retires_at > now)


@dataclass(frozen=True)
class App:
    """An app as its operator sees it; ``scopes`` is "" where those of the settings are meant."""

    key: str
    name: str
    client_id: str
    scopes: str
    created_at: datetime
    retired_at: datetime | None
    secrets: tuple[AppSecret, ...]


def parse_app_key(text: str) -> str:
    """``text`` as the key of an app: what people call ``default`` is "".

    Raises:
        AppKeyMalformed: if it cannot be one.
    """
    key = text.strip()
    if key == DEFAULT_NAME:
        return DEFAULT
    if not _KEY.fullmatch(key):
        raise AppKeyMalformed
    return key


def webhook_address(host: str, app_key: str) -> str:
    """Where an app's deliveries are sent."""
    return f"{host}/api/webhook/{app_key}" if app_key else f"{host}/api/webhook"


def parse_secret(text: str) -> str:
    """``text`` as a client secret.

    Raises:
        SecretMalformed: if it cannot be one. The message does not repeat it.
    """
    secret = text.strip()
    if not _SECRET.fullmatch(secret):
        raise SecretMalformed
    return secret


async def credentials_of(
    connection: Connection, keyring: Keyring, settings: Settings, app_key: str
) -> AppCredentials | None:
    """The id and the secrets of an app that count now; None if there is no such app, or not any more.

    Args:
        connection: of the API role, the worker or the owner; no tenant needs to be set.
        keyring: opens the secrets.
        settings: has the default app, and the scopes of apps that name none.
        app_key: "" for the default app.

    Raises:
        Unsealable: a secret was sealed with a key that is not on the ring.
    """
    rows = await (await connection.execute(_CREDENTIALS, (app_key,))).fetchall()
    secrets = tuple(
        keyring.open(bytes(sealed), app_place(key, secret_id))
        for key, _, _, secret_id, sealed in rows
        if sealed is not None
    )
    if app_key == DEFAULT:
        secrets = merged(secrets, settings.shopify_api_secrets)
        return AppCredentials(DEFAULT, settings.shopify_api_key, settings.shopify_scopes, secrets)
    if not rows:
        return None
    _, client_id, scopes, *_ = rows[0]
    return AppCredentials(app_key, client_id, scopes or settings.shopify_scopes, secrets)


def merged(added: Sequence[bytes], of_settings: Sequence[bytes]) -> tuple[bytes, ...]:
    """The default app's secrets: those that were added here are newer than those of the settings."""
    return tuple(dict.fromkeys((*added, *of_settings)))


async def list_apps(connection: Connection) -> list[App]:
    """All apps with the history of their secrets; ``connection`` is of the database's owner."""
    secrets: dict[str, list[AppSecret]] = {}
    for key, *told in await (await connection.execute(_LIST_SECRETS)).fetchall():
        secrets.setdefault(key, []).append(AppSecret(*told))
    rows = await (await connection.execute(_LIST)).fetchall()
    return [App(*row, secrets=tuple(secrets.get(row[0], ()))) for row in rows]


async def add_app(
    connection: Connection,
    key: str,
    *,
    client_id: str,
    name: str = "",
    scopes: str = "",
    now: datetime,
) -> None:
    """Make an app, or bring a removed one back; ``connection`` is of the database's owner.

    Raises:
        AppKeyMalformed, ClientIdMalformed, AppTaken: with a sentence for the operator.
    """
    if parse_app_key(key) == DEFAULT:
        raise AppTaken(DEFAULT_NAME)
    if not _CLIENT_ID.fullmatch(client_id):
        raise ClientIdMalformed
    told = {"key": key, "name": name, "client_id": client_id, "scopes": scopes}
    if await (await connection.execute(_REVIVE, told)).fetchone() is not None:
        return
    try:
        async with connection.transaction():
            await connection.execute(_INSERT, (key, name, client_id, scopes, now))
    except UniqueViolation as error:
        raise AppTaken(key) from error


async def add_secret(
    connection: Connection, keyring: Keyring, key: str, secret: str, *, now: datetime
) -> int:
    """Accept one more secret of an app from now on; returns its id.

    Raises:
        AppUnknown, SecretMalformed: with a sentence for the operator.
    """
    plain = parse_secret(secret)
    async with connection.transaction():
        row = await (await connection.execute(_DRAW_ID, (key,))).fetchone()
        if row is None:
            raise AppUnknown(key or DEFAULT_NAME)
        secret_id = int(row[0])
        sealed = keyring.seal(plain.encode(), app_place(key, secret_id))
        try:
            await connection.execute(_KEEP, (key, secret_id, sealed, now))
        except ForeignKeyViolation as error:
            raise AppUnknown(key) from error
    return secret_id


async def retire_secret(
    connection: Connection, key: str, secret_id: int, *, at: datetime, now: datetime
) -> None:
    """Accept a secret until ``at`` and no longer; a later call may choose another time.

    Raises:
        SecretUnknown: the app has no such secret, or it has been erased.
        LastSecret: no other secret of the app would count after ``at``.
    """
    async with connection.transaction():
        rows = await (await connection.execute(_LOCK, (key,))).fetchall()
        retiring = dict[int, "datetime | None"](rows)
        if secret_id not in retiring:
            raise SecretUnknown(key or DEFAULT_NAME, secret_id)
        others = [end for one, end in retiring.items() if one != secret_id]
        # The default app always has those of the settings as well.
        if key != DEFAULT and not any(end is None or end > max(at, now) for end in others):
            raise LastSecret(key)
        await connection.execute(_END_ONE, (at, key, secret_id))


async def retire_app(connection: Connection, key: str, *, now: datetime) -> None:
    """Refuse an app's deliveries from now on, and erase its secrets.

    Raises:
        AppUnknown: there is none of that key, or it was removed; the default one cannot be.
    """
    async with connection.transaction():
        if await (await connection.execute(_RETIRE, (now, key))).fetchone() is None:
            raise AppUnknown(key or DEFAULT_NAME)
        await connection.execute(_END_ALL, {"now": now, "key": key})


async def retire_store_secret(
    connection: Connection, tenant_id: int, store_id: int, *, now: datetime, overlap: timedelta
) -> bool:
    """Keep the store's present signing secret for ``overlap``, because another takes its place.

    To be called inside the tenant's transaction, before ``api_secret_sealed`` is written. False where
    the store had none, or where ``overlap`` is zero.
    """
    values = (tenant_id, store_id, now, now + overlap)
    row = await (await connection.execute(_SET_ASIDE, values)).fetchone()
    return bool(row and row[0])


async def forget_retired(connection: Connection, now: datetime) -> int:
    """Erase what has retired for long enough; ``connection`` is of the worker. Returns how many."""
    row = await (await connection.execute(_FORGET, (now,))).fetchone()
    return 0 if row is None else int(row[0])
