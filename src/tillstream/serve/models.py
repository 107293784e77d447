"""The bodies of the API: what callers send, and what they get."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from tillstream.serve.buckets import Interval
from tillstream.shops.passwords import LONGEST

Id = Annotated[str, Field(examples=["42"])]
Money = Annotated[
    str, Field(examples=["1234.50"], description="Decimal string in the answer's currency.")
]
Rate = Annotated[
    float | None, Field(examples=[0.25], description="From 0 to 1; null without a denominator.")
]
Line = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
SecretText = Annotated[
    str, StringConstraints(min_length=1, max_length=512, pattern=r"^[\x21-\x7e]+$")
]
ClientId = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[!-~]+$")]
Stage = Literal["open", "abandoned", "recovered", "converted"]
Cursor = Annotated[
    str | None, Field(description="Send it as `cursor` for the next page; null on the last one.")
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


class Figures(BaseModel):
    """The measures of some time."""

    total_sales: Money
    gross_sales: Money
    discounts: Money
    sales_reversals: Money
    net_sales: Money
    shipping: Money
    taxes: Money
    duties: Money
    additional_fees: Money
    gift_cards_sold: Money
    tips: Money
    orders: int
    average_order_value: Money | None
    checkouts: int
    abandoned_checkouts: int
    recovered_checkouts: int
    converted_checkouts: int
    recovered_checkout_rate: Rate
    recovered_sales: Money
    abandoned_value: Money


class Period(Figures):
    """The figures of a range of days."""

    currency: str = Field(examples=["EUR"])
    timezone: str = Field(examples=["Europe/Berlin"])
    from_: date = Field(alias="from", serialization_alias="from")
    to: date
    customers: int
    new_customers: int
    returning_customers: int
    returning_customer_rate: Rate
    as_of: datetime


class Stats(Period):
    """The figures of a range of days, and those of an earlier period."""

    comparison: Period | None


class Point(Figures):
    """The measures of one bucket of time."""

    start: datetime = Field(examples=["2026-03-01T00:00:00+01:00"])


class SalesOverTime(BaseModel):
    """The measures along time; buckets without any are there, with zeros."""

    interval: Interval
    currency: str
    timezone: str
    from_: date = Field(alias="from", serialization_alias="from")
    to: date
    points: list[Point]


class CustomerValue(BaseModel):
    """What a customer has been worth."""

    id: Id
    name: str
    email: str | None
    orders: int
    total_spent: Money
    first_order_at: datetime | None
    last_order_at: datetime | None


class TopCustomers(BaseModel):
    """Customers by lifetime value."""

    currency: str
    customers: list[CustomerValue]


class CheckoutSummary(BaseModel):
    """The range's checkouts by what became of them."""

    open: int = Field(description="Started in the range and neither abandoned nor completed yet.")
    abandoned: int = Field(description="Abandoned in the range and not recovered since.")
    recovered: int = Field(description="Abandoned in the range and completed afterwards.")
    converted: int = Field(description="Started in the range and completed without a break.")
    abandoned_value: Money
    recovered_sales: Money
    recovered_checkout_rate: Rate


class Checkout(BaseModel):
    """A checkout of a shopper whose contact details are known."""

    token: str
    store: Id
    email: str | None
    customer_name: str | None
    total: Money
    currency: str
    stage: Stage
    started_at: datetime | None
    last_active_at: datetime
    abandoned_at: datetime | None
    recovered_at: datetime | None
    recovery_url: str | None
    order_name: str | None


class Checkouts(BaseModel):
    """A page of checkouts, the latest active first."""

    currency: str
    summary: CheckoutSummary
    checkouts: list[Checkout]
    next: Cursor


class Order(BaseModel):
    """An order as the shop has it now."""

    id: Id
    store: Id
    name: str | None
    email: str | None
    customer_id: Id | None
    customer_name: str
    financial_status: str | None
    fulfillment_status: str | None
    total_price: Money
    current_total_price: Money
    processed_at: datetime
    cancelled_at: datetime | None
    test: bool


class Orders(BaseModel):
    """A page of orders, the latest first."""

    currency: str
    orders: list[Order]
    next: Cursor


class Customer(CustomerValue):
    """A customer as the shop has them now."""

    store: Id
    created_at: datetime | None


class Customers(BaseModel):
    """A page of customers, the newest first."""

    currency: str
    customers: list[Customer]
    next: Cursor


class Product(BaseModel):
    """A product as the shop has it now."""

    id: Id
    store: Id
    title: str | None
    handle: str | None
    status: str | None
    vendor: str | None
    product_type: str | None
    variants: int
    lowest_price: Money | None
    highest_price: Money | None
    inventory: int | None
    created_at: datetime | None
    updated_at: datetime | None


class Products(BaseModel):
    """A page of products, the newest first."""

    currency: str
    products: list[Product]
    next: Cursor


class Alive(BaseModel):
    """The process runs."""

    status: Literal["ok"]


class Readiness(BaseModel):
    """Whether the process can do its work, part by part."""

    ready: bool
    database: bool
    migrations: bool
    journal: bool
