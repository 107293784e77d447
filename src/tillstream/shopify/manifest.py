"""The app's configuration as Shopify's command line reads it.

https://shopify.dev/docs/apps/build/cli-for-apps/app-configuration
"""

from __future__ import annotations

import json
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from tillstream.shopify.admin import API_VERSION
from tillstream.shopify.permissions import not_asked_for
from tillstream.shopify.scopes import format_scopes, parse_scopes
from tillstream.shopify.subscriptions import wanted_topics
from tillstream.shopify.topics import COMPLIANCE_TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterable

_WIDTH: Final = 96
"""Of a line of comment."""

_TEMPLATE: Final = """\
# {file}, for `shopify app deploy`.
#
# The three compliance topics can only be declared here (or in the dashboard of the app). The other
# topics are optional: Tillstream subscribes each connected store to them by itself. Declared here
# too, they are delivered twice and counted once, and Shopify does not remove them when deliveries
# fail; leave them out to halve the traffic.
{not_asked}
client_id = {client_id}
name = {name}
application_url = {application_url}
embedded = false

[access_scopes]
scopes = {scopes}
use_legacy_install_flow = true

[auth]
redirect_urls = [{redirect_url}]

[webhooks]
api_version = {api_version}

  [[webhooks.subscriptions]]
  compliance_topics = [{compliance}]
  uri = {uri}

  [[webhooks.subscriptions]]
  topics = [{topics}]
  uri = {uri}
"""


def manifest(client_id: str, host: str, scopes: str, app_key: str, name: str) -> str:
    """The text of ``shopify.app.toml`` for one app.

    Args:
        client_id: the app's, as Shopify gave it.
        host: the public base address of this installation.
        scopes: the access scopes to ask for; topics that they do not cover are left out, and what
            further scopes would add is said in a comment.
        app_key: the key of the app in our addresses; empty for the default one.
        name: what merchants read.
    """
    base = host.rstrip("/")
    end = f"/{app_key}" if app_key else ""
    return _TEMPLATE.format(
        not_asked=_not_asked(parse_scopes(scopes), app_key),
        file=f"shopify.app.{app_key}.toml" if app_key else "shopify.app.toml",
        client_id=_text(client_id),
        name=_text(name),
        application_url=_text(f"{base}/api/auth/install{end}"),
        scopes=_text(format_scopes(parse_scopes(scopes))),
        redirect_url=_text(f"{base}/api/auth/callback{end}"),
        api_version=_text(API_VERSION),
        compliance=_list(COMPLIANCE_TOPICS),
        topics=_list(sorted(wanted_topics(parse_scopes(scopes)))),
        uri=_text(f"{base}/api/webhook{end}"),
    )


def _not_asked(scopes: frozenset[str], app_key: str) -> str:
    """What further scopes would add, as comments; empty where there are none."""
    further = not_asked_for(scopes)
    if not further:
        return ""
    means = "`tillstream app add --scopes`" if app_key else "SHOPIFY_SCOPES"
    told = [
        "",
        *wrap(
            f"Further scopes that are of use, to be set with {means}; then deploy this file anew and "
            "connect each store again, so that its owner approves them:",
            _WIDTH,
        ),
    ]
    for one in further:
        told += wrap(
            f"{one.scope}: {one.tells}. {one.serves}.",
            _WIDTH,
            initial_indent="  ",
            subsequent_indent="    ",
        )
    return "".join(f"# {line}".rstrip() + "\n" for line in told)


def _list(values: Iterable[str]) -> str:
    return ", ".join(_text(value) for value in values)


def _text(value: str) -> str:
    """A TOML string: JSON's escapes are among TOML's, but for DEL, which TOML wants escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
