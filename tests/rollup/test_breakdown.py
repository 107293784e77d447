"""Sales told apart by channel, place, code and product: the pure differences, and the table.

First the rule against adding up by hand-written loops over drawn entries; then a real PostgreSQL, with
three orders whose every row can be checked by eye, moved about by edits, refunds and a change of zone.
The whole of a store summed anew by SQL is the second witness: it has to come to the same rows.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rollup.drawn import line, order, refund, refunded, shipping
from tests.rollup.worlds import World, delivery, world
from tillstream.foundation.database import set_tenants
from tillstream.mirror.merge import Store
from tillstream.rollup.breakdown import (
    DIMENSIONS,
    FACETS,
    LINE_DIMENSIONS,
    LINE_MEASURES,
    MEASURES,
    Cell,
    Dated,
    differences,
    facet_places,
    read_lines,
    written_lines,
)
from tillstream.rollup.breakdown_statements import COMPARE_BREAKDOWN
from tillstream.rollup.entries import Entry, Facets, LineAmounts
from tillstream.rollup.measures import ADDITIVE
from tillstream.serve.figures import Sums

if TYPE_CHECKING:
    from tests.conftest import Database

ONE = Store(1, 1)

# Entries as the ledger could have them.

some = st.integers(-3, 3)
keys = st.one_of(st.none(), st.integers(1, 3))
words = st.one_of(st.none(), st.sampled_from(["", "a", "b", "ä" * 600]))
drawn_lines = st.builds(
    LineAmounts,
    st.integers(1, 9),
    keys,
    keys,
    words,
    st.dictionaries(st.sampled_from(LINE_MEASURES), some.filter(bool)),
)
drawn_entries = st.builds(
    Entry,
    st.sampled_from(["placement", "refund:1"]),
    st.integers(0, 10),
    keys,
    st.dictionaries(st.sampled_from(ADDITIVE), some.filter(bool)),
    st.lists(drawn_lines, max_size=3).map(tuple),
    st.builds(
        Facets,
        words,
        words,
        words,
        words,
        words,
        st.lists(st.sampled_from("abc"), max_size=3).map(tuple),
    ),
)
dated = st.builds(
    Dated,
    st.just(1),
    st.sampled_from([ONE, Store(1, 2)]),
    st.integers(0, 70).map(lambda days: date(2026, 1, 20) + timedelta(days=days)),
    drawn_entries,
)


@settings(max_examples=50)
@given(st.lists(dated, max_size=8))
def test_every_dimension_of_orders_adds_up_to_the_entries(told: list[Dated]) -> None:
    found = differences(told)
    assert all(amounts and all(amounts.values()) for amounts in found.values())
    for dimension in FACETS[:-1]:
        for grain in ("day", "month"):
            total = Counter[str]()
            for cell, amounts in found.items():
                if (cell.dimension, cell.grain) == (dimension, grain):
                    total.update(amounts)
            for measure in MEASURES:
                assert total[measure] == sum(one.entry.amounts.get(measure, 0) for one in told)


@settings(max_examples=50)
@given(st.lists(dated, max_size=8))
def test_every_dimension_of_lines_adds_up_to_the_lines(told: list[Dated]) -> None:
    found = differences(told)
    for dimension in LINE_DIMENSIONS:
        for measure in LINE_MEASURES:
            assert sum(
                amounts.get(measure, 0)
                for cell, amounts in found.items()
                if (cell.dimension, cell.grain) == (dimension, "day")
            ) == sum(line.amounts.get(measure, 0) for one in told for line in one.entry.lines)


@settings(max_examples=50)
@given(st.lists(dated, max_size=6))
def test_months_are_their_days(told: list[Dated]) -> None:
    found = differences(told)
    months: dict[Cell, Counter[str]] = {}
    for cell, amounts in found.items():
        if cell.grain == "day":
            month = cell._replace(grain="month", day=cell.day.replace(day=1))
            months.setdefault(month, Counter()).update(amounts)
    days = {
        cell: {measure: amount for measure, amount in sums.items() if amount}
        for cell, sums in months.items()
    }
    assert {cell: amounts for cell, amounts in found.items() if cell.grain == "month"} == {
        cell: sums for cell, sums in days.items() if sums
    }


@settings(max_examples=50)
@given(st.lists(dated, max_size=6), st.lists(dated, max_size=3))
def test_what_comes_and_goes_again_leaves_nothing(told: list[Dated], kept: list[Dated]) -> None:
    gone = [one._replace(sign=-1) for one in told]
    assert differences([*told, *kept, *gone]) == differences(kept)


@given(st.lists(drawn_lines, max_size=4).map(tuple))
def test_lines_come_back_as_they_were_written(lines: tuple[LineAmounts, ...]) -> None:
    written = msgspec.json.encode(written_lines(lines)).decode()
    assert (() if written == "null" else read_lines(written)) == lines


def test_an_order_counts_under_each_of_its_codes_once() -> None:
    codes = Facets(discount_codes=("SPRING", "VIP", "SPRING"))
    assert sorted(place for place in facet_places(codes) if place[0] == "discount_code") == [
        ("discount_code", "SPRING"), ("discount_code", "VIP"),
    ]  # fmt: skip
    assert ("discount_code", "") in facet_places(Facets())


# The lists that are written by hand have to be the registry's.


def columns(here: World, schema: str, table: str) -> list[str]:
    return [
        name
        for (name,) in here.ask(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
            "ORDER BY ordinal_position",
            schema,
            table,
        )
    ]


async def test_the_tables_have_the_measures_in_their_order(database: Database) -> None:
    async with world(database) as here:
        for table in ("ledger", "sums"):
            assert (
                tuple(one for one in columns(here, "rollup", table) if one in ADDITIVE) == ADDITIVE
            )
        assert tuple(columns(here, "rollup", "breakdown")[6:]) == MEASURES
        shown = set(columns(here, "merchant", "daily_sales"))
        # Those three only serve to derive others.
        assert set(ADDITIVE) - shown == {"placed_gross", "placed_discounts", "customer_orders"}
        assert set(MEASURES) - set(columns(here, "merchant", "sales_breakdown")) == {
            "placed_gross", "placed_discounts", "customer_orders",
        }  # fmt: skip
    assert tuple(Sums.__dataclass_fields__) == ADDITIVE
    assert set(LINE_MEASURES) <= set(MEASURES) <= set(ADDITIVE)


# A store of three orders. Tax on top, no rounding anywhere:
#   1  March 1st 23:30 in Berlin, web, DE, code SPRING: 2 × thing 1 at 10.00 less 3.00, shipping 4.00
#   2  March 2nd, pos, DE, no code: 1 × thing 1 at 10.00, 1 × thing 2 at 5.00
#   3  April 1st, web, US-CA, codes SPRING and VIP: 1 × a custom item (no product) at 7.00
# and on March 3rd 1 × thing 1 of order 1 is given back for 8.50.


def places(country: str, region: str | None = None) -> dict[str, Any]:
    return {"country_code": country, "province_code": region}


FIRST = order(
    line(1, "10.00", 2, off=("3.00",), vendor="Acme"),
    processed_at="2026-03-01T22:30:00Z",
    source_name="web",
    shipping_address=places("DE"),
    discount_codes=[{"code": "SPRING", "amount": "3.00", "type": "fixed_amount"}],
    shipping_lines=[shipping("4.00")],
)
SECOND = order(
    line(1, "10.00", vendor="Acme"),
    line(2, "5.00", vendor="Best"),
    id=2,
    processed_at="2026-03-02T10:00:00Z",
    source_name="pos",
    billing_address=places("DE"),
)
THIRD = order(
    line(3, "7.00", product_id=None, variant_id=None),
    id=3,
    processed_at="2026-04-01T10:00:00Z",
    customer=None,
    source_name="web",
    shipping_address=places("US", "CA"),
    discount_codes=[{"code": "SPRING"}, {"code": "VIP"}],
    referring_site="https://www.example.org/a?b=c",
    landing_site="/products/thing?utm=1",
)
BACK = refund(refunded(1, 1, "8.50"))


async def furnish(here: World) -> tuple[str, Store]:
    domain, store = here.store(here.tenant(), timezone="Europe/Berlin")
    for topic, body in (
        ("orders/create", FIRST), ("orders/create", SECOND), ("orders/create", THIRD), ("refunds/create", BACK),
    ):  # fmt: skip
        await here.apply([delivery(domain, topic, body)])
    return domain, store


def rows(here: World, dimension: str, grain: str = "month") -> list[tuple[Any, ...]]:
    return here.ask(
        "SELECT to_char(day, 'MM-DD'), value, orders, gross_sales / 10000, discounts / 10000, "
        "sales_reversals / 10000.0, shipping / 10000, units_sold, units_reversed FROM rollup.breakdown "
        "WHERE dimension = %s AND grain = %s ORDER BY day, value",
        dimension,
        grain,
    )


async def agree(here: World, store: Store) -> None:
    """The table is what the ledger comes to, and verifying says so too."""
    async with here.connection.transaction():
        await set_tenants(here.connection, [store.tenant_id])
        cursor = await here.connection.execute(COMPARE_BREAKDOWN, (*store, *store))
        assert await cursor.fetchall() == []
    assert (await here.verify(store)).differences == []


async def test_three_orders_by_hand(database: Database) -> None:
    async with world(database) as here:
        _, store = await furnish(here)
        assert rows(here, "channel") == [
            ("03-01", "pos", 1, 15, 0, 0, 0, 2, 0),
            ("03-01", "web", 1, 20, 3, 8.5, 4, 2, 1),
            ("04-01", "web", 1, 7, 0, 0, 0, 1, 0),
        ]
        # The refund belongs to the channel of its order, and to its own day.
        assert rows(here, "channel", "day") == [
            ("03-01", "web", 1, 20, 3, 0, 4, 2, 0),
            ("03-02", "pos", 1, 15, 0, 0, 0, 2, 0),
            ("03-03", "web", 0, 0, 0, 8.5, 0, 0, 1),
            ("04-01", "web", 1, 7, 0, 0, 0, 1, 0),
        ]
        assert [row[:3] for row in rows(here, "region")] == [
            ("03-01", "", 2), ("04-01", "US-CA", 1),
        ]  # fmt: skip
        assert [row[:3] for row in rows(here, "discount_code")] == [
            ("03-01", "", 1), ("03-01", "SPRING", 1), ("04-01", "SPRING", 1), ("04-01", "VIP", 1),
        ]  # fmt: skip
        assert [row[1] for row in rows(here, "referrer")] == ["", "example.org"]
        assert [row[1] for row in rows(here, "landing")] == ["", "/products/thing"]
        # Shipping belongs to no product. Thing 1 is in two orders of March.
        assert rows(here, "product") == [
            ("03-01", "10", 2, 30, 3, 8.5, 0, 3, 1),
            ("03-01", "20", 1, 5, 0, 0, 0, 1, 0),
            ("04-01", "", 1, 7, 0, 0, 0, 1, 0),
        ]
        assert [row[1:4] for row in rows(here, "vendor")] == [
            ("Acme", 2, 30), ("Best", 1, 5), ("", 1, 7),
        ]  # fmt: skip
        assert [row[1] for row in rows(here, "variant")] == ["100", "200", ""]
        assert here.ask(
            "SELECT sum(customer_orders) FROM rollup.breakdown WHERE dimension = 'country' AND grain = 'day'"
        ) == [(2,)]
        await agree(here, store)


async def test_an_order_that_changes_leaves_no_trace_where_it_was(database: Database) -> None:
    async with world(database) as here:
        domain, store = await furnish(here)
        later = {"updated_at": "2026-04-02T00:00:00Z"}
        await here.apply(
            [delivery(domain, "orders/updated", {**SECOND, **later, "source_name": "app"})]
        )
        assert [row[1] for row in rows(here, "channel")] == ["app", "web", "web"]
        await agree(here, store)
        await here.apply([delivery(domain, "orders/delete", {"id": key}) for key in (1, 2)])
        assert {row[0] for dimension in DIMENSIONS for row in rows(here, dimension)} == {"04-01"}
        await agree(here, store)
        await here.apply([delivery(domain, "orders/delete", {"id": 3})])
        assert here.ask("SELECT * FROM rollup.breakdown") == []


async def test_another_zone_dates_everything_anew(database: Database) -> None:
    """23:30 in Berlin of March 1st is 14:30 there in Los Angeles; in Auckland it is the 2nd."""
    async with world(database) as here:
        domain, store = await furnish(here)
        told = {"updated_at": "2026-04-02T00:00:00Z", "iana_timezone": "Pacific/Auckland"}
        await here.apply([delivery(domain, "shop/update", told)])
        assert [row[:3] for row in rows(here, "channel", "day")] == [
            ("03-02", "pos", 1), ("03-02", "web", 1), ("03-03", "web", 0), ("04-01", "web", 1),
        ]  # fmt: skip
        await agree(here, store)


async def test_texts_without_end_are_cut(database: Database) -> None:
    """A key of PostgreSQL's holds 2,704 bytes; a code of 3,000 characters has to be counted somewhere."""
    async with world(database) as here:
        domain, store = here.store(here.tenant())
        long = "ü" * 3000
        body = order(line(1, "1.00", vendor=long), source_name=long, discount_codes=[{"code": long}],
                     landing_site="/" + long)  # fmt: skip
        outcome = await here.apply([delivery(domain, "orders/create", body)])
        assert outcome.parked == []
        assert here.one("SELECT max(length(value)) FROM rollup.breakdown") <= 500
        await agree(here, store)
