"""Planning subscriptions (drawn cases), and reading and making them over HTTP."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shopify.pretend import Pretend, Reply, pretending
from tillstream.shopify import subscriptions
from tillstream.shopify.admin import API_VERSION, AdminClient, AdminUnavailable
from tillstream.shopify.manifest import manifest
from tillstream.shopify.permissions import PERMISSIONS, USUAL, topics_of
from tillstream.shopify.scopes import parse_scopes
from tillstream.shopify.subscriptions import (
    REPEATED,
    WANTED,
    Subscription,
    SubscriptionRefused,
    plan,
    wanted_topics,
)
from tillstream.shopify.topics import COMPLIANCE_TOPICS, SCOPES
from tillstream.shopify.wire import open_http

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

OURS = "https://till.example/api/webhook"
OTHERS = "https://elsewhere.example/hook"
TOPICS = ["orders/create", "orders/updated", "app/uninstalled"]

drawn = st.lists(
    st.builds(
        Subscription,
        id=st.uuids().map(str),
        topic=st.sampled_from([*TOPICS, "carts/update"]),
        address=st.sampled_from([OURS, OTHERS]),
        api_version=st.sampled_from([API_VERSION, "2026-01"]),
        filter=st.sampled_from(["", "", "total_price:>100"]),
    ),
    max_size=8,
    unique_by=lambda one: one.id,
)


@given(drawn, st.sets(st.sampled_from(TOPICS)))
def test_each_subscription_is_ours_or_foreign_and_each_wanted_topic_there_or_missing(
    existing: list[Subscription], wanted: set[str]
) -> None:
    audit = plan(existing, wanted, OURS, API_VERSION)
    assert sorted(one.id for one in (*audit.ours, *audit.foreign)) == sorted(
        one.id for one in existing
    )
    assert {one.address for one in audit.ours} <= {OURS}
    there = {one.topic for one in audit.ours if one.is_whole}
    assert set(audit.missing) == wanted - there
    for part in (audit.duplicated, audit.wrong_version, audit.narrowed):
        assert set(part) <= set(audit.ours)


@given(drawn, st.sets(st.sampled_from(TOPICS)), st.randoms(use_true_random=False))
def test_the_order_in_which_shopify_lists_them_makes_no_difference(
    existing: list[Subscription], wanted: set[str], random: Any
) -> None:
    shuffled = list(existing)
    random.shuffle(shuffled)
    assert plan(shuffled, wanted, OURS, API_VERSION) == plan(existing, wanted, OURS, API_VERSION)


@given(drawn, st.sets(st.sampled_from(TOPICS)))
def test_doing_what_the_plan_says_leaves_nothing_to_do(
    existing: list[Subscription], wanted: set[str]
) -> None:
    audit = plan(existing, wanted, OURS, API_VERSION)
    gone = {one.id for one in audit.duplicated}
    made = [Subscription(f"new {topic}", topic, OURS, API_VERSION) for topic in audit.missing]
    after = plan(
        [*(one for one in existing if one.id not in gone), *made], wanted, OURS, API_VERSION
    )
    assert not after.missing
    assert not after.duplicated
    assert after.foreign == audit.foreign


def test_of_doubles_the_one_of_the_right_version_is_kept() -> None:
    old = Subscription("1", "orders/create", OURS, "2026-01")
    new = Subscription("2", "orders/create", OURS, API_VERSION)
    audit = plan([old, new], {"orders/create"}, OURS, API_VERSION)
    assert audit.duplicated == audit.wrong_version == (old,)


def test_only_what_the_scopes_allow_is_wanted() -> None:
    assert wanted_topics(set()) == {
        "shop/update", "app/uninstalled", "app/scopes_update", "domains/create", "domains/update", "domains/destroy",
    }  # fmt: skip
    usual = wanted_topics(parse_scopes("read_orders,read_customers,read_products"))
    assert {
        "orders/updated",
        "carts/update",
        "tender_transactions/create",
        "collections/delete",
    } < usual
    # A scope for each: inventory levels, parcels, returns, drafts, disputes, places, customers' merges.
    assert {topic.partition("/")[0] for topic in set(WANTED) - usual} == {
        "inventory_levels", "fulfillments", "returns", "draft_orders", "disputes", "locations", "customers",
    }  # fmt: skip
    assert wanted_topics({scope for wish in WANTED.values() for scope in wish.scopes}) == set(
        WANTED
    )
    # The permissions are all it takes, and each of them adds something.
    assert wanted_topics({one.scope for one in PERMISSIONS}) == set(WANTED)
    assert all(topics_of(one) for one in PERMISSIONS)
    assert tuple(one.scope for one in PERMISSIONS[: len(USUAL)]) == USUAL
    assert set(SCOPES) - set(WANTED) == REPEATED
    assert not set(WANTED) & set(COMPLIANCE_TOPICS)


@given(st.text(), st.text(), st.sampled_from(["", "acme"]))
def test_the_configuration_is_toml_whatever_the_names(name: str, client: str, app: str) -> None:
    text = manifest(client, "https://till.example/", "read_orders,read_x", app, name)
    read = tomllib.loads(text)
    end = "/acme" if app else ""
    assert (read["name"], read["client_id"]) == (name, client)
    assert read["access_scopes"]["scopes"] == "read_orders,read_x"
    assert read["auth"]["redirect_urls"] == [f"https://till.example/api/auth/callback{end}"]
    compliance, topics = read["webhooks"]["subscriptions"]
    assert compliance["compliance_topics"] == list(COMPLIANCE_TOPICS)
    assert compliance["uri"] == topics["uri"] == f"https://till.example/api/webhook{end}"
    assert set(topics["topics"]) == wanted_topics({"read_orders"})


@pytest.mark.parametrize(
    ("app", "means"), [("", "SHOPIFY_SCOPES"), ("acme", "`tillstream app add --scopes`")]
)
def test_the_configuration_says_what_further_scopes_would_add(app: str, means: str) -> None:
    def told(*scopes: str) -> list[str]:
        text = manifest("client", "https://till.example", ",".join(scopes), app, "Tillstream")
        if means in text:
            assert "# Further scopes" in text
        return re.findall(r"^#   (\w+):", text, re.MULTILINE)

    every = [one.scope for one in PERMISSIONS]
    assert told(*USUAL) == every[len(USUAL) :]
    # Who may write may read.
    assert told(*every[:-1], "write_inventory") == every[-1:]
    assert told(*every) == []


def node(number: int, enum: str = "ORDERS_CREATE", **more: object) -> dict[str, object]:
    return {
        "id": f"gid://shopify/WebhookSubscription/{number}",
        "topic": enum,
        "uri": OURS,
        "format": "JSON",
        "filter": "",
        "includeFields": [],
        "apiVersion": {"handle": API_VERSION},
        **more,
    }


def page(nodes: list[dict[str, object]], after: str | None) -> Reply:
    info = {"hasNextPage": after is not None, "endCursor": after}
    return Reply({"data": {"webhookSubscriptions": {"nodes": nodes, "pageInfo": info}}})


async def ask(pretend: Pretend, call: Callable[[AdminClient], Awaitable[Any]]) -> Any:
    async def token() -> str:
        return "shpat_x"

    async with open_http(pretend.address) as http:
        return await call(AdminClient(http, "a.myshopify.com", token, stand_in=pretend.address))


async def test_all_pages_are_read() -> None:
    odd = node(2, "NEW_TOPIC_OF_NEXT_YEAR", filter="x:1", includeFields=["id"], apiVersion=None)
    async with pretending(page([node(1)], "c1"), page([odd], None)) as pretend:
        found = await ask(pretend, subscriptions.read_subscriptions)
    assert [one.topic for one in found] == ["orders/create", "NEW_TOPIC_OF_NEXT_YEAR"]
    assert [one.is_whole for one in found] == [True, False]
    assert [one.json()["variables"]["after"] for one in pretend.asked] == [None, "c1"]


@pytest.mark.parametrize(
    "list_of",
    [
        "null",
        "[]",
        '{"nodes": null}',
        '{"nodes": [{}]}',
    ],
)
async def test_a_list_in_another_form_is_not_taken_for_none(list_of: str) -> None:
    raw = f'{{"data": {{"webhookSubscriptions": {list_of}}}}}'.encode()
    async with pretending(Reply(raw=raw)) as pretend:
        with pytest.raises(AdminUnavailable, match="not understood"):
            await ask(pretend, subscriptions.read_subscriptions)


def created(made: object, *said: str) -> Reply:
    errors = [{"field": ["topic"], "message": message} for message in said]
    payload = {"webhookSubscription": made, "userErrors": errors}
    return Reply({"data": {"webhookSubscriptionCreate": payload}})


async def test_subscribing_says_topic_and_address() -> None:
    async with pretending(created(node(7))) as pretend:
        made = await ask(pretend, lambda c: subscriptions.create(c, "orders/create", OURS))
    assert made == Subscription(
        "gid://shopify/WebhookSubscription/7", "orders/create", OURS, API_VERSION
    )
    assert pretend.asked[0].json()["variables"] == {
        "topic": "ORDERS_CREATE",
        "subscription": {"uri": OURS, "format": "JSON"},
    }


async def test_one_that_is_there_already_is_no_failure_also_after_a_lost_answer() -> None:
    there = created(None, "Address for this topic has already been taken")
    async with pretending(Reply(drop=True), there) as pretend:
        assert await ask(pretend, lambda c: subscriptions.create(c, "orders/create", OURS)) is None
    assert len(pretend.asked) == 2


async def test_why_shopify_refuses_is_passed_on() -> None:
    async with pretending(created(None, "Missing scope", "Twice")) as pretend:
        with pytest.raises(SubscriptionRefused, match="orders/create: Missing scope; Twice"):
            await ask(pretend, lambda c: subscriptions.create(c, "orders/create", OURS))


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"deletedWebhookSubscriptionId": "gid://1", "userErrors": []}, True),
        (
            {
                "deletedWebhookSubscriptionId": None,
                "userErrors": [{"message": "Webhook subscription does not exist"}],
            },
            False,
        ),
    ],
)
async def test_unsubscribing_twice_is_no_failure(payload: object, expected: bool) -> None:
    async with pretending(Reply({"data": {"webhookSubscriptionDelete": payload}})) as pretend:
        assert await ask(pretend, lambda c: subscriptions.delete(c, "gid://1")) is expected
