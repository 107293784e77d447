"""What Shopify's libraries believe, we believe, and nothing else: on generated cases.

Ours are judged here: ``shopify.queries``, ``shopify.domains``, ``ingest.verify``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.standin.process import SECRET
from tillstream.ingest.verify import Refused, is_genuine, read_headers, signature_of
from tillstream.shopify.domains import parse_shop_domain
from tillstream.shopify.queries import is_fresh, is_genuine_query, read_query, sign_query
from tillstream.shopify.signing import sign_webhook

if TYPE_CHECKING:
    from tests.standin.conftest import Library

# Each example is a batch, so that a library is asked seldom.
BATCHES = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

_ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=24)
_NAMES = st.one_of(
    st.sampled_from(
        ["code", "host", "shop", "state", "timestamp", "session", "locale", "id_token"]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="[]"), min_size=1, max_size=10),
).filter(lambda name: name not in ("hmac", "signature"))
_QUERIES = st.dictionaries(_NAMES, _ANY_TEXT, max_size=7)
_LISTS = st.dictionaries(
    st.text("abcdefghij", min_size=1, max_size=5).map(lambda name: f"list_{name}[]"),
    st.lists(_ANY_TEXT, min_size=1, max_size=4),
    max_size=2,
)


@BATCHES
@given(st.lists(st.tuples(_QUERIES, _LISTS), min_size=20, max_size=20))
def test_python_signs_queries_as_we_do(
    python_library: Library, cases: list[tuple[dict[str, str], dict[str, list[str]]]]
) -> None:
    """Whatever the values are: spaces, ampersands, per cent signs, lists, letters of any script."""
    theirs = python_library("hmacs", cases=[plain | lists for plain, lists in cases])
    ours = [sign_query(_pairs(plain, lists), SECRET) for plain, lists in cases]
    assert ours == theirs


@BATCHES
@given(st.data())
def test_python_and_we_believe_the_same_queries(
    python_library: Library, data: st.DataObject
) -> None:
    """Genuine ones, and ones with a character changed, a parameter taken, added or renamed."""
    cases = [_meddled(data, _signed(data.draw(_QUERIES))) for _ in range(25)]
    theirs = python_library("valid", cases=cases)
    ours = [
        is_genuine_query(list(case.items()), [SECRET])
        and time.time() - int(case["timestamp"]) < 86_400
        for case in cases
    ]
    assert ours == theirs


# Names and values that are the same however they are encoded. The two libraries differ on others:
# Node's signs percent-encoded text, Python's decoded text. Shopify itself sends no others.
_PLAIN = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789._-", max_size=30)
_PLAIN_NAMES = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=9).filter(
    lambda name: name not in ("hmac", "signature", "timestamp")
)


@BATCHES
@given(st.data())
def test_node_and_we_believe_the_same_queries(node_library: Library, data: st.DataObject) -> None:
    queries = st.dictionaries(_PLAIN_NAMES, _PLAIN, max_size=7)
    cases = [_meddled(data, _signed(data.draw(queries))) for _ in range(25)]
    theirs = [said is True for said in node_library("hmacs", cases=cases)]
    ours = [is_genuine_query(list(case.items()), [SECRET]) for case in cases]
    assert ours == theirs


_HEADERS = {
    "x-shopify-topic": "orders/create",
    "x-shopify-shop-domain": "oak-and-ash.myshopify.com",
    "x-shopify-api-version": "2026-10",
    "x-shopify-webhook-id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
    "content-type": "application/json",
}
_BODIES = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=60),
    st.dictionaries(_ANY_TEXT, _ANY_TEXT, max_size=4).map(json.dumps),
)


@BATCHES
@given(st.data())
def test_node_and_we_believe_the_same_deliveries(
    node_library: Library, data: st.DataObject
) -> None:
    """Genuine or meddled with, of either family of headers, with one header missing or none."""
    cases = [_delivery(data) for _ in range(30)]
    theirs = [said["valid"] for said in node_library("deliveries", cases=cases)]
    assert [_believed(case) for case in cases] == theirs


@BATCHES
@given(st.lists(st.text("ab-.Z09_/:@", max_size=12), min_size=20, max_size=20))
def test_what_we_take_for_a_shop_so_do_they(
    python_library: Library, node_library: Library, names: list[str]
) -> None:
    """We take fewer: neither Node's underscores and other domains, nor Python's bare names."""
    domains = [f"{name}.myshopify.com" for name in names]
    ours = [parse_shop_domain(domain) for domain in domains]
    node = node_library("shops", names=domains)
    for domain, own, theirs in zip(domains, ours, node, strict=True):
        if own is not None:
            assert theirs == domain, domain
    # Python's wants a letter or a digit at the end as well, and two of them at least.
    strict = [
        d for d in domains if len(d.partition(".")[0]) > 1 and not d.partition(".")[0].endswith("-")
    ]
    for domain, theirs in zip(strict, python_library("shops", names=strict), strict=True):
        if (own := parse_shop_domain(domain)) is not None:
            assert theirs == own, domain


def test_what_the_standin_signs_is_fresh_and_genuine_to_us() -> None:
    query = _signed({"shop": "oak-and-ash.myshopify.com"})
    pairs = read_query("&".join(f"{name}={value}" for name, value in query.items()))
    assert is_genuine_query(pairs, [SECRET])
    assert is_fresh(query["timestamp"], datetime.now(UTC))


def _pairs(plain: dict[str, str], lists: dict[str, list[str]]) -> list[tuple[str, str]]:
    repeated = [(name, value) for name, values in lists.items() for value in values]
    return [*plain.items(), *repeated]


def _signed(query: dict[str, str]) -> dict[str, str]:
    """With a time stamp, and signed by the documentation's recipe rather than by our code."""
    query = query | {"timestamp": str(int(time.time()))}
    pairs = [
        (name.replace("%", "%25").replace("=", "%3D"), value.replace("%", "%25"))
        for name, value in query.items()
    ]
    message = "&".join(sorted(f"{name}={value}".replace("&", "%26") for name, value in pairs))
    digest = hmac.new(SECRET, message.encode(), hashlib.sha256).hexdigest()
    return query | {"hmac": digest}


