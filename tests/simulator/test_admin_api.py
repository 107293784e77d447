"""The GraphQL API tells what is true: every figure is compared with the simulator's own books."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.simulator.admin_world import NOW, SCOPES, World
from tillstream.simulator.admin.nodes import gid, when
from tillstream.simulator.admin.versions import served_as, supported

if TYPE_CHECKING:
    from tillstream.simulator.books import Row


@pytest.fixture(scope="module")
def world() -> World:
    return World(days=15.0, seed="truth")


ORDERS = """
query ($first: Int, $after: String, $query: String, $reverse: Boolean, $sort: OrderSortKeys) {
  orders(first: $first, after: $after, query: $query, reverse: $reverse, sortKey: $sort) {
    nodes {
      id legacyResourceId name email createdAt processedAt updatedAt cancelledAt test taxesIncluded
      displayFinancialStatus displayFulfillmentStatus sourceName presentmentCurrencyCode discountCodes
      totalPriceSet { shopMoney { amount currencyCode } presentmentMoney { currencyCode } }
      currentTotalPriceSet { shopMoney { amount } }
      totalTaxSet { shopMoney { amount } }
      customer { id }
    }
    pageInfo { hasNextPage endCursor }
  }
}"""


def every_order(world: World, **more: Any) -> list[dict[str, Any]]:
    """Page after page."""
    installation, found, after = world.install(), [], None
    while True:
        told = world.data(installation, ORDERS, first=40, after=after, **more)["orders"]
        found += told["nodes"]
        if not told["pageInfo"]["hasNextPage"]:
            return found
        after = told["pageInfo"]["endCursor"]


def _minor(amount: str) -> int:
    return int(Decimal(amount) * 10_000)


def standing(world: World) -> list[Row]:
    return [row for row in world.shop.ledger.records.rows("orders") if not row["deleted"]]


def test_every_order_is_told_as_it_is(world: World) -> None:
    true = {row["id"]: row for row in standing(world)}
    told = every_order(world, sort="UPDATED_AT")
    assert len(told) == len(true) > 100
    for node in told:
        row = true[int(node["legacyResourceId"])]
        assert node["id"] == gid("Order", row["id"])
        assert node["name"] == row["name"]
        assert node["email"] == row["email"]
        assert node["test"] == row["test"]
        assert node["discountCodes"] == row["discount_codes"]
        assert node["sourceName"] == row["source_name"]
        assert node["displayFinancialStatus"] == row["financial_status"].upper()
        assert _minor(node["totalPriceSet"]["shopMoney"]["amount"]) == row["total_price"]
        assert (
            _minor(node["currentTotalPriceSet"]["shopMoney"]["amount"])
            == row["current_total_price"]
        )
        assert _minor(node["totalTaxSet"]["shopMoney"]["amount"]) == row["total_tax"]
        assert node["presentmentCurrencyCode"] == row["presentment_currency"]
        assert node["updatedAt"] == when(int(row["updated_at"].timestamp()))
        known = row["customer_id"] in {
            c["id"] for c in world.shop.ledger.records.rows("customers") if not c["deleted"]
        }
        assert (node["customer"] is not None) == known
    times = [node["updatedAt"] for node in told]
    assert times == sorted(times)
    assert [n["id"] for n in every_order(world, sort="UPDATED_AT", reverse=True)] == [
        n["id"] for n in reversed(told)
    ]


def test_searches_find_what_they_say(world: World) -> None:
    rows = standing(world)
    since = sorted(row["updated_at"] for row in rows)[len(rows) // 2]
    found = every_order(world, query=f"updated_at:>='{since.isoformat()}' AND NOT test:true")
    assert {int(n["legacyResourceId"]) for n in found} == {
        row["id"] for row in rows if row["updated_at"] >= since and not row["test"]
    }
    refunded = every_order(world, query="financial_status:refunded OR status:cancelled")
    assert {int(n["legacyResourceId"]) for n in refunded} == {
        r["id"] for r in rows if r["financial_status"] == "refunded" or r["cancelled_at"]
    }
    # As the original does, a term that cannot be searched finds everything; nothing has this id.
    assert len(every_order(world, query="colour:green")) == len(rows)
    assert every_order(world, query="id:1") == []


PARTS = """
query ($id: ID!) {
  order(id: $id) {
    lineItems(first: 100) {
      nodes {
        id quantity currentQuantity title isGiftCard
        originalUnitPriceSet { shopMoney { amount } }
        discountAllocations { allocatedAmountSet { shopMoney { amount } } }
        taxLines { rate priceSet { shopMoney { amount } } }
      }
    }
    refunds {
      id totalRefundedSet { shopMoney { amount } }
      refundLineItems(first: 50) {
        nodes { quantity subtotalSet { shopMoney { amount } } totalTaxSet { shopMoney { amount } } }
      }
      refundShippingLines(first: 5) { nodes { subtotalAmountSet { shopMoney { amount } } } }
    }
    transactions { kind amountSet { shopMoney { amount } } parentTransaction { id } }
  }
}"""


def _sum(rows: list[dict[str, Any]], key: str) -> int:
    return sum(_minor(row[key]["shopMoney"]["amount"]) for row in rows)


def test_lines_and_refunds_are_told_as_they_are(world: World) -> None:
    installation = world.install()
    lines: dict[int, list[Row]] = defaultdict(list)
    refunds: dict[int, list[Row]] = defaultdict(list)
    for row in world.shop.ledger.records.rows("order_lines"):
        lines[row["order_id"]].append(row)
    for row in world.shop.ledger.records.rows("refunds"):
        refunds[row["order_id"]].append(row)
    for order_id in list(refunds)[:40]:
        told = world.data(installation, PARTS, id=gid("Order", order_id))["order"]
        assert [
            (gid("LineItem", r["id"]), r["quantity"], r["current_quantity"], r["price"], r["tax"], r["discount"])
            for r in lines[order_id]
        ] == [
            (
                n["id"],
                n["quantity"],
                n["currentQuantity"],
                _minor(n["originalUnitPriceSet"]["shopMoney"]["amount"]),
                _sum(n["taxLines"], "priceSet"),
                _sum(n["discountAllocations"], "allocatedAmountSet"),
            )
            for n in told["lineItems"]["nodes"]
        ]  # fmt: skip
        assert [
            (gid("Refund", r["id"]), r["subtotal"], r["tax"], r["shipping"]) for r in refunds[order_id]
        ] == [
            (
                n["id"],
                _sum(n["refundLineItems"]["nodes"], "subtotalSet"),
                _sum(n["refundLineItems"]["nodes"], "totalTaxSet"),
                _sum(n["refundShippingLines"]["nodes"], "subtotalAmountSet"),
            )
            for n in told["refunds"]
        ]  # fmt: skip


def test_customers_products_and_checkouts_are_counted_right(world: World) -> None:
    installation = world.install()
    told = world.data(
        installation,
        """{ customersCount { count } productsCount { count precision } ordersCount(limit: 10) { count precision }
             customers(first: 3, sortKey: UPDATED_AT, reverse: true) { nodes { numberOfOrders amountSpent { amount } } }
             products(first: 40) { nodes { id status variants(first: 20) { nodes { sku price } } } } }""",
    )
    ledger = world.shop.ledger
    alive = [row for row in ledger.records.rows("customers") if not row["deleted"]]
    assert told["customersCount"]["count"] == len(alive)
    assert told["ordersCount"] == {"count": 10, "precision": "AT_LEAST"}
    products = [row for row in ledger.records.rows("products") if not row["deleted"]]
    assert told["productsCount"] == {"count": len(products), "precision": "EXACT"}
    shown = {v["sku"] for p in told["products"]["nodes"] for v in p["variants"]["nodes"]}
    assert shown == {row["sku"] for row in ledger.records.rows("variants")}


def test_checkouts_that_were_left_are_those_of_the_books(world: World) -> None:
    installation = world.install()
    # Also those for which a twin stands: Shopify does not know of that.
    left = [life.token for _, life in world.shop.ledger.lives(NOW) if life.abandonments]
    addresses: list[str] = []
    after = None
    while True:
        told = world.data(
            installation,
            """query ($after: String) { abandonedCheckouts(first: 100, after: $after) {
                 nodes { abandonedCheckoutUrl completedAt } pageInfo { hasNextPage endCursor } } }""",
            after=after,
        )["abandonedCheckouts"]
        addresses += [node["abandonedCheckoutUrl"] for node in told["nodes"]]
        if not told["pageInfo"]["hasNextPage"]:
            break
        after = told["pageInfo"]["endCursor"]
    # Only the address holds the token.
    assert sorted(a.split("/ac/")[1].split("/")[0] for a in addresses) == sorted(left)


# -- what is refused -----------------------------------------------------------------------------


def test_old_orders_take_a_scope_of_their_own() -> None:
    world = World(days=75.0, seed="old")
    recent = [r for r in standing(world) if r["created_at"] >= NOW - timedelta(days=60)]
    assert len(recent) < len(standing(world))
    few = world.install(SCOPES - {"read_all_orders"})
    assert world.data(few, "{ ordersCount { count } }")["ordersCount"]["count"] == len(recent)
    every = world.install(SCOPES)
    count = world.data(every, "{ ordersCount { count } }")["ordersCount"]["count"]
    assert count == len(standing(world))


def test_what_is_not_granted_is_null_and_says_so(world: World) -> None:
    installation = world.install(frozenset({"read_orders"}))
    told = world.ask(
        installation, "{ shop { name } orders(first: 2) { nodes { name customer { id } } } }"
    )
    assert told["data"]["shop"]["name"]
    assert [node["customer"] for node in told["data"]["orders"]["nodes"]] == [None, None]
    assert {error["extensions"]["code"] for error in told["errors"]} == {"ACCESS_DENIED"}
    told = world.ask(installation, "{ products(first: 1) { nodes { id } } }")
    assert told["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"


@pytest.mark.parametrize(
    "document",
    ["{", "{ nothing }", "query A { shop { name } } query B { shop { name } }", "{ orders { nodes { id } } }"],
)  # fmt: skip
def test_what_cannot_be_asked_is_an_error(world: World, document: str) -> None:
    told = world.ask(world.install(), document)
    assert told["errors"]
    assert "message" in told["errors"][0]


def test_the_cost_is_told_taken_and_given_back(world: World) -> None:
    installation = world.install()
    installation.bucket.available = installation.bucket.maximum
    document = """
    { orders(first: 100, query: "id:1") { nodes { id lineItems(first: 5) { nodes { id } } } } }"""
    cost = world.ask(installation, document)["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (600, 0)
    assert (
        cost["throttleStatus"]["currentlyAvailable"] == cost["throttleStatus"]["maximumAvailable"]
    )
    installation.bucket.available = 599
    told = world.ask(installation, document)
    assert told["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert "data" not in told
    assert told["extensions"]["cost"]["actualQueryCost"] is None
    wide = "{ orders(first: 250) { nodes { id lineItems(first: 5) { nodes { id } } } } }"
    told = world.ask(installation, wide)
    assert told["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"


def test_fragments_and_variables_cost_as_much() -> None:
    world = World(days=2.0)
    installation = world.install()
    plain = "{ orders(first: 7) { edges { node { id customer { id } } } } }"
    clad = """
    query ($n: Int = 7) { orders(first: $n) { ...page } }
    fragment page on OrderConnection { edges { node { ... on Order { id } ...buyer } } }
    fragment buyer on Order { customer { id } }"""
    costs = [world.ask(installation, one)["extensions"]["cost"] for one in (plain, clad)]
    assert costs[0]["requestedQueryCost"] == costs[1]["requestedQueryCost"] == 14
    assert costs[0]["actualQueryCost"] == costs[1]["actualQueryCost"]


# -- bulk operations -----------------------------------------------------------------------------

RUN = """
mutation ($q: String!) {
  bulkOperationRunQuery(query: $q) { bulkOperation { id status } userErrors { code message } }
}"""
LOOK = """
query ($id: ID!) {
  bulkOperation(id: $id) {
    status errorCode objectCount rootObjectCount fileSize url partialDataUrl completedAt
  }
}"""
EVERYTHING = """{ orders { edges { node { id name
    lineItems { edges { node { id quantity } } } refunds { id } } } } }"""


def _lines(world: World, url: str) -> list[dict[str, Any]]:
    file, _, query = url.rpartition("/")[2].partition(".jsonl?")
    until, signature = (part.partition("=")[2] for part in query.split("&"))
    assert world.standin.result(file, until, "0" * 64) is None
    lines = world.standin.result(file, until, signature)
    assert lines is not None
    return [json.loads(line) for line in lines]


def test_a_bulk_operation_runs_and_tells_everything(world: World) -> None:
    installation = world.install()
    started = world.data(installation, RUN, q=EVERYTHING)["bulkOperationRunQuery"]
    operation = started["bulkOperation"]
    assert (operation["status"], started["userErrors"]) == ("CREATED", [])
    seen: list[str] = []
    told: dict[str, Any] = {}
    for _ in range(12):
        world.clock.move(milliseconds=100)
        world.standin.operations[world.shop.domain].look_after(world.clock())
        told = world.data(installation, LOOK, id=operation["id"])["bulkOperation"]
        seen.append(told["status"])
    assert list(dict.fromkeys(seen)) == ["CREATED", "RUNNING", "COMPLETED"]
    rows = _lines(world, told["url"])
    orders = [row for row in rows if "__parentId" not in row]
    assert told["objectCount"] == str(len(rows))
    assert told["rootObjectCount"] == str(len(orders)) == str(len(standing(world)))
    assert {row["id"] for row in orders} == {gid("Order", r["id"]) for r in standing(world)}
    known: set[str] = set()
    for row in rows:
        # Parents come first, and nothing of a connection stays inside them.
        known.add(row["id"])
        assert row.get("__parentId", row["id"]) in known
        assert "lineItems" not in row
    children = [(r["__parentId"], r["id"]) for r in rows if "__parentId" in r]
    assert sorted(children) == sorted(
        (gid("Order", r["order_id"]), gid("LineItem", r["id"]))
        for r in world.shop.ledger.records.rows("order_lines")
    )


def test_half_of_a_failed_operation_can_be_fetched(world: World) -> None:
    installation = world.install()
    operations = world.standin.operations[world.shop.domain]
    operations.failures.append("TIMEOUT")
    made = world.data(installation, RUN, q="{ products { edges { node { id } } } }")
    world.clock.move(seconds=2)
    operations.look_after(world.clock())
    identifier = made["bulkOperationRunQuery"]["bulkOperation"]["id"]
    told = world.data(installation, LOOK, id=identifier)["bulkOperation"]
    assert (told["status"], told["errorCode"], told["url"]) == ("FAILED", "TIMEOUT", None)
    assert 0 < len(_lines(world, told["partialDataUrl"])) < len(world.shop.ledger.products)


def test_no_more_than_five_at_once_and_none_without_a_scope(world: World) -> None:
    installation = world.install()
    operations = world.standin.operations[world.shop.domain]
    query = "{ products { nodes { id } } }"
    told = [world.data(installation, RUN, q=query)["bulkOperationRunQuery"] for _ in range(6)]
    assert [bool(one["bulkOperation"]) for one in told] == [True] * 5 + [False]
    assert told[5]["userErrors"][0]["code"] == "OPERATION_IN_PROGRESS"
    cancel = """
    mutation ($id: ID!) {
      bulkOperationCancel(id: $id) { bulkOperation { status } userErrors { message } }
    }"""
    first = told[0]["bulkOperation"]["id"]
    assert world.data(installation, cancel, id=first)["bulkOperationCancel"]["bulkOperation"] == {
        "status": "CANCELING"
    }
    installation.scopes = frozenset({"read_orders"})
    world.clock.move(seconds=2)
    ended = operations.look_after(world.clock())
    assert sorted(one.status for one in ended) == ["CANCELED"] + ["FAILED"] * 4
    assert {one.error_code for one in ended} == {None, "ACCESS_DENIED"}
    installation.scopes = SCOPES


@pytest.mark.parametrize(
    "query",
    [
        "{ shop { name } }",
        "{ node(id: 1) { id } }",
        "mutation { bulkOperationCancel(id: 1) { userErrors { message } } }",
        "{ orders { edges { node { name lineItems { edges { node { id } } } } } } }",
        "{ orders { nodes { nothing } } }",
        "{ orders {",
        """{ customers { nodes { id orders { nodes { id refunds { id refundLineItems { nodes { id lineItem { id
           variant { id product { id variants { nodes { id } } } } } } } } } } } } }""",
    ],
)
def test_what_cannot_be_run_in_bulk_is_told(world: World, query: str) -> None:
    told = world.data(world.install(), RUN, q=query)["bulkOperationRunQuery"]
    assert told["bulkOperation"] is None
    assert told["userErrors"][0]["code"] == "INVALID"


# -- versions ------------------------------------------------------------------------------------


def test_versions_come_each_quarter_and_fall_forward() -> None:
    assert supported(NOW) == ["2026-01", "2026-04", "2026-07", "2026-10", "2027-01", "unstable"]
    assert served_as("2026-10", NOW) == "2026-10"
    assert served_as("2024-07", NOW) == "2026-01"
    assert served_as("2027-04", NOW) is None
    assert served_as("2026-11", NOW) is None
    begins = NOW.replace(month=10, day=1, hour=17)
    assert supported(begins)[3] == "2026-10"
    assert supported(begins - timedelta(seconds=1))[3] == "2026-07"
