"""What Shopify tells about the connection itself, and what the law asks: by topic, once each.

Called by the worker for deliveries that had not come before, in the transaction that applies them.
Nothing is done here that takes long: requests are written down, with the marks that hold from this
very transaction on, and done beside the worker (command/privacy.py).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import psycopg

from tillstream.foundation.database import set_tenants
from tillstream.journal.contract import Parked
from tillstream.mirror import redaction
from tillstream.mirror.forgetting import put_in_force
from tillstream.mirror.merge import Store
from tillstream.mirror.record import delivery_key
from tillstream.mirror.rows import instant
from tillstream.mirror.topics import decode
from tillstream.mirror.values import (
    Malformed,
    mapping,
    moment,
    optional_identifier,
    text,
)
from tillstream.rollup import live
from tillstream.shopify.domains import parse_shop_domain
from tillstream.shops import audit, lifecycle, privacy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence
    from datetime import datetime

    from tillstream.foundation.database import Connection
    from tillstream.journal.contract import Delivery
    from tillstream.mirror.change import Body

log = logging.getLogger(__name__)

COMPLIANCE: Final = frozenset({"customers/data_request", "customers/redact", "shop/redact"})
TOPICS: Final = COMPLIANCE | {"app/uninstalled", "app/scopes_update"}
"""The topics that are noticed."""


class Times(NamedTuple):
    """When it is, and how long an uninstalled store is kept where its tenant did not choose."""

    now: datetime
    erase_after_days: int


class _Notice(NamedTuple):
    """A delivery, for one holder of its shop's data."""

    holder: privacy.Holder
    delivery: Delivery
    body: Body
    told_at: datetime
    times: Times


class Taken(NamedTuple):
    """What became of a batch's notices."""

    parked: list[Parked]
    asked: bool
    """Whether there is something to be done beside the worker now."""


async def take(connection: Connection, deliveries: Sequence[Delivery], times: Times) -> Taken:
    """Take notice of deliveries, each under a savepoint of its own.

    Those that cannot be read are given back, to be parked.
    """
    holders = await privacy.holders_of(connection, {one.shop for one in deliveries})
    await set_tenants(connection, sorted({holder.tenant_id for holder in holders}))
    parked: list[Parked] = []
    for delivery in deliveries:
        concerned = _concerned(delivery, holders)
        try:
            async with connection.transaction():
                await _take(connection, delivery, concerned, times)
        except Malformed as error:
            parked.append(_parked(delivery, concerned, error.reason, error.detail))
        except psycopg.OperationalError:
            raise
        except Exception as error:
            # One notice that fails may not hold up all the deliveries beside it.
            log.exception("notice_failed", extra={"topic": delivery.topic})
            detail = (
                f"Taking notice of it failed ({type(error).__name__}): a fault of this program; "
                "release it after an upgrade."
            )
            parked.append(_parked(delivery, concerned, "fault", detail))
    await _unrecord(connection, parked)
    return Taken(parked, asked=any(one.topic in COMPLIANCE for one in deliveries))


async def take_unrouted(
    connection: Connection, unrouted: Sequence[Delivery], times: Times
) -> tuple[list[Delivery], Taken]:
    """What the law asks of shops that were disconnected still holds for whoever kept their data.

    Returns the deliveries that nobody takes, and what became of the others.
    """
    asking = [one for one in unrouted if one.topic in COMPLIANCE]
    holders = await privacy.holders_of(connection, {one.shop for one in asking})
    known = {holder.domain for holder in holders}
    taken = [one for one in asking if one.shop in known]
    left = [one for one in unrouted if one.topic not in COMPLIANCE or one.shop not in known]
    return left, await take(connection, taken, times) if taken else Taken([], asked=False)


async def _take(
    connection: Connection,
    delivery: Delivery,
    holders: Sequence[privacy.Holder],
    times: Times,
) -> None:
    body = decode(delivery.body)
    for holder in holders:
        notice = _Notice(holder, delivery, body, _told_at(delivery), times)
        await _BY_TOPIC[delivery.topic](connection, notice)
        await _tell_watchers(connection, notice)


async def _tell_watchers(connection: Connection, notice: _Notice) -> None:
    """Let open dashboards look at the store again: it may have been uninstalled just now."""
    store = Store(notice.holder.tenant_id, notice.holder.store_id)
    received = instant(notice.delivery.received_at)
    told = live.News(str(store.store_id), notice.times.now, ["shop"], [], received)
    await live.announce(connection, {store: told})


async def _uninstalled(connection: Connection, notice: _Notice) -> None:
    if not lifecycle.speaks_for(notice.delivery.body, notice.delivery.shop):
        raise Malformed(
            "another_shop", "Its body is not about the shop of its header: not believed."
        )
    tenant_id = notice.holder.tenant_id
    days = await privacy.days_until_erasure(connection, tenant_id, notice.times.erase_after_days)
    await lifecycle.uninstalled(
        connection,
        tenant_id,
        notice.holder.store_id,
        told_at=notice.told_at,
        now=notice.times.now,
        keep_days=days,
    )


