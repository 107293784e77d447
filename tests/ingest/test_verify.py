"""Whether a delivery is genuine, and what its headers say: attacked at random.

Pure code, called directly; signatures come from the same function that the simulator signs with.
Nothing is doubled. Asserted: only the exact bytes under a known secret pass, nothing but
``Refused`` is ever raised, and each refusal names its header.
"""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tillstream.ingest.trust import Trust
from tillstream.ingest.verify import (
    FOREVER,
    Accepted,
    Refused,
    is_genuine,
    read_headers,
    signature_of,
)
from tillstream.shopify.signing import sign_webhook
from tillstream.shops.sealing import Keyring

SECRETS = st.binary(min_size=1, max_size=80)
BODIES = st.binary(max_size=200)
CLASSIC = {
    "x-shopify-topic": "orders/create",
    "x-shopify-hmac-sha256": "signature",
    "x-shopify-shop-domain": "a.myshopify.com",
    "x-shopify-api-version": "2026-10",
    "x-shopify-webhook-id": "w-1",
    "x-shopify-event-id": "e-1",
    "x-shopify-triggered-at": "2026-03-01T10:00:00Z",
    "x-shopify-name": "mine",
    "x-forwarded-for": "10.0.0.1",
}
EVENTS = {
    "shopify-topic": "Product",
    "shopify-action": "Update",
    "shopify-hmac-sha256": "signature",
    "shopify-shop-domain": "a.myshopify.com",
    "shopify-api-version": "unstable",
    "shopify-webhook-id": "w-1",
    "shopify-event-id": "e-1",
    "shopify-handle": "h",
}
NEEDED = ("topic", "shop-domain", "api-version", "webhook-id")


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(changed)


@given(BODIES, st.lists(SECRETS, min_size=1, max_size=4), st.data())
def test_what_any_known_secret_signed_is_genuine(
    body: bytes, secrets: list[bytes], data: st.DataObject
) -> None:
    secret = data.draw(st.sampled_from(secrets))
    assert is_genuine(sign_webhook(secret, body), body, secrets)


@given(st.binary(min_size=1, max_size=200), SECRETS, st.integers(0, 5000))
def test_any_flipped_bit_is_found(body: bytes, secret: bytes, bit: int) -> None:
    signature = sign_webhook(secret, body)
    assert not is_genuine(signature, flipped(body, bit), [secret])
    assert not is_genuine(b64encode(flipped(b64decode(signature), bit)).decode(), body, [secret])
    # A key is padded with zeros up to a block: only a flip elsewhere makes another key.
    assert not is_genuine(signature, body, [flipped(secret, bit)])


@given(BODIES, SECRETS, SECRETS)
def test_a_strangers_secret_is_none(body: bytes, secret: bytes, other: bytes) -> None:
    assume(secret.rstrip(b"\x00") != other.rstrip(b"\x00"))
    assert not is_genuine(sign_webhook(other, body), body, [secret])
    assert not is_genuine(sign_webhook(other, body), body, [])


@given(st.text(max_size=80), BODIES)
def test_no_text_breaks_it(signature: str, body: bytes) -> None:
    assert not is_genuine(signature, body, [b"secret"])


@pytest.mark.parametrize(
    "change",
    ["cut", "pad", "space", "newline", "hex", "urlsafe", "unicode", "surrogate", "nul", "twice"],
)
def test_other_spellings_of_a_signature_are_none(change: str) -> None:
    body = b"{}" + b"x" * 5
    secret = next(
        key
        for key in (f"k{n}".encode() for n in range(500))
        if {"+", "/"} <= set(sign_webhook(key, body))
    )
    signature = sign_webhook(secret, body)
    spelled = {
        "cut": signature[:-4], "pad": signature.rstrip("="), "space": " " + signature, "newline": signature + "\n",
        "hex": b64decode(signature).hex(), "urlsafe": signature.replace("+", "-").replace("/", "_"),
        "unicode": "é" * 44, "surrogate": "\ud800" * 44, "nul": signature[:-1] + "\x00", "twice": signature * 2,
    }[change]  # fmt: skip
    assert is_genuine(signature, body, [secret])
    assert not is_genuine(spelled, body, [secret])


def test_nothing_is_signed_with_nothing() -> None:
    with pytest.raises(ValueError, match="SHOPIFY_API_SECRET"):
        sign_webhook(b"", b"{}")


def test_both_families_are_read() -> None:
    told = read_headers(CLASSIC)
    assert (told.shop, told.topic, told.webhook_id, told.event_id) == (
        "a.myshopify.com",
        "orders/create",
        "w-1",
        "e-1",
    )
    assert told.others == {"x-shopify-name": "mine"}
    told = read_headers(EVENTS)
    assert (told.shop, told.topic, told.api_version) == (
        "a.myshopify.com",
        "product/update",
        "unstable",
    )
    assert told.others == {"shopify-action": "Update", "shopify-handle": "h"}
    assert signature_of(CLASSIC) == signature_of(EVENTS) == "signature"
    assert signature_of({}) == ""


def test_of_both_families_the_newer_is_believed() -> None:
    both = {**CLASSIC, **EVENTS, "shopify-webhook-id": "newer", "shopify-hmac-sha256": "newer"}
    assert (read_headers(both).webhook_id, signature_of(both)) == ("newer", "newer")


@pytest.mark.parametrize("headers", [CLASSIC, EVENTS], ids=["classic", "events"])
@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize(
    "value", [None, "", "   ", "x" * 513], ids=["absent", "empty", "blank", "long"]
)
def test_what_every_delivery_has_is_asked_for_by_name(
    headers: dict[str, str], name: str, value: str | None
) -> None:
    (full,) = [header for header in headers if header.endswith("shopify-" + name)]
    changed = {header: one for header, one in headers.items() if header != full}
    if value is not None:
        changed[full] = value
    with pytest.raises(Refused, match=full) as caught:
        read_headers(changed)
    assert caught.value.status == 400


