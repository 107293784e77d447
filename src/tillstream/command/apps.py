"""Commands for the installation's apps and keys. Secrets come from standard input or the environment.

Never from the command line: every user of a machine can read the arguments of every process.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
from datetime import UTC, datetime, timedelta
from getpass import getpass
from typing import TYPE_CHECKING, Any, Final

import psycopg

from tillstream.command.console import err, out, print_json, print_table
from tillstream.command.installation import open_database, postgres_folder
from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import connect
from tillstream.foundation.embedded.server import find_running
from tillstream.foundation.keyfile import KeyFile
from tillstream.foundation.migrate import drop_logins, earlier_logins
from tillstream.foundation.settings import SettingMissing, SettingWrong
from tillstream.shops.apps import (
    DEFAULT,
    DEFAULT_NAME,
    add_app,
    add_secret,
    list_apps,
    parse_app_key,
    parse_secret,
    retire_app,
    retire_secret,
    webhook_address,
)
from tillstream.shops.keys import rotate, state_of
from tillstream.shops.refusals import EarlierKeyInUse
from tillstream.shops.sealing import Keyring

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

    from tillstream.foundation.settings import Settings
    from tillstream.shops.apps import App, AppSecret

_LATER: Final = re.compile(r"\+(\d{1,4})([mhd])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


def accept_secret(parser: ArgumentParser) -> None:
    """The option that says where a secret is, unless it is on standard input."""
    parser.add_argument(
        "--secret-env",
        metavar="NAME",
        help="environment variable that holds the secret; without it, it is read from standard input",
    )


def read_secret(name: str | None, prompt: str) -> str:
    """A secret from the environment variable ``name``, or else a line of standard input.

    Raises:
        SettingMissing: there is nothing.
    """
    if name is not None:
        found = os.environ.get(name, "")
        where = f"The environment variable {name} is not set."
    elif sys.stdin.isatty():
        found, where = getpass(prompt), "Nothing was entered."
    else:
        found, where = sys.stdin.readline().rstrip("\r\n"), "There was no line on standard input."
    if not found.strip():
        raise SettingMissing(where)
    return found


def parse_moment(text: str, now: datetime) -> datetime:
    """A time as people give it: ``now``, ``+90m``, ``+1h``, ``+2d``, or RFC 3339.

    Raises:
        SettingWrong: for anything else.
    """
    later = _LATER.fullmatch(text)
    if later is not None:
        return now + timedelta(**{_UNITS[later[2]]: int(later[1])})
    try:
        moment = now if text == "now" else datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        message = "--at takes now, +90m, +1h, +2d, or a time with its zone: 2026-11-22T18:00:00Z."
        raise SettingWrong(message)
    return moment.astimezone(UTC)


async def app_add(settings: Settings, options: Namespace) -> int:
    """``tillstream app add``."""
    secret = None
    if options.secret_env or options.secret_stdin:
        secret = parse_secret(read_secret(options.secret_env, "Client secret: "))
    key, now = parse_app_key(options.key), utc_now()
    with open_database(settings) as database:
        async with await connect(database.admin_url) as connection, connection.transaction():
            await add_app(
                connection,
                key,
                client_id=options.client_id,
                name=options.name,
                scopes=options.scopes,
                now=now,
            )
            if secret is not None:
                await add_secret(connection, Keyring.from_settings(settings), key, secret, now=now)
    if options.json:
        print_json(
            {
                "key": key,
                "client_id": options.client_id,
                "webhooks": webhook_address(settings.host, key),
            }
        )
    else:
        out.print(
            f"The app {key} is known. Send its webhooks to {webhook_address(settings.host, key)}"
        )
        if secret is None:
            out.print(f"Give it its client secret next: tillstream app secret add {key}")
    return 0


async def app_list(settings: Settings, options: Namespace) -> int:
    """``tillstream app list``."""
    with open_database(settings) as database:
        async with await connect(database.admin_url) as connection:
            apps = await list_apps(connection)
    now = utc_now()
    if options.json:
        print_json([_described(app, settings, now) for app in apps])
    else:
        print_table(
            ("App", "Name", "Client id", "Webhooks", "Secrets"),
            [
                (
                    app.key or DEFAULT_NAME,
                    app.name,
                    app.client_id or settings.shopify_api_key,
                    "removed" if app.retired_at else webhook_address(settings.host, app.key),
                    _secrets_of(app, settings, now),
                )
                for app in apps
            ],
            "",
        )
    return 0


async def app_remove(settings: Settings, options: Namespace) -> int:
    """``tillstream app remove``."""
    key = parse_app_key(options.key)
    with open_database(settings) as database:
        async with await connect(database.admin_url) as connection:
            await retire_app(connection, key, now=utc_now())
    if options.json:
        print_json({"removed": key})
    else:
        out.print(f"The app {key} is removed: its webhooks are answered 404, its secrets erased.")
    return 0


async def secret_add(settings: Settings, options: Namespace) -> int:
    """``tillstream app secret add``."""
    key = parse_app_key(options.key)
    secret = parse_secret(read_secret(options.secret_env, f"New client secret of {options.key}: "))
    with open_database(settings) as database:
        async with await connect(database.admin_url) as connection:
            keyring = Keyring.from_settings(settings)
            secret_id = await add_secret(connection, keyring, key, secret, now=utc_now())
    if options.json:
        print_json({"key": key, "id": secret_id})
    else:
        out.print(
            f"Secret {secret_id} of the app {options.key} is accepted from now on, beside those it had. "
            "Revoke the old one at Shopify when nothing needs it any more; for up to an hour after that "
            f"Shopify may still sign with it: tillstream app secret retire {options.key} ID --at +1h"
        )
    return 0


async def secret_retire(settings: Settings, options: Namespace) -> int:
    """``tillstream app secret retire``."""
    key, now = parse_app_key(options.key), utc_now()
    at = parse_moment(options.at, now)
    with open_database(settings) as database:
        async with await connect(database.admin_url) as connection:
            await retire_secret(connection, key, options.id, at=at, now=now)
    if options.json:
        print_json({"key": key, "id": options.id, "retires_at": at})
    else:
        when = "from now on" if at <= now else f"from {at:%Y-%m-%d %H:%M:%S} UTC on"
        out.print(f"Secret {options.id} of the app {options.key} is refused {when}.")
    return 0


async def keys_rotate(settings: Settings, options: Namespace) -> int:
    """``tillstream keys rotate``: exit status 1 when something could not be sealed anew."""
    shared = _runs_elsewhere(settings)
    with open_database(settings) as database:
        if settings.key_file is None:
            _refuse_beside_earlier_keys(settings, database.admin_url)
        async with await connect(database.admin_url) as connection:
            keyring = Keyring.from_settings(settings)
            file = None if settings.key_file is None else KeyFile(settings.key_file)
            if file is not None:
                _begin(file)
            done = await rotate(connection, keyring, _progress(options))
            if file is not None and not done.unopened:
                file.forget_older()
        waiting = _drop_earlier_logins(settings, database.admin_url, shared=shared)
    if options.json:
        print_json(
            {"resealed": done.resealed, "unopened": done.unopened, "earlier_logins": waiting}
        )
    else:
        _tell(settings, done.resealed, done.unopened, waiting)
    return 1 if done.unopened else 0


async def keys_status(settings: Settings, options: Namespace) -> int:
    """``tillstream keys status``."""
    with open_database(settings) as database:
        keyring = Keyring.from_settings(settings)
        async with await connect(database.admin_url) as connection:
            states = await state_of(connection, keyring)
        with psycopg.connect(database.admin_url, autocommit=True) as connection:
            logins = earlier_logins(connection, _known(settings))
    if options.json:
        print_json(
            {
                "current_key": keyring.current.hex(),
                "done": not any(state.older or state.unknown for state in states),
                "columns": states,
                "earlier_logins": logins,
            }
        )
    else:
        print_table(
            ("Sealed values", "Current key", "Older keys", "Unknown keys"),
            [(state.column, state.current, state.older, state.unknown) for state in states],
            "",
        )
        for login, sessions in logins.items():
            out.print(f"Login {login} is of an earlier key; {sessions} sessions use it.")
    return 0


def _begin(file: KeyFile) -> None:
    """Give the file a new key, unless a rotation that was stopped has done so."""
    if len(file.keys()) == 1:
        file.replace_current(secrets.token_bytes(32))


def _refuse_beside_earlier_keys(settings: Settings, admin_url: str) -> None:
    """See that no process is left that has its key from the environment and not the present one.

    It could not open what is sealed anew, and would go on sealing with the key that is to go.

    Raises:
        EarlierKeyInUse: there is one.
    """
    with psycopg.connect(admin_url, autocommit=True) as connection:
        if any(earlier_logins(connection, (settings.key,)).values()):
            raise EarlierKeyInUse


def _runs_elsewhere(settings: Settings) -> bool:
    """Whether another process, `tillstream up`, runs the embedded database."""
    return settings.database_url is None and find_running(postgres_folder(settings)) is not None


def _drop_earlier_logins(settings: Settings, admin_url: str, *, shared: bool) -> list[str]:
    """Remove the database logins of earlier keys; returns those that are still needed.

    While `tillstream up` runs its database, all are left alone, used or not: it started its processes
    with them, and may have to again. It removes them itself when it is started the next time.
    """
    with psycopg.connect(admin_url, autocommit=True) as connection:
        logins = earlier_logins(connection, _known(settings)[:1])
        if shared or any(logins.values()):
            return sorted(logins)
        drop_logins(connection, logins)
    return []


def _known(settings: Settings) -> tuple[bytes, ...]:
    """The keys as they are by now, the current one first."""
    if settings.key_file is not None:
        return KeyFile(settings.key_file).keys()
    return (settings.key, *settings.old_keys)


def _tell(settings: Settings, resealed: int, unopened: int, waiting: list[str]) -> None:
    out.print(f"{resealed} values were sealed anew with the current key.")
    if unopened:
        out.print(
            f"{unopened} values open with no key that is known. Add the key they were sealed with to "
            "TILLSTREAM_OLD_KEYS and run this again; `tillstream keys status` shows where they are."
        )
    elif settings.key_file is not None:
        out.print(
            "The new key is in secrets.json, and the one of before is gone from it: back it up."
        )
    elif settings.old_keys and not waiting:
        out.print("TILLSTREAM_OLD_KEYS is not needed any more: remove it everywhere.")
    elif not settings.old_keys:
        out.print(
            "To replace the key, move it to TILLSTREAM_OLD_KEYS, set a new TILLSTREAM_KEY, run "
            "`tillstream migrate`, start every process again, and then run this."
        )
    if waiting:
        out.print(
            "The running processes use database logins of the earlier key: start Tillstream again when "
            "it suits you."
        )


def _progress(options: Namespace) -> Callable[[str, int, int], None]:
    def report(column: str, done: int, total: int) -> None:
        if not options.json:
            err.print(f"{column}: {done} of {total}")

    return report


def _secrets_of(app: App, settings: Settings, now: datetime) -> str:
    told = [_secret_line(secret, now) for secret in app.secrets if not secret.erased]
    if app.key == DEFAULT:
        told.append(f"{len(settings.shopify_api_secrets)} in SHOPIFY_API_SECRET")
    return ", ".join(told) or "none: it can verify nothing"


def _secret_line(secret: AppSecret, now: datetime) -> str:
    if secret.retires_at is None:
        return str(secret.id)
    word = "until" if secret.counts(now) else "retired"
    return f"{secret.id} ({word} {secret.retires_at:%Y-%m-%d %H:%M})"


def _described(app: App, settings: Settings, now: datetime) -> dict[str, Any]:
    return {
        "key": app.key,
        "name": app.name,
        "client_id": app.client_id or (settings.shopify_api_key if app.key == DEFAULT else ""),
        "scopes": app.scopes or settings.shopify_scopes,
        "webhooks": webhook_address(settings.host, app.key),
        "created_at": app.created_at,
        "removed_at": app.retired_at,
        "secrets": [
            {
                "id": secret.id,
                "created_at": secret.created_at,
                "retires_at": secret.retires_at,
                "accepted": secret.counts(now),
            }
            for secret in app.secrets
        ],
    }
