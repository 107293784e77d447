"""Real bodies, captured from shops or published by Shopify, through the whole program.

They belong to others and are not part of the project: where the folder is absent the tests are skipped.
`TILLSTREAM_TEST_PAYLOADS` names another folder of the same layout: `<topic>/<anything>.json`.
See installation.py for the rules.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest

from tests.rollup.worlds import NOW, delivery, world
from tests.story.crew import work
from tests.story.post import post
from tillstream.command.notices import TOPICS as LIFECYCLE
from tillstream.mirror.topics import READERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conftest import Database
    from tests.story.installation import Installation
    from tillstream.journal.contract import Delivery

FOLDER = Path(
    os.environ.get("TILLSTREAM_TEST_PAYLOADS")
    or Path(__file__).resolve().parents[3] / "shared" / "payloads"
)
SHOP = "real-bodies.myshopify.com"

ORDERS_OF_TELLING = 50
SECOND_SUBSCRIPTION = 0.2
"""Of the repeats, those that another subscription sent: another webhook id, the same body."""
AGAIN = " again"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the collection of real bodies is not beside the checkout"
)


def bodies() -> list[tuple[str, Path]]:
    """Each body with the topic it is sent under; REST objects go as an update of their resource."""
    return [(_topic(file.parent.name), file) for file in sorted(FOLDER.glob("*/*.json"))]


def _topic(folder: str) -> str:
    resource, _, event = folder.partition("-")
    if event in {"rest", "anonymised"}:
        event = {"orders": "updated", "refunds": "create"}.get(resource, "update")
    return f"{resource}/{event or 'update'}"


def test_every_body_is_accepted_and_applied(installation: Installation) -> None:
    """All are accepted; of the topics that are mirrored, only bodies with placeholder amounts park."""
    client = installation.account("owner@payloads.example")
    store = client.post("/api/stores", json={"domain": SHOP, "currency": "USD"}).json()
    sent = Counter[str]()
    for topic, file in bodies():
        answer = post(client, installation, SHOP, topic, file.read_bytes())
        assert answer.status_code == 200, (file, answer.text)
        sent[topic] += 1
    status = installation.settle()
    assert status["unrouted"] == 0
    parked = installation.cli("journal", "parked", "--limit", "1000")
    assert status["parked"] == len(parked)
    # What is said of an installation or a person is not believed of another shop than the body's own.
    others = [row for row in parked if row["reason"] == "another_shop"]
    assert {row["topic"] for row in others} <= LIFECYCLE
    parked = [row for row in parked if row not in others]
    assert {row["topic"] for row in parked} <= READERS.keys()
    expected = sum(_is_malformed(topic, file) for topic, file in bodies())
    assert len(parked) == expected, Counter((row["reason"], row["detail"]) for row in parked)
    # Those that park say plainly why: an amount that is the words "example string", an order without id.
    for row in parked:
        assert "example string" in row["detail"] or row["reason"] == "missing_id", row
    assert sum(sent.values()) == status["accepted"]
    assert store["domain"] == SHOP


async def test_fifty_orders_of_telling_end_in_one_state(database: Database) -> None:
    """All bodies in fifty random orders, some repeated, over one to four workers: one state."""
    told = [(topic, file.read_bytes()) for topic, file in bodies()]
    hashes: Counter[str] = Counter()
    held: set[frozenset[str]] = set()
    async with world(database) as here:
        stores = [here.store(here.tenant(), currency=None) for _ in range(ORDERS_OF_TELLING)]
        for seed, (domain, store) in enumerate(stores):
            dice = random.Random(seed)
            deliveries = _disordered(domain, told, dice)
            left = await work(here, deliveries, NOW, workers=1 + seed % 4, dice=dice, largest=150)
            held.add(frozenset(_original(row.content.webhook_id) for row in left.held.values()))
            hashes[await here.state(store)] += 1
        assert list(hashes.values()) == [ORDERS_OF_TELLING], hashes
        assert len(held) == 1
        report = await here.verify(stores[0][1], NOW)
        assert report.differences == []


def _disordered(
    domain: str, told: Sequence[tuple[str, bytes]], dice: random.Random
) -> list[Delivery]:
    """Every body once, a fifth of them again (mostly as the same delivery), in any order."""
    all_of_them = [
        delivery(domain, topic, body, key=f"body {number}")
        for number, (topic, body) in enumerate(told)
    ]
    repeated = dice.sample(all_of_them, len(all_of_them) // 5)
    again = [
        msgspec.structs.replace(one, webhook_id=one.webhook_id + AGAIN)
        if dice.random() < SECOND_SUBSCRIPTION
        else one
        for one in repeated
    ]
    all_of_them += again
    dice.shuffle(all_of_them)
    return all_of_them


def _original(webhook_id: str) -> str:
    return webhook_id.removesuffix(AGAIN)


def _is_malformed(topic: str, file: Path) -> bool:
    """By a look at the raw text alone: a placeholder where an amount or an id belongs."""
    if topic not in READERS:
        return False
    body: Any = json.loads(file.read_bytes())
    if "order_edit" in body:
        return False
    if not body or (topic.startswith("orders/") and "id" not in body):
        return True
    # Of these, no amounts are read.
    unread = ("customers/", "shop/", "fulfillments/")
    return _has_words_for_amounts(body) and not topic.startswith(unread)


def _has_words_for_amounts(value: Any) -> bool:
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return any(
            inner == "example string"
            if name in {"amount", "price", "total_price"}
            else _has_words_for_amounts(inner)
            for name, inner in pairs
        )
    return isinstance(value, list) and any(map(_has_words_for_amounts, cast("list[Any]", value)))