@pytest.mark.parametrize("name", ["event-id", "triggered-at", "name"])
def test_the_rest_may_be_missing(name: str) -> None:
    told = read_headers(
        {header: value for header, value in CLASSIC.items() if not header.endswith(name)}
    )
    assert told.shop == "a.myshopify.com"


@pytest.mark.parametrize(
    "domain",
    [
        "example.com", "a.myshopify.com.evil.example", "a.myshopify.com/", "https://a.myshopify.com", ".myshopify.com",
        "-a.myshopify.com", "a_b.myshopify.com", "a.b.myshopify.com", "a.myshopify.com:443", "ä.myshopify.com",
        "a\x00.myshopify.com", "\u212a.myshopify.com", "a" * 300 + ".myshopify.com",
    ],
    ids=lambda domain: f"{ascii(domain)[:30]}",
)  # fmt: skip
def test_what_is_no_shop_is_refused(domain: str) -> None:
    with pytest.raises(Refused, match="shop-domain must be"):
        read_headers({**CLASSIC, "x-shopify-shop-domain": domain})


@pytest.mark.parametrize(
    "topic",
    [
        "/",
        "orders/",
        "/create",
        "orders//create",
        "or ders",
        "orders/create\x00",
        "ordérs/create",
        "../etc",
    ],
)
def test_what_is_no_topic_is_refused(topic: str) -> None:
    with pytest.raises(Refused, match="topic must look like"):
        read_headers({**CLASSIC, "x-shopify-topic": topic})


@pytest.mark.parametrize("action", ["a b", "é", "x" * 600, "a//b", "\x00"], ids=ascii)
def test_an_action_is_held_to_the_same(action: str) -> None:
    with pytest.raises(Refused, match="topic must look like"):
        read_headers({**EVENTS, "shopify-action": action})


def test_case_does_not_matter_where_it_should_not() -> None:
    told = read_headers(
        {**CLASSIC, "x-shopify-shop-domain": "A.MyShopify.COM", "x-shopify-topic": "Orders/Create"}
    )
    assert (told.shop, told.topic) == ("a.myshopify.com", "orders/create")


_names = st.sampled_from([*CLASSIC, *EVENTS])


@given(
    st.dictionaries(
        _names, st.text(max_size=20) | st.sampled_from([*CLASSIC.values(), *EVENTS.values()])
    )
)
def test_no_headers_break_it(headers: dict[str, str]) -> None:
    try:
        told = read_headers(headers)
    except Refused:
        with pytest.raises(Refused, match=r"\.$"):
            read_headers(headers)
    else:
        assert told.shop.endswith(".myshopify.com")
        assert len(told.topic) <= 512


terms = st.lists(
    st.tuples(st.binary(min_size=1, max_size=4), st.integers(0, 20) | st.just(FOREVER))
)


@given(terms, st.lists(st.integers(0, 21), max_size=6).map(sorted))
def test_a_secret_counts_until_it_retires_and_no_longer(
    given_terms: list[tuple[bytes, int]], looks: list[int]
) -> None:
    """Asked as the door does: at growing times, and anew only when ``until`` has come."""
    accepted = Accepted.of(given_terms)
    for now in looks:
        if now >= accepted.until:
            accepted = accepted.at(now)
        assert set(accepted.secrets) == {secret for secret, end in given_terms if end > now}
        assert accepted.until > now
        assert len(set(accepted.secrets)) == len(accepted.secrets)


def test_secrets_that_never_retire_are_never_looked_at_again() -> None:
    accepted = Accepted.of([(b"new", FOREVER), (b"old", FOREVER), (b"new", 3)])
    assert accepted == ((b"new", b"old"), FOREVER, ((b"new", FOREVER), (b"old", FOREVER)))
    assert Accepted.of([]) == ((), FOREVER, ())


def trusting(stores: dict[str, Accepted]) -> Trust:
    """A cache as it is after reading the database."""
    trust = Trust("", (b"app",), Keyring.of(b"k" * 32))
    trust.apps["outlet"] = Accepted.of([(b"new", FOREVER), (b"old", 100)])
    trust.stores = stores
    return trust


def test_a_store_may_bring_its_own_secret_and_lends_it_to_nobody() -> None:
    trust = trusting({"a.myshopify.com": Accepted.of([(b"own", FOREVER), (b"before", 50)])})
    assert trust.accepted("", "a.myshopify.com", 1) == (b"app", b"own", b"before")
    assert trust.accepted("", " A.MYSHOPIFY.COM ", 1) == (b"app", b"own", b"before")
    assert trust.accepted("", "b.myshopify.com", 1) == (b"app",)
    assert trust.accepted("", "", 1) == (b"app",)
    assert trust.accepted("", "a.myshopify.com", 50) == (b"app", b"own")


def test_an_app_vouches_for_itself_alone() -> None:
    trust = trusting({"a.myshopify.com": Accepted.of([(b"own", FOREVER)])})
    assert trust.accepted("outlet", "b.myshopify.com", 99) == (b"new", b"old")
    assert trust.accepted("outlet", "a.myshopify.com", 99) == (b"new", b"old", b"own")
    assert trust.accepted("outlet", "b.myshopify.com", 100) == (b"new",)
    assert trust.accepted("", "b.myshopify.com", 99) == (b"app",)
    assert trust.accepted("other", "a.myshopify.com", 99) is None
    assert b"app" not in repr(trust).encode()
