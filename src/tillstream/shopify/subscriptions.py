"""A store's webhook subscriptions: which we want, which there are, and what to do about it.

https://shopify.dev/docs/apps/build/webhooks/subscribe
https://shopify.dev/docs/api/admin-graphql/latest/queries/webhookSubscriptions
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from tillstream.shopify.admin import AdminClient, AdminUnavailable
from tillstream.shopify.answers import json_object
from tillstream.shopify.topics import SCOPES, may_subscribe, topic_enum, topic_name
from tillstream.shopify.wire import quote_safely

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence


@dataclass(frozen=True)
class SubscriptionWish:
    """A topic that we want. ``scopes``: any one of them suffices; none means that all may have it."""

    topic: str
    enum: str
    scopes: tuple[str, ...]


REPEATED: Final = frozenset(
    {"orders/paid", "orders/fulfilled", "orders/partially_fulfilled", "bulk_operations/finish"}
)
"""Topics that are known and not asked for: whatever happens to an order comes as ``orders/updated`` as
well, and nothing here starts bulk operations. An edit's and a refund's own topics tell what the order
does not: when, and of what."""

WANTED: Final[Mapping[str, SubscriptionWish]] = {
    topic: SubscriptionWish(topic, topic_enum(topic), scopes)
    for topic, scopes in SCOPES.items()
    if topic not in REPEATED
}
"""Everything that there is a copy of, as far as the store's scopes allow."""


def wanted_topics(granted: Iterable[str]) -> frozenset[str]:
    """The wanted topics that the granted scopes allow; Shopify refuses the others."""
    held = frozenset(granted)
    return frozenset(topic for topic in WANTED if may_subscribe(topic, held))