async def _scopes_update(connection: Connection, notice: _Notice) -> None:
    current = notice.body.get("current")
    listed = cast("list[Any]", current) if isinstance(current, list) else []
    scopes = [told for told in listed if isinstance(told, str)]
    await lifecycle.scopes_updated(
        connection, notice.holder.tenant_id, notice.holder.store_id, scopes, notice.times.now
    )


async def _data_request(connection: Connection, notice: _Notice) -> None:
    await _person(connection, notice, "customers/data_request", notice.body.get("orders_requested"))


async def _redact(connection: Connection, notice: _Notice) -> None:
    await _person(connection, notice, "customers/redact", notice.body.get("orders_to_redact"))


async def _person(
    connection: Connection, notice: _Notice, kind: privacy.Kind, orders: object
) -> None:
    customer = mapping(notice.body.get("customer"))
    told = cast("list[Any]", orders) if isinstance(orders, list) else []
    marks = redaction.person_marks(customer, told)
    problem = _foreign(notice)
    if not marks and problem is None:
        problem = "It names neither a customer nor an order: nobody can be found by it."
    request = privacy.NewRequest(
        kind,
        "shopify",
        _reference(notice.delivery),
        notice.times.now,
        customer_id=optional_identifier(customer.get("id"), "customer.id"),
        marks=marks,
        problem=problem,
    )
    made = await privacy.record_request(connection, notice.holder, request)
    if made is not None and problem is None and kind == "customers/redact":
        await put_in_force(
            connection,
            Store(notice.holder.tenant_id, notice.holder.store_id),
            marks,
            notice.times.now,
        )
    await _note(connection, notice, made)


async def _shop_redact(connection: Connection, notice: _Notice) -> None:
    installed_at = notice.holder.installed_at
    problem = _foreign(notice)
    if problem is None and installed_at is not None and installed_at > notice.told_at:
        problem = "The app was installed again after Shopify asked for this: the data is in use."
    request = privacy.NewRequest(
        "shop/redact", "shopify", _reference(notice.delivery), notice.times.now, problem=problem
    )
    await _note(
        connection, notice, await privacy.record_request(connection, notice.holder, request)
    )


_BY_TOPIC: Final[dict[str, Callable[[Connection, _Notice], Awaitable[None]]]] = {
    "app/uninstalled": _uninstalled,
    "app/scopes_update": _scopes_update,
    "customers/data_request": _data_request,
    "customers/redact": _redact,
    "shop/redact": _shop_redact,
}


def _concerned(delivery: Delivery, holders: Collection[privacy.Holder]) -> list[privacy.Holder]:
    """The connected store; for what the law asks, everybody who has data of the shop.

    What a store's own secret signed is about that store alone: its account chose the secret, and
    could otherwise have others' data erased.
    """
    return [
        holder
        for holder in holders
        if holder.domain == delivery.shop
        and (holder.connected or delivery.topic in COMPLIANCE)
        and delivery.speaks_for(holder.store_id)
    ]


def _foreign(notice: _Notice) -> str | None:
    """What is wrong where the body, which is signed, names another shop than the header."""
    told = text(notice.body.get("shop_domain"))
    if told is not None and parse_shop_domain(told) == notice.delivery.shop:
        return None
    about = "no shop" if told is None else told[:255]
    return f"The body is about {about}, the header says {notice.delivery.shop}: nothing was done."


def _told_at(delivery: Delivery) -> datetime:
    """When Shopify says that it happened; when it came, where Shopify does not say."""
    try:
        told = moment(delivery.triggered_at, "X-Shopify-Triggered-At")
    except Malformed:
        told = None
    at = instant(delivery.received_at if told is None else told)
    assert at is not None  # noqa: S101 - there is a number in either case
    return at


def _reference(delivery: Delivery) -> str:
    return f"delivery {delivery_key(delivery).hex}"


async def _note(connection: Connection, notice: _Notice, made: int | None) -> None:
    if made is None:
        return
    await audit.note(
        connection,
        notice.holder.tenant_id,
        "privacy.requested",
        actor=audit.SHOPIFY,
        subject=notice.holder.domain,
        detail={"kind": notice.delivery.topic, "request": str(made)},
        now=notice.times.now,
    )


def _parked(
    delivery: Delivery, holders: Sequence[privacy.Holder], reason: str, detail: str
) -> Parked:
    ours = next((holder for holder in holders if holder.connected), None)
    if ours is None:
        return Parked(delivery, reason, detail)
    return Parked(delivery, reason, detail, ours.tenant_id, ours.store_id)


async def _unrecord(connection: Connection, parked: Sequence[Parked]) -> None:
    """What is parked has not been applied: released, it shall not be taken for a repeat."""
    for one in parked:
        await connection.execute(
            "DELETE FROM mirror.deliveries WHERE tenant_id = %s AND store_id = %s AND key = %s",
            (one.tenant_id, one.store_id, delivery_key(one.delivery)),
        )
