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

import pytest

from tests.story.post import post
from tillstream.command.notices import TOPICS as LIFECYCLE
from tillstream.mirror.topics import READERS, read
from tillstream.mirror.values import Malformed

if TYPE_CHECKING:
    from tests.story.installation import Installation

FOLDER = Path(
    os.environ.get("TILLSTREAM_TEST_PAYLOADS")
    or Path(__file__).resolve().parents[3] / "shared" / "payloads"
)
SHOP = "real-bodies.myshopify.com"

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


def test_fifty_orders_of_telling_end_in_one_state(installation: Installation) -> None:
    """All bodies under one topic each, in fifty random orders: the elements end equal."""
    from tillstream.mirror.join import Element, encode, join  # noqa: PLC0415

    told: list[tuple[str, Element]] = []
    for topic, file in bodies():
        try:
            changes = read(topic, file.read_bytes())
        except Malformed:
            continue
        told += [(f"{change.resource} {change.key}", change.element) for change in changes]
    states: set[str] = set()
    for seed in range(50):
        shuffled = told + random.Random(seed).sample(told, len(told) // 5)
        random.Random(-seed).shuffle(shuffled)
        merged: dict[str, Element] = {}
        for key, element in shuffled:
            merged[key] = join(merged.get(key, Element()), element)
        states.add(json.dumps({key: encode(merged[key]) for key in sorted(merged)}))
    assert len(states) == 1
    assert installation.cli("verify")["ok"]


def _is_malformed(topic: str, file: Path) -> bool:
    """By a look at the raw text alone: a placeholder where an amount or an id belongs."""
    if topic not in READERS:
        return False
    body: Any = json.loads(file.read_bytes())
    if "order_edit" in body:
        return False
    if topic.startswith("orders/") and "id" not in body:
        return True
    return _has_words_for_amounts(body) and not topic.startswith(("customers/", "shop/"))


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
