"""Why a number is so: the entries of a figure add up to it, and an order names the deliveries behind it.

Stores are drawn, applied by the real worker's code, and asked over the real API. Nothing is doubled.
What `stats` says is taken as the figure; that it is the right one is for other tests.
"""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from tests.rollup.drawn import line, order, refund, refunded
from tests.rollup.worlds import World, delivery, world
from tests.serve.drawn_store import draw_store
from tests.serve.test_auth import problem
from tillstream.rollup.explain import PARTS
from tillstream.rollup.measures import ADDITIVE, MEASURES

if TYPE_CHECKING:
    import httpx

    from tests.serve.conftest import Site

DAYS = "from=2026-03-03&to=2026-03-20"
FILTERS = (
    "", "channel=web", "country=", "product=7", "discount_code=SPRING", "channel=pos&product=8",
)  # fmt: skip


async def connected(site: Site, here: World, domain: str, **details: Any) -> tuple[str, int]:
    """A new account with a store; its token, and the store's id."""
    answer = await site.register(f"{domain}@example.com")
    details = {"timezone": "Europe/Berlin", "currency": "EUR", **details}
    store = await site.connect(answer["token"], f"{domain}.myshopify.com", **details)
    here.ask("UPDATE shops.stores SET proved_at = now() WHERE id = %s", store)
    return answer["token"], store


