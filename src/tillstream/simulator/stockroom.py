# ruff: noqa: PLR2004 - odds and shares read best where they are drawn
"""The shop around its orders: catalogue, collections, what is in stock where, addresses, moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.simulator.basket_making import on_sale
from tillstream.simulator.currency import at_rate
from tillstream.simulator.facts import Product, Variant
from tillstream.simulator.shop_clock import ShopClock, instant

if TYPE_CHECKING:
    from tillstream.simulator.books import Row
    from tillstream.simulator.plan import Move, ProductPlan
    from tillstream.simulator.shopfront import Shopfront

_DAY = 86_400


# -- opening -------------------------------------------------------------------------------------


def introduce(shop: Shopfront, _: None, at: int) -> None:
    """The shop and its catalogue, as they are told when an app is installed."""
    tell_shop(shop, at)
    _open_locations(shop, at)
    _take_address(shop, f"www.{shop.plan.domain.partition('.')[0]}.example", at)
    for number, plan in enumerate(shop.plan.products):
        product = _make_product(shop, plan, at - 90 * _DAY + number * 3_600, at)
        shop.products.append(product)
        shop.send_product(product, "products/create")
        for variant in product.variants:
            _tell_item(shop, product, variant, "inventory_items/create", at)
            _tell_level(shop, variant, "inventory_levels/connect", at)
    _arrange_collections(shop, at)


def tell_shop(shop: Shopfront, at: int) -> None:
    """``shop/update``."""
    shop.updated_at = max(at, shop.updated_at + 1)
    if shop.wants("shop/update"):
        body = shop.bodies.shop(shop.start - 400 * _DAY, shop.updated_at, shop.plan_name)
        shop.send("shop/update", body, at)


def change_plan(shop: Shopfront, _: None, at: int) -> None:
    """The shop pays Shopify more from now on."""
    shop.plan_name = "professional"
    tell_shop(shop, at)


def move(shop: Shopfront, where: Move, at: int) -> None:
    """The shop's time zone changes; from now on times are printed in the new one."""
    shop.clock = ShopClock(where.zone)
    shop.bodies.relocate(shop.clock, where.zone)
    if shop.wants("shop/update"):
        shop.ledger.move(where.zone)
    tell_shop(shop, at)


def _make_product(shop: Shopfront, plan: ProductPlan, made: int, at: int) -> Product:
    handle = plan.title.lower().replace(" ", "-")
    letters = "".join(word[0] for word in plan.title.upper().split())
    identifier = shop.next_id("product")
    variants = [
        Variant(
            id=shop.next_id("variant"),
            title=option,
            sku=f"{letters}-{identifier % 9_973:04d}-{position}",
            price=plan.price + plan.step * (position - 1),
            compare_at_price=None,
            inventory_item_id=shop.next_id("inventory_item"),
            inventory_quantity=shop.between(5, 160),
            position=position,
            cost=None if plan.gift_card else at_rate(plan.price, 420_000),
        )
        for position, option in enumerate(plan.options, 1)
    ]
    return Product(
        id=identifier,
        title=plan.title,
        handle=handle,
        product_type=plan.product_type,
        option_name=plan.option_name,
        vendor=plan.vendor or shop.plan.name,
        variants=variants,
        taxes=shop.plan.taxes if plan.taxes is None else plan.taxes,
        gift_card=plan.gift_card,
        grams=plan.grams,
        created_at=made,
        updated_at=at,
        tags=[*plan.tags],
    )


# -- keeping it ----------------------------------------------------------------------------------


