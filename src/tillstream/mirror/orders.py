"""The merged order, as the ledger and the projections read it."""

from __future__ import annotations

from typing import Final

import msgspec

from tillstream.mirror import customers, refunds
from tillstream.mirror.join import Element, latest, merged

OF_A_PERSON: Final = ("email", "phone")
"""Fields that are told of the person who ordered, and kept apart."""


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line item. Money in ten-thousandths of the shop's currency, ``rate`` in 10⁻⁸."""

    id: int
    product_id: int | None = None
    variant_id: int | None = None
    title: str | None = None
    variant_title: str | None = None
    sku: str | None = None
    vendor: str | None = None
    quantity: int = 0
    current_quantity: int | None = None
    price: int = 0
    discount: int = 0
    tax: int = 0
    rate: int = 0
    gift_card: bool = False
    duty_tax: int = 0
    """The tax on the duties of its units; the duties themselves are the order's."""


class Shipping(msgspec.Struct, frozen=True, omit_defaults=True):
    """A shipping line: its price after discounts when it was charged, and the tax on it.

    ``current_price`` is what edits and refunds have left of the price; None where it is not told.
    """

    id: int | None = None
    price: int = 0
    tax: int = 0
    current_price: int | None = None


class Destination(msgspec.Struct, frozen=True, omit_defaults=True):
    """A country (ISO 3166 alpha-2) and the code of a province in it. Nobody lives there."""

    country: str
    region: str | None = None


class Order(msgspec.Struct, frozen=True):
    """A merged order, as the ledger and the projections read it. Times in µs since the epoch."""

    id: int
    deleted: bool
    updated_at: int | None
    refunds: dict[int, refunds.Refund]
    edits: dict[str, refunds.Edit]
    known: bool
    """Whether any body of the order itself has come (a refund may come first)."""
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    customer_id: int | None = None
    customer_name: str | None = None
    checkout_token: str | None = None
    cart_token: str | None = None
    currency: str | None = None
    presentment_currency: str | None = None
    financial_status: str | None = None
    fulfillment_status: str | None = None
    source_name: str | None = None
    taxes_included: bool = False
    test: bool = False
    created_at: int | None = None
    processed_at: int | None = None
    cancelled_at: int | None = None
    closed_at: int | None = None
    cancel_reason: str | None = None
    total_price: int = 0
    subtotal_price: int = 0
    total_tax: int = 0
    total_discounts: int = 0
    current_total_price: int = 0
    total_price_presentment: int | None = None
    """The total in ``presentment_currency``, which is what the buyer saw."""
    total_tip_received: int = 0
    duties: int = 0
    current_duties: int | None = None
    additional_fees: int = 0
    current_additional_fees: int | None = None
    payment_rounding: int = 0
    refund_rounding: int = 0
    """What cash payments, and cash refunds, were rounded by: negative where rounded down."""
    discount_codes: list[str] = []
    lines: list[Line] = []
    shipping: list[Shipping] = []
    exchanges: dict[int, int] = {}
    """By line that an exchange brought, the return it belongs to."""
    fulfilled_at: int | None = None
    """When the first parcel that did not fail was sent."""
    ship_to: Destination | None = None
    bill_to: Destination | None = None
    referrer: str | None = None
    """The host that sent the buyer, in lower case and without ``www.``."""
    landing: str | None = None
    """The path of the first page that the buyer saw."""

    @property
    def placed_at(self) -> int | None:
        """The instant on which Shopify's reports date the sale."""
        return self.processed_at if self.processed_at is not None else self.created_at

    @property
    def channel(self) -> str | None:
        """Where it was sold: ``web``, ``pos``, or what the app that made the order calls itself."""
        return self.source_name

    @property
    def country(self) -> str | None:
        """Where it goes, else where the payer lives, as an ISO 3166 alpha-2 code."""
        return place.country if (place := self.ship_to or self.bill_to) else None

    @property
    def region(self) -> str | None:
        """The code of the province in ``country``."""
        return place.region if (place := self.ship_to or self.bill_to) else None


def view(order_id: int, element: Element) -> Order:
    """The merged order of an element."""
    fields, personal = merged(element.layers), merged(element.personal)
    return msgspec.convert(
        {
            **fields,
            **{name: personal[name] for name in OF_A_PERSON if name in personal},
            "customer_name": customers.full_name(personal),
            "id": order_id,
            "deleted": element.deleted,
            "known": bool(fields),
            "updated_at": latest(element),
            "refunds": {
                int(key): refunds.view(at, personal.get(refunds.note_of(key)))
                for key, at in element.parts.get("refunds", {}).items()
            },
            "edits": {
                key: refunds.view_edit(at) for key, at in element.parts.get("edits", {}).items()
            },
        },
        Order,
        str_keys=True,
    )


def is_tip(line: Line, order: Order) -> bool:
    """Whether a line is a tip: Shopify lists tips as lines without product, titled "Tip".

    In other languages the title is another word. There it is the line that comes to the order's tip.
    """
    if order.total_tip_received <= 0 or not _may_be_tip(line):
        return False
    if _called_tip(line):
        return True
    # The other lines are looked at last, and seldom: an order may have thousands.
    amounts_to_it = line.price * line.quantity == order.total_tip_received
    return amounts_to_it and not any(_called_tip(one) for one in order.lines)


def _may_be_tip(line: Line) -> bool:
    return line.product_id is None and line.variant_id is None and not line.gift_card


def _called_tip(line: Line) -> bool:
    return _may_be_tip(line) and (line.title or "").casefold() == "tip"
