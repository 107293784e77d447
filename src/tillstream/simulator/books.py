"""The simulator's own books: what every figure must come to, from what it knows happened.

This is the truth the mirror and the sums are tested against, so it is written plainly, reads
the story's facts (never a body), and shares no code with the stages it judges. Definitions are
those of ARCHITECTURE.md, which follow Shopify's reports:
https://help.shopify.com/en/manual/reports-and-analytics/shopify-reports/report-types/default-reports/sales-report
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from tillstream.simulator.currency import MILLION, Currency, ratio
from tillstream.simulator.shop_clock import instant, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date, datetime

    from tillstream.simulator.facts import Checkout, Customer, Line, Order, Product, Refund
    from tillstream.simulator.plan import ShopPlan
    from tillstream.simulator.shop_clock import ShopClock

Figure: TypeAlias = str | int | float | None
Row: TypeAlias = dict[str, Any]
Kind: TypeAlias = Literal[
    "orders", "order_lines", "refunds", "customers", "products", "variants", "checkouts"
]
Stage: TypeAlias = Literal["open", "abandoned", "recovered", "converted"]

SALES = (
    "gross_sales",
    "discounts",
    "sales_reversals",
    "shipping",
    "taxes",
    "duties",
    "additional_fees",
)
_MONEY_BESIDE = ("gift_cards_sold", "tips")


@dataclass(slots=True)
class Entry:
    """What one event of an order contributes, in the currency's smallest unit, at an instant."""

    at: int
    gross_sales: int = 0
    discounts: int = 0
    sales_reversals: int = 0
    shipping: int = 0
    taxes: int = 0
    duties: int = 0
    additional_fees: int = 0
    gift_cards_sold: int = 0
    tips: int = 0
    orders: int = 0

    @property
    def net_sales(self) -> int:
        """Gross less discounts and reversals."""
        return self.gross_sales - self.discounts - self.sales_reversals

    @property
    def total_sales(self) -> int:
        """Net sales with shipping, taxes, duties and fees."""
        return self.net_sales + self.shipping + self.taxes + self.duties + self.additional_fees


def entries_of(order: Order) -> dict[str, Entry]:
    """The order's entries by name; none for a test or a deleted order."""
    if order.test or order.deleted:
        return {}
    entries = {"placement": Entry(order.processed_at, orders=1)}
    placement = entries["placement"]
    for line in order.lines:
        _book_line(order, line, entries)
    if order.shipping is not None:
        tax_inside = order.shipping.tax if order.taxes_included else 0
        placement.shipping += order.shipping.discounted - tax_inside
        placement.taxes += order.shipping.tax
    placement.duties += order.duties
    placement.additional_fees += order.fees
    for refund in order.refunds:
        # What is given back after a cancellation was taken back by the cancellation.
        if order.cancelled_at is None or refund.created_at <= order.cancelled_at:
            entries[f"refund:{refund.id}"] = _refund_entry(order, refund)
    if order.cancelled_at is not None:
        _book_cancellation(order.cancelled_at, entries)
    return entries


def _book_line(order: Order, line: Line, entries: dict[str, Entry]) -> None:
    placement = entries["placement"]
    if line.gift_card or line.tip:
        measure = "gift_cards_sold" if line.gift_card else "tips"
        for edit_id, units, at in line.added:
            entry = entries.setdefault(f"edit:{edit_id}", Entry(at))
            setattr(entry, measure, getattr(entry, measure) + line.price * units)
        placed = line.quantity - sum(units for _, units, _ in line.added)
        setattr(placement, measure, getattr(placement, measure) + line.price * placed)
        return
    gross = line.total
    net = line.total - line.discount
    if order.taxes_included:
        rates = sum(rate.millionths for rate, _ in line.taxes)
        # Without a discount the tax told is the tax in the price: no rounding is left over.
        undiscounted = line.tax and not line.discount
        gross = (
            line.total - line.tax if undiscounted else ratio(line.total * MILLION, MILLION + rates)
        )
        net -= line.tax
    discounts, tax = gross - net, line.tax
    for edit_id, units, at in line.added:
        entry = entries.setdefault(f"edit:{edit_id}", Entry(at))
        shares = [ratio(amount * units, line.quantity) for amount in (gross, discounts, tax)]
        _add_goods(entry, *shares)
        _add_goods(placement, *(-share for share in shares))
    _add_goods(placement, gross, discounts, tax)


def _add_goods(entry: Entry, gross: int, discounts: int, tax: int) -> None:
    entry.gross_sales += gross
    entry.discounts += discounts
    entry.taxes += tax


