"""The bodies of the API: what callers send, and what they get."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from tillstream.shops.passwords import LONGEST

Id = Annotated[str, Field(examples=["42"])]
Line = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
SecretText = Annotated[
    str, StringConstraints(min_length=1, max_length=512, pattern=r"^[\x21-\x7e]+$")
]
ClientId = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[!-~]+$")]
Cursor = Annotated[
    str | None,
    Field(
        examples=["WyJvcmRlcnMiLDFd"],
        description="Send it as `cursor` for the next page; null on the last one.",
    ),
]


class Registration(BaseModel):
    """A new account."""

    email: Annotated[str, StringConstraints(max_length=320)] = Field(examples=["ada@example.com"])
    password: str = Field(examples=["correct horse battery"], description="At least 10 characters.")
    name: Line = Field(default="", examples=["Ada's Shops"], description="Of you or your business.")


class Credentials(BaseModel):
    """What signs somebody in."""

    email: Annotated[str, StringConstraints(max_length=320)] = Field(examples=["ada@example.com"])
    # Longer than any that could have been registered: refused before any work is done on it.
    password: Annotated[str, StringConstraints(max_length=LONGEST)] = Field(
        examples=["correct horse battery"]
    )


class Tenant(BaseModel):
    """An account: users and stores belong to it."""

    id: Id
    name: str


class User(BaseModel):
    """Somebody as a member of the account."""

    id: Id
    email: str
    name: str
    role: Literal["owner", "analyst", "viewer"]


class Membership(Tenant):
    """An account that the person belongs to, and as what."""

    role: Literal["owner", "analyst", "viewer"]


class Me(BaseModel):
    """Who is signed in, and to which of their accounts."""

    tenant: Tenant
    user: User
    tenants: list[Membership] = Field(
        description="All their accounts: see `POST /api/auth/switch`."
    )


class SignIn(Me):
    """Who is signed in, with what to send from now on."""

    token: str = Field(description="Send as `Authorization: Bearer <token>`.")
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the name of a scheme
    expires_in: int = Field(examples=[900], description="Seconds for which the token is good.")


class NewStore(BaseModel):
    """A shop to connect by a custom app of its own, without OAuth."""

    domain: Annotated[str, StringConstraints(max_length=255)] = Field(
        examples=["ada-teas.myshopify.com"]
    )
    name: Line | None = None
    api_secret: SecretText | None = Field(
        default=None, description="The app's client secret: it signs the webhooks. Never returned."
    )
    access_token: SecretText | None = Field(
        default=None, description="The Admin API access token. Never returned."
    )
    timezone: str | None = Field(
        default=None,
        examples=["Europe/Berlin"],
        description="IANA name; else learnt from the shop.",
    )
    currency: str | None = Field(
        default=None, examples=["EUR"], description="ISO 4217 code; else learnt from the shop."
    )
    abandonment_window_minutes: int | None = Field(default=None, ge=1, le=43_200)
    api_key: ClientId | None = Field(
        default=None,
        description="Client id of the store's own custom app; connecting by OAuth then uses it.",
    )


class StoreChanges(BaseModel):
    """What to change of a store; what is left out, or null, stays as it is."""

    name: Line | None = None
    api_secret: SecretText | None = None
    access_token: SecretText | None = None
    timezone: str | None = None
    currency: str | None = None
    abandonment_window_minutes: int | None = Field(default=None, ge=1, le=43_200)
    api_key: ClientId | None = None


class StoreWarning(BaseModel):
    """Something about a store's connection that somebody should see to."""

    code: str = Field(examples=["scopes_missing"], description="Stable; switch on this.")
    title: str
    detail: str = Field(description="A sentence for people that says what to do.")


class Store(BaseModel):
    """A connected shop."""

    id: Id
    domain: str
    name: str
    timezone: str | None = Field(description="As set; null until set or learnt from the shop.")
    currency: str | None = Field(description="As set; null until set or learnt from the shop.")
    abandonment_window_minutes: float = Field(
        description="Idle time after which a checkout counts as abandoned."
    )
    has_api_secret: bool
    has_access_token: bool
    created_at: datetime
    status: Literal["connected", "needs_reconnect", "uninstalled"]
    app: str = Field(description="Key of the app it is connected by; empty for the default one.")
    api_key: str | None = Field(description="Client id of the store's own custom app, if any.")
    connected_by: Literal["secret", "oauth"]
    proved: bool = Field(description="Whether Shopify confirmed that the shop agrees.")
    granted_scopes: list[str] = Field(description="Empty until Shopify has told them.")
    missing_scopes: list[str] = Field(description="Those needed that were not granted.")
    warnings: list[StoreWarning]
    installed_at: datetime | None
    uninstalled_at: datetime | None
    erase_at: datetime | None = Field(description="When its data is erased; null if it stays.")


class Stores(BaseModel):
    """The account's connected shops."""

    stores: list[Store]


class Alive(BaseModel):
    """The process runs."""

    status: Literal["ok"]


class Readiness(BaseModel):
    """Whether the process can do its work, part by part."""

    ready: bool
    database: bool
    migrations: bool
    journal: bool
