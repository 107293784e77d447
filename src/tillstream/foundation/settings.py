"""Settings: from the environment, and from a file of generated secrets in the data folder.

Every setting is listed once, in ``SETTINGS``; ``docs/settings.md`` is generated from it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Final

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from tillstream.foundation.endpoints import Endpoint, parse_endpoint
from tillstream.foundation.keyfile import KEY, OLD_KEYS, read_secrets, write_secrets
from tillstream.foundation.loopback import is_loopback
from tillstream.foundation.mail_server import MailServer

if TYPE_CHECKING:
    from collections.abc import Mapping


INFERENCE_DAYS: Final = 7
"""Days within which an order is believed to make good what its customer abandoned, unless set."""


class SettingMissing(RuntimeError):
    """A setting without which the process cannot run; the message says what to set."""


class SettingWrong(RuntimeError):
    """A setting whose value cannot be used; the message says what is expected."""


@dataclass(frozen=True)
class Setting:
    """One setting: its variable, what it does, its default, and whether it is a secret."""

    name: str
    purpose: str
    default: str
    secret: bool = False


SETTINGS: Final[tuple[Setting, ...]] = (
    Setting("PORT", "Port of the web server (webhooks, API and dashboard).", "8080"),
    Setting("TILLSTREAM_BIND", "Address that the web server listens on.", "127.0.0.1"),
    Setting(
        "TILLSTREAM_DATA", "Folder of the embedded database and the generated secrets.", "./data"
    ),
    Setting(
        "DATABASE_URL",
        "An outside PostgreSQL, 15 or newer, as a role that may create schemas and roles.",
        "the embedded one",
    ),
    Setting(
        "RABBITMQ_URL",
        "Moves the journal to RabbitMQ, for example amqp://user:password@host/vhost.",
        "the journal is in PostgreSQL",
    ),
    Setting(
        "JWT_SECRET",
        "Signs the access tokens of signed-in users; at least 32 characters.",
        "generated in the data folder",
        secret=True,
    ),
    Setting(
        "TILLSTREAM_KEY",
        "64 hexadecimal digits: seals stored secrets and derives the database logins.",
        "generated in the data folder",
        secret=True,
    ),
    Setting(
        "TILLSTREAM_OLD_KEYS",
        "Earlier keys, separated by commas: they open what they sealed until `tillstream keys rotate` has sealed it anew.",
        "none",
        secret=True,
    ),
    Setting("SHOPIFY_API_KEY", "Client id of the default Shopify app.", "none"),
    Setting(
        "SHOPIFY_API_SECRET",
        "Client secrets of the default Shopify app, newest first, separated by commas.",
        "generated in the data folder",
        secret=True,
    ),
    Setting(
        "SHOPIFY_SCOPES",
        "Access scopes to ask for, separated by commas. docs/topics.md says what each further one adds.",
        "read_orders,read_customers,read_products",
    ),
    Setting(
        "HOST", "The public base address, as Shopify and browsers see it.", "http://127.0.0.1:PORT"
    ),
    Setting("FRONTEND_URL", "Another origin whose pages may call the API.", "none"),
    Setting(
        "TILLSTREAM_SHOPIFY_ADDRESS",
        "Base address of a pretend Shopify Admin on this machine, for trying things out; loopback only.",
        "Shopify itself",
    ),
    Setting(
        "TILLSTREAM_TRUSTED_PROXIES",
        "Addresses or networks, separated by commas, of the proxies whose X-Forwarded-For is believed; `none` for none.",
        "127.0.0.0/8,::1",
    ),
    Setting(
        "TILLSTREAM_REGISTRATION",
        "Who may make an account: open (whoever reaches the port) or closed (by invitation, and the command line).",
        "open",
    ),
    Setting(
        "TILLSTREAM_SMTP_URL",
        "Mail server, as smtp://user:password@host:587 (STARTTLS) or smtps://…; TLS is required but on this machine, or with ?tls=none.",
        "none: links are printed in the log",
        secret=True,
    ),
    Setting("TILLSTREAM_MAIL_FROM", "Sender of invitations and password links.", "none"),
    Setting(
        "TILLSTREAM_SQL_LISTEN",
        "Address and port, such as 127.0.0.1:5433, at which the embedded database lets merchants' SQL logins in (and nobody else). Not encrypted: loopback or a private network.",
        "its socket only",
    ),
    Setting(
        "TILLSTREAM_SQL_HOST",
        "Host or host:port of the database as merchants' SQL logins reach it, if it is not the one that Tillstream itself uses.",
        "that of the database",
    ),
    Setting(
        "TILLSTREAM_RATE",
        "Calls of the API a second that one address may make, ten times as many in a burst; 0 is no limit. Webhooks are not counted.",
        "300",
    ),
    Setting(
        "TILLSTREAM_ACCOUNT_RATE",
        "Calls of the API a second that one signed-in person or API key may make, ten times as many in a burst; 0 is no limit.",
        "100",
    ),
    Setting(
        "TILLSTREAM_SIGN_IN_ATTEMPTS",
        "Wrong passwords for one account from one address before each further one has to wait longer; 0 is no limit.",
        "10",
    ),
    Setting(
        "TILLSTREAM_REGISTRATIONS",
        "Accounts that may be made from one address in an hour; 0 is no limit. Lower it where strangers may register.",
        "1000",
    ),
    Setting(
        "TILLSTREAM_PARTITIONS",
        "Partitions over which stores are spread, the most workers that can share the work; fixed once data exists.",
        "8",
    ),
    Setting(
        "TILLSTREAM_SECRET_OVERLAP",
        "Hours for which a store's signing secret is still accepted after another has replaced it.",
        "24",
    ),
    Setting("TILLSTREAM_MAX_BODY", "Largest webhook body that is accepted, in bytes.", "16777216"),
    Setting(
        "TILLSTREAM_BATCH", "Deliveries that a worker applies in one transaction at most.", "1000"
    ),
    Setting(
        "TILLSTREAM_RETENTION_DAYS", "Days for which received frames are kept for replay.", "30"
    ),
    Setting(
        "TILLSTREAM_INFERENCE_WINDOW_DAYS",
        "Days within which a customer's order is believed to make good a checkout that the customer abandoned.",
        str(INFERENCE_DAYS),
    ),
    Setting(
        "TILLSTREAM_CLAIMS",
        "open: a shop's deliveries go to whoever connected it; proved: only once Shopify has confirmed, by OAuth or an Admin API access token, that the shop agrees.",
        "open",
    ),
    Setting(
        "TILLSTREAM_ERASE_AFTER_DAYS",
        "Days from the uninstallation of the app until a store's data is erased, unless the account chose others.",
        "30",
    ),
    Setting(
        "TILLSTREAM_LOG",
        "Least severe level that is logged: debug, info, warning or error.",
        "info",
    ),
)

_KNOWN: Final = {setting.name for setting in SETTINGS}
_GENERATED: Final[dict[str, int]] = {
    "JWT_SECRET": 48,
    "TILLSTREAM_KEY": 32,
    "SHOPIFY_API_SECRET": 24,
}


@dataclass(frozen=True)
class Settings:
    """What a process was told, checked. Secrets never appear in its ``repr``."""

    port: int
    bind: str
    data: Path
    database_url: str | None
    rabbitmq_url: str | None
    jwt_secret: str
    key: bytes
    shopify_api_key: str
    shopify_api_secrets: tuple[bytes, ...]
    shopify_scopes: str
    host: str
    frontend_url: str | None
    partitions: int
    max_body: int
    batch: int
    retention_days: int
    log_level: str
    shopify_address: str | None = None
    sql_listen: Endpoint | None = None
    sql_host: Endpoint | None = None
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    registration_open: bool = True
    claims_proved: bool = False
    inference_days: int = INFERENCE_DAYS
    erase_after_days: int = 30
    mail_server: MailServer | None = None
    old_keys: tuple[bytes, ...] = ()
    key_file: Path | None = None
    secret_overlap: timedelta = timedelta(hours=24)
    rate: int = 300
    account_rate: int = 100
    sign_in_attempts: int = 10
    registrations: int = 1000

    def __repr__(self) -> str:
        return f"Settings(port={self.port}, data={str(self.data)!r}, host={self.host!r})"


def load_settings(environment: Mapping[str, str], *, generate: bool) -> Settings:
    """Read and check every setting.

    Args:
        environment: usually ``os.environ``.
        generate: whether missing secrets are taken from, or generated into, the data folder
            (the all-in-one mode); otherwise each must be set.

    Raises:
        SettingMissing, SettingWrong: with a sentence that says what to set.
    """
    unknown = sorted(
        n
        for n in environment
        if n.startswith("TILLSTREAM_") and n not in _KNOWN and not n.startswith("TILLSTREAM_TEST_")
    )
    if unknown:
        message = f"{', '.join(unknown)}: no such setting. docs/settings.md lists them all."
        raise SettingWrong(message)
    data = Path(environment.get("TILLSTREAM_DATA") or "data").resolve()
    values = _with_secrets(environment, data, generate=generate)
    port = _integer(values, "PORT", 8080, 1, 65535)
    return Settings(
        port=port,
        bind=values.get("TILLSTREAM_BIND") or "127.0.0.1",
        data=data,
        database_url=_database_url(values),
        rabbitmq_url=values.get("RABBITMQ_URL") or None,
        jwt_secret=_jwt_secret(values),
        key=_key(values),
        shopify_api_key=values.get("SHOPIFY_API_KEY", ""),
        shopify_api_secrets=_api_secrets(values),
        shopify_scopes=values.get("SHOPIFY_SCOPES") or "read_orders,read_customers,read_products",
        host=(values.get("HOST") or f"http://127.0.0.1:{port}").rstrip("/"),
        frontend_url=(values.get("FRONTEND_URL") or "").rstrip("/") or None,
        partitions=_integer(values, "TILLSTREAM_PARTITIONS", 8, 1, 256),
        max_body=_integer(values, "TILLSTREAM_MAX_BODY", 16 * 1024 * 1024, 1024, 256 * 1024 * 1024),
        batch=_integer(values, "TILLSTREAM_BATCH", 1000, 1, 20_000),
        retention_days=_integer(values, "TILLSTREAM_RETENTION_DAYS", 30, 1, 3650),
        log_level=_log_level(values),
        shopify_address=_stand_in(values),
        sql_listen=_endpoint(values, "TILLSTREAM_SQL_LISTEN"),
        sql_host=_endpoint(values, "TILLSTREAM_SQL_HOST"),
        trusted_proxies=_networks(values, "TILLSTREAM_TRUSTED_PROXIES", "127.0.0.0/8,::1"),
        registration_open=_registration_open(values),
        claims_proved=_choice(values, "TILLSTREAM_CLAIMS", ("open", "proved")) == "proved",
        inference_days=_integer(values, "TILLSTREAM_INFERENCE_WINDOW_DAYS", INFERENCE_DAYS, 0, 365),
        erase_after_days=_integer(values, "TILLSTREAM_ERASE_AFTER_DAYS", 30, 0, 3650),
        mail_server=_mail_server(values),
        old_keys=_old_keys(values),
        key_file=data / "secrets.json" if generate and KEY not in environment else None,
        secret_overlap=timedelta(
            hours=_integer(values, "TILLSTREAM_SECRET_OVERLAP", 24, 0, 24 * 365)
        ),
        rate=_integer(values, "TILLSTREAM_RATE", 300, 0, 1_000_000),
        account_rate=_integer(values, "TILLSTREAM_ACCOUNT_RATE", 100, 0, 1_000_000),
        sign_in_attempts=_integer(values, "TILLSTREAM_SIGN_IN_ATTEMPTS", 10, 0, 1000),
        registrations=_integer(values, "TILLSTREAM_REGISTRATIONS", 1000, 0, 1_000_000),
    )


def _with_secrets(environment: Mapping[str, str], data: Path, *, generate: bool) -> dict[str, str]:
    values = dict(environment)
    # One that was set to nothing is a mistake, not a wish for a generated one.
    for name in _GENERATED:
        if name in values and not values[name].strip():
            message = f"{name} is empty. Set it to a secret value, or unset it."
            raise SettingMissing(message)
    if not generate:
        return values
    stored = _stored_secrets(data)
    older = [one for one in (values.get(OLD_KEYS, ""), stored.get(OLD_KEYS, "")) if one.strip()]
    return {**stored, **values, OLD_KEYS: ",".join(older)}


def _stored_secrets(data: Path) -> dict[str, str]:
    file = data / "secrets.json"
    try:
        stored = read_secrets(file)
    except ValueError as error:
        message = f"{file} is no JSON ({error}). Restore it from a backup: what it sealed cannot be read without it."
        raise SettingWrong(message) from error
    missing = {
        name: secrets.token_hex(size) for name, size in _GENERATED.items() if name not in stored
    }
    if missing:
        stored.update(missing)
        write_secrets(file, stored)
    return stored


def _required(values: Mapping[str, str], name: str) -> str:
    value = values.get(name, "").strip()
    if not value:
        message = f"{name} is not set. Set it in the environment; `tillstream up` generates its own where there is no outside database."
        raise SettingMissing(message)
    return value


def _jwt_secret(values: Mapping[str, str]) -> str:
    value = _required(values, "JWT_SECRET")
    if len(value) < 32:  # noqa: PLR2004
        message = "JWT_SECRET is too short: use at least 32 random characters."
        raise SettingWrong(message)
    return value


def _key(values: Mapping[str, str]) -> bytes:
    try:
        key = bytes.fromhex(_required(values, "TILLSTREAM_KEY"))
    except ValueError:
        key = b""
    if len(key) != 32:  # noqa: PLR2004
        message = "TILLSTREAM_KEY must be 64 hexadecimal digits (32 random bytes)."
        raise SettingWrong(message)
    return key


def _database_url(values: Mapping[str, str]) -> str | None:
    url = values.get("DATABASE_URL") or None
    try:
        conninfo_to_dict(url or "")
    except ProgrammingError:
        # Its message repeats the address, and with it the password.
        message = "DATABASE_URL is no address of a PostgreSQL: postgresql://user:password@host:5432/database."
        raise SettingWrong(message) from None
    return url


def _old_keys(values: Mapping[str, str]) -> tuple[bytes, ...]:
    text = values.get("TILLSTREAM_OLD_KEYS", "").strip()
    try:
        keys = tuple(bytes.fromhex(part.strip()) for part in text.split(",")) if text else ()
    except ValueError:
        keys = (b"",)
    if any(len(key) != 32 for key in keys):  # noqa: PLR2004
        message = f"{OLD_KEYS} must be keys of 64 hexadecimal digits each, separated by commas."
        raise SettingWrong(message)
    return keys


def _api_secrets(values: Mapping[str, str]) -> tuple[bytes, ...]:
    parts = [part.strip() for part in _required(values, "SHOPIFY_API_SECRET").split(",")]
    if not all(parts):
        message = "SHOPIFY_API_SECRET has an empty entry between its commas."
        raise SettingWrong(message)
    return tuple(part.encode() for part in parts)


def _integer(values: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = values.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal() or not least <= int(text[:20]) <= most:
        message = f"{name} must be a whole number from {least} to {most}, not {text!r}."
        raise SettingWrong(message)
    return int(text)


def _log_level(values: Mapping[str, str]) -> str:
    level = (values.get("TILLSTREAM_LOG") or "info").lower()
    if level not in {"debug", "info", "warning", "error"}:
        message = f"TILLSTREAM_LOG must be debug, info, warning or error, not {level!r}."
        raise SettingWrong(message)
    return level


def _stand_in(values: Mapping[str, str]) -> str | None:
    """Our app's secret and merchants' tokens go there, so it must be on this machine."""
    address = values.get("TILLSTREAM_SHOPIFY_ADDRESS", "").strip()
    if address and not is_loopback(address):
        message = "TILLSTREAM_SHOPIFY_ADDRESS must be on loopback, such as http://127.0.0.1:8099; unset it to reach Shopify."
        raise SettingWrong(message)
    return address.rstrip("/") or None


def _endpoint(values: Mapping[str, str], name: str) -> Endpoint | None:
    text = values.get(name, "").strip()
    try:
        return parse_endpoint(text, 5432) if text else None
    except ValueError as error:
        message = f"{name} must be such as db.example.com:5432: {error}."
        raise SettingWrong(message) from error


def _networks(
    values: Mapping[str, str], name: str, default: str
) -> tuple[IPv4Network | IPv6Network, ...]:
    text = values.get(name, "").strip() or default
    parts = [] if text.lower() == "none" else [part.strip() for part in text.split(",")]
    try:
        return tuple(ip_network(part) for part in parts if part)
    except ValueError as error:
        message = f"{name} must be addresses or networks such as 10.0.0.0/8: {error}."
        raise SettingWrong(message) from error


def _choice(values: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    """One of ``choices``; the first where nothing is set."""
    value = values.get(name, "").strip().lower() or choices[0]
    if value not in choices:
        message = f"{name} must be {' or '.join(choices)}, not {value!r}."
        raise SettingWrong(message)
    return value


def _registration_open(values: Mapping[str, str]) -> bool:
    wish = values.get("TILLSTREAM_REGISTRATION", "").strip().lower() or "open"
    if wish not in {"open", "closed"}:
        message = f"TILLSTREAM_REGISTRATION must be open or closed, not {wish!r}."
        raise SettingWrong(message)
    return wish == "open"


def _mail_server(values: Mapping[str, str]) -> MailServer | None:
    url = values.get("TILLSTREAM_SMTP_URL", "").strip()
    if not url:
        return None
    try:
        return MailServer.parse(url, values.get("TILLSTREAM_MAIL_FROM", "").strip())
    except ValueError as error:
        # The address may hold a password: it is not quoted.
        raise SettingWrong(str(error)) from None