def _meddled(data: st.DataObject, query: dict[str, str]) -> dict[str, str]:
    changed, name = dict(query), data.draw(st.sampled_from(sorted(query)))
    match data.draw(st.sampled_from(["nothing", "nothing", "value", "gone", "more", "digest"])):
        case "value" if name != "timestamp":
            changed[name] += "x"
        case "gone" if name not in ("hmac", "timestamp"):
            del changed[name]
        case "more":
            changed["more"] = "1"
        case "digest":
            changed["hmac"] = "".join(reversed(changed["hmac"]))
        case _:
            pass
    return changed


def _delivery(data: st.DataObject) -> dict[str, Any]:
    body = data.draw(_BODIES)
    headers = dict(_HEADERS)
    headers["x-shopify-hmac-sha256"] = sign_webhook(SECRET, body.encode())
    if data.draw(st.booleans()):
        headers = {name.removeprefix("x-"): value for name, value in headers.items()}
        headers["shopify-event-id"] = "98880550-7158-44d4-b7cd-2c97c8a091b5"
    match data.draw(st.sampled_from(["nothing", "nothing", "body", "signature", "secret", "gone"])):
        case "body":
            body += " "
        case "signature":
            name = next(name for name in headers if name.endswith("hmac-sha256"))
            headers[name] = headers[name][::-1]
        case "secret":
            name = next(name for name in headers if name.endswith("hmac-sha256"))
            digest = hmac.digest(b"another secret", body.encode(), "sha256")
            headers[name] = base64.b64encode(digest).decode()
        case "gone":
            gone = data.draw(st.sampled_from(sorted(n for n in headers if "shopify" in n)))
            # Node's wants an event's own id as well; we can do without it.
            headers = {n: v for n, v in headers.items() if n != gone or gone == "shopify-event-id"}
        case _:
            pass
    return {"body": body, "headers": headers}


def _believed(case: dict[str, Any]) -> bool:
    body, headers = case["body"].encode(), case["headers"]
    if not body or not is_genuine(signature_of(headers), body, [SECRET]):
        # Nothing is taken in that has no body, though it were signed: see ingest.door.
        return False
    try:
        read_headers(headers)
    except Refused:
        return False
    return True
