"""What a store's connection is worth: whether it works, and what somebody should see to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Final, Literal, LiteralString

from tillstream.shopify.scopes import missing_scopes, parse_scopes

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from tillstream.foundation.database import Connection
    from tillstream.shops.stores import Store

Standing = Literal["connected", "needs_reconnect", "uninstalled"]

_SCOPES_OF_APPS: LiteralString = "SELECT key, scopes FROM shops.scopes_of_apps()"


@dataclass(frozen=True)
class StoreWarning:
    """Something about a connection that somebody should see to."""

    code: str
    title: str
    detail: str


def standing(store: Store) -> Standing:
    """Whether the connection works, as far as is known."""
    if store.uninstalled_at is not None:
        return "uninstalled"
    return "connected" if store.token_problem is None else "needs_reconnect"


def warnings_of(
    store: Store, missing: Collection[str], *, proof_needed: bool = False
) -> list[StoreWarning]:
    """What somebody should see to, the gravest first.

    Args:
        store: as its tenant sees it.
        missing: the scopes needed that were not granted.
        proof_needed: whether a shop that is only claimed gets no deliveries.
    """
    if store.uninstalled_at is not None:
        return [_warning("uninstalled", _uninstalled_detail(store))]
    found: list[StoreWarning] = []
    if store.token_problem is not None:
        found.append(_warning("token_refused", _PROBLEMS.get(store.token_problem, _LOST)))
    elif store.token_failures >= _MANY_FAILURES:
        found.append(_warning("token_waiting", _WAITING))
    if missing:
        found.append(
            _warning("scopes_missing", f"Not granted: {', '.join(sorted(missing))}. {_APPROVE}")
        )
    if proof_needed and store.proved_at is None:
        found.append(_warning("unproved", _UNPROVED))
    found += [_warning(one.get("code", ""), one.get("detail", "")) for one in store.warnings]
    return found


_MANY_FAILURES: Final = 3
_WAITING: Final = (
    "The last attempts to renew the access token failed; they go on by themselves. If it stays so, the "
    "operator of this installation finds the reason in the log (token_refresh_failed)."
)
_APPROVE: Final = "Connect the store again and approve all of what it asks for."
_RECONNECT: Final = "Connect the store again to go on."
_LOST: Final = f"Shopify no longer accepts the connection. {_RECONNECT}"
_UNPROVED: Final = (
    "Nothing is received yet: connect the store with Shopify, or give an Admin API access token, "
    "to show that the shop agrees."
)
# By token_problem: reasons of GrantRefused, and what calls of the Admin API found.
_PROBLEMS: Final[Mapping[str, str]] = {
    "grant": f"Shopify says that the permission to refresh the token has ended. {_RECONNECT}",
    "shop": "Shopify knows no such shop (any more).",
    "revoked": f"Shopify no longer accepts the access token. {_RECONNECT}",
    "forbidden": (
        "Shopify refuses all calls with this token, as it does to public apps whose tokens do not "
        f"expire. {_RECONNECT}"
    ),
    "wrong_shop": "The access token belongs to another shop. Give the one of this shop.",
}
TITLES: Final[Mapping[str, str]] = {
    "uninstalled": "The app was uninstalled",
    "token_refused": "Shopify no longer accepts the connection",
    "token_waiting": "The access token could not be renewed yet",
    "scopes_missing": "Some permissions are missing",
    "unproved": "The shop has not agreed yet",
    "host_not_public": "Webhooks cannot reach this address",
    "subscriptions_missing": "Some webhooks could not be subscribed",
    "version_subscribed": "Webhooks come in another API version",
    "version_delivered": "Deliveries come in another API version",
    "duplicated": "Webhooks are subscribed twice",
    "shop_locked": "Shopify has locked the shop",
    "unreachable": "Shopify could not be reached",
}
"""What each warning is called. The codes are stable."""


def _warning(code: str, detail: str) -> StoreWarning:
    return StoreWarning(code, TITLES.get(code, "The connection needs a look"), detail)


def _uninstalled_detail(store: Store) -> str:
    if store.erase_at is None:
        return "Nothing is received any more. Connect the store again to go on."
    day = store.erase_at.astimezone(UTC).date().isoformat()
    return f"Its data is erased on {day}. Connect the store again before then to go on."


async def missing_scopes_of(
    connection: Connection, stores: Sequence[Store], default: str
) -> dict[int, frozenset[str]]:
    """The scopes that each store's app asks for and the store has not granted, by store id.

    Empty for stores of which Shopify has not told yet what was granted. ``default`` are the scopes
    of apps that name none.
    """
    apps = dict[str, str]()
    if any(store.app_key for store in stores):
        apps = dict(await (await connection.execute(_SCOPES_OF_APPS)).fetchall())
    return {
        store.id: frozenset[str]()
        if store.granted_scopes is None
        else missing_scopes(
            parse_scopes(store.granted_scopes), parse_scopes(apps.get(store.app_key) or default)
        )
        for store in stores
    }
