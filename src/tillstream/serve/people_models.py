"""The bodies of the calls about people, keys and the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from tillstream.serve.models import Cursor, Id, Line
from tillstream.shops.passwords import LONGEST

Role = Literal["owner", "analyst", "viewer"]
Scope = Literal["analytics", "live", "stores", "exports"]
EmailText = Annotated[str, StringConstraints(max_length=320)]
# Longer ones could not have been set: refused before any work is done on them.
PasswordText = Annotated[str, StringConstraints(max_length=LONGEST)]
LinkToken = Annotated[
    str,
    StringConstraints(max_length=500, pattern=r"^[A-Za-z0-9._-]*$"),
    Field(description="What follows `#token=` in the link."),
]
Named = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=200, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]+$"
    ),
]
Days = Annotated[int | None, Field(description="Null: as the installation is set.")]


class Switch(BaseModel):
    """Which of the person's accounts to go to."""

    tenant: Id


class PasswordChange(BaseModel):
    """The present password and the one to come."""

    current: PasswordText
    new: str = Field(description="At least 10 characters.")


class Forgotten(BaseModel):
    """Whose password was forgotten."""

    email: EmailText = Field(examples=["ada@example.com"])


class PasswordReset(BaseModel):
    """A password link's token and the new password."""

    token: LinkToken
    password: str = Field(description="At least 10 characters.")


class SignInRecord(BaseModel):
    """A sign-in that stands."""

    id: str
    current: bool = Field(description="Whether it is the one that asks.")
    tenant: str = Field(description="The account that it is signed in to.")
    created_at: datetime
    last_used_at: datetime = Field(
        description="When it was last renewed: every 15 minutes at most."
    )
    expires_at: datetime
    address: str | None
    agent: str | None = Field(description="What the browser called itself.")


class SignInRecords(BaseModel):
    """The person's sign-ins, the latest used first."""

    sessions: list[SignInRecord]


class TenantSettings(BaseModel):
    """An account's own settings."""

    id: Id
    name: str
    retention_days: Days
    erase_after_days: Days


class TenantChanges(BaseModel):
    """What to change; what is left out stays as it is."""

    name: Named | None = None
    retention_days: int | None = Field(
        default=None, ge=1, le=3650, description="Days for which received webhooks are kept."
    )
    erase_after_days: int | None = Field(
        default=None, ge=0, le=3650, description="Days after which an uninstalled store is erased."
    )


class Member(BaseModel):
    """A person of the account."""

    id: Id
    email: str
    name: str
    role: Role
    since: datetime


class Members(BaseModel):
    """The account's people, by e-mail address."""

    members: list[Member]


class RoleChange(BaseModel):
    """The role to give."""

    role: Role


class NewInvitation(BaseModel):
    """Whom to invite, as what."""

    email: EmailText = Field(examples=["bob@example.com"])
    role: Role


class Invitation(BaseModel):
    """An open invitation."""

    id: Id
    email: str
    role: Role
    created_at: datetime
    expires_at: datetime


class SentInvitation(Invitation):
    """A new invitation with its link, which is not shown again."""

    link: str = Field(description="Whoever has it can read the invitation: pass it on in private.")
    sent: bool = Field(
        description="Whether a mail server took the letter; if not, pass the link on."
    )


class Invitations(BaseModel):
    """The open invitations, the latest first."""

    invitations: list[Invitation]


class InvitationToken(BaseModel):
    """An invitation's token."""

    token: LinkToken


class InvitationOffer(BaseModel):
    """What an invitation offers."""

    tenant: str
    email: str
    role: Role
    has_account: bool = Field(description="Whether the address has a password here already.")


class Acceptance(BaseModel):
    """Who accepts an invitation: with a new password, or with that of their account."""

    token: LinkToken
    password: str = Field(description="At least 10 characters where it is a new one.")
    name: Line = ""


class NewKey(BaseModel):
    """An API key to make."""

    name: Named = Field(examples=["Nightly export"])
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=4)]
    expires_in_days: Annotated[int, Field(ge=1, le=366)]


class Key(BaseModel):
    """An API key, without its secret part."""

    id: Id
    name: str
    prefix: str = Field(examples=["ts_7_pQ3x"], description="How it begins.")
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = Field(description="To the minute.")


class MadeKey(Key):
    """A new API key. Nobody can see it again."""

    key: str = Field(description="Send as `Authorization: Bearer <key>`.")


class Keys(BaseModel):
    """The account's API keys, the newest first."""

    keys: list[Key]


class AuditEvent(BaseModel):
    """A line of the audit log."""

    id: Id
    at: datetime
    actor: str = Field(description="An e-mail address, an API key's name, or what acted by itself.")
    action: str = Field(examples=["member.invited"])
    subject: str | None
    detail: dict[str, Any]
    address: str | None


class AuditPage(BaseModel):
    """A page of the audit log, the latest first."""

    events: list[AuditEvent]
    next: Cursor