def _refund_entry(order: Order, refund: Refund) -> Entry:
    entry = Entry(refund.created_at)
    for item in refund.lines:
        if item.line.gift_card:
            entry.gift_cards_sold -= item.line.price * item.quantity
        elif item.line.tip:
            entry.tips -= item.line.price * item.quantity
        else:
            tax_inside = item.tax if order.taxes_included else 0
            entry.sales_reversals += item.subtotal - tax_inside
            entry.taxes -= item.tax
    entry.taxes -= refund.shipping_tax
    entry.shipping -= refund.shipping
    entry.duties -= refund.duties
    return entry


def _book_cancellation(at: int, entries: dict[str, Entry]) -> None:
    """Reverse whatever is left, so that the order comes to nothing."""
    booked = list(entries.values())
    left = Entry(
        at,
        sales_reversals=sum(entry.net_sales for entry in booked),
        shipping=-sum(entry.shipping for entry in booked),
        taxes=-sum(entry.taxes for entry in booked),
        duties=-sum(entry.duties for entry in booked),
        additional_fees=-sum(entry.additional_fees for entry in booked),
        gift_cards_sold=-sum(entry.gift_cards_sold for entry in booked),
        tips=-sum(entry.tips for entry in booked),
    )
    if any(getattr(left, name) for name in (*SALES, *_MONEY_BESIDE)):
        entries["cancellation"] = left


@dataclass(frozen=True, slots=True)
class Life:
    """How far a checkout has come. Instants in seconds."""

    stage: Stage
    started_at: int
    last_active_at: int
    abandoned_at: int | None
    completed_at: int | None
    order: Order | None
    value: int

    @property
    def recovered_at(self) -> int | None:
        """When it was paid for after all."""
        return self.completed_at if self.stage == "recovered" else None

    @property
    def recovered_value(self) -> int:
        """What the recovery brought: the order's total, else the checkout's."""
        if self.stage != "recovered":
            return 0
        return self.order.totals.price if self.order else self.value


def life_of(checkout: Checkout, order: Order | None, window: int, now: int) -> Life | None:
    """The checkout's life at ``now``; None where it counts nowhere.

    Abandoned at t + ``window`` for the first activity t, contact known by then, after which
    neither activity nor completion came within the window.
    """
    contact = min((at for at, known in checkout.activity if known), default=None)
    if contact is None or checkout.deleted:
        return None
    ends = [
        t for t in (checkout.completed_at, order.processed_at if order else None) if t is not None
    ]
    completed = min(ends, default=None)
    times = sorted({at for at, _ in checkout.activity})
    abandoned = _abandoned_at(times, contact, completed, window)
    if abandoned is not None and abandoned > now:
        abandoned = None
    if completed is not None:
        stage: Stage = "converted" if abandoned is None else "recovered"
    else:
        stage = "open" if abandoned is None else "abandoned"
    value = checkout.totals.price
    return Life(stage, checkout.created_at, times[-1], abandoned, completed, order, value)


def _abandoned_at(times: list[int], contact: int, completed: int | None, window: int) -> int | None:
    for at in times:
        if at < contact or (completed is not None and at >= completed):
            continue
        coming = [t for t in times if t > at] + ([] if completed is None else [completed])
        if not any(t <= at + window for t in coming):
            return at + window
    return None


@dataclass(slots=True)
class _Tables:
    """Sums by day, made once for a state of the story."""

    revision: int
    days: dict[date, Entry]
    placed: dict[date, tuple[int, int]]
    purchases: dict[int, list[tuple[int, int, date]]]
    spent: dict[int, int]