async def get(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    response = await client.get(path)
    assert response.status_code == 200, response.text
    return response.json()


async def entries_of(client: httpx.AsyncClient, query: str, limit: int = 50) -> dict[str, Any]:
    """The answer with the entries of all pages, which repeat none and keep to their order."""
    answer = await get(client, f"/api/analytics/ledger?{query}&limit={limit}")
    entries, following = answer["entries"], answer["next"]
    while following:
        page = await get(client, f"/api/analytics/ledger?{query}&limit={limit}&cursor={following}")
        assert {**page, "entries": [], "next": None} == {**answer, "entries": [], "next": None}
        entries = entries + page["entries"]
        following = page["next"]
    keys = [(e["order_id"], e["checkout_token"], e["entry"]) for e in entries]
    assert len(keys) == len(set(keys))
    assert [e["at"] for e in entries] == sorted((e["at"] for e in entries), reverse=True)
    return {**answer, "entries": entries}


def added(entries: list[dict[str, Any]], name: str) -> Decimal:
    return sum((Decimal(str(entry[name])) for entry in entries), Decimal(0))


def check(answer: dict[str, Any], figure: object) -> None:
    """That the entries come to the figure."""
    amounts = added(answer["entries"], "amount")
    assert answer["total"] == figure
    if answer["denominator"] is None:
        assert amounts == Decimal(str(figure))
        return
    below = added(answer["entries"], "denominator")
    assert amounts == Decimal(str(answer["numerator"]))
    assert below == answer["denominator"]
    if not below:
        assert figure is None
    elif answer["unit"] == "money":
        assert Decimal(str(figure)) == (amounts / below).quantize(Decimal("0.01"), "ROUND_HALF_UP")
    else:
        assert figure == pytest.approx(float(amounts / below))


def test_every_measure_says_what_it_is_made_of() -> None:
    assert set(PARTS) == {measure.name for measure in MEASURES}
    for parts in PARTS.values():
        assert parts.columns <= {*ADDITIVE, "customers", "new_customers", "returning_customers"}


async def test_the_entries_of_every_measure_add_up_to_its_figure(site: Site) -> None:
    told_of: set[str] = set()
    async with world(site.database) as here:
        token, store = await connected(site, here, "drawn")
        await here.apply(draw_store(Random(1), "drawn.myshopify.com", 40))
        async with site.client(token) as client:
            for zone in ("Europe/Berlin", "America/Los_Angeles"):
                # Every order is dated anew by the zone.
                moved = {
                    "id": store,
                    "iana_timezone": zone,
                    "currency": "EUR",
                    "updated_at": zone_time(zone),
                }
                await here.apply([delivery("drawn.myshopify.com", "shop/update", moved)])
                stats = await get(client, f"/api/analytics/stats?{DAYS}&compare=none")
                assert stats["timezone"] == zone
                for measure in MEASURES:
                    answer = await entries_of(client, f"measure={measure.name}&{DAYS}")
                    check(answer, stats.get(measure.name, answer["total"]))
                    assert answer["unit"] == measure.unit
                    told_of.update(measure.name for _ in answer["entries"])
                    assert all("2026-03-03" <= e["day"] <= "2026-03-20" for e in answer["entries"])

    # Every one of them had something to add up.
    assert told_of == {measure.name for measure in MEASURES}


def zone_time(zone: str) -> str:
    """When the shop said that it is in a zone: first in Berlin."""
    return "2026-03-01T00:00:00Z" if zone == "Europe/Berlin" else "2026-03-02T00:00:00Z"


async def test_filtered_entries_add_up_to_filtered_figures(site: Site) -> None:
    async with world(site.database) as here:
        token, _ = await connected(site, here, "drawn")
        await here.apply(draw_store(Random(3), "drawn.myshopify.com"))
        async with site.client(token) as client:
            for filters in FILTERS:
                query = f"{DAYS}&{filters}"
                stats = await get(client, f"/api/analytics/stats?{query}&compare=none")
                known = {m.name for m in MEASURES if stats.get(m.name) is not None}
                assert len(known) > 8
                for measure in sorted(known):
                    check(await entries_of(client, f"measure={measure}&{query}"), stats[measure])


async def test_what_a_filter_does_not_know_is_refused(site: Site) -> None:
    async with world(site.database) as here:
        token, _ = await connected(site, here, "drawn")
        async with site.client(token) as client:
            for query in ("measure=checkouts&channel=web", "measure=shipping&product=1"):
                response = await client.get(f"/api/analytics/ledger?{query}")
                assert response.status_code == 422
                assert "not known by" in response.json()["detail"]
            response = await client.get("/api/analytics/ledger?measure=profit")
            assert response.status_code == 422
            assert problem(response) == "validation"
            assert (await client.get("/api/analytics/ledger")).status_code == 422


async def test_several_stores_are_listed_together(site: Site) -> None:
    async with world(site.database) as here:
        token, first = await connected(site, here, "one")
        second = await site.connect(
            token, "two.myshopify.com", timezone="Europe/Berlin", currency="EUR"
        )
        here.ask("UPDATE shops.stores SET proved_at = now() WHERE id = %s", second)
        for seed, shop in ((5, "one"), (6, "two")):
            await here.apply(draw_store(Random(seed), f"{shop}.myshopify.com", 12))
        async with site.client(token) as client:
            for measure in ("total_sales", "customers", "average_order_value", "checkouts"):
                stats = await get(client, f"/api/analytics/stats?{DAYS}&compare=none")
                answer = await get_all_of_both(client, f"measure={measure}&{DAYS}")
                check(answer, stats[measure])
                assert {e["store"] for e in answer["entries"]} == {str(first), str(second)}
                one = await entries_of(client, f"measure={measure}&{DAYS}&store={second}", 3)
                assert {e["store"] for e in one["entries"]} == {str(second)}


async def get_all_of_both(client: httpx.AsyncClient, query: str) -> dict[str, Any]:
    """Both stores have orders of the same ids here, so that pages are compared by store as well."""
    answer = await get(client, f"/api/analytics/ledger?{query}&limit=4")
    entries, following = answer["entries"], answer["next"]
    while following:
        page = await get(client, f"/api/analytics/ledger?{query}&limit=4&cursor={following}")
        entries, following = entries + page["entries"], page["next"]
    keys = [(e["store"], e["order_id"], e["checkout_token"], e["entry"]) for e in entries]
    assert len(keys) == len(set(keys))
    return {**answer, "entries": entries}


async def test_pages_stay_right_while_orders_arrive(site: Site) -> None:
    async with world(site.database) as here:
        token, _ = await connected(site, here, "drawn")
        shop = "drawn.myshopify.com"
        await here.apply(draw_store(Random(7), shop))
        query = f"measure=gross_sales&{DAYS}&limit=5"
        async with site.client(token) as client:
            before = await entries_of(client, f"measure=gross_sales&{DAYS}")
            page = await get(client, f"/api/analytics/ledger?{query}")
            seen = page["entries"]
            number = 5000
            while page["next"]:
                number += 1
                # One that is newer than every page so far, and one that is older than all of them.
                for at in ("2026-03-20T11:00:00Z", "2026-03-03T01:00:00Z"):
                    number += 1
                    body = order(line(1, "1.00"), id=number, processed_at=at, created_at=at)
                    await here.apply([delivery(shop, "orders/create", body)])
                page = await get(client, f"/api/analytics/ledger?{query}&cursor={page['next']}")
                seen = seen + page["entries"]
        keys = [(e["order_id"], e["entry"]) for e in seen]
        assert len(keys) == len(set(keys))
        assert {(e["order_id"], e["entry"]) for e in before["entries"]} <= set(keys)
        # Only the older ones were still ahead.
        assert {e["day"] for e in seen if int(e["order_id"]) >= 5000} == {"2026-03-03"}


async def test_an_entry_tells_where_it_comes_from(site: Site) -> None:
    async with world(site.database) as here:
        token, store = await connected(site, here, "drawn")
        body = order(line(1, "10.00", 2, off=("2.00",), vendor="Ada"), id=7, name="#7")
        back = refund(refunded(1, 1, "9.00"), order_id=7)
        shop = "drawn.myshopify.com"
        await here.apply(
            [delivery(shop, "orders/create", body), delivery(shop, "refunds/create", back)]
        )
        async with site.client(token) as client:
            answer = await get(client, f"/api/analytics/ledger?measure=net_sales&store={store}&"
                               "from=2026-03-01&to=2026-03-31")  # fmt: skip
        assert answer["total"] == "9.00"
        given_back, placed = answer["entries"]
        assert placed == {
            "order_id": "7", "order_name": "#7", "checkout_token": None, "store": str(store),
            "kind": "placement", "entry": "placement", "at": "2026-03-01T11:00:00+01:00", "day": "2026-03-01",
            "customer_id": "9", "amount": "18.00", "denominator": None,
            "amounts": {
                "gross_sales": "20.00", "discounts": "2.00", "orders": 1, "placed_gross": "20.00",
                "placed_discounts": "2.00", "units_sold": 2, "customer_orders": 1,
            },
            "lines": [{
                "product_id": "10", "variant_id": "100", "vendor": "Ada",
                "amounts": {"gross_sales": "20.00", "discounts": "2.00", "placed_gross": "20.00",
                            "placed_discounts": "2.00", "units_sold": 2},
            }],
        }  # fmt: skip
        assert (given_back["kind"], given_back["entry"]) == ("refund", "refund:5")
        assert (given_back["amount"], given_back["amounts"]["units_reversed"]) == ("-9.00", 1)


async def test_a_file_has_all_entries(site: Site) -> None:
    async with world(site.database) as here:
        token, _ = await connected(site, here, "drawn")
        await here.apply(draw_store(Random(8), "drawn.myshopify.com"))
        async with site.client(token) as client:
            answer = await entries_of(client, f"measure=total_sales&{DAYS}")
            response = await client.get(f"/api/analytics/ledger.csv?measure=total_sales&{DAYS}")
        assert response.status_code == 200, response.text
        head, *rows = response.text.split("\r\n")[:-1]
        assert head.startswith(
            "order_id,order_name,checkout_token,store,kind,entry,at,day,customer_id,amount,"
        )
        assert len(rows) == len(answer["entries"])


async def test_an_order_tells_what_made_it(site: Site) -> None:
    async with world(site.database) as here:
        token, store = await connected(site, here, "drawn")
        shop = "drawn.myshopify.com"
        body = order(line(1, "10.00", 2), id=7, name="#7", financial_status="pending")
        paid = {**body, "financial_status": "paid", "updated_at": "2026-03-01T12:00:00Z"}
        first = delivery(shop, "orders/create", body, key="first")
        await here.apply([first])
        await here.apply([delivery(shop, "orders/paid", paid, key="second"), first])
        await here.apply([delivery(shop, "orders/updated", body, key="late")])
        await here.apply(
            [
                delivery(
                    shop, "refunds/create", refund(refunded(1, 1, "10.00"), order_id=7), key="back"
                )
            ]
        )
        await here.apply(
            [delivery(shop, "orders/create", order(line(1, "1.00"), id=8), key="another")]
        )
        async with site.client(token) as client:
            answer = await get(client, "/api/orders/7/history")
        assert (answer["id"], answer["name"], answer["store"]) == ("7", "#7", str(store))
        told = {one["webhook_id"]: (one["topic"], one["changed"]) for one in answer["deliveries"]}
        topic, names = told.pop("first")
        assert topic == "orders/create"
        assert {"name", "lines", "financial_status", "updated_at"} <= set(names)
        assert told == {
            "second": ("orders/paid", ["financial_status", "updated_at"]),
            "late": ("orders/updated", []),
            "back": ("refunds/create", ["refunds"]),
        }
        assert [one["webhook_id"] for one in answer["deliveries"]] == [
            "first",
            "second",
            "late",
            "back",
        ]
        assert [one["entry"] for one in answer["entries"]] == ["placement", "refund:5"]
        assert all(one["received_at"].endswith("+02:00") for one in answer["deliveries"])


async def test_nobody_is_told_of_another_accounts_orders(site: Site) -> None:
    async with world(site.database) as here:
        token, store = await connected(site, here, "drawn")
        stranger, _ = await connected(site, here, "other")
        shop = "drawn.myshopify.com"
        await here.apply([delivery(shop, "orders/create", order(line(1, "1.00"), id=7))])
        async with site.client(token) as client:
            await get(client, "/api/orders/7/history")
            for path in ("8", "x", "-1", "99999999999999999999", f"7?store={store + 1}"):
                number, _, query = path.partition("?")
                response = await client.get(f"/api/orders/{number}/history?{query}")
                assert response.status_code == 404, path
                assert problem(response) == "not-found"
        async with site.client(stranger) as client:
            assert (await client.get("/api/orders/7/history")).status_code == 404
            assert (await client.get(f"/api/orders/7/history?store={store}")).status_code == 404
            response = await client.get(f"/api/analytics/ledger?measure=orders&store={store}")
            assert response.status_code == 404
            mine = await get(client, "/api/analytics/ledger?measure=orders&from=2026-01-01")
            assert mine["entries"] == []
        async with site.client() as client:
            assert (await client.get("/api/orders/7/history")).status_code == 401


async def test_an_order_that_two_stores_have_is_asked_for_by_store(site: Site) -> None:
    async with world(site.database) as here:
        token, first = await connected(site, here, "one")
        second = await site.connect(token, "two.myshopify.com", currency="EUR")
        here.ask("UPDATE shops.stores SET proved_at = now() WHERE id = %s", second)
        for shop in ("one.myshopify.com", "two.myshopify.com"):
            await here.apply([delivery(shop, "orders/create", order(line(1, "1.00"), id=7))])
        async with site.client(token) as client:
            response = await client.get("/api/orders/7/history")
            assert response.status_code == 422
            assert {one["id"] for one in response.json()["choices"]} == {str(first), str(second)}
            answer = await get(client, f"/api/orders/7/history?store={second}")
        assert answer["store"] == str(second)
        assert answer["timezone"] == "UTC"
