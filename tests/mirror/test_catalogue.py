"""Products, variants, collections, stock and places, by examples that a person can follow.

Real readers and join. Each example is told in every order; all of them have to end alike.
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tillstream.mirror.collections import Collection, Rule, members
from tillstream.mirror.join import Element, encode, join
from tillstream.mirror.merge import MIRRORED
from tillstream.mirror.products import Product, Variant
from tillstream.mirror.topics import read

if TYPE_CHECKING:
    from tests.mirror.bodies import Body, Told
    from tillstream.mirror.change import Resource

NINE, TEN, ELEVEN = (f"2026-03-01T{hour:02}:00:00Z" for hour in (9, 10, 11))


def after(resource: Resource, key: int | str, *deliveries: Told) -> Any:
    """The resource, whatever the order. ``triggered_at`` of a body stands for the header."""
    found: dict[str, Element] = {}
    for order in permutations(deliveries):
        element = Element()
        for topic, body in order:
            triggered_at = body.get("triggered_at", "")
            for change in read(topic, msgspec.json.encode(body), triggered_at):
                if (change.resource, change.key) == (resource, key):
                    element = join(element, change.element)
        found[encode(element)] = element
    (element,) = found.values()
    return MIRRORED[resource].view(key, element)


def product(at: str, *variants: Body, **more: Any) -> Told:
    return "products/update", {"id": 3, "updated_at": at, "variants": list(variants), **more}


def gids(*keys: int) -> list[Body]:
    return [{"admin_graphql_api_id": f"gid://shopify/ProductVariant/{key}"} for key in keys]


def stocked(at: str, key: int = 31, *, out: bool = False, **more: Any) -> Told:
    topic = "variants/out_of_stock" if out else "variants/in_stock"
    return topic, {"id": key, "product_id": 3, "updated_at": at, **more}


def ids(found: Product) -> list[int]:
    return [variant.id for variant in found.variants]


def test_variants_past_the_hundredth_are_not_lost() -> None:
    """102 variants, of which the body tells 100 at length; an older body told 102 at length."""
    told = [{"id": key, "position": key, "price": "1.00"} for key in range(1, 101)]
    late = [{"id": key, "position": key, "price": "2.00"} for key in range(3, 103)]
    everything = gids(*range(1, 103))
    found: Product = after(
        "product",
        3,
        product(NINE, *told, variant_gids=everything),
        product(TEN, *late, variant_gids=everything),
    )
    assert ids(found) == list(range(1, 103))
    assert [found.variants[at].price for at in (0, 1, 2, 101)] == [10_000, 10_000, 20_000, 20_000]
    only: Product = after("product", 3, product(NINE, *told, variant_gids=everything))
    assert ids(only) == list(range(1, 103))
    assert only.variants[101] == Variant(102)


def test_a_hundred_variants_without_a_list_of_ids_say_nothing_of_the_others() -> None:
    told = [{"id": key, "position": key} for key in range(1, 101)]
    found: Product = after(
        "product", 3, product(NINE, {"id": 500, "position": 500}), product(TEN, *told)
    )
    assert ids(found) == [*range(1, 101), 500]


def test_a_variant_that_the_newest_list_lacks_is_gone() -> None:
    both = product(NINE, {"id": 31, "position": 1}, {"id": 32, "position": 2})
    one = product(TEN, {"id": 32, "position": 1})
    assert ids(after("product", 3, both, one)) == [32]
    assert ids(after("product", 3, both, one, stocked(NINE))) == [32]
    assert ids(after("product", 3, both, one, product(ELEVEN))) == []


def test_a_variant_may_come_before_its_product() -> None:
    alone: Product = after("product", 3, stocked(NINE, title="Red", price="9.00"))
    assert alone.variants == [Variant(31, title="Red", price=90_000, in_stock=True)]
    assert (alone.title, alone.deleted) == (None, False)
    # New since the list: the body of the product that has it is still under way.
    newer: Product = after("product", 3, product(NINE, {"id": 32, "position": 1}), stocked(TEN))
    assert ids(newer) == [32, 31]


def test_what_a_product_says_of_a_variant_and_what_the_variant_says_itself() -> None:
    whole = {
        "id": 31,
        "position": 1,
        "inventory_item_id": 41,
        "inventory_quantity": 4,
        "price": "9.00",
    }
    found: Product = after(
        "product",
        3,
        product(NINE, whole, title="Kettle"),
        stocked(TEN, out=True, inventory_quantity=0),
    )
    (variant,) = found.variants
    assert (variant.inventory_item_id, variant.inventory_quantity, variant.in_stock) == (
        41,
        0,
        False,
    )
    later: Product = after(
        "product",
        3,
        stocked(TEN, out=True, inventory_quantity=0),
        product(ELEVEN, {**whole, "inventory_quantity": 7}),
        stocked(ELEVEN, inventory_quantity=7),
    )
    assert (later.variants[0].inventory_quantity, later.variants[0].in_stock) == (7, True)


def test_a_deleted_product_has_no_variants_to_show() -> None:
    found: Product = after(
        "product", 3, product(NINE, {"id": 31}), ("products/delete", {"id": 3}), stocked(TEN)
    )
    assert found.deleted
    assert MIRRORED["product"].children[0].rows(found) == []


def level(at: str, available: int | None, topic: str = "update") -> Told:
    return f"inventory_levels/{topic}", {
        "inventory_item_id": 41,
        "location_id": 51,
        "available": available,
        "updated_at": at,
    }


def disconnected(at: str) -> Told:
    body = {"inventory_item_id": 41, "location_id": 51, "triggered_at": at}
    return "inventory_levels/disconnect", body


@pytest.mark.parametrize(
    ("told", "available", "deleted"),
    [
        ([level(NINE, 6), level(TEN, 4)], 4, False),
        ([level(NINE, 6), disconnected(TEN)], 6, True),
        ([level(NINE, 6), disconnected(TEN), level(ELEVEN, 2, "connect")], 2, False),
        ([level(NINE, None, "connect"), disconnected("not a time")], None, False),
        ([disconnected(TEN)], None, True),
        ([level(NINE, -3)], -3, False),
    ],
)
def test_an_item_may_be_stocked_somewhere_again(
    told: list[Told], available: int | None, *, deleted: bool
) -> None:
    found = after("inventory_level", "41:51", *told)
    assert (found.inventory_item_id, found.location_id) == (41, 51)
    assert (found.available, found.deleted) == (available, deleted)


def test_domains_are_as_of_the_last_trigger() -> None:
    def domain(host: str, at: str) -> Told:
        return "domains/update", {"id": 5, "host": host, "localization": None, "triggered_at": at}

    found = after("domain", 5, domain("new.example", TEN), domain("old.example", NINE))
    assert found.host == "new.example"
    gone = after("domain", 5, ("domains/destroy", {"id": 5}), domain("late.example", ELEVEN))
    assert gone.deleted


def test_a_location_can_be_closed_and_opened_again() -> None:
    def told(topic: str, at: str, *, active: bool) -> Told:
        return f"locations/{topic}", {"id": 51, "name": "Depot", "active": active, "updated_at": at}

    found = after(
        "location",
        51,
        told("create", NINE, active=True),
        told("deactivate", TEN, active=False),
        told("activate", ELEVEN, active=True),
    )
    assert (found.active, found.deleted) == (True, False)
    assert after(
        "location", 51, told("create", NINE, active=True), ("locations/delete", {"id": 51})
    ).deleted


def test_the_kinds_of_collections() -> None:
    rules = [{"column": "tag", "relation": "equals", "condition": "sale"}]
    smart: Collection = after(
        "collection",
        55,
        (
            "collections/create",
            {"id": 55, "updated_at": NINE, "rules": rules, "disjunctive": False},
        ),
        # A body that was reduced to a few fields makes no custom one of it.
        ("collections/update", {"id": 55, "updated_at": TEN, "title": "Sale"}),
    )
    assert (smart.kind, smart.title, smart.disjunctive) == ("smart", "Sale", False)
    assert smart.rules == [Rule("tag", "equals", "sale")]
    custom: Collection = after(
        "collection", 55, ("collections/create", {"id": 55, "title": "Picks"})
    )
    assert (custom.kind, custom.rules) == ("custom", None)
    assert after("collection", 55, ("collections/delete", {"id": 55})).kind == "unknown"


KETTLE = Product(
    1, deleted=False, updated_at=None, title="Steel kettle", vendor="Ember", product_type="Kitchen",
    tags=["red", "sale"],
    variants=[
        Variant(11, title="Small", price=90_000, compare_at_price=120_000, inventory_quantity=0),
        Variant(12, title="Large", price=150_000, inventory_quantity=8),
    ],
)  # fmt: skip
TEAPOT = Product(
    2, deleted=False, updated_at=None, title="Teapot", vendor="Oak", product_type="Kitchen", tags=[],
    variants=[Variant(21, title="Large", price=200_000, inventory_quantity=3)],
)  # fmt: skip
UNTOLD = Product(3, deleted=False, updated_at=None, variants=[Variant(31)])
GONE = Product(4, deleted=True, updated_at=None, title="Steel kettle", tags=["sale"])
SHELF = [KETTLE, TEAPOT, UNTOLD, GONE]


def smart(*rules: tuple[str, str, str], disjunctive: bool = False) -> Collection:
    return Collection(
        55, deleted=False, updated_at=None, kind="smart", disjunctive=disjunctive,
        rules=[Rule(*rule) for rule in rules],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (("title", "equals", "teapot"), [2]),
        (("title", "not_equals", "Teapot"), [1, 3]),
        (("title", "contains", "KETTLE"), [1]),
        (("title", "not_contains", "t"), [3]),
        (("title", "starts_with", "steel"), [1]),
        (("title", "ends_with", "pot"), [2]),
        (("type", "equals", "kitchen"), [1, 2]),
        (("vendor", "equals", "Ember"), [1]),
        (("tag", "equals", "Sale"), [1]),
        (("tag", "not_equals", "sale"), [2, 3]),
        (("variant_title", "equals", "large"), [1, 2]),
        (("variant_price", "less_than", "10.00"), [1]),
        (("variant_price", "greater_than", "15"), [2]),
        (("variant_price", "equals", "20.00"), [2]),
        (("variant_compare_at_price", "greater_than", "0"), [1]),
        (("variant_compare_at_price", "is_not_set", ""), [2, 3]),
        (("is_price_reduced", "is_set", ""), [1]),
        (("variant_inventory", "greater_than", "0"), [1, 2]),
        (("variant_inventory", "less_than", "1"), [1]),
    ],
)
def test_who_is_in_a_smart_collection(rule: tuple[str, str, str], expected: list[int]) -> None:
    assert members(smart(rule), SHELF) == expected


def test_all_rules_or_one_of_them() -> None:
    rules = (("type", "equals", "Kitchen"), ("tag", "equals", "sale"))
    assert members(smart(*rules), SHELF) == [1]
    assert members(smart(*rules, disjunctive=True), SHELF) == [1, 2]
    assert members(smart(), SHELF) == []


@pytest.mark.parametrize(
    "rule",
    [
        ("variant_weight", "greater_than", "1"),
        ("product_metafield_definition", "equals", "x"),
        ("title", "sounds_like", "x"),
        ("variant_price", "equals", "cheap"),
        ("variant_inventory", "less_than", "NaN"),
    ],
)
def test_what_deliveries_cannot_say(rule: tuple[str, str, str]) -> None:
    assert members(smart(rule), SHELF) is None
    assert members(smart(rule, ("title", "equals", "teapot"), disjunctive=True), SHELF) is None
    custom = Collection(55, deleted=False, updated_at=None, kind="custom")
    assert members(custom, SHELF) is None


def test_a_deleted_collection_has_nobody() -> None:
    rules = [Rule("title", "contains", "t")]
    assert (
        members(Collection(55, deleted=True, updated_at=None, kind="smart", rules=rules), SHELF)
        == []
    )
