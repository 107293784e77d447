"""Orders: ``orders/*``, with the refunds and the customer that travel inside."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tillstream.mirror import customers, refunds
from tillstream.mirror.change import Body, Change
from tillstream.mirror.join import Element, Fields, latest, layer, merged
from tillstream.mirror.redaction import people_of
from tillstream.mirror.values import (
    Malformed,
    count,
    flag,
    identifier,
    mapping,
    moment,
    money,
    objects,
    optional_identifier,
    rate,
    set_money,
    text,
    token,
)

if TYPE_CHECKING:
    from collections.abc import Callable


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


def read(body: Body) -> list[Change]:
    """The changes that a full (or reduced) Order body amounts to."""
    order_id = identifier(body.get("id"), "id")
    fields = _fields(body)
    personal = _personal(body)
    at = moment(body.get("updated_at"), "updated_at") or fields.get("created_at") or 0
    told = objects(body.get("refunds"), "refunds")
    refunded = [refunds.read_embedded(refund, at) for refund in told]
    for one in refunded:
        personal.update(one.note)
    rank = _rank(fields, told)
    element = Element(
        layers=layer(at, rank, fields),
        parts={"refunds": {one.key: one.layers for one in refunded}} if refunded else {},
        personal=layer(at, rank, personal),
        people=people_of(body),
    )
    return [Change("order", order_id, element), *customers.read_embedded(body.get("customer"), at)]


def read_delete(body: Body) -> list[Change]:
    """``orders/delete``: the body is just the id."""
    return [Change("order", identifier(body.get("id"), "id"), Element(deleted=True))]


def view(order_id: int, element: Element) -> Order:
    """The merged order of an element."""
    fields, personal = merged(element.layers), merged(element.personal)
    return msgspec.convert(
        {
            **fields,
            **{name: personal[name] for name in _OF_A_PERSON if name in personal},
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
    if any(_called_tip(one) for one in order.lines):
        return _called_tip(line)
    return line.price * line.quantity == order.total_tip_received


def _may_be_tip(line: Line) -> bool:
    return line.product_id is None and line.variant_id is None and not line.gift_card


def _called_tip(line: Line) -> bool:
    return _may_be_tip(line) and (line.title or "").casefold() == "tip"


def _fields(body: Body) -> Fields:
    """The fields that the body has, in our terms; what it lacks stays out."""
    # Over what is read, not over what the body has: it has three times as many fields.
    # Half of that is texts and amounts, which are read without asking each how.
    fields: Fields = {name: text(body[name]) for name in _TEXTS if name in body}
    for name, bag in _AMOUNTS:
        if name in body:
            fields[name] = set_money(body.get(bag), body[name], name)
    for name, ours, reader in _READ:
        if name in body:
            fields[ours] = reader(body, body[name], name)
    for name in _ONCE:
        if name in fields and fields[name] is None:
            del fields[name]
    return fields


def _personal(body: Body) -> Fields:
    """The fields of the person who ordered."""
    fields: Fields = {name: text(body[name]) for name in ("email", "phone") if name in body}
    return {**fields, **customers.names_inside(body.get("customer"))}


_OF_A_PERSON = ("email", "phone")


def _rank(fields: Fields, told: list[dict[str, Any]]) -> int:
    """How far on in its life a body is, for bodies of one second: an order only goes forward."""
    return (
        (fields.get("cancelled_at") is not None) * 1000
        + min(len(told), 99) * 10
        + (fields.get("closed_at") is not None) * 5
        + _PROGRESS.get(fields.get("financial_status") or "", 0)
    )


_PROGRESS = {
    "authorized": 1,
    "partially_paid": 2,
    "paid": 3,
    "partially_refunded": 4,
    "refunded": 4,
    "voided": 4,
}


def _token(_: Body, value: Any, __: str) -> Any:
    return token(value)


def _moment(_: Body, value: Any, name: str) -> Any:
    return moment(value, name)


def _flag(_: Body, value: Any, __: str) -> Any:
    return flag(value)


def _bag(_: Body, value: Any, name: str) -> Any:
    return set_money(value, None, name.removesuffix("_set"))


def _bag_if_told(_: Body, value: Any, name: str) -> Any:
    return None if value is None else set_money(value, None, name.removesuffix("_set"))


def _presentment(_: Body, value: Any, name: str) -> Any:
    told = mapping(mapping(value).get("presentment_money")).get("amount")
    return None if told is None else money(told, f"{name}.presentment_money.amount")


def _destination(_: Body, value: Any, __: str) -> Any:
    """The codes of an address; None where it has none that could be a country's."""
    address = mapping(value)
    country, region = text(address.get("country_code")), text(address.get("province_code"))
    if country is None or len(country) > _LONGEST_CODE:
        return None
    return _place(
        country.upper(), region.upper() if region and len(region) <= _LONGEST_CODE else ""
    )


