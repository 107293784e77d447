"""Collections: ``collections/*``, and which products belong to a smart one.

A smart collection is a rule about products; a custom one is a list of them that no webhook tells, so
who is in it cannot be known from deliveries.
https://shopify.dev/docs/api/admin-rest/latest/resources/smartcollection
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from tillstream.foundation.money import NotMoney, parse_money
from tillstream.mirror.join import Element, merged, newest
from tillstream.mirror.reading import Readers, as_flag, as_text, change, gone, named
from tillstream.mirror.values import moment, objects, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tillstream.mirror.change import Body, Change
    from tillstream.mirror.products import Product, Variant


class Rule(msgspec.Struct, frozen=True):
    """What a product must be like: ``column relation condition``, such as ``tag equals sale``."""

    column: str
    relation: str
    condition: str = ""


class Collection(msgspec.Struct, frozen=True):
    """A merged collection. Times in µs since the epoch.

    ``disjunctive``: one of the rules is enough, rather than all of them. ``rules`` are null unless it
    is smart.
    """

    id: int
    deleted: bool
    updated_at: int | None
    kind: Literal["smart", "custom", "unknown"]
    title: str | None = None
    handle: str | None = None
    disjunctive: bool | None = None
    rules: list[Rule] | None = None
    published_at: int | None = None


def read(body: Body) -> list[Change]:
    """``collections/create`` and ``collections/update``."""
    return [change("collection", body, _READERS if body.get("rules") is not None else _CUSTOM)]


def read_delete(body: Body) -> list[Change]:
    """``collections/delete``."""
    return [gone("collection", body)]


def view(collection_id: int, element: Element) -> Collection:
    """The merged collection of an element."""
    told = merged(element.layers)
    # What has rules is smart, and stays so: Shopify never turns one kind into the other.
    kind = "smart" if "rules" in told else "custom" if told else "unknown"
    return msgspec.convert(
        {
            **told,
            "id": collection_id,
            "deleted": element.deleted,
            "updated_at": newest(element.layers),
            "kind": kind,
        },
        Collection,
    )


def members(collection: Collection, products: Iterable[Product]) -> list[int] | None:
    """The ids of the products in a smart collection, in the order given.

    None where deliveries cannot say: for a custom collection, and for a rule about something that
    products' bodies do not tell (weights, metafields, categories).
    """
    if collection.rules is None or not all(_known(rule) for rule in collection.rules):
        return None
    if collection.deleted or not collection.rules:
        return []
    enough = any if collection.disjunctive else all
    return [
        product.id
        for product in products
        if not product.deleted and enough(_holds(rule, product) for rule in collection.rules)
    ]


def _known(rule: Rule) -> bool:
    if rule.column in _WORDS:
        return rule.relation in _OF_WORDS
    if rule.column == "is_price_reduced":
        return rule.relation in _IS_SET
    if rule.column == "variant_compare_at_price" and rule.relation in _IS_SET:
        return True
    return (
        rule.column in _NUMBERS
        and rule.relation in _OF_NUMBERS
        and _wanted(rule.column, rule.condition) is not None
    )


def _holds(rule: Rule, product: Product) -> bool:
    """Whether a product is as a rule wants it; of its variants, one is enough."""
    if rule.column in _WORDS:
        words = [word.casefold() for word in _WORDS[rule.column](product)]
        return _OF_WORDS[rule.relation](words, rule.condition.casefold())
    if rule.relation in _IS_SET:
        reduced = any(_compared(rule.column, variant) for variant in product.variants)
        return reduced == (rule.relation == "is_set")
    wanted = _wanted(rule.column, rule.condition)
    numbers = [_NUMBERS[rule.column](variant) for variant in product.variants]
    compare = _OF_NUMBERS[rule.relation]
    return any(
        compare(number, wanted) for number in numbers if number is not None and wanted is not None
    )


def _compared(column: str, variant: Variant) -> bool:
    """Whether a variant has a price to be compared at; for a reduced price, a higher one."""
    if variant.compare_at_price is None:
        return False
    return column == "variant_compare_at_price" or variant.compare_at_price > (variant.price or 0)


def _wanted(column: str, condition: str) -> Decimal | int | None:
    """The number in a condition, as the column counts; None where there is none."""
    try:
        if column != "variant_inventory":
            return parse_money(condition.strip())
        number = Decimal(condition.strip())
    except (InvalidOperation, NotMoney):
        return None
    return number if number.is_finite() else None


def _titles(product: Product) -> list[str]:
    return [variant.title or "" for variant in product.variants]


_WORDS: Final[dict[str, Callable[[Product], Sequence[str]]]] = {
    "title": lambda product: [product.title or ""],
    "type": lambda product: [product.product_type or ""],
    "vendor": lambda product: [product.vendor or ""],
    "tag": lambda product: product.tags,
    "variant_title": _titles,
}
_NUMBERS: Final[dict[str, Callable[[Variant], int | None]]] = {
    "variant_price": lambda variant: variant.price,
    "variant_compare_at_price": lambda variant: variant.compare_at_price,
    "variant_inventory": lambda variant: variant.inventory_quantity,
}
# The negations are about the product: no tag, and no variant's title, may be what is ruled out.
_OF_WORDS: Final[dict[str, Callable[[Sequence[str], str], bool]]] = {
    "equals": lambda words, wanted: wanted in words,
    "not_equals": lambda words, wanted: wanted not in words,
    "starts_with": lambda words, wanted: any(word.startswith(wanted) for word in words),
    "ends_with": lambda words, wanted: any(word.endswith(wanted) for word in words),
    "contains": lambda words, wanted: any(wanted in word for word in words),
    "not_contains": lambda words, wanted: not any(wanted in word for word in words),
}
_OF_NUMBERS: Final[dict[str, Callable[[int, Decimal | int], bool]]] = {
    "equals": lambda number, wanted: number == wanted,
    "not_equals": lambda number, wanted: number != wanted,
    "greater_than": lambda number, wanted: number > wanted,
    "less_than": lambda number, wanted: number < wanted,
}
_IS_SET: Final = frozenset({"is_set", "is_not_set"})


def _rules(value: Any, name: str) -> list[dict[str, str]]:
    return [
        {
            "column": text(one.get("column")) or "",
            "relation": text(one.get("relation")) or "",
            "condition": text(one.get("condition")) or "",
        }
        for one in objects(value, name)
    ]


_CUSTOM: Final[Readers] = {
    **named(as_text, "title", "handle"),
    **named(moment, "published_at"),
}
_READERS: Final[Readers] = {
    **_CUSTOM,
    **named(as_flag, "disjunctive"),
    **named(_rules, "rules"),
}