class Ledger:
    """One shop's facts, and the figures that follow from them."""

    def __init__(self, plan: ShopPlan, clock: ShopClock) -> None:
        self.plan = plan
        self.clock = clock
        self.currency = Currency.of(plan.currency)
        self.orders: dict[int, Order] = {}
        self.customers: dict[int, Customer] = {}
        self.products: dict[int, Product] = {}
        self.checkouts: dict[str, Checkout] = {}
        self.revision = 0
        self._tables: _Tables | None = None

    # -- figures --------------------------------------------------------------------------------

    def stats(self, from_day: date, to_day: date, now: datetime) -> dict[str, Figure]:
        """The body of ``GET /api/analytics/stats`` for shop-local days, both inclusive."""
        tables = self._current()
        total, placed = Entry(0), 0
        for day, entry in tables.days.items():
            if from_day <= day <= to_day:
                _accumulate(total, entry)
                placed += tables.placed[day][0] - tables.placed[day][1]
        money = self.currency.text
        average = money(ratio(placed, total.orders)) if total.orders else None
        return {
            "currency": self.plan.currency,
            "timezone": self.plan.zone,
            "from": from_day.isoformat(),
            "to": to_day.isoformat(),
            "total_sales": money(total.total_sales),
            **{name: money(getattr(total, name)) for name in SALES[:3]},
            "net_sales": money(total.net_sales),
            **{name: money(getattr(total, name)) for name in (*SALES[3:], *_MONEY_BESIDE)},
            "orders": total.orders,
            "average_order_value": average,
            **self._customer_figures(tables, from_day, to_day),
            **self._checkout_figures(from_day, to_day, seconds(now)),
            "as_of": now.isoformat(),
            "comparison": None,
        }

    def _customer_figures(self, tables: _Tables, first: date, last: date) -> dict[str, Figure]:
        customers = new = returning = 0
        for purchases in tables.purchases.values():
            until = [day for _, _, day in purchases if day <= last]
            if not any(day >= first for day in until):
                continue
            customers += 1
            new += until[0] >= first
            returning += len(until) > 1
        return {
            "customers": customers,
            "new_customers": new,
            "returning_customers": returning,
            "returning_customer_rate": returning / customers if customers else None,
        }

    def _checkout_figures(self, first: date, last: date, now: int) -> dict[str, Figure]:
        started = abandoned = recovered = sales = lost = 0
        for _, life in self._lives(now):
            started += first <= self.clock.day(life.started_at) <= last
            if life.abandoned_at is None:
                continue
            if not first <= self.clock.day(life.abandoned_at) <= last:
                continue
            abandoned += 1
            recovered += life.stage == "recovered"
            sales += life.recovered_value
            lost += life.value if life.stage == "abandoned" else 0
        return {
            "checkouts": started,
            "abandoned_checkouts": abandoned,
            "recovered_checkouts": recovered,
            "recovered_checkout_rate": recovered / abandoned if abandoned else None,
            "recovered_sales": self.currency.text(sales),
            "abandoned_value": self.currency.text(lost),
        }

    def _current(self) -> _Tables:
        if self._tables is None or self._tables.revision != self.revision:
            self._tables = self._add_up()
        return self._tables

    def _add_up(self) -> _Tables:
        tables = _Tables(
            self.revision, {}, defaultdict(lambda: (0, 0)), defaultdict(list), defaultdict(int)
        )
        for order in self.orders.values():
            entries = entries_of(order)
            for name, entry in entries.items():
                day = self.clock.day(entry.at)
                _accumulate(tables.days.setdefault(day, Entry(0)), entry)
                if name == "placement":
                    gross, discounts = tables.placed[day]
                    tables.placed[day] = gross + entry.gross_sales, discounts + entry.discounts
                    if order.customer is not None:
                        tables.purchases[order.customer.id].append((entry.at, order.id, day))
                if order.customer is not None:
                    tables.spent[order.customer.id] += entry.total_sales
        for purchases in tables.purchases.values():
            purchases.sort()
        return tables

    def days(self) -> tuple[date, date] | None:
        """The first and last shop-local day on which anything is booked."""
        days = self._current().days
        return (min(days), max(days)) if days else None

    # -- people and checkouts -------------------------------------------------------------------

    def top_customers(self, limit: int) -> list[Row]:
        """The ``customers`` of ``GET /api/analytics/top-customers``, by lifetime value."""
        tables = self._current()
        people = {o.customer.id: o.customer for o in self.orders.values() if o.customer}
        ranked = sorted(tables.purchases, key=lambda i: (-tables.spent[i], i))[:limit]
        return [
            {
                "id": str(identifier),
                "name": people[identifier].name,
                "email": people[identifier].email,
                "orders": len(tables.purchases[identifier]),
                "total_spent": self.currency.text(tables.spent[identifier]),
                "first_order_at": instant(tables.purchases[identifier][0][0]),
                "last_order_at": instant(tables.purchases[identifier][-1][0]),
            }
            for identifier in ranked
        ]

    def checkout_list(self, now: datetime) -> list[Row]:
        """The ``checkouts`` of ``GET /api/analytics/checkouts``, all stages, latest first."""
        rows = [self._checkout_row(checkout, life) for checkout, life in self._lives(seconds(now))]
        return sorted(rows, key=lambda row: (row["last_active_at"], row["token"]), reverse=True)

    def _checkout_row(self, checkout: Checkout, life: Life) -> Row:
        return {
            "token": checkout.token,
            "email": checkout.email,
            "customer_name": checkout.customer.name if checkout.customer else None,
            "total": self.currency.text(life.value),
            "currency": self.plan.currency,
            "stage": life.stage,
            "started_at": instant(life.started_at),
            "last_active_at": instant(life.last_active_at),
            "abandoned_at": _maybe(life.abandoned_at),
            "recovered_at": _maybe(life.recovered_at),
            "order_name": life.order.name if life.order else None,
        }

    def _lives(self, now: int) -> Iterable[tuple[Checkout, Life]]:
        linked = self.linked()
        for token, checkout in self.checkouts.items():
            life = life_of(checkout, linked.get(token), self.plan.window, now)
            if life is not None:
                yield checkout, life

    def linked(self) -> dict[str, Order]:
        """The order of each checkout: by token, else by cart; of several the earliest."""
        by_cart = {_bare(c.cart_token): c.token for c in self.checkouts.values() if c.cart_token}
        linked: dict[str, Order] = {}
        for order in sorted(self.orders.values(), key=lambda o: (o.processed_at, o.id)):
            token = order.checkout_token
            if token not in self.checkouts:
                token = by_cart.get(_bare(order.cart_token)) if order.cart_token else None
            if token is not None and not order.deleted:
                linked.setdefault(token, order)
        return linked

    # -- rows -----------------------------------------------------------------------------------

    def rows(self, kind: Kind) -> list[Row]:
        """The final rows of a kind, keyed like the mirror's columns.

        Money in ten-thousandths, instants as aware datetimes. ``email`` is None where a body
        said ``""``, and ``cart_token`` is the part before ``?``. A deleted thing has its key and
        ``deleted`` only: nothing is promised of what it was. Variants and lines of deleted
        products and orders are left out.
        """
        tell: dict[Kind, Callable[[], Iterable[Row]]] = {
            "orders": lambda: map(self._order_row, self.orders.values()),
            "order_lines": lambda: (
                self._line_row(o, li) for o in self._standing() for li in o.lines
            ),
            "refunds": lambda: (
                self._refund_row(o, r) for o in self._standing() for r in o.refunds
            ),
            "customers": lambda: map(self._customer_row, self.customers.values()),
            "products": lambda: map(self._product_row, self.products.values()),
            "variants": lambda: (
                row for p in self.products.values() if not p.deleted for row in self._variants(p)
            ),
            "checkouts": lambda: map(self._kept_checkout, self.checkouts.values()),
        }
        return list(tell[kind]())

    def _standing(self) -> Iterable[Order]:
        return (order for order in self.orders.values() if not order.deleted)

    def _order_row(self, order: Order) -> Row:
        if order.deleted:
            return {"id": order.id, "deleted": True}
        money = self.currency.ten_thousandths
        theirs = order.presentment[0] if order.presentment else self.plan.currency
        return {
            "id": order.id,
            "name": order.name,
            "email": order.email or None,
            "phone": order.phone,
            "customer_id": order.customer.id if order.customer else None,
            "checkout_token": order.checkout_token,
            "cart_token": _bare(order.cart_token),
            "currency": self.plan.currency,
            "presentment_currency": theirs,
            "financial_status": order.financial_status,
            "fulfillment_status": order.fulfillment_status,
            "source_name": order.source_name,
            "taxes_included": order.taxes_included,
            "test": order.test,
            "deleted": False,
            "created_at": instant(order.created_at),
            "processed_at": instant(order.processed_at),
            "updated_at": instant(order.updated_at),
            "cancelled_at": _maybe(order.cancelled_at),
            "closed_at": _maybe(order.closed_at),
            "cancel_reason": order.cancel_reason,
            "total_price": money(order.totals.price),
            "subtotal_price": money(order.totals.subtotal),
            "total_tax": money(order.totals.tax),
            "total_discounts": money(order.totals.discounts),
            "current_total_price": money(order.current.price),
            "discount_codes": [application.code for application in order.applications],
        }

    def _line_row(self, order: Order, line: Line) -> Row:
        money = self.currency.ten_thousandths
        named = line.variant is not None and line.variant.title != "Default Title"
        return {
            "order_id": order.id,
            "id": line.id,
            "product_id": line.product.id if line.product else None,
            "variant_id": line.variant.id if line.variant else None,
            "title": line.title,
            "variant_title": line.variant.title if line.variant and named else None,
            "sku": line.variant.sku if line.variant else None,
            "vendor": line.product.vendor if line.product else None,
            "quantity": line.quantity,
            "current_quantity": line.remaining,
            "price": money(line.price),
            "discount": money(line.discount),
            "tax": money(line.tax),
            "gift_card": line.gift_card,
            "tip": line.tip,
        }

    def _refund_row(self, order: Order, refund: Refund) -> Row:
        """``subtotal`` and ``tax`` as the refund lines have them, ``shipping`` without its tax."""
        money = self.currency.ten_thousandths
        return {
            "order_id": order.id,
            "id": refund.id,
            "created_at": instant(refund.created_at),
            "processed_at": instant(refund.created_at),
            "subtotal": money(sum(item.subtotal for item in refund.lines)),
            "tax": money(sum(item.tax for item in refund.lines)),
            "shipping": money(refund.shipping),
            "note": refund.note,
        }

    def _customer_row(self, customer: Customer) -> Row:
        if customer.deleted:
            return {"id": customer.id, "deleted": True}
        return {
            "id": customer.id,
            "email": customer.email,
            "first_name": customer.first_name,
            "last_name": customer.last_name,
            "phone": customer.phone,
            "created_at": instant(customer.created_at),
            "updated_at": instant(customer.updated_at),
            "deleted": False,
        }

    def _product_row(self, product: Product) -> Row:
        if product.deleted:
            return {"id": product.id, "deleted": True}
        return {
            "id": product.id,
            "title": product.title,
            "handle": product.handle,
            "status": product.status,
            "vendor": product.vendor,
            "product_type": product.product_type,
            "created_at": instant(product.created_at),
            "updated_at": instant(product.updated_at),
            "deleted": False,
        }

    def _variants(self, product: Product) -> list[Row]:
        money = self.currency.ten_thousandths
        return [
            {
                "product_id": product.id,
                "id": v.id,
                "title": v.title,
                "sku": v.sku,
                "price": money(v.price),
                "compare_at_price": None
                if v.compare_at_price is None
                else money(v.compare_at_price),
                "inventory_item_id": v.inventory_item_id,
                "inventory_quantity": v.inventory_quantity,
                "position": v.position,
            }
            for v in product.variants
        ]

    def _kept_checkout(self, checkout: Checkout) -> Row:
        if checkout.deleted:
            return {"token": checkout.token, "deleted": True}
        return {
            "token": checkout.token,
            "cart_token": _bare(checkout.cart_token),
            "name": f"#{checkout.number}",
            "email": checkout.email,
            "phone": checkout.phone,
            "customer_id": checkout.customer.id if checkout.customer else None,
            "customer_name": checkout.customer.name if checkout.customer else None,
            "currency": self.plan.currency,
            "total_price": self.currency.ten_thousandths(checkout.totals.price),
            "created_at": instant(checkout.created_at),
            "updated_at": instant(checkout.updated_at),
            "completed_at": _maybe(checkout.completed_at),
            "source_name": "web",
            "deleted": False,
        }


