"""What owners see of requests: the list, the customer's file, the receipts.

Real: API, worker, journal, database, eraser. See office.py and serve/conftest.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.privacy.office import office, say
from tests.privacy.test_redact import life, redact
from tests.rollup.worlds import NOW
from tests.serve.conftest import open_site, settings_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Database

SHOP = "library.myshopify.com"


def data_request(shop: str) -> dict[str, Any]:
    return {
        "shop_id": 1, "shop_domain": shop, "orders_requested": [1], "data_request": {"id": 9},
        "customer": {"id": 7, "email": "zora@example.com", "phone": None},
    }  # fmt: skip


async def test_a_customer_gets_their_record_and_then_is_forgotten(
    database: Database, tmp_path: Path
) -> None:
    async with (
        office(database) as here,
        open_site(database, settings_for(tmp_path)) as site,
    ):
        site.clock.now = NOW
        token = (await site.register())["token"]
        stranger = (await site.register("mallory@example.com"))["token"]
        await site.connect(token, SHOP)
        await here.deliver(
            [*life(SHOP), say(SHOP, "customers/data_request", data_request(SHOP), 100)]
        )
        assert await here.erase() == 1
        async with site.client(token) as client:
            (request,) = (await client.get("/api/privacy/requests")).json()["requests"]
            assert (request["kind"], request["store"], request["customer"]) == (
                "customers/data_request", SHOP, "7",
            )  # fmt: skip
            assert request["receipt"]["counts"] == {"customers": 2, "orders": 4, "checkouts": 2}
            answer = await client.get(f"/api/privacy/requests/{request['id']}/file")
            assert answer.headers["content-disposition"].startswith("attachment")
            record = answer.json()
            (zora, before) = record["customers"]
            assert (zora["email"], zora["tags"]) == ("Zora@Example.com", ["zora's club"])
            assert (zora["orders_count_told"], zora["amount_spent_told"]) == (2, "40.00")
            assert (before["email"], before["merged_into"]) == ("old@zora.example", "7")
            assert {one["id"] for one in record["orders"]} == {"1", "3", "4", "5"}
            first = next(one for one in record["orders"] if one["id"] == "1")
            assert first["total_price"] == "20.00"
            assert [line["price"] for line in first["lines"]] == ["10.00"]
            assert [one["note"] for one in first["refunds"]] == ["Zora sent it back"]
            assert {one["token"] for one in record["checkouts"]} == {"t1", "t9"}
            assert {
                "orders/create",
                "checkouts/update",
                "customers/merge",
                "customer.tags_added",
            } <= {one["topic"] for one in record["deliveries"]}
            assert "grace" not in answer.text.lower()
            receipt = await client.get(f"/api/privacy/requests/{request['id']}/receipt")
            assert receipt.json() == request["receipt"]
            lines = (await client.get("/api/audit")).json()["events"]
            assert {"privacy.requested", "privacy.done", "privacy.file_downloaded", "privacy.receipt_downloaded"} <= {
                line["action"] for line in lines
            }  # fmt: skip
            assert "zora" not in str(lines).lower()
        async with site.client(stranger) as client:
            assert (await client.get("/api/privacy/requests")).json() == {"requests": []}
            for what in ("file", "receipt"):
                answer = await client.get(f"/api/privacy/requests/{request['id']}/{what}")
                assert answer.status_code == 404

        await here.deliver([say(SHOP, "customers/redact", redact(SHOP), 101)])
        assert await here.erase() == 1
        async with site.client(token) as client:
            later = (await client.get("/api/privacy/requests")).json()["requests"]
            assert [one["kind"] for one in later] == ["customers/redact", "customers/data_request"]
            answer = await client.get(f"/api/privacy/requests/{request['id']}/file")
            assert "zora" not in answer.text.lower()
            assert answer.json()["orders"] == []
            answer = await client.get(f"/api/privacy/requests/{later[0]['id']}/file")
            assert answer.status_code == 404


async def test_only_owners_see_requests(database: Database, tmp_path: Path) -> None:
    async with (
        office(database) as here,
        open_site(database, settings_for(tmp_path)) as site,
    ):
        site.clock.now = NOW
        told = await site.register()
        await site.connect(told["token"], SHOP)
        await here.deliver([say(SHOP, "customers/data_request", data_request(SHOP), 100)])
        here.world.ask("UPDATE shops.memberships SET role = 'analyst'")
        async with site.client(told["token"]) as client:
            for path in ("", "/1/file", "/1/receipt"):
                answer = await client.get(f"/api/privacy/requests{path}")
                assert answer.status_code == 403
        here.world.ask("UPDATE shops.memberships SET role = 'owner'")
        async with site.client(told["token"]) as client:
            # Not done yet: there is no receipt, but the file can be had.
            assert (await client.get("/api/privacy/requests/1/receipt")).status_code == 404
            for wrong in ("2", "x", "99999999999999999999"):
                answer = await client.get(f"/api/privacy/requests/{wrong}/file")
                assert answer.status_code == 404


async def test_a_request_that_cannot_be_done_says_why(database: Database, tmp_path: Path) -> None:
    async with (
        office(database) as here,
        open_site(database, settings_for(tmp_path)) as site,
    ):
        site.clock.now = NOW
        token = (await site.register())["token"]
        await site.connect(token, SHOP)
        await here.deliver([say(SHOP, "customers/redact", redact("other.myshopify.com"), 100)])
        await here.erase()
        async with site.client(token) as client:
            (request,) = (await client.get("/api/privacy/requests")).json()["requests"]
        assert "other.myshopify.com" in request["problem"]
        assert request["done_at"] is None
