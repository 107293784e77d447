"""Bad input loses nothing: each piece is refused with a clear answer or parked alone with a reason.

Between any two bad deliveries goes a good one, and in the end exactly the good ones are in the figures.
See installation.py for the rules.
"""

from __future__ import annotations

import base64
import itertools
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.story.post import order, post
from tillstream.shopify.signing import sign_webhook

if TYPE_CHECKING:
    import httpx

    from tests.story.installation import Installation

SHOP = "rough-sea.myshopify.com"
STRANGER = "not-yet-here.myshopify.com"

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def client(installation: Installation) -> httpx.Client:
    """The owner of the shop."""
    client = installation.account("owner@rough.example")
    created = client.post(
        "/api/stores", json={"domain": SHOP, "currency": "USD", "timezone": "UTC"}
    )
    assert created.status_code == 201, created.text
    return client


def _good(client: httpx.Client, installation: Installation) -> None:
    number = next(_numbers)
    answer = post(client, installation, SHOP, "orders/create", order(number, "10.00"))
    assert answer.status_code == 200, answer.text


BODY = json.dumps(order(900_001, "66.00")).encode()
RIGHT_LENGTH = base64.b64encode(bytes(32)).decode()

REFUSED: list[tuple[str, bytes, dict[str, str | None], int]] = [
    ("a signature of zeros", BODY, {"x_shopify_hmac_sha256": RIGHT_LENGTH}, 401),
    (
        "a signature by another secret",
        BODY,
        {"x_shopify_hmac_sha256": sign_webhook(b"other", BODY)},
        401,
    ),
    ("no signature", BODY, {"x_shopify_hmac_sha256": None}, 401),
    ("an empty signature", BODY, {"x_shopify_hmac_sha256": ""}, 401),
    ("a truncated signature", BODY, {"x_shopify_hmac_sha256": sign_webhook(b"x", BODY)[:20]}, 401),
    ("a signature that is no base64", BODY, {"x_shopify_hmac_sha256": "*** not base64 ***"}, 401),
    ("an empty body", b"", {}, 400),
    ("no topic", BODY, {"x_shopify_topic": None}, 400),
    ("no shop", BODY, {"x_shopify_shop_domain": None}, 400),
    ("no webhook id", BODY, {"x_shopify_webhook_id": None}, 400),
    ("no API version", BODY, {"x_shopify_api_version": None}, 400),
    ("another kind of domain", BODY, {"x_shopify_shop_domain": "shop.example.com"}, 400),
    (
        "a domain that only begins right",
        BODY,
        {"x_shopify_shop_domain": "a.myshopify.com.evil.example"},
        400,
    ),
    ("a domain with a path", BODY, {"x_shopify_shop_domain": "evil.example/a.myshopify.com"}, 400),
    ("a topic that is none", BODY, {"x_shopify_topic": "../../etc/passwd"}, 400),
    ("20 MB", b'{"id": 1, "note": "' + b"x" * 20_000_000 + b'"}', {}, 413),
]


