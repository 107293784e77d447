"""Sealing, passwords, tokens and the standing of sign-ins: the parts that decide."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from tillstream.shopify.domains import parse_shop_domain
from tillstream.shops.passwords import PasswordVault, objection
from tillstream.shops.sealing import Keyring, Unsealable, store_place
from tillstream.shops.sessions import (
    GRACE,
    RefreshToken,
    RefreshTokenMalformed,
    Session,
    Standing,
    standing,
)
from tillstream.shops.tokens import LIFETIME, TokenMint, TokenRefused

MASTER, OLDER = b"m" * 32, b"o" * 32
NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
PLACE = store_place(1, "api_secret")


@given(st.binary(), st.binary(min_size=1))
def test_what_was_sealed_opens_in_its_place_only(secret: bytes, elsewhere: bytes) -> None:
    ring = Keyring.of(MASTER)
    sealed = ring.seal(secret, PLACE)
    assert ring.open(sealed, PLACE) == secret
    with pytest.raises(Unsealable):
        ring.open(sealed, PLACE + elsewhere)


@given(st.binary(max_size=50), st.data())
def test_no_altered_byte_goes_unnoticed(secret: bytes, data: st.DataObject) -> None:
    ring = Keyring.of(MASTER)
    sealed = bytearray(ring.seal(secret, PLACE))
    position = data.draw(st.integers(0, len(sealed) - 1))
    sealed[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Unsealable):
        ring.open(bytes(sealed), PLACE)


@given(st.binary(max_size=60))
def test_bytes_that_were_never_sealed_do_not_open(junk: bytes) -> None:
    with pytest.raises(Unsealable):
        Keyring.of(MASTER).open(junk, PLACE)


def test_after_rotation_the_older_key_still_opens_and_the_newer_seals() -> None:
    sealed = Keyring.of(OLDER).seal(b"secret", PLACE)
    rotated = Keyring.of(MASTER, OLDER)
    assert rotated.open(sealed, PLACE) == b"secret"
    assert Keyring.of(MASTER).open(rotated.seal(b"secret", PLACE), PLACE) == b"secret"
    with pytest.raises(Unsealable, match="TILLSTREAM_KEY"):
        Keyring.of(MASTER).open(sealed, PLACE)


def test_places_differ_by_store_and_secret() -> None:
    places = [store_place(n, kind) for n in (1, 11) for kind in ("api_secret", "access_token")]
    assert len(set(places)) == 4
    assert "m" * 8 not in repr(Keyring.of(MASTER))


@given(st.text(), st.emails())
def test_an_accepted_password_is_long_and_varied(password: str, email: str) -> None:
    if objection(password, email) is None:
        assert 10 <= len(password) <= 256
        assert len(set(password.casefold())) >= 5
        assert password.casefold() != email.casefold()


@pytest.mark.parametrize(
    "password",
    ["password12345", "PASSWORD!!!!", "1234567890", "0987654321", "qwertyuiop[", "Passwordpassword",
     "abcdefghijkl", "ada.lovelace", "Ada.Lovelace99", "aaaaabbbbbbb", "tillstream2026"],
)  # fmt: skip
def test_what_anybody_would_guess_is_refused(password: str) -> None:
    assert objection(password, "ada.lovelace@example.com") is not None


@pytest.mark.parametrize(
    "password",
    [
        "correct horse 9",
        "korrekt pferd batterie",
        "zq8-Vw!rk2",
        "pässwörter mit öl",
        "!§$%&/()=?+*#",
    ],
)
def test_sound_passwords_pass(password: str) -> None:
    assert objection(password, "ada.lovelace@example.com") is None


async def test_hashing_leaves_the_loop_free_and_is_argon2id() -> None:
    vault = PasswordVault(hasher=PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1))
    stored = await vault.hash("correct horse 9")
    assert stored.startswith("$argon2id$")
    right, wrong, nobody, junk = await asyncio.gather(
        vault.matches("correct horse 9", stored),
        vault.matches("correct horse 8", stored),
        vault.matches("the password of nobody", None),
        vault.matches("x", "not a hash"),
    )
    assert (right, wrong, nobody, junk) == (True, False, False, False)


@given(st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_refresh_tokens_come_back_as_they_were(tenant: int, secret: bytes) -> None:
    token = RefreshToken(tenant, secret)
    assert RefreshToken.parse(str(token)) == token
    assert secret not in token.digest
    assert repr(secret)[2:-1] not in repr(token)


@given(st.text(max_size=80))
def test_other_texts_are_no_refresh_tokens(text: str) -> None:
    with pytest.raises(RefreshTokenMalformed):
        RefreshToken.parse(text)


moments = st.integers(-100, 100).map(lambda seconds: NOW + timedelta(seconds=seconds))


@given(moments, st.none() | moments, st.none() | moments)
def test_the_standing_of_a_session(
    expires: datetime, rotated: datetime | None, revoked: datetime | None
) -> None:
    found = standing(Session(1, UUID(int=1), expires, rotated, revoked, NOW), NOW)
    assert (found is Standing.DEAD) == (revoked is not None or expires <= NOW)
    if found is not Standing.DEAD:
        assert (found is Standing.LIVE) == (rotated is None)
        if rotated is not None:
            assert (found is Standing.REUSED) == (NOW - rotated > GRACE)


def test_a_token_says_what_it_was_given_until_it_expires() -> None:
    mint = TokenMint("s" * 32, "http://a.example")
    token = mint.issue(user_id=1, tenant_id=2, role="owner", family=UUID(int=3), now=NOW)
    bearer = mint.read(token, NOW)
    assert (bearer.user_id, bearer.tenant_id, bearer.role) == (1, 2, "owner")
    assert bearer.family == UUID(int=3)
    assert bearer.expires_at == NOW + LIFETIME
    for moment in (NOW + LIFETIME, NOW - timedelta(minutes=1)):
        with pytest.raises(TokenRefused, match="expired"):
            mint.read(token, moment)
    with pytest.raises(TokenRefused):
        TokenMint("s" * 32, "http://b.example").read(token, NOW)
    assert "ssss" not in repr(mint)


@given(st.text())
def test_only_shop_domains_are_shop_domains(text: str) -> None:
    domain = parse_shop_domain(text)
    if domain is not None:
        assert domain.endswith(".myshopify.com")
        assert not set(domain) & set("/:@?#% \n\0")
        assert domain == text.lower()


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("A-1.MyShopify.com", "a-1.myshopify.com"),
        ("a.myshopify.com\n", None),
        ("-a.myshopify.com", None),
        ("a.b.myshopify.com", None),
        ("a.myshopify.com.evil.com", None),
        ("evil.com/a.myshopify.com", None),
        ("\u212a.myshopify.com", None),
        ("amyshopify.com", None),
        ("", None),
        ("a" * 250 + ".myshopify.com", None),
    ],
)
def test_shop_domains(text: str, domain: str | None) -> None:
    assert parse_shop_domain(text) == domain


def test_combinations_of_weak_parts_stay_weak() -> None:
    for word, tail in itertools.product(
        ("password", "welcome", "letmein"), ("123", "!!!", "2026!")
    ):
        assert objection((word + tail).ljust(10, "1"), "a@example.com") is not None