@dataclass(slots=True)
class Books:
    """The ledgers of all shops of a story, by domain."""

    ledgers: dict[str, Ledger] = field(default_factory=dict[str, Ledger])

    def stats(self, shop: str, from_day: date, to_day: date, now: datetime) -> dict[str, Figure]:
        """The figures of shop-local days, both inclusive, in the shape of the API's ``stats``."""
        return self.ledgers[shop].stats(from_day, to_day, now)

    def rows(self, shop: str, kind: Kind) -> list[Row]:
        """The final rows of a kind; see ``Ledger.rows``."""
        return self.ledgers[shop].rows(kind)

    def top_customers(self, shop: str, limit: int) -> list[Row]:
        """The customers who spent most."""
        return self.ledgers[shop].top_customers(limit)

    def checkout_list(self, shop: str, now: datetime) -> list[Row]:
        """Every checkout that counts, with its stage."""
        return self.ledgers[shop].checkout_list(now)

    def export(self, now: datetime) -> dict[str, Any]:
        """All figures, in all and by day, as plain JSON."""
        return {domain: _exported(ledger, now) for domain, ledger in self.ledgers.items()}


def _exported(ledger: Ledger, now: datetime) -> dict[str, Any]:
    span = ledger.days()
    if span is None:
        return {"total": None, "days": [], "top_customers": [], "checkouts": []}
    # The last abandonments may fall after the last booking.
    first, last = span[0], max(span[1], ledger.clock.day(seconds(now)))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return {
        "total": ledger.stats(first, last, now),
        "days": [ledger.stats(day, day, now) for day in days[-62:]],
        "top_customers": ledger.top_customers(20),
        "checkouts": ledger.checkout_list(now)[:200],
    }


def _accumulate(total: Entry, entry: Entry) -> None:
    for name in (*SALES, *_MONEY_BESIDE, "orders"):
        setattr(total, name, getattr(total, name) + getattr(entry, name))


def _bare(token: str | None) -> str | None:
    return token.partition("?")[0] if token else None


def _maybe(at: int | None) -> datetime | None:
    return None if at is None else instant(at)