@pytest.mark.parametrize(
    ("what", "body", "headers", "status"), REFUSED, ids=[row[0] for row in REFUSED]
)
def test_refused_with_a_problem(
    client: httpx.Client,
    installation: Installation,
    what: str,
    body: bytes,
    headers: dict[str, str | None],
    status: int,
) -> None:
    """The answer is problem+json that says what is wrong."""
    _good(client, installation)
    answer = post(client, installation, SHOP, "orders/create", body, **headers)
    assert answer.status_code == status, (what, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert len(problem["detail"]) > 10
    _good(client, installation)


def _with(**fields: Any) -> bytes:
    return json.dumps(order(next(_numbers) + 500_000, "66.00", **fields)).encode()


PARKED: list[tuple[str, str, bytes, str]] = [
    ("not JSON", "orders/create", b"this is not JSON", "not_json"),
    ("half a body", "orders/create", BODY[: len(BODY) // 2], "not_json"),
    ("not UTF-8", "orders/create", b'{"id": 1, "name": "\xff\xfe"}', "not_json"),
    ("an array", "orders/create", b"[1, 2, 3]", "not_an_object"),
    ("a string", "orders/create", b'"hello"', "not_an_object"),
    ("null", "orders/create", b"null", "not_an_object"),
    (
        "10,000 deep",
        "orders/create",
        b'{"id":1,"a":' * 10_000 + b"1" + b"}" * 10_000,
        "nested_too_deep",
    ),
    ("no id", "orders/create", b'{"name": "#1"}', "missing_id"),
    ("an id of words", "orders/create", b'{"id": "first"}', "malformed_id"),
    ("an id beyond 64 bits", "orders/create", b'{"id": 99999999999999999999999}', "malformed_id"),
    ("an amount of words", "orders/create", _with(total_price="a lot"), "malformed_amount"),
    (
        "an amount beyond all measure",
        "orders/create",
        _with(total_price="1e300"),
        "malformed_amount",
    ),
    ("a time of words", "orders/create", _with(processed_at="yesterday"), "malformed_time"),
    (
        "a 31st of February",
        "orders/create",
        _with(updated_at="2026-02-31T00:00:00Z"),
        "malformed_time",
    ),
    ("lines that are no list", "orders/create", _with(line_items="three mugs"), "malformed_shape"),
    (
        "a quantity of words",
        "orders/create",
        _with(line_items=[{"id": 1, "quantity": "many"}]),
        "malformed_quantity",
    ),
    ("a checkout without token", "checkouts/update", b'{"email": "a@b.example"}', "missing_id"),
    ("a refund without order", "refunds/create", b'{"id": 5}', "missing_id"),
]


def test_each_parks_alone_with_its_reason(client: httpx.Client, installation: Installation) -> None:
    """They were signed, so they are accepted and kept; each parks with a reason, and all around it is applied."""
    for what, topic, body, _ in PARKED:
        _good(client, installation)
        answer = post(client, installation, SHOP, topic, body, x_shopify_webhook_id=what)
        assert answer.status_code == 200, (what, answer.text)
        _good(client, installation)
    assert installation.settle()["parked"] == len(PARKED)
    rows = {row["webhook_id"]: row for row in installation.cli("journal", "parked")}
    assert {what: rows[what]["reason"] for what, *_ in PARKED} == {
        what: reason for what, _, _, reason in PARKED
    }
    assert {row["shop"] for row in rows.values()} == {SHOP}
    assert all(len(row["detail"]) > 20 for row in rows.values())


def test_released_ones_are_tried_again(client: httpx.Client, installation: Installation) -> None:
    """Releasing what is still hopeless parks it again, and loses nothing."""
    assert client.get("/api/auth/me").status_code == 200
    assert installation.cli("journal", "release", "--all")["released"] == len(PARKED)
    assert installation.settle()["parked"] == len(PARKED)


def test_strange_but_well_formed(client: httpx.Client, installation: Installation) -> None:
    """Ids above 2^53, topics nobody knows, headers in any case and of the newer family are all welcome."""
    before = installation.settle()
    huge = order(2**62 + 1, "3.00")
    assert post(client, installation, SHOP, "orders/create", huge).status_code == 200
    assert post(client, installation, SHOP, "planets/align", b'{"when": "soon"}').status_code == 200
    body = json.dumps(order(2**62 + 3, "4.00")).encode()
    newer = {
        "Shopify-Hmac-SHA256": sign_webhook(installation.secret, body),
        "SHOPIFY-TOPIC": "orders/create",
        "shopify-shop-domain": SHOP.upper(),
        "Shopify-Webhook-Id": "w-1",
        "Shopify-API-Version": "2026-10",
        "Shopify-Event-Id": "e-1",
    }
    assert client.post("/api/webhook", content=body, headers=newer).status_code == 200
    after = installation.settle()
    assert after["applied"] - before["applied"] == 3
    assert after["parked"] == before["parked"]
    listed = client.get(
        "/api/analytics/orders", params={"from": "2026-11-01", "to": "2026-11-01", "limit": 100}
    )
    assert listed.status_code == 200, listed.text
    assert str(2**62 + 1) in listed.text


def test_kept_until_the_shop_is_connected(client: httpx.Client, installation: Installation) -> None:
    """Webhooks can come before the shop is connected: they are kept, and applied once it is."""
    answer = post(client, installation, STRANGER, "orders/create", order(1, "12.50"))
    assert answer.status_code == 200
    assert installation.settle()["unrouted"] == 1
    other = installation.account("owner@late.example")
    created = other.post(
        "/api/stores", json={"domain": STRANGER, "currency": "USD", "timezone": "UTC"}
    )
    assert created.status_code == 201
    _until(lambda: installation.settle()["unrouted"] == 0)
    installation.settle()
    stats = other.get(
        "/api/analytics/stats", params={"from": "2026-11-01", "to": "2026-11-01"}
    ).json()
    assert stats["total_sales"] == "12.50"


def test_the_good_ones_are_all_there(client: httpx.Client, installation: Installation) -> None:
    """Last in this file: every good delivery counted once, no bad one at all."""
    installation.settle()
    stats = client.get(
        "/api/analytics/stats", params={"from": "2026-10-31", "to": "2026-11-02", "compare": "none"}
    ).json()
    good = len(REFUSED) * 2 + len(PARKED) * 2
    assert stats["orders"] == good + 2
    assert stats["total_sales"] == f"{good * 10 + 7}.00"


def _until(true: Any) -> None:
    until = time.monotonic() + 30
    while not true():
        assert time.monotonic() < until