@dataclass(frozen=True)
class Subscription:
    """One that exists. ``topic`` is the header's spelling, or GraphQL's if it is unknown here."""

    id: str
    topic: str
    address: str
    api_version: str
    format: str = "JSON"
    filter: str = ""
    include_fields: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether it delivers every event with its whole body as JSON."""
        return self.format == "JSON" and not self.filter and not self.include_fields


@dataclass(frozen=True)
class Audit:
    """What there is beside what is wanted; every group in the order of topics.

    missing: topics without a subscription of ours;
    ours: subscriptions that deliver to our address;
    wrong_version: those of ours that are serialised in another version;
    narrowed: those of ours that leave out events or fields;
    duplicated: those of ours beyond the first of a topic;
    foreign: subscriptions that deliver elsewhere; they are none of our business.
    """

    missing: tuple[str, ...]
    wrong_version: tuple[Subscription, ...]
    foreign: tuple[Subscription, ...]
    ours: tuple[Subscription, ...]
    duplicated: tuple[Subscription, ...]
    narrowed: tuple[Subscription, ...] = ()


def plan(
    existing: Sequence[Subscription], wanted: Collection[str], address: str, api_version: str
) -> Audit:
    """Compare. Pure; the order of ``existing`` makes no difference.

    A topic whose only subscriptions of ours are narrowed counts as missing: Shopify lets a whole
    one stand beside one that is filtered.
    """
    ordered = sorted(existing, key=lambda one: (one.topic, one.id))
    ours = tuple(one for one in ordered if one.address == address)
    whole: dict[str, Subscription] = {}
    for one in ours:
        # One of the right version is kept before one of another.
        kept = whole.get(one.topic)
        if one.is_whole and (kept is None or _is_better(one, kept, api_version)):
            whole[one.topic] = one
    return Audit(
        missing=tuple(sorted(topic for topic in wanted if topic not in whole)),
        wrong_version=tuple(one for one in ours if one.api_version != api_version),
        foreign=tuple(one for one in ordered if one.address != address),
        ours=ours,
        duplicated=tuple(one for one in ours if one.is_whole and whole[one.topic] is not one),
        narrowed=tuple(one for one in ours if not one.is_whole),
    )


def _is_better(one: Subscription, kept: Subscription, api_version: str) -> bool:
    return one.api_version == api_version != kept.api_version


class SubscriptionRefused(Exception):
    """Shopify did not make or delete a subscription; the message says why."""

    def __init__(self, topic: str, said: str) -> None:
        super().__init__(f"{topic}: {said}")
        self.topic = topic
        self.said = said


_PAGE: Final = 100
_MOST_PAGES: Final = 50

_LIST: Final = """\
query Subscriptions($first: Int!, $after: String) {
  webhookSubscriptions(first: $first, after: $after) {
    nodes { id topic uri format filter includeFields apiVersion { handle } }
    pageInfo { hasNextPage endCursor }
  }
}"""

_CREATE: Final = """\
mutation Subscribe($topic: WebhookSubscriptionTopic!, $subscription: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $subscription) {
    webhookSubscription { id topic uri format filter includeFields apiVersion { handle } }
    userErrors { field message }
  }
}"""

_DELETE: Final = """\
mutation Unsubscribe($id: ID!) {
  webhookSubscriptionDelete(id: $id) {
    deletedWebhookSubscriptionId
    userErrors { field message }
  }
}"""


async def read_subscriptions(client: AdminClient) -> tuple[Subscription, ...]:
    """The app's own subscriptions at the shop. Those of ``shopify.app.toml`` are not among them.

    Raises:
        AdminProblem: if they could not be read.
    """
    found: list[Subscription] = []
    after: str | None = None
    for _ in range(_MOST_PAGES):
        data = await client.query(_LIST, {"first": _PAGE, "after": after})
        page = json_object(data.get("webhookSubscriptions"))
        nodes = page.get("nodes")
        if not isinstance(nodes, list):
            raise AdminUnavailable(_not_understood(client))
        found.extend(_read(client, node) for node in cast("list[object]", nodes))
        info = json_object(page.get("pageInfo"))
        after = info.get("endCursor") if info.get("hasNextPage") is True else None
        if after is None:
            break
    return tuple(found)


async def create(client: AdminClient, topic: str, address: str) -> Subscription | None:
    """Subscribe; None if there is one already, as after an answer that was lost on its way.

    Raises:
        SubscriptionRefused: with what Shopify says, such as a scope that is missing.
        AdminProblem: if it could not be asked.
    """
    variables = {"topic": topic_enum(topic), "subscription": {"uri": address, "format": "JSON"}}
    # A second one of the same topic and address is refused, so sending it twice does no harm.
    data = await client.query(_CREATE, variables, repeatable=True)
    payload = json_object(data.get("webhookSubscriptionCreate"))
    said = _user_errors(payload)
    if "already been taken" in said:
        return None
    if said:
        raise SubscriptionRefused(topic, said)
    return _read(client, payload.get("webhookSubscription"))


async def delete(client: AdminClient, subscription_id: str) -> bool:
    """Unsubscribe; False if there was none (any more).

    Raises:
        SubscriptionRefused: with what Shopify says.
        AdminProblem: if it could not be asked.
    """
    data = await client.query(_DELETE, {"id": subscription_id}, repeatable=True)
    payload = json_object(data.get("webhookSubscriptionDelete"))
    said = _user_errors(payload)
    if "does not exist" in said.lower() or "not found" in said.lower():
        return False
    if said:
        raise SubscriptionRefused(subscription_id, said)
    return payload.get("deletedWebhookSubscriptionId") is not None


def _read(client: AdminClient, node: object) -> Subscription:
    fields = json_object(node)
    made = fields.get("id"), fields.get("topic"), fields.get("uri")
    if not all(isinstance(value, str) for value in made):
        raise AdminUnavailable(_not_understood(client))
    subscription_id, enum, uri = cast("tuple[str, str, str]", made)
    include = fields.get("includeFields")
    return Subscription(
        id=subscription_id,
        topic=topic_name(enum) or enum,
        address=uri,
        api_version=str(json_object(fields.get("apiVersion")).get("handle", "")),
        format=str(fields.get("format") or "JSON"),
        filter=str(fields.get("filter") or ""),
        include_fields=tuple(str(name) for name in cast("list[object]", include))
        if isinstance(include, list)
        else (),
    )


def _user_errors(payload: Mapping[str, Any]) -> str:
    errors = payload.get("userErrors")
    if not isinstance(errors, list):
        return ""
    said = [str(json_object(error).get("message", "")) for error in cast("list[object]", errors)]
    return quote_safely("; ".join(said) or "") if errors else ""


def _not_understood(client: AdminClient) -> str:
    return f"{client.shop} answered about webhook subscriptions in a form that is not understood."
