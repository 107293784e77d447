"""Where mail is handed in, as the settings say it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Final, Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

from tillstream.foundation.loopback import is_loopback

Protection = Literal["starttls", "tls", "none"]

_PORTS: Final[dict[Protection, int]] = {"starttls": 587, "tls": 465, "none": 25}
_SHAPE: Final = (
    "TILLSTREAM_SMTP_URL must look like smtp://user:password@mail.example.com:587 or smtps://…"
)


@dataclass(frozen=True)
class MailServer:
    """A mail server, and who our letters come from.

    ``starttls`` and ``tls`` refuse to go on without TLS and a certificate that is good.
    """

    host: str
    port: int
    protection: Protection
    sender: Address
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str, sender: str) -> Self:
        """Read ``TILLSTREAM_SMTP_URL`` and ``TILLSTREAM_MAIL_FROM``.

        Raises:
            ValueError: with a sentence that says what to set, and does not quote the password.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError(_SHAPE) from None
        if (
            parts.scheme not in {"smtp", "smtps"}
            or not parts.hostname
            or parts.path not in {"", "/"}
        ):
            raise ValueError(_SHAPE)
        protection = _protection(parts.scheme, parts.hostname, parts.query)
        if (parts.username is None) != (parts.password is None):
            message = "TILLSTREAM_SMTP_URL needs a user and a password, or neither."
            raise ValueError(message)
        if protection == "none" and parts.username is not None and not _is_here(parts.hostname):
            message = (
                "TILLSTREAM_SMTP_URL would send its password in the clear: leave out tls=none."
            )
            raise ValueError(message)
        return cls(
            host=parts.hostname,
            port=port or _PORTS[protection],
            protection=protection,
            sender=_sender(sender),
            user=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
        )


def _protection(scheme: str, host: str, query: str) -> Protection:
    wishes = parse_qs(query, keep_blank_values=True)
    wish = wishes.pop("tls", [None])[-1]
    if wishes or wish not in {None, "none", "starttls"}:
        message = "TILLSTREAM_SMTP_URL knows one option: tls=none, or tls=starttls."
        raise ValueError(message)
    if scheme == "smtps":
        return "tls"
    if wish == "none" or (wish is None and _is_here(host)):
        return "none"
    return "starttls"


def _is_here(host: str) -> bool:
    bracketed = f"[{host}]" if ":" in host else host
    return is_loopback(f"http://{bracketed}")


def _sender(text: str) -> Address:
    name, address = parseaddr(text)
    if not text.isprintable() or not re.fullmatch(
        r"[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+", address
    ):
        message = (
            "TILLSTREAM_MAIL_FROM must be an address, such as Tillstream <till@example.com>: "
            "TILLSTREAM_SMTP_URL is set, and letters need a sender."
        )
        raise ValueError(message)
    local, _, domain = address.rpartition("@")
    return Address(name, local, domain)
