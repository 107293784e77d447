"""One shop's facts, and the figures that follow from them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from tillstream.simulator.books.entries import SALES, Amounts
from tillstream.simulator.books.lives import among, life_of
from tillstream.simulator.books.rows import Rows, bare
from tillstream.simulator.books.segments import Bought, segments_of
from tillstream.simulator.books.tables import add_up, cohorts_of, who_is
from tillstream.simulator.currency import Currency, ratio
from tillstream.simulator.shop_clock import ShopClock, instant, seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from tillstream.simulator.books.lives import Life
    from tillstream.simulator.books.segments import Segment
    from tillstream.simulator.books.tables import Cell, Cohort, Spending, Tables
    from tillstream.simulator.facts import Checkout, Customer, Order, Product
    from tillstream.simulator.plan import ShopPlan

Figure: TypeAlias = str | int | float | None
Row: TypeAlias = dict[str, Any]
Dimension: TypeAlias = Literal[
    "channel", "country", "region", "referrer", "landing", "discount_code", "product", "variant", "vendor",
    "fulfilled_after",
]  # fmt: skip

INFERENCE: Final = 7 * 86_400
"""Seconds after an abandonment in which another order of the customer infers a recovery."""

_MONEY_BESIDE = (
    "gift_cards_sold",
    "tips",
    "refund_adjustments",
    "tax_in_prices",
    "cash_rounding",
)
_COUNTS = ("orders", "units_sold", "units_reversed")
_UNITS = frozenset({"orders", "customer_orders", "units_sold", "units_reversed"})
_CHECKOUT_COUNTS = (
    "checkouts",
    "abandoned_checkouts",
    "abandonments",
    "recovered_checkouts",
    "converted_checkouts",
    "inferred_recoveries",
)
_CHECKOUT_MONEY = ("recovered_sales", "abandoned_value", "inferred_recovered_sales")


class Ledger:
    """One shop's books. The story puts facts in; figures are worked out when asked for."""

    def __init__(self, plan: ShopPlan, clock: ShopClock) -> None:
        self.plan = plan
        self.zone = plan.zone
        self.clock = clock
        self.currency = Currency.of(plan.currency)
        self.orders: dict[int, Order] = {}
        self.customers: dict[int, Customer] = {}
        self.products: dict[int, Product] = {}
        self.checkouts: dict[str, Checkout] = {}
        self.revision = 0
        self._tables: tuple[int, Tables] | None = None
        self._standing: tuple[int, int, list[tuple[Checkout, Life]]] | None = None
        self.records = Rows(self)

    def move(self, zone: str) -> None:
        """The shop is in another time zone from now on, and its whole past is dated by it."""
        self.zone, self.clock = zone, ShopClock(zone)
        self._tables = None

    # -- figures --------------------------------------------------------------------------------

    def stats(self, from_day: date, to_day: date, now: datetime) -> dict[str, Figure]:
        """The body of ``GET /api/analytics/stats`` for shop-local days, both inclusive."""
        tables, total = self._current(), Amounts()
        for day, amounts in tables.days.items():
            if from_day <= day <= to_day:
                total.take(amounts)
        money, orders = self.currency.text, total.orders

        def each(amount: int) -> Figure:
            return money(ratio(amount, orders)) if orders else None

        return {
            "currency": self.plan.currency,
            "timezone": self.zone,
            "from": from_day.isoformat(),
            "to": to_day.isoformat(),
            "total_sales": money(total.total_sales),
            **{name: money(getattr(total, name)) for name in SALES[:3]},
            "net_sales": money(total.net_sales),
            **{name: money(getattr(total, name)) for name in (*SALES[3:], *_MONEY_BESIDE)},
            "live_view_total_sales": money(
                total.total_sales - total.duties - total.additional_fees
            ),
            **{name: getattr(total, name) for name in _COUNTS},
            "average_order_value": each(total.placed_gross - total.placed_discounts),
            "total_sales_per_order": each(total.total_sales),
            "net_sales_per_order": each(total.net_sales),
            **self._customer_figures(tables, from_day, to_day),
            **self._checkout_figures(from_day, to_day, now),
            "as_of": now.isoformat(),
            "comparison": None,
        }

    def sums(self, now: datetime) -> dict[date, dict[str, int]]:
        """Every additive measure by day: money in ten-thousandths. Days without any are left out."""
        days: defaultdict[date, dict[str, int]] = defaultdict(dict)
        for day, amounts in self._current().days.items():
            days[day] |= self.scaled(amounts)
        for _, life in self._counted(now):
            for day, name, amount in self._dated(life):
                scaled = (
                    self.currency.ten_thousandths(amount) if name in _CHECKOUT_MONEY else amount
                )
                days[day][name] = days[day].get(name, 0) + scaled
        return {day: sums for day, sums in days.items() if any(sums.values())}

    def breakdown(self, dimension: Dimension, first: date, last: date) -> dict[str, Amounts]:
        """What the values of a dimension have of the sales of these days, in smallest units."""
        found: defaultdict[str, Amounts] = defaultdict(Amounts)
        for day, cells in self._current().cells.items():
            if first <= day <= last:
                for (name, value), amounts in cells.items():
                    if name == dimension:
                        found[value].take(amounts)
        return {value: amounts for value, amounts in found.items() if amounts}

    def cells(self) -> Mapping[date, Mapping[Cell, Amounts]]:
        """The same day by day, by dimension and value."""
        return self._current().cells

    def cohorts(self) -> dict[Cohort, Spending]:
        """Customers by the month of their first order, and what they did in each month since."""
        return cohorts_of(self._current())

    def segments(self) -> dict[str, Segment]:
        """Customers by recency, frequency and monetary value; money in smallest units."""
        tables = self._current()
        bought = [
            Bought(made[-1][1], len(made), sum(done.spent for done in tables.months[one].values()))
            for one, made in tables.purchases.items()
        ]
        known = {one.id for one in self.customers.values() if not one.deleted}
        return segments_of(bought, len(known - tables.purchases.keys()))

    def scaled(self, amounts: Amounts) -> dict[str, int]:
        """Amounts as tables have them: money in ten-thousandths, without zeros."""
        return {
            name: amount if name in _UNITS else self.currency.ten_thousandths(amount)
            for name in Amounts.__dataclass_fields__
            if (amount := getattr(amounts, name))
        }

    def days(self) -> tuple[date, date] | None:
        """The first and last shop-local day on which anything is booked."""
        days = self._current().days
        return (min(days), max(days)) if days else None

    def _current(self) -> Tables:
        if self._tables is None or self._tables[0] != self.revision:
            self._tables = self.revision, add_up(self.orders.values(), self.clock)
        return self._tables[1]

    # -- people ---------------------------------------------------------------------------------

    def _customer_figures(self, tables: Tables, first: date, last: date) -> dict[str, Figure]:
        customers = new = returning = 0
        for purchases in tables.purchases.values():
            until = [day for _, day in purchases if day <= last]
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

    def top_customers(self, limit: int) -> list[Row]:
        """The ``customers`` of ``GET /api/analytics/top-customers``, by lifetime value."""
        tables = self._current()
        people = {one.id: one for o in self.orders.values() if (one := who_is(o.customer))}
        spent = {
            identifier: sum(done.spent for done in tables.months[identifier].values())
            for identifier in tables.purchases
        }
        ranked = sorted(spent, key=lambda identifier: (-spent[identifier], identifier))[:limit]
        return [
            {
                "id": str(identifier),
                "name": people[identifier].name,
                "email": people[identifier].email,
                "orders": len(tables.purchases[identifier]),
                "total_spent": self.currency.text(spent[identifier]),
                "first_order_at": instant(tables.purchases[identifier][0][0].at),
                "last_order_at": instant(tables.purchases[identifier][-1][0].at),
            }
            for identifier in ranked
        ]

    # -- checkouts ------------------------------------------------------------------------------

    def _checkout_figures(self, first: date, last: date, now: datetime) -> dict[str, Figure]:
        sums: dict[str, int] = dict.fromkeys((*_CHECKOUT_COUNTS, *_CHECKOUT_MONEY), 0)
        for _, life in self._counted(now):
            for day, name, amount in self._dated(life):
                if first <= day <= last:
                    sums[name] += amount
        abandoned, recovered = sums["abandoned_checkouts"], sums["recovered_checkouts"]
        return {
            **{name: sums[name] for name in _CHECKOUT_COUNTS},
            "recovered_checkout_rate": recovered / abandoned if abandoned else None,
            **{name: self.currency.text(sums[name]) for name in _CHECKOUT_MONEY},
        }

    def _dated(self, life: Life) -> Iterable[tuple[date, str, int]]:
        """What a checkout adds to which measure on which day."""
        started = self.clock.day(life.started_at)
        yield started, "checkouts", 1
        yield started, "converted_checkouts", int(life.stage == "converted")
        if life.abandoned_at is None:
            return
        for at in life.abandonments:
            yield self.clock.day(at), "abandonments", 1
        day = self.clock.day(life.abandoned_at)
        recovered = life.stage == "recovered"
        yield day, "abandoned_checkouts", 1
        yield day, "recovered_checkouts", int(recovered)
        yield day, "recovered_sales", life.recovered_value
        yield day, "abandoned_value", 0 if recovered else life.value
        if life.inferred is not None:
            yield day, "inferred_recoveries", 1
            yield day, "inferred_recovered_sales", life.inferred.price

    def checkout_list(self, now: datetime) -> list[Row]:
        """The ``checkouts`` of ``GET /api/analytics/checkouts`` that count, latest first."""
        rows = [self._checkout_row(checkout, life) for checkout, life in self._counted(now)]
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

    def _counted(self, now: datetime) -> Iterable[tuple[Checkout, Life]]:
        return ((checkout, life) for checkout, life in self.lives(now) if life.twin_of is None)

    def lives(self, now: datetime) -> list[tuple[Checkout, Life]]:
        """Every checkout that has contact details and is not deleted, with its life; twins marked."""
        at = seconds(now)
        if self._standing is None or self._standing[:2] != (self.revision, at):
            self._standing = self.revision, at, self._live(at)
        return self._standing[2]

    def _live(self, at: int) -> list[tuple[Checkout, Life]]:
        linked, window = self.linked(), self.plan.window
        shoppers: defaultdict[int, list[Life]] = defaultdict(list)
        found: dict[str, Life] = {}
        for token, checkout in self.checkouts.items():
            life = life_of(checkout, linked.get(token), window, at)
            if life is None:
                continue
            found[token] = life
            if (customer := who_is(checkout.customer)) is not None:
                shoppers[customer.id].append(life)
        purchases = self._current().purchases
        for customer_id, lives in shoppers.items():
            made = [purchase for purchase, _ in purchases.get(customer_id, [])]
            found |= {life.token: life for life in among(lives, made, window, INFERENCE)}
        return [(self.checkouts[token], life) for token, life in found.items()]

    def linked(self) -> dict[str, Order]:
        """The order that completed each checkout.

        By token; where the token leads to none, by the cart: of its checkouts that no order names,
        the one last active before the order. Of several orders for one checkout the earliest.
        """
        placed = [one for one in self.orders.values() if not one.deleted]
        named = {one.checkout_token for one in placed}
        carts: defaultdict[str, list[Checkout]] = defaultdict(list)
        for checkout in self.checkouts.values():
            cart = bare(checkout.cart_token)
            if cart and not checkout.deleted and checkout.token not in named:
                carts[cart].append(checkout)
        linked: dict[str, Order] = {}
        for order in sorted(placed, key=lambda one: (one.processed_at, one.id)):
            token = order.checkout_token
            if token not in self.checkouts:
                token = _last_active(carts.get(bare(order.cart_token) or "", []), order)
            if token is not None:
                linked.setdefault(token, order)
        return linked


def _last_active(checkouts: Iterable[Checkout], order: Order) -> str | None:
    active = [
        (-max(before), checkout.token)
        for checkout in checkouts
        if (before := [at for at, _ in checkout.activity if at <= order.processed_at])
    ]
    return min(active)[1] if active else None


def _maybe(at: int | None) -> datetime | None:
    return None if at is None else instant(at)
