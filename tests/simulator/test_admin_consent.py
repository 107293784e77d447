"""Codes and tokens: who may what, until when."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulator.admin_world import NOW, SECRET, an_app, minting
from tillstream.simulator.admin.bucket import Bucket
from tillstream.simulator.admin.consent import Consent, TokenRefused

SHOP = "usd-shop.myshopify.com"
HOUR = timedelta(hours=1)


def consent() -> Consent:
    made = Consent(minting(), lambda now: Bucket.for_plan("plus", now), token_life=HOUR)
    made.apps["client"] = an_app()
    return made


def test_a_code_works_once_for_its_app_and_shop() -> None:
    world, app = consent(), an_app()
    other = an_app("another")
    codes = [world.approve(app, SHOP, {"read_orders"}, NOW) for _ in range(4)]
    world.approve(other, SHOP, {"read_orders"}, NOW)
    with pytest.raises(TokenRefused):
        world.redeem(other, SHOP, codes[0], NOW, expiring=True)
    with pytest.raises(TokenRefused):
        world.redeem(app, "another-shop.myshopify.com", codes[1], NOW, expiring=True)
    with pytest.raises(TokenRefused):
        world.redeem(app, SHOP, codes[2], NOW + timedelta(minutes=5), expiring=True)
    told = world.redeem(app, SHOP, codes[3], NOW, expiring=True)
    assert told["expires_in"] == 3600
    assert told["refresh_token_expires_in"] == 90 * 86_400
    for code in codes:
        with pytest.raises(TokenRefused):
            world.redeem(app, SHOP, code, NOW, expiring=True)


def test_an_app_is_known_by_each_of_its_secrets() -> None:
    world = consent()
    assert world.authenticate("client", SECRET.decode())
    assert world.authenticate("client", "old secret")
    for client, secret in (("client", "guess"), ("client", ""), ("nobody", "new secret")):
        with pytest.raises(TokenRefused) as refused:
            world.authenticate(client, secret)
        assert (refused.value.error, refused.value.status) == ("invalid_client", 401)


def test_tokens_end_after_their_time_and_with_the_installation() -> None:
    world, app = consent(), an_app()
    code = world.approve(app, SHOP, {"read_orders"}, NOW)
    told = world.redeem(app, SHOP, code, NOW, expiring=True)
    token = str(told["access_token"])
    assert world.holder(SHOP, token, NOW + timedelta(minutes=59))
    assert not world.holder("another-shop.myshopify.com", token, NOW)
    assert not world.holder(SHOP, token, NOW + HOUR)
    waiting = world.approve(app, SHOP, {"read_orders"}, NOW)
    world.uninstall(SHOP, "client")
    assert not world.holder(SHOP, token, NOW)
    with pytest.raises(TokenRefused):
        world.refresh(app, SHOP, str(told["refresh_token"]), NOW)
    world.approve(app, SHOP, {"read_orders"}, NOW)
    with pytest.raises(TokenRefused):
        world.redeem(app, SHOP, waiting, NOW, expiring=True)


def test_a_token_without_an_end_is_the_same_each_time_until_it_is_migrated() -> None:
    world, app = consent(), an_app()
    tokens = {
        world.redeem(app, SHOP, world.approve(app, SHOP, {"a"}, NOW), NOW, expiring=False)[
            "access_token"
        ]
        for _ in range(2)
    }
    assert len(tokens) == 1
    token = str(tokens.pop())
    assert world.holder(SHOP, token, NOW + timedelta(days=4000))
    assert "refresh_token" in world.migrate(app, SHOP, token, NOW)
    assert not world.holder(SHOP, token, NOW)
    with pytest.raises(TokenRefused):
        world.migrate(app, SHOP, token, NOW)


def test_a_new_authorisation_ends_older_refresh_tokens_but_not_access_tokens() -> None:
    world, app = consent(), an_app()
    first = world.redeem(app, SHOP, world.approve(app, SHOP, {"a"}, NOW), NOW, expiring=True)
    world.redeem(app, SHOP, world.approve(app, SHOP, {"a"}, NOW), NOW, expiring=True)
    with pytest.raises(TokenRefused):
        world.refresh(app, SHOP, str(first["refresh_token"]), NOW)
    assert world.holder(SHOP, str(first["access_token"]), NOW)


@given(st.lists(st.integers(0, 12), max_size=25))
def test_exactly_the_newest_and_the_one_before_it_are_good(picks: list[int]) -> None:
    """Whatever was used when: using the newest ends what was before; using the one before renews it."""
    world, app = consent(), an_app()
    told = world.redeem(app, SHOP, world.approve(app, SHOP, {"a"}, NOW), NOW, expiring=True)
    given_out = [str(told["refresh_token"])]
    newest, before = given_out[0], ""
    for pick in picks:
        token = given_out[pick % len(given_out)]
        if token not in (newest, before):
            with pytest.raises(TokenRefused):
                world.refresh(app, SHOP, token, NOW)
            continue
        made = str(world.refresh(app, SHOP, token, NOW)["refresh_token"])
        given_out.append(made)
        newest, before = made, token


def test_refresh_tokens_end_after_ninety_days() -> None:
    world, app = consent(), an_app()
    told = world.redeem(app, SHOP, world.approve(app, SHOP, {"a"}, NOW), NOW, expiring=True)
    with pytest.raises(TokenRefused):
        world.refresh(app, SHOP, str(told["refresh_token"]), NOW + timedelta(days=90))
    later = NOW + timedelta(days=89)
    told = world.refresh(app, SHOP, str(told["refresh_token"]), later)
    assert world.refresh(app, SHOP, str(told["refresh_token"]), later + timedelta(days=89))
