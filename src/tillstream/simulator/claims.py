# ruff: noqa: PLR2004 - odds and shares read best where they are drawn
"""What buyers claim afterwards: goods taken back, charges disputed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.simulator.currency import Currency, exchanged
from tillstream.simulator.shop_clock import instant

if TYPE_CHECKING:
    from tillstream.simulator.books import Row
    from tillstream.simulator.facts import Order, Return
    from tillstream.simulator.shopfront import Shopfront

_HOUR = 3600
_DAY = 86_400


def ask_back(shop: Shopfront, order: Order, at: int) -> None:
    """``returns/request``: the buyer wants to send something back."""
    if order.deleted or order.cancelled_at is not None or not shop.wants("returns/request"):
        return
    identifier = shop.next_id("return")
    row: Row = {
        "id": identifier,
        "order_id": order.id,
        "name": f"{order.name}-R1",
        "status": "requested",
    }
    shop.note("returns/request", shop.bodies.returned(row), at, "returns", row, identifier)
    draw = shop.random.random()
    if draw < 0.85:
        shop.later(at + shop.between(_HOUR, 20 * _HOUR), approve, identifier)
    else:
        shop.later(at + shop.between(_HOUR, _DAY), decline if draw < 0.93 else withdraw, identifier)


def approve(shop: Shopfront, identifier: int, at: int) -> None:
    """``returns/approve``; then the goods are looked at, and the return is closed."""
    _tell(shop, identifier, "returns/approve", "open", at)
    if shop.chance(0.2):
        shop.later(at + shop.between(60, _HOUR), amend, identifier)
    shop.later(at + shop.between(_DAY, 2 * _DAY), inspect, identifier)
    closing = at + shop.between(2 * _DAY + 60, 3 * _DAY)
    shop.later(closing, close, identifier)
    if shop.chance(0.15):
        shop.later(closing + _HOUR, reopen, identifier)
        shop.later(closing + 2 * _HOUR, close, identifier)


def agree(shop: Shopfront, exchanged: Return, at: int) -> None:
    """``returns/approve`` of an exchange, which is processed when the goods are back."""
    _tell(shop, exchanged, "returns/approve", "open", at)


def decline(shop: Shopfront, identifier: int, at: int) -> None:
    """``returns/decline``."""
    _tell(shop, identifier, "returns/decline", "declined", at, bare=True)


def withdraw(shop: Shopfront, identifier: int, at: int) -> None:
    """``returns/cancel``."""
    _tell(shop, identifier, "returns/cancel", "canceled", at)


def amend(shop: Shopfront, identifier: int, at: int) -> None:
    """``returns/update``."""
    _tell(shop, identifier, "returns/update", "open", at)


def inspect(shop: Shopfront, identifier: int, at: int) -> None:
    """``returns/process`` of what is given back for money."""
    _tell(shop, identifier, "returns/process", "open", at)


def process(shop: Shopfront, exchanged: Return, at: int) -> None:
    """``returns/process`` of an exchange."""
    _tell(shop, exchanged, "returns/process", "open", at)


def close(shop: Shopfront, identifier: int, at: int) -> None:
    """``returns/close``: little more than an id is told."""
    _tell(shop, identifier, "returns/close", "closed", at, bare=True)


def reopen(shop: Shopfront, identifier: int, at: int) -> None:
    """``returns/reopen``."""
    _tell(shop, identifier, "returns/reopen", "open", at)


def _tell(
    shop: Shopfront, of: int | Return, topic: str, status: str, at: int, *, bare: bool = False
) -> None:
    """Tell of a return by its id, or of an exchange."""
    if shop.wants(topic):
        identifier, exchanged = (of, None) if isinstance(of, int) else (of.id, of)
        row = shop.ledger.records.change("returns", {"status": status}, identifier)
        shop.send(topic, shop.bodies.returned(row, exchanged, bare=bare), at)


# -- disputes ------------------------------------------------------------------------------------


def dispute(shop: Shopfront, order: Order, at: int) -> None:
    """``disputes/create``: the buyer's bank asks what the charge was for."""
    if order.deleted or not shop.wants("disputes/create"):
        return
    identifier = shop.next_id("dispute")
    theirs = order.presentment
    currency = Currency.of(theirs[0]) if theirs else shop.currency
    price = order.totals.price
    amount = exchanged(price, shop.currency, theirs) if theirs else price
    row: Row = {
        "id": identifier,
        "order_id": order.id,
        "type": "chargeback",
        "amount": currency.ten_thousandths(amount),
        "currency": currency.code,
        "reason": shop.random.choice(("fraudulent", "product_not_received", "general")),
        "status": "under_review",
        "initiated_at": instant(at),
        "finalized_on": None,
    }
    body = shop.bodies.dispute(row, currency.text(amount), at + 9 * _DAY)
    shop.note("disputes/create", body, at, "disputes", row, identifier)
    shop.later(
        at + shop.between(_DAY, 5 * _DAY), settle_dispute, (identifier, currency.text(amount))
    )


def settle_dispute(shop: Shopfront, of: tuple[int, str], at: int) -> None:
    """``disputes/update``: won or lost."""
    identifier, amount = of
    if shop.wants("disputes/update"):
        status = "won" if shop.chance(0.5) else "lost"
        changes = {"status": status, "finalized_on": instant(at)}
        row = shop.ledger.records.change("disputes", changes, identifier)
        shop.send("disputes/update", shop.bodies.dispute(row, amount, at), at)
