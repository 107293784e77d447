"""A real mail server on loopback, inside the test's own event loop."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator
    from email.message import EmailMessage

TOKEN = re.compile(r"#token=(\S+)")


@dataclass
class Mailroom:
    """What was handed in, as the server took it."""

    port: int = 0
    taken: list[tuple[list[str], EmailMessage]] = field(
        default_factory=list[tuple[list[str], "EmailMessage"]]
    )
    refuses: bool = False
    encrypted: list[bool] = field(default_factory=list[bool])

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_DATA(  # noqa: N802 - the server calls it so
        self, server: SMTP, session: Any, envelope: Any
    ) -> str:
        """Called by the server for each letter."""
        if self.refuses:
            return "451 Not now"
        message = message_from_bytes(envelope.content, policy=policy.default)
        self.taken.append((envelope.rcpt_tos, message))
        self.encrypted.append(session.ssl is not None)
        return "250 OK"

    def token(self) -> str:
        """The token of the last letter's link."""
        found = TOKEN.search(self.taken[-1][1].get_content())
        assert found is not None
        return found[1]


@asynccontextmanager
async def mailroom(tls: ssl.SSLContext | None = None) -> AsyncGenerator[Mailroom]:
    """A server on a free port; with ``tls`` it insists on STARTTLS."""
    loop = asyncio.get_running_loop()
    room = Mailroom()
    server = await loop.create_server(
        lambda: SMTP(
            room, loop=loop, enable_SMTPUTF8=True, tls_context=tls, require_starttls=tls is not None
        ),
        "127.0.0.1",
        0,
    )
    room.port = server.sockets[0].getsockname()[1]
    try:
        yield room
    finally:
        server.close()
        await server.wait_closed()
