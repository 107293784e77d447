"""The fields that queries and mutations begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLError

from tillstream.shopify.topics import topic_enum
from tillstream.simulator.admin import resources, subscriptions
from tillstream.simulator.admin.bulk import BulkQuery, BulkRefused
from tillstream.simulator.admin.connections import Listing
from tillstream.simulator.admin.context import require
from tillstream.simulator.admin.nodes import gid, number_of, paged, utc
from tillstream.simulator.admin.subscriptions import SubscriptionRefused, Wish
from tillstream.simulator.admin.versions import is_supported, supported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from graphql import GraphQLSchema

    from tillstream.simulator.admin.bulk import BulkOperation
    from tillstream.simulator.admin.context import Context, Info
    from tillstream.simulator.admin.resources import Resource
    from tillstream.simulator.admin.subscriptions import Subscription

    Json = dict[str, Any]
    Resolver = Callable[..., Any]

_LISTED: Final[dict[str, Resource]] = {
    "orders": resources.ORDERS,
    "customers": resources.CUSTOMERS,
    "products": resources.PRODUCTS,
    "productVariants": resources.VARIANTS,
    "abandonedCheckouts": resources.CHECKOUTS,
}
_COUNT_LIMIT: Final = 10_000


def query_root(schema: GraphQLSchema) -> dict[str, Resolver]:
    """The root value: resolvers by field."""
    root: dict[str, Resolver] = {
        "shop": _shop,
        "app": _app_field,
        "currentAppInstallation": _installation_field,
        "publicApiVersions": _versions,
        "node": _node,
        "nodes": _nodes,
        "order": _one(resources.ORDERS, "Order"),
        "customer": _one(resources.CUSTOMERS, "Customer"),
        "product": _one(resources.PRODUCTS, "Product"),
        "webhookSubscription": _subscription,
        "webhookSubscriptions": _subscriptions,
        "webhookSubscriptionsCount": _subscriptions_count,
        "bulkOperation": _bulk_operation,
        "bulkOperations": _bulk_operations,
        "currentBulkOperation": _current_bulk_operation,
        "webhookSubscriptionCreate": _create,
        "webhookSubscriptionUpdate": _update,
        "webhookSubscriptionDelete": _delete,
        "bulkOperationRunQuery": _run_bulk(schema),
        "bulkOperationCancel": _cancel_bulk,
    }
    for name, resource in _LISTED.items():
        root[name] = _many(resource)
        root[f"{name}Count"] = _how_many(resource)
    return root


# -- what is there -------------------------------------------------------------------------------


def _many(resource: Resource) -> Resolver:
    def resolve(
        info: Info,
        query: str | None = None,
        sortKey: str | None = None,
        **page: Any,
    ) -> Json:
        require(info, *resource.scopes)
        page.pop("savedSearchId", None)
        return paged(resource.listing(info.context, query, sortKey))(info, **page)

    return resolve


def _how_many(resource: Resource) -> Resolver:
    def resolve(info: Info, query: str | None = None, limit: int = 10_000) -> Json:
        require(info, *resource.scopes)
        return _count(len(resource.found(info.context, query)), limit)

    return resolve


def _count(there: int, limit: int) -> Json:
    if there > limit:
        return {"count": limit, "precision": "AT_LEAST"}
    return {"count": there, "precision": "EXACT"}


def _one(resource: Resource, kind: str) -> Resolver:
    def resolve(info: Info, id: str) -> Json | None:  # noqa: A002 - the argument's name
        require(info, *resource.scopes)
        if id != gid(kind, number_of(id)):
            message = "The id is none of this kind."
            raise GraphQLError(message, extensions={"code": "BAD_REQUEST"})
        return _find(resource, info.context, id)

    return resolve


def _find(resource: Resource, context: Context, identifier: str) -> Json | None:
    wanted = number_of(identifier)
    for item in resource.items(context):
        if resource.identify(item) == wanted:
            return resource.show(context, item)
    return None


def _node(info: Info, id: str) -> Json | None:  # noqa: A002 - the argument's name
    kind = id.removeprefix("gid://shopify/").partition("/")[0]
    context = info.context
    if kind in _NODES:
        resource = _NODES[kind]
        require(info, *resource.scopes)
        return _find(resource, context, id)
    if kind == "WebhookSubscription":
        return _subscription(info, id)
    if kind == "BulkOperation":
        return _bulk_operation(info, id)
    if id == gid("Shop", context.shop.front.id):
        return context.nodes.the_shop(context.now)
    return None


_NODES: Final = {
    "Order": resources.ORDERS,
    "Customer": resources.CUSTOMERS,
    "Product": resources.PRODUCTS,
    "ProductVariant": resources.VARIANTS,
    "AbandonedCheckout": resources.CHECKOUTS,
}


def _nodes(info: Info, ids: list[str]) -> list[Json | None]:
    return [_node(info, identifier) for identifier in ids]


def _shop(info: Info) -> Json:
    return info.context.nodes.the_shop(info.context.now)


# -- the app -------------------------------------------------------------------------------------


def _app(context: Context) -> Json:
    app = context.installation.app
    number = int.from_bytes(app.client_id.encode()[:6], "big")
    return {
        "__typename": "App",
        "id": gid("App", number),
        "title": app.name,
        "apiKey": app.client_id,
    }


def _installation(context: Context) -> Json:
    installation = context.installation
    return {
        "__typename": "AppInstallation",
        "id": gid("AppInstallation", int(installation.installed_at.timestamp())),
        "app": _app(context),
        "launchUrl": installation.app.app_url,
        "accessScopes": [
            {"handle": scope, "description": scope.replace("_", " ").capitalize()}
            for scope in sorted(installation.scopes)
        ],
    }


def _app_field(info: Info) -> Json:
    return _app(info.context)


def _installation_field(info: Info) -> Json:
    return _installation(info.context)


def _versions(info: Info) -> list[Json]:
    return [_version(handle) for handle in supported(info.context.now)]


def _version(handle: str) -> Json:
    return {"handle": handle, "displayName": handle, "supported": True}


# -- webhooks ------------------------------------------------------------------------------------


def _subscription(info: Info, id: str) -> Json | None:  # noqa: A002
    context = info.context
    found = context.installation.subscriptions.get(number_of(id))
    return None if found is None else _shown(context, found)


def _subscriptions(info: Info, **arguments: Any) -> Json:
    context = info.context
    wanted = _wanted(context.installation.subscriptions.values(), arguments)
    page = {n: v for n, v in arguments.items() if n in _PAGING}
    return paged(Listing(wanted, lambda s: (s.id, s.id), lambda s: _shown(context, s)))(
        info, **page
    )


def _subscriptions_count(info: Info, limit: int = _COUNT_LIMIT, **_: Any) -> Json:
    return _count(len(info.context.installation.subscriptions), limit)


_PAGING: Final = frozenset({"first", "after", "last", "before", "reverse"})


def _wanted(present: Iterable[Subscription], arguments: Json) -> list[Subscription]:
    topics, uri = arguments.get("topics"), arguments.get("uri") or arguments.get("callbackUrl")
    return [
        subscription
        for subscription in present
        if (not topics or topic_enum(subscription.topic) in topics)
        and (not uri or subscription.uri == uri)
        and arguments.get("format") in (None, "JSON")
    ]


def _shown(context: Context, subscription: Subscription) -> Json:
    handle = subscription.api_version
    return {
        "__typename": "WebhookSubscription",
        "id": gid("WebhookSubscription", subscription.id),
        "legacyResourceId": str(subscription.id),
        "topic": topic_enum(subscription.topic),
        "uri": subscription.uri,
        "callbackUrl": subscription.uri,
        "endpoint": _endpoint(subscription.uri),
        "format": "JSON",
        "includeFields": list(subscription.include_fields),
        "metafieldNamespaces": list(subscription.metafield_namespaces),
        "filter": subscription.filter,
        "name": subscription.name,
        "apiVersion": {
            "handle": handle,
            "displayName": handle,
            "supported": is_supported(handle, context.now),
        },
        "createdAt": utc(subscription.created_at),
        "updatedAt": utc(subscription.updated_at),
    }


def _endpoint(uri: str) -> Json:
    if uri.startswith("arn:"):
        return {"__typename": "WebhookEventBridgeEndpoint", "arn": uri}
    if uri.startswith("pubsub://"):
        project, _, topic = uri.removeprefix("pubsub://").partition(":")
        return {
            "__typename": "WebhookPubSubEndpoint",
            "pubSubProject": project,
            "pubSubTopic": topic,
        }
    return {"__typename": "WebhookHttpEndpoint", "callbackUrl": uri}


def _create(info: Info, topic: str, webhookSubscription: Json) -> Json:
    context = info.context
    try:
        made = subscriptions.subscribe(
            context.installation,
            context.next_id(),
            subscriptions.by_enum(topic),
            _wish(webhookSubscription),
            context.api_version,
            context.now,
        )
    except SubscriptionRefused as refused:
        return {"webhookSubscription": None, "userErrors": [_user_error(refused)]}
    return {"webhookSubscription": _shown(context, made), "userErrors": []}


def _update(info: Info, id: str, webhookSubscription: Json) -> Json:  # noqa: A002
    context = info.context
    try:
        changed = subscriptions.change(
            context.installation,
            number_of(id),
            _wish(webhookSubscription),
            context.api_version,
            context.now,
        )
    except SubscriptionRefused as refused:
        return {"webhookSubscription": None, "userErrors": [_user_error(refused)]}
    return {"webhookSubscription": _shown(context, changed), "userErrors": []}


def _delete(info: Info, id: str) -> Json:  # noqa: A002 - the argument's name
    context = info.context
    if context.installation.subscriptions.pop(number_of(id), None) is None:
        error = {"field": ["id"], "message": "There is no such subscription of this app."}
        return {"deletedWebhookSubscriptionId": None, "userErrors": [error]}
    return {"deletedWebhookSubscriptionId": id, "userErrors": []}


def _wish(said: Json) -> Wish:
    fields, spaces = said.get("includeFields"), said.get("metafieldNamespaces")
    return Wish(
        uri=said.get("uri") or said.get("callbackUrl"),
        include_fields=None if fields is None else tuple(fields),
        metafield_namespaces=None if spaces is None else tuple(spaces),
        filter=said.get("filter"),
        name=said.get("name"),
        format=said.get("format"),
    )


def _user_error(refused: SubscriptionRefused) -> Json:
    return {"field": list(refused.field), "message": str(refused)}


# -- bulk operations -----------------------------------------------------------------------------


def _bulk_operation(info: Info, id: str) -> Json | None:  # noqa: A002
    context = info.context
    found = context.operations.known.get(number_of(id))
    if found is None or found.installation is not context.installation:
        return None
    return _shown_bulk(context, found)


def _bulk_operations(
    info: Info,
    query: str | None = None,
    sortKey: str | None = None,
    **page: Any,
) -> Json:
    context = info.context
    return paged(_BULK.listing(context, query, sortKey))(info, **page)


_BULK: Final = resources.Resource(
    scopes=(),
    items=lambda context: context.operations.of(context.installation),
    fields=lambda _, operation: {
        "id": operation.id,
        "status": operation.status,
        "type": "QUERY",
        "operation_type": "QUERY",
        "created_at": operation.created_at,
        "completed_at": operation.completed_at,
    },
    known=frozenset({"id", "status", "type", "operation_type", "created_at", "completed_at"}),
    sorts={
        "CREATED_AT": lambda operation: operation.created_at,
        "COMPLETED_AT": lambda operation: operation.completed_at or operation.ends_at,
        "STATUS": lambda operation: operation.status,
    },
    identify=lambda operation: operation.id,
    show=lambda context, operation: _shown_bulk(context, operation),  # noqa: PLW0108 - defined below
)


def _current_bulk_operation(info: Info, type: str = "QUERY") -> Json | None:  # noqa: A002
    context = info.context
    mine = context.operations.of(context.installation) if type == "QUERY" else []
    latest = max(mine, key=lambda operation: operation.id, default=None)
    return None if latest is None else _shown_bulk(context, latest)


def _shown_bulk(context: Context, operation: BulkOperation) -> Json:
    url = context.result_url(operation) if operation.lines else None
    whole = operation.status == "COMPLETED"
    return {
        "__typename": "BulkOperation",
        "id": gid("BulkOperation", operation.id),
        "type": "QUERY",
        "status": operation.status,
        "errorCode": operation.error_code,
        "createdAt": utc(operation.created_at),
        "completedAt": utc(operation.completed_at) if operation.completed_at else None,
        "objectCount": str(len(operation.lines)),
        "rootObjectCount": str(operation.roots),
        "fileSize": str(operation.size) if operation.lines else None,
        "url": url if whole else None,
        "partialDataUrl": None if whole else url,
        "query": operation.query,
    }


def _run_bulk(schema: GraphQLSchema) -> Resolver:
    def resolve(info: Info, query: str, groupObjects: bool = False) -> Json:  # noqa: ARG001, FBT001, FBT002
        context = info.context
        try:
            BulkQuery(schema, query)
        except BulkRefused as refused:
            return _bulk_refusal("INVALID", ["query"], refused)
        try:
            made = context.operations.start(
                context.installation, context.next_id(), query, context.api_version, context.now
            )
        except BulkRefused as refused:
            return _bulk_refusal("OPERATION_IN_PROGRESS", None, refused)
        return {"bulkOperation": _shown_bulk(context, made), "userErrors": []}

    return resolve


def _bulk_refusal(code: str, field: list[str] | None, refused: BulkRefused) -> Json:
    error = {"code": code, "field": field, "message": str(refused)}
    return {"bulkOperation": None, "userErrors": [error]}


def _cancel_bulk(info: Info, id: str) -> Json:  # noqa: A002 - the argument's name
    context = info.context
    found = context.operations.known.get(number_of(id))
    if found is None or found.installation is not context.installation:
        error = {"field": ["id"], "message": "There is no such bulk operation."}
        return {"bulkOperation": None, "userErrors": [error]}
    if found.over:
        error = {"field": None, "message": "The bulk operation is over."}
        return {"bulkOperation": _shown_bulk(context, found), "userErrors": [error]}
    context.operations.cancel(found)
    return {"bulkOperation": _shown_bulk(context, found), "userErrors": []}
