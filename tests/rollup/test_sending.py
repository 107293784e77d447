"""How long orders took to be sent: the steps, what is reckoned from them, and the sums that hold them.

First the steps against exact times: what is told of them may be off by a step's width and no more, and
shares by nothing. Then a real PostgreSQL with three orders that are sent, not sent after all, and sent
again. Verifying recomputes every sum with statements of its own; it has to find nothing at any time.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Any, LiteralString

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from tests.rollup.drawn import line, order
from tests.rollup.worlds import World, delivery, world
from tillstream.foundation.database import set_tenants
from tillstream.rollup.breakdown_statements import COMPARE_BREAKDOWN
from tillstream.rollup.sending import Sent, begin_of, step_of
from tillstream.simulator.books.tables import bound_of

if TYPE_CHECKING:
    from tests.conftest import Database
    from tillstream.mirror.merge import Store

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

# Times around every bound, in every width, and anywhere up to two years.
near = st.integers(-2, 2)
taken = st.one_of(
    st.tuples(st.integers(0, 192), near).map(lambda at: at[0] * 15 * MINUTE + at[1]),
    st.tuples(st.integers(0, 400), near).map(lambda at: at[0] * HOUR + at[1]),
    st.integers(0, 4 * DAY),
    st.integers(-DAY, 730 * DAY),
)


@pytest.mark.parametrize(
    ("took", "step"),
    [
        (-DAY, 0),
        (0, 0),
        (1, 15),
        (15 * MINUTE, 15),
        (15 * MINUTE + 1, 30),
        (24 * HOUR, 1440),
        (48 * HOUR, 2880),
        (48 * HOUR + 1, 2940),
        (72 * HOUR, 4320),
        (72 * HOUR + 1, 4380),
        (14 * DAY, 20_160),
        (14 * DAY + 1, 21_600),
        (400 * DAY - 1, 576_000),
    ],
)
def test_a_step_is_told_by_what_an_order_took_at_most(took: int, step: int) -> None:
    assert step_of(1_000_000_007, 1_000_000_007 + took) == step


@given(taken)
def test_a_time_is_in_its_step_and_no_step_is_wider_than_it_may_be(took: int) -> None:
    step = step_of(5, 5 + took)
    begin, time = begin_of(step), max(took, 0)
    assert begin * MINUTE <= time <= step * MINUTE
    assert time > begin * MINUTE or step == 0
    width = step - begin
    assert width == (
        0 if time == 0 else 15 if time <= 2 * DAY else 60 if time <= 14 * DAY else 1440
    )
    # The bound before a step is a step, too: there are no holes.
    assert step_of(0, begin * MINUTE) == begin


@given(st.integers(-86_400, 730 * 86_400))
def test_the_books_put_times_into_the_same_steps(seconds: int) -> None:
    assert bound_of(seconds) == step_of(0, seconds * 1_000_000)


@given(st.lists(taken, min_size=1, max_size=60))
def test_what_is_reckoned_from_steps_is_within_a_step_of_the_truth(times: list[int]) -> None:
    sent = Sent(Counter(step_of(0, took) for took in times))
    assert sent.orders == len(times)
    true = sorted(max(took, 0) for took in times)
    for tenths in (5, 9):
        # The shortest time within which so many tenths were sent.
        exact = true[ceil(Fraction(tenths, 10) * len(true)) - 1]
        step = step_of(0, exact)
        told = sent.hours_of(tenths)
        assert told is not None
        assert begin_of(step) / 60 <= told <= step / 60
        assert abs(told - exact / HOUR) <= (step - begin_of(step)) / 60
    for hours in (24, 48, 72):
        within = sum(took <= hours * HOUR for took in true) / len(true)
        assert sent.share_within(hours) == within


def test_orders_are_taken_to_be_spread_evenly_over_their_step() -> None:
    # Ten orders: four within an hour's last quarter, six in the hour before the 50th was over.
    # The fifth is the first of six in the step: a sixth of the way from 49 to 50 hours.
    sent = Sent({3000: 6, 60: 4})
    assert sent.hours_of(5) == pytest.approx(49 + 1 / 6)
    assert sent.hours_of(9) == pytest.approx(49 + 5 / 6)
    assert (sent.share_within(24), sent.share_within(72)) == (0.4, 1.0)
    assert Sent({0: 3}).hours_of(9) == 0
    nothing = Sent({})
    assert (nothing.orders, nothing.hours_of(5), nothing.share_within(24)) == (0, None, None)


# -- the sums ------------------------------------------------------------------------------------

# Three orders of one customer: on March 1st 23:30 in Berlin (22:30 UTC), and twice on March 2nd.


def placed(key: int, at: str, **more: Any) -> dict[str, Any]:
    told = {"processed_at": at, "created_at": at, "updated_at": at}
    return order(line(key, "10.00", vendor="Acme"), id=key, **told, **more)


FIRST = placed(1, "2026-03-01T22:30:00Z", checkout_token="one")
SECOND = placed(2, "2026-03-02T10:00:00Z")
THIRD = placed(3, "2026-03-02T11:00:00Z")


def sent(body: dict[str, Any], at: str, *parcels: tuple[str, str]) -> dict[str, Any]:
    """The order as it is told at ``at``, with (time, status) of its parcels."""
    told = [
        {"id": key, "status": status, "created_at": when}
        for key, (when, status) in enumerate(parcels)
    ]
    return {**body, "updated_at": at, "fulfillments": told}


async def furnish(here: World, *bodies: dict[str, Any]) -> tuple[str, Store]:
    domain, store = here.store(here.tenant(), timezone="Europe/Berlin")
    await here.apply(
        [delivery(domain, "orders/create", body) for body in bodies or (FIRST, SECOND, THIRD)]
    )
    return domain, store


def cells(here: World, grain: str = "day") -> list[tuple[Any, ...]]:
    return here.ask(
        "SELECT to_char(day, 'MM-DD'), value, orders FROM rollup.breakdown "
        "WHERE dimension = 'fulfilled_after' AND grain = %s ORDER BY day, value::bigint",
        grain,
    )


async def agree(here: World, store: Store) -> None:
    """The table is what the ledger comes to, and verifying says so too."""
    async with here.connection.transaction():
        await set_tenants(here.connection, [store.tenant_id])
        cursor = await here.connection.execute(COMPARE_BREAKDOWN, (*store, *store))
        assert await cursor.fetchall() == []
    assert (await here.verify(store)).differences == []


async def test_what_is_sent_counts_on_the_day_on_which_it_was_placed(database: Database) -> None:
    async with world(database) as here:
        domain, store = await furnish(here)
        assert cells(here) == []
        # After 11 h 40 min; within the quarter; and what failed is not sent.
        for body in (
            sent(FIRST, "2026-03-02T11:00:00Z", ("2026-03-02T10:10:00Z", "success")),
            sent(SECOND, "2026-03-02T11:00:00Z", ("2026-03-02T10:15:00Z", "success"),
                 ("2026-03-02T10:30:00Z", "success")),
            sent(THIRD, "2026-03-02T12:00:00Z", ("2026-03-02T11:30:00Z", "failure")),
        ):  # fmt: skip
            await here.apply([delivery(domain, "orders/updated", body)])
        assert cells(here) == [("03-01", "705", 1), ("03-02", "15", 1)]
        assert cells(here, "month") == [("03-01", "15", 1), ("03-01", "705", 1)]
        await agree(here, store)
        # Merchants see sales told apart, and this is none of them.
        shown = here.ask("SELECT dimension, sum(orders) FROM merchant.sales_breakdown GROUP BY 1")
        assert dict(shown)["channel"] == len((FIRST, SECOND, THIRD))
        assert "fulfilled_after" not in dict(shown)
        # The first parcel of the second did not go after all, and later none did.
        body = sent(SECOND, "2026-03-03T10:00:00Z", ("2026-03-02T10:15:00Z", "cancelled"),
                    ("2026-03-02T10:30:00Z", "success"))  # fmt: skip
        await here.apply([delivery(domain, "orders/updated", body)])
        assert cells(here) == [("03-01", "705", 1), ("03-02", "30", 1)]
        body = sent(SECOND, "2026-03-03T11:00:00Z", ("2026-03-02T10:30:00Z", "cancelled"))
        await here.apply([delivery(domain, "orders/updated", body)])
        assert cells(here) == [("03-01", "705", 1)]
        await agree(here, store)
        # Sent again, three days later; and the third one before it was placed.
        body = sent(SECOND, "2026-03-05T11:00:00Z", ("2026-03-05T10:00:00Z", "success"))
        early = sent(THIRD, "2026-03-05T12:00:00Z", ("2026-03-01T11:30:00Z", "success"))
        await here.apply([delivery(domain, "orders/updated", one) for one in (body, early)])
        assert cells(here) == [("03-01", "705", 1), ("03-02", "0", 1), ("03-02", "4320", 1)]
        await agree(here, store)
        await here.apply([delivery(domain, "orders/delete", {"id": 2})])
        assert cells(here) == [("03-01", "705", 1), ("03-02", "0", 1)]
        await agree(here, store)


async def test_orders_that_count_nowhere_are_not_sent_either(database: Database) -> None:
    async with world(database) as here:
        at, parcel = "2026-03-02T11:00:00Z", ("2026-03-02T10:10:00Z", "success")
        domain, store = await furnish(
            here, sent({**FIRST, "test": True}, at, parcel), sent(SECOND, at, parcel)
        )
        assert cells(here) == [("03-02", "15", 1)]
        # A cancelled order keeps what it was; one that turns out to be a test does not.
        cancelled = {"cancelled_at": "2026-03-03T10:00:00Z", "updated_at": "2026-03-03T10:00:00Z"}
        await here.apply(
            [delivery(domain, "orders/cancelled", {**sent(SECOND, at, parcel), **cancelled})]
        )
        assert cells(here) == [("03-02", "15", 1)]
        later = {**sent(SECOND, "2026-03-04T10:00:00Z", parcel), "test": True}
        await here.apply([delivery(domain, "orders/updated", later)])
        assert cells(here) == cells(here, "month") == []
        await agree(here, store)


async def test_another_zone_dates_what_was_sent_anew(database: Database) -> None:
    """22:30 UTC of March 1st is the 2nd in Auckland: the time it took is the same."""
    async with world(database) as here:
        domain, store = await furnish(
            here, sent(FIRST, "2026-03-02T11:00:00Z", ("2026-03-02T10:10:00Z", "success"))
        )
        assert cells(here) == [("03-01", "705", 1)]
        zone = {"updated_at": "2026-04-02T00:00:00Z", "iana_timezone": "Pacific/Auckland"}
        await here.apply([delivery(domain, "shop/update", zone)])
        assert cells(here) == [("03-02", "705", 1)]
        await agree(here, store)


_TABLES = (
    "mirror.customers", "rollup.ledger", "rollup.sums", "rollup.breakdown", "rollup.rhythm", "rollup.customers",
    "rollup.cohorts", "rollup.spread", "rollup.prospects", "rollup.checkouts",
)  # fmt: skip


def versions(here: World) -> dict[str, str]:
    """By the version of each row, where it lies and who wrote it, which row that is."""
    return {
        f"{table} {place}": row
        for table in _TABLES
        for place, row in here.ask(
            sql.SQL("SELECT t.ctid || ' ' || t.xmin, to_jsonb(t)::text FROM {} AS t").format(
                sql.Identifier(*table.split("."))
            )
        )
    }


async def test_sending_writes_nothing_but_the_entry_and_its_cells(database: Database) -> None:
    async with world(database) as here:
        domain, store = await furnish(here)
        checkout = {
            "token": "one", "email": "a@example.com", "customer": {"id": 9}, "total_price": "10.00",
            "created_at": "2026-03-01T22:00:00Z", "updated_at": "2026-03-01T22:10:00Z",
        }  # fmt: skip
        await here.apply([delivery(domain, "checkouts/create", checkout)])
        before = versions(here)
        body = sent(FIRST, "2026-03-02T11:00:00Z", ("2026-03-02T10:10:00Z", "success"))
        await here.apply([delivery(domain, "orders/fulfilled", body)])
        after = versions(here)
        came = sorted(place.split()[0] for place in after.keys() - before.keys())
        assert came == ["rollup.breakdown", "rollup.breakdown", "rollup.ledger"]
        assert [place.split()[0] for place in before.keys() - after.keys()] == ["rollup.ledger"]
        await agree(here, store)
        # Told once more it is no news, and another parcel is no first one.
        again = sent(FIRST, "2026-03-02T12:00:00Z", ("2026-03-02T10:10:00Z", "success"),
                     ("2026-03-02T11:10:00Z", "success"))  # fmt: skip
        await here.apply([delivery(domain, "orders/updated", again)])
        assert versions(here) == after


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE rollup.ledger SET sent_after = 720 WHERE source_id = '1'",
        "UPDATE rollup.ledger SET sent_after = NULL WHERE source_id = '1'",
        "UPDATE rollup.ledger SET sent_after = 15 WHERE source_id = '3'",
        "UPDATE rollup.breakdown SET orders = 2 WHERE dimension = 'fulfilled_after'",
        "UPDATE rollup.breakdown SET gross_sales = 2 WHERE dimension = 'fulfilled_after'",
        "DELETE FROM rollup.breakdown WHERE dimension = 'fulfilled_after'",
    ],
)
async def test_what_is_wrong_is_found_and_mended(
    database: Database, tampering: LiteralString
) -> None:
    async with world(database) as here:
        at, parcel = "2026-03-02T11:00:00Z", ("2026-03-02T10:10:00Z", "success")
        _, store = await furnish(here, sent(FIRST, at, parcel), sent(SECOND, at, parcel), THIRD)
        right = await here.state(store)
        here.ask(tampering)
        assert await here.state(store) != right
        assert (await here.verify(store)).differing > 0
        await here.rebuild(store)
        assert await here.state(store) == right
        await agree(here, store)


async def test_the_order_in_which_it_is_told_does_not_matter(database: Database) -> None:
    async with world(database) as here:
        at, parcel = "2026-03-02T11:00:00Z", ("2026-03-02T10:10:00Z", "success")
        bodies = [FIRST, sent(FIRST, at, parcel), {**FIRST, "source_name": "pos", "updated_at": at}]
        states: set[str] = set()
        for told in (bodies, bodies[::-1], [bodies[1], bodies[2], bodies[0]]):
            domain, store = here.store(here.tenant(), timezone="Europe/Berlin")
            for body in told:
                await here.apply([delivery(domain, "orders/updated", body)])
            await agree(here, store)
            states.add(await here.state(store))
        assert len(states) == 1