@lru_cache(maxsize=4096)
def _place(country: str, region: str) -> Fields | None:
    if not _COUNTRY.fullmatch(country):
        return None
    return msgspec.to_builtins(Destination(country, region if _REGION.fullmatch(region) else None))


def host_of(value: Any) -> str | None:
    """The host of an address, in lower case and without ``www.``; None where it is none."""
    found = _ADDRESS.match(text(value) or "")
    return _WWW.sub("", found[1].lower())[:_LONGEST] or None if found else None


def path_of(value: Any) -> str | None:
    """The path of an address, or of the part of one that comes after the host, without any query."""
    path = re.split(r"[?#]", text(value) or "", maxsplit=1)[0]
    if found := _ADDRESS.match(path):
        path = path[found.end() :]
        path = path if path.startswith("/") else "/"
    return path[:_LONGEST] or None


def _host(_: Body, value: Any, __: str) -> Any:
    return _known_host(value) if _is_usual(value) else host_of(value)


def _path(_: Body, value: Any, __: str) -> Any:
    return _known_path(value) if _is_usual(value) else path_of(value)


def _is_usual(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST


# Most orders of a shop come from a few sites, to a few pages.
_known_host = lru_cache(maxsize=4096)(host_of)
_known_path = lru_cache(maxsize=4096)(path_of)


def _fulfilled_at(_: Body, value: Any, name: str) -> Any:
    sent = (
        moment(item.get("created_at"), f"{name}.created_at")
        for item in objects(value, name)
        if item.get("status") == "success"
    )
    return min((at for at in sent if at is not None), default=None)


def _exchanges(_: Body, value: Any, name: str) -> Any:
    return {
        str(line): returned
        for item in objects(value, name)
        if (returned := optional_identifier(item.get("id"), f"{name}.id")) is not None
        for brought in objects(item.get("exchange_line_items"), f"{name}.exchange_line_items")
        if (line := _line_of_exchange(brought, name)) is not None
    }


def _line_of_exchange(brought: Body, name: str) -> int | None:
    told = brought.get("line_item_id") or mapping(brought.get("line_item")).get("id")
    return optional_identifier(told, f"{name}.exchange_line_items.line_item.id")


def _customer(_: Body, value: Any, __: str) -> Any:
    return optional_identifier(mapping(value).get("id"), "customer.id")


def _codes(_: Body, value: Any, name: str) -> Any:
    codes = (text(item.get("code")) for item in objects(value, name))
    return sorted({code for code in codes if code})


def _lines(_: Body, value: Any, name: str) -> Any:
    return [_counted(_line, item, name, index) for index, item in enumerate(objects(value, name))]


def _counted(read: Callable[[Body, int], Fields], item: Body, name: str, index: int) -> Fields:
    """One of several; if it cannot be read, the sentence says which. Most can: no name is made for them."""
    try:
        return read(item, index)
    except Malformed as error:
        told = error.detail.replace(f"`{name}.", f"`{name}[{index}].", 1)
        raise Malformed(error.reason, told) from error


def _line_id(item: Body, position: int) -> int:
    """The line's id, or one made of its position where a sender left it out."""
    found = optional_identifier(item.get("id"), "line_items.id")
    return -1 - position if found is None else found


def _line(item: Body, position: int) -> Fields:
    taxes = objects(item.get("tax_lines"), "line_items.tax_lines")
    shares = objects(item.get("discount_allocations"), "line_items.discount_allocations")
    return _without_defaults(
        Line(
            id=_line_id(item, position),
            product_id=optional_identifier(item.get("product_id"), "line_items.product_id"),
            variant_id=optional_identifier(item.get("variant_id"), "line_items.variant_id"),
            title=text(item.get("title")),
            variant_title=text(item.get("variant_title")),
            sku=text(item.get("sku")),
            vendor=text(item.get("vendor")),
            quantity=count(item.get("quantity"), "line_items.quantity"),
            current_quantity=(
                None
                if item.get("current_quantity") is None
                else count(item["current_quantity"], "line_items.current_quantity")
            ),
            price=set_money(item.get("price_set"), item.get("price"), "line_items.price"),
            # `total_discount` has only line-level discounts; the allocations have all of them.
            discount=(
                _sum(shares, "amount", "line_items.discount")
                if shares
                else set_money(
                    item.get("total_discount_set"),
                    item.get("total_discount"),
                    "line_items.total_discount",
                )
            ),
            tax=_sum(taxes, "price", "line_items.tax"),
            rate=sum([rate(t.get("rate"), "line_items.tax_lines.rate") for t in taxes]),
            gift_card=flag(item.get("gift_card")),
        )
    )


def _shipping(_: Body, value: Any, name: str) -> Any:
    lines = objects(value, name)
    return [_counted(_shipping_line, item, name, index) for index, item in enumerate(lines)]


def _shipping_line(item: Body, _: int) -> Fields:
    taxes = objects(item.get("tax_lines"), "shipping_lines.tax_lines")
    shares = objects(item.get("discount_allocations"), "shipping_lines.discount_allocations")
    if item.get("discounted_price_set") is None and item.get("discounted_price") is None:
        price = set_money(item.get("price_set"), item.get("price"), "shipping_lines.price")
        price -= _sum(shares, "amount", "shipping_lines.discount")
    else:
        price = set_money(
            item.get("discounted_price_set"),
            item.get("discounted_price"),
            "shipping_lines.discounted_price",
        )
    tax = _sum(taxes, "price", "shipping_lines.tax")
    current = item.get("current_discounted_price_set")
    return _without_defaults(
        Shipping(
            id=optional_identifier(item.get("id"), "shipping_lines.id"),
            price=price,
            tax=tax,
            current_price=0
            if flag(item.get("is_removed"))
            else None
            if current is None
            else set_money(current, None, "shipping_lines.current_discounted_price"),
        )
    )


def _sum(items: list[Body], amount: str, field: str) -> int:
    bag, total = _BAGS[amount], 0
    for item in items:
        total += set_money(item.get(bag), item.get(amount), field)
    return total


def _without_defaults(line: Line | Shipping) -> Fields:
    return msgspec.to_builtins(line)


# How each field of the body is read. Anything not named here is not mirrored.
_TEXTS: Final = (
    "name", "currency", "presentment_currency", "financial_status", "fulfillment_status", "source_name",
    "cancel_reason",
)  # fmt: skip
_BAGS: Final = {"price": "price_set", "amount": "amount_set"}
_AMOUNTS: Final = tuple(
    (name, f"{name}_set")
    for name in (
        "total_price", "subtotal_price", "total_tax", "total_discounts", "current_total_price",
        "total_tip_received",
    )
)  # fmt: skip
_READERS: dict[str, Callable[[Body, Any, str], Any]] = {
    **dict.fromkeys(("checkout_token", "cart_token"), _token),
    **dict.fromkeys(("created_at", "processed_at", "cancelled_at", "closed_at"), _moment),
    **dict.fromkeys(("test", "taxes_included"), _flag),
    "original_total_duties_set": _bag,
    "original_total_additional_fees_set": _bag,
    "total_cash_rounding_payment_adjustment_set": _bag,
    "total_cash_rounding_refund_adjustment_set": _bag,
    "current_total_duties_set": _bag_if_told,
    "current_total_additional_fees_set": _bag_if_told,
    "total_price_set": _presentment,
    "shipping_address": _destination,
    "billing_address": _destination,
    "referring_site": _host,
    "landing_site": _path,
    "fulfillments": _fulfilled_at,
    "returns": _exchanges,
    "customer": _customer,
    "discount_codes": _codes,
    "line_items": _lines,
    "shipping_lines": _shipping,
}  # fmt: skip

_NAMES = {
    "customer": "customer_id",
    "line_items": "lines",
    "shipping_lines": "shipping",
    "original_total_duties_set": "duties",
    "original_total_additional_fees_set": "additional_fees",
    "total_cash_rounding_payment_adjustment_set": "payment_rounding",
    "total_cash_rounding_refund_adjustment_set": "refund_rounding",
    "current_total_duties_set": "current_duties",
    "current_total_additional_fees_set": "current_additional_fees",
    "total_price_set": "total_price_presentment",
    "shipping_address": "ship_to",
    "billing_address": "bill_to",
    "referring_site": "referrer",
    "landing_site": "landing",
    "fulfillments": "fulfilled_at",
    "returns": "exchanges",
}

_READ = [(name, _NAMES.get(name, name), reader) for name, reader in _READERS.items()]

# Figures are told apart by these, and must not change when Shopify blanks a person's address, or
# leaves out of a later body where the order came from: who told nothing takes nothing back.
_ONCE: Final = ("ship_to", "bill_to", "referrer", "landing", "total_price_presentment")

_COUNTRY: Final = re.compile("[A-Z]{2}")
_REGION: Final = re.compile("[A-Z0-9-]{1,10}")
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]+)(?::[0-9]*)?")
_LONGEST_CODE: Final = 10
_WWW: Final = re.compile(r"^(?:www\.)+")
_LONGEST: Final = 255
"""Characters of a host or a path: they become keys of sums."""
