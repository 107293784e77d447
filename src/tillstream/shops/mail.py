"""Letters: invitations and password links, handed to a mail server, or to the log without one.

Headers are made by the standard library's e-mail policy, which refuses line ends in them; addresses
are parsed, never pasted. A server that fails costs the letter only: ``send`` says so and never raises.
"""

from __future__ import annotations

import asyncio
import logging
import smtplib
import ssl
from dataclasses import dataclass, field
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tillstream.foundation.mail_server import MailServer

_log = logging.getLogger(__name__)

_TIMEOUT_SECONDS: Final = 10.0
"""For each step of the conversation with the server."""
_WHOLE_SECONDS: Final = 30.0
"""For all of it: a server that dribbles must not keep the one who invites waiting."""
_AT_ONCE: Final = 4
_LONGEST_SUBJECT: Final = 150
# An address with letters beyond ASCII needs SMTPUTF8, which the policy then allows.
_POLICY: Final = policy.SMTPUTF8


@dataclass(frozen=True)
class Letter:
    """What is written to whom. ``link`` is what it is about."""

    to: str
    subject: str
    text: str
    link: str = field(repr=False)


def invitation_letter(to: str, *, tenant: str, inviter: str, role: str, link: str) -> Letter:
    """Somebody is invited."""
    text = (
        f"{inviter} invites you to the account {_line(tenant)} as {role}.\n\n"
        f"Accept within a week:\n\n{link}\n\n"
        "If you did not expect this, ignore it: without you nothing happens.\n"
    )
    return Letter(to, f"You are invited to {tenant}", text, link)


def reset_letter(to: str, link: str) -> Letter:
    """Somebody asked for a new password."""
    text = (
        f"Choose a new password within an hour:\n\n{link}\n\n"
        "The link works once. If you did not ask for it, ignore it: your password stays.\n"
    )
    return Letter(to, "Choose a new password", text, link)


@dataclass(frozen=True)
class Postbox:
    """Hands letters in, a few at a time; ``server`` is None where none is set."""

    server: MailServer | None
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def send(self, letter: Letter) -> bool:
        """Hand the letter in; whether a mail server has taken it. Outside any transaction.

        Without a server the log has the link, for the operator to pass on.
        """
        if self.server is None:
            _log.warning("mail.printed", extra={"to": letter.to, "link": letter.link})
            return False
        try:
            message = compose(letter, self.server.sender)
            async with self._turns, asyncio.timeout(_WHOLE_SECONDS):
                await asyncio.to_thread(_hand_in, message, self.server)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            # Not the message of the error: servers quote what they were sent.
            _log.warning("mail.failed", extra={"error": type(error).__name__})
            return False
        return True


def compose(letter: Letter, sender: Address) -> EmailMessage:
    """The letter as a message.

    Raises:
        ValueError: if the address cannot stand in a header.
    """
    message = EmailMessage(policy=_POLICY)
    local, _, domain = letter.to.rpartition("@")
    message["From"] = sender
    message["To"] = Address("", local, domain)
    message["Subject"] = _line(letter.subject)[:_LONGEST_SUBJECT]
    # Answering machines stay silent (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    return message


def _hand_in(message: EmailMessage, server: MailServer) -> None:
    context = ssl.create_default_context()
    with _connect(server, context) as client:
        if server.protection == "starttls":
            client.starttls(context=context)
        if server.user is not None and server.password is not None:
            client.login(server.user, server.password)
        client.send_message(message)


def _connect(server: MailServer, context: ssl.SSLContext) -> smtplib.SMTP:
    if server.protection == "tls":
        return smtplib.SMTP_SSL(server.host, server.port, timeout=_TIMEOUT_SECONDS, context=context)
    return smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT_SECONDS)


def _line(text: str) -> str:
    """``text`` on one line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
