"""What a shop says of itself and of the app's installation.

https://shopify.dev/docs/api/admin-graphql/latest/objects/Shop
https://shopify.dev/docs/api/admin-graphql/latest/objects/AppInstallation
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from tillstream.shopify.answers import json_object
from tillstream.shopify.scopes import format_scopes, parse_scopes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tillstream.shopify.admin import AdminClient

_ABOUT: Final = """\
query About {
  shop { name myshopifyDomain ianaTimezone currencyCode }
  currentAppInstallation { accessScopes { handle } }
}"""


class About(NamedTuple):
    """The answer; None for what was not told."""

    domain: str
    name: str | None
    timezone: str | None
    currency: str | None
    scopes: str


def read_about(data: Mapping[str, Any]) -> About:
    """The answer to the question about the shop, as far as it was answered."""
    shop = json_object(data.get("shop"))
    scopes = json_object(data.get("currentAppInstallation")).get("accessScopes")
    handles = [
        str(json_object(one).get("handle", ""))
        for one in cast("list[object]", scopes if isinstance(scopes, list) else [])
    ]
    return About(
        domain=str(shop.get("myshopifyDomain", "")).lower(),
        name=_text(shop.get("name"), 200),
        timezone=_text(shop.get("ianaTimezone"), 64),
        currency=_text(shop.get("currencyCode"), 3),
        scopes=format_scopes(parse_scopes(",".join(handles))),
    )


async def ask_about(client: AdminClient) -> About:
    """Ask the shop.

    Raises:
        AdminProblem: if it could not be asked.
    """
    return read_about(await client.query(_ABOUT))


def _text(value: object, longest: int) -> str | None:
    return value[:longest] if isinstance(value, str) and value else None