def tend(shop: Shopfront, _: None, at: int) -> None:
    """Look after the catalogue: restock most days, drop a product once in a long while."""
    living = [product for product in shop.products if not product.deleted]
    update_product(shop, shop.random.choice(living), at)
    if shop.chance(0.004):
        delete_product(shop, shop.random.choice(living), at)
    if shop.chance(shop.plan.habits.upkeep):
        shop.random.choice((_rename_collection, _use_annexe, _change_address, _repaint_annexe))(
            shop, at
        )
    shop.later(at + shop.between(_DAY // 3, 2 * _DAY), tend)


def update_product(shop: Shopfront, product: Product, at: int) -> None:
    """Stock comes in, and a price now and then moves."""
    if product.deleted:
        return
    product.updated_at = max(at, product.updated_at + 1)
    repriced = not product.gift_card and shop.chance(0.15)
    if repriced:
        _reprice(shop, product)
    turned: list[tuple[Variant, str]] = []
    for variant in product.variants:
        before = variant.inventory_quantity
        variant.inventory_quantity = 0 if shop.chance(0.06) else shop.between(1, 180)
        if (before > 0) != (variant.inventory_quantity > 0):
            turned.append(
                (variant, "variants/in_stock" if before == 0 else "variants/out_of_stock")
            )
    shop.send_product(product, "products/update")
    for variant in product.variants:
        _tell_level(shop, variant, "inventory_levels/update", product.updated_at)
        if repriced:
            _tell_item(shop, product, variant, "inventory_items/update", product.updated_at)
    for variant, topic in turned:
        if shop.wants(topic):
            variant.in_stock = topic == "variants/in_stock"
            shop.send(topic, shop.bodies.variant(product, variant), product.updated_at)


def delete_product(shop: Shopfront, product: Product, at: int) -> None:
    """Take a product off, if enough others are left."""
    if product.deleted or len(on_sale(shop)) <= 5 or not shop.wants("products/delete"):
        return
    product.deleted = True
    shop.send("products/delete", shop.bodies.identifier_only(product.id), at)
    for variant in product.variants:
        item = variant.inventory_item_id
        body = shop.bodies.identifier_only(item)
        row: Row = {"id": item, "deleted": True}
        shop.note("inventory_items/delete", body, at, "inventory_items", row, item)


def _reprice(shop: Shopfront, product: Product) -> None:
    unit = 10 if shop.currency.decimals == 0 else 5
    share = shop.between(900_000, 1_120_000)
    for variant in product.variants:
        old = variant.price
        variant.price = max(unit, at_rate(old, share) // unit * unit)
        variant.compare_at_price = old if variant.price < old else None
        if variant.cost is not None:
            variant.cost = at_rate(variant.cost, share)


def _tell_item(shop: Shopfront, product: Product, variant: Variant, topic: str, at: int) -> None:
    cost, item = variant.cost, variant.inventory_item_id
    row: Row = {
        "id": item,
        "sku": variant.sku,
        "cost": None if cost is None else shop.currency.ten_thousandths(cost),
        "tracked": not product.gift_card,
        "requires_shipping": not product.gift_card,
        "created_at": instant(product.created_at),
        "updated_at": instant(at),
        "deleted": False,
    }
    body = shop.bodies.inventory_item(product, variant, at)
    shop.note(topic, body, at, "inventory_items", row, item)


def _tell_level(shop: Shopfront, variant: Variant, topic: str, at: int) -> None:
    if not shop.locations:
        return
    item, location = variant.inventory_item_id, shop.locations[0]
    row: Row = {
        "inventory_item_id": item,
        "location_id": location,
        "available": variant.inventory_quantity,
        "updated_at": instant(at),
        "deleted": False,
    }
    body = shop.bodies.inventory_level(item, location, variant.inventory_quantity, at)
    shop.note(topic, body, at, "inventory_levels", row, item, location)


# -- places --------------------------------------------------------------------------------------


def _open_locations(shop: Shopfront, at: int) -> None:
    """The shop itself, from where everything is sent, and an annexe that is used now and then."""
    shop.locations = [shop.id + 17, shop.next_id("location")]
    for identifier, name in zip(shop.locations, (shop.plan.name, "Annexe"), strict=True):
        _tell_location(
            shop, "locations/create", {"id": identifier, "name": name, "active": True}, at
        )


def _tell_location(shop: Shopfront, topic: str, told: Row, at: int) -> None:
    row: Row = {
        "country_code": shop.plan.place.code,
        "province_code": shop.plan.place.cities[0].province_code,
        "created_at": instant(shop.start),
        "deleted": False,
        **told,
        "updated_at": instant(at),
    }
    body = shop.bodies.location(row, shop.start, at)
    shop.note(topic, body, at, "locations", row, row["id"])


def _repaint_annexe(shop: Shopfront, at: int) -> None:
    """The annexe has another name, or is closed, or open again, or given up for a new one."""
    if not shop.wants("locations/update"):
        return
    identifier = shop.locations[1]
    row = shop.ledger.records.noted("locations", identifier)
    draw = shop.random.random()
    if draw < 0.15:
        body = shop.bodies.identifier_only(identifier)
        gone: Row = {"id": identifier, "deleted": True}
        shop.note("locations/delete", body, at, "locations", gone, identifier)
        shop.locations[1] = shop.next_id("location")
        told: Row = {"id": shop.locations[1], "name": "Annexe", "active": True}
        _tell_location(shop, "locations/create", told, at)
    elif draw < 0.5:
        _tell_location(shop, "locations/update", row | {"name": f"Annexe {shop.between(2, 9)}"}, at)
    else:
        topic = "locations/deactivate" if row["active"] else "locations/activate"
        _tell_location(shop, topic, row | {"active": not row["active"]}, at)


def _use_annexe(shop: Shopfront, at: int) -> None:
    """Something is put into the annexe for a day."""
    product = shop.random.choice(on_sale(shop))
    item, annexe = product.variants[0].inventory_item_id, shop.locations[1]
    if not shop.wants("inventory_levels/disconnect"):
        return
    row: Row = {
        "inventory_item_id": item,
        "location_id": annexe,
        "available": 0,
        "updated_at": instant(at),
        "deleted": False,
    }
    body = shop.bodies.inventory_level(item, annexe, 0, at)
    shop.note("inventory_levels/connect", body, at, "inventory_levels", row, item, annexe)
    shop.later(at + shop.between(3_600, _DAY), _clear_annexe, (item, annexe))


def _clear_annexe(shop: Shopfront, level: tuple[int, int], at: int) -> None:
    body = shop.bodies.inventory_disconnected(*level)
    row: Row = {"inventory_item_id": level[0], "location_id": level[1], "deleted": True}
    shop.note("inventory_levels/disconnect", body, at, "inventory_levels", row, *level)


def _take_address(shop: Shopfront, host: str, at: int) -> int:
    identifier = shop.next_id("domain")
    row: Row = {
        "id": identifier,
        "host": host,
        "ssl_enabled": False,
        "country": None,
        "default_locale": shop.plan.place.locale[:2],
        "alternate_locales": [],
        "deleted": False,
    }
    shop.note("domains/create", shop.bodies.domain(row), at, "domains", row, identifier)
    shop.later(at + shop.between(60, 900), _secure_address, identifier)
    return identifier


def _secure_address(shop: Shopfront, identifier: int, at: int) -> None:
    if shop.wants("domains/update"):
        row = shop.ledger.records.noted("domains", identifier) | {"ssl_enabled": True}
        shop.note("domains/update", shop.bodies.domain(row), at, "domains", row, identifier)


def _change_address(shop: Shopfront, at: int) -> None:
    """An address for a season, given up again after some days."""
    if shop.wants("domains/destroy"):
        identifier = _take_address(shop, f"season-{shop.between(100, 999)}.example", at)
        shop.later(at + shop.between(_DAY, 6 * _DAY), _drop_address, identifier)


def _drop_address(shop: Shopfront, identifier: int, at: int) -> None:
    body = shop.bodies.domain(shop.ledger.records.noted("domains", identifier))
    row: Row = {"id": identifier, "deleted": True}
    shop.note("domains/destroy", body, at, "domains", row, identifier)


# -- collections ---------------------------------------------------------------------------------


def _arrange_collections(shop: Shopfront, at: int) -> None:
    """One by type, one by vendor or tag, and one arranged by hand."""
    kinds = [product.product_type for product in shop.products if not product.gift_card]
    vendor = shop.products[0].vendor
    rules = [
        (kinds[0], True, [{"column": "type", "relation": "equals", "condition": kinds[0]}]),
        (
            f"{vendor} and gifts",
            True,
            [
                {"column": "vendor", "relation": "equals", "condition": vendor},
                {"column": "tag", "relation": "equals", "condition": "gift"},
            ],
        ),
        ("Favourites", None, None),
    ]
    for title, disjunctive, found in rules:
        identifier = shop.next_id("collection")
        row: Row = {
            "id": identifier,
            "title": title,
            "handle": title.lower().replace(" ", "-"),
            "kind": "custom" if found is None else "smart",
            "disjunctive": disjunctive,
            "rules": found,
            "published_at": instant(at - 3_600),
            "deleted": False,
        }
        _tell_collection(shop, "collections/create", row, at)


def _rename_collection(shop: Shopfront, at: int) -> None:
    """A collection gets a new title; one in eight goes, and one like it comes in its place."""
    standing = [row for row in shop.ledger.records.rows("collections") if not row["deleted"]]
    if not standing or not shop.wants("collections/update"):
        return
    row = shop.random.choice(standing)
    if shop.chance(0.125):
        body, identifier = shop.bodies.collection_deleted(row["id"]), row["id"]
        gone: Row = {"id": identifier, "deleted": True}
        shop.note("collections/delete", body, at, "collections", gone, identifier)
        row = row | {"id": shop.next_id("collection")}
        _tell_collection(shop, "collections/create", row, at)
    else:
        title = f"{row['title'].partition(' (')[0]} ({shop.between(1, 99)})"
        _tell_collection(shop, "collections/update", row | {"title": title}, at)


def _tell_collection(shop: Shopfront, topic: str, row: Row, at: int) -> None:
    told = {**row, "updated_at": instant(at)}
    shop.note(topic, shop.bodies.collection(told, at), at, "collections", told, row["id"])
