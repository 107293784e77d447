"""The pages that a merchant clicks through. No scripts; every value is escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tillstream.simulator.admin.consent import App, Installation
    from tillstream.simulator.admin.living import LivingShop
    from tillstream.simulator.facts import Customer

_STYLE: Final = """
:root { color-scheme: light dark; --ground: #f4f4f1; --sheet: #fff; --ink: #1c1d1a; --soft: #62655c;
  --line: #deded6; --go: #1f6f4a; --stop: #a3352b; }
@media (prefers-color-scheme: dark) { :root { --ground: #171815; --sheet: #20211d; --ink: #eceae3;
  --soft: #a3a599; --line: #36382f; --go: #3f9d6f; --stop: #d9695d; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
header { padding: 14px 24px; border-bottom: 1px solid var(--line); color: var(--soft); font-size: 14px; }
header strong { color: var(--ink); }
main { max-width: 640px; margin: 40px auto; padding: 0 20px; }
section { background: var(--sheet); border: 1px solid var(--line); border-radius: 12px;
  padding: 24px 28px; margin-bottom: 20px; }
h1 { font-size: 22px; margin: 0 0 6px; } h2 { font-size: 17px; margin: 0 0 10px; }
p { margin: 0 0 14px; color: var(--soft); } ul { padding-left: 20px; margin: 0 0 20px; }
li { margin: 4px 0; } code { font-size: 13px; color: var(--soft); }
form { display: inline; } .row { display: flex; gap: 12px; align-items: center; flex-wrap: wrap; }
.row + .row { margin-top: 14px; padding-top: 14px; border-top: 1px solid var(--line); }
.grow { flex: 1; min-width: 180px; }
button, .button { font: inherit; font-weight: 600; border-radius: 8px; padding: 8px 16px; cursor: pointer;
  border: 1px solid var(--line); background: transparent; color: var(--ink); text-decoration: none; }
button.go, .button.go { background: var(--go); border-color: var(--go); color: #fff; }
button.stop { color: var(--stop); border-color: var(--stop); }
select { font: inherit; padding: 7px; border-radius: 8px; border: 1px solid var(--line); background: transparent;
  color: inherit; max-width: 100%; }
a { color: inherit; }
:focus-visible { outline: 3px solid var(--go); outline-offset: 2px; }
"""

_SCOPES: Final = {
    "read_orders": "See orders, checkouts and their amounts",
    "write_orders": "See and change orders",
    "read_all_orders": "See orders older than 60 days",
    "read_customers": "See customers: names, addresses, e-mail, telephone",
    "write_customers": "See and change customers",
    "read_products": "See products, variants and prices",
    "write_products": "See and change products",
    "read_inventory": "See stock",
    "read_fulfillments": "See parcels on their way",
    "read_returns": "See returns",
    "read_draft_orders": "See draft orders",
    "read_reports": "See reports",
}


def in_words(scope: str) -> str:
    """What a scope allows, for a merchant."""
    return _SCOPES.get(scope, scope.replace("_", " ").capitalize())


def consent_page(
    base: str,
    shop: LivingShop,
    app: App,
    scopes: Sequence[str],
    request: Sequence[tuple[str, str]],
    *,
    installed: bool,
) -> str:
    """Whether the merchant agrees to what the app asks for."""
    verb = "Update" if installed else "Install"
    listed = "".join(f"<li>{escape(in_words(s))} <code>{escape(s)}</code></li>" for s in scopes)
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in request
    )
    action = escape(f"{base}/admin/oauth/approve")
    return _page(
        f"{verb} {app.name}",
        shop,
        f"""<section><h1>{verb} {escape(app.name)}</h1>
<p>On {escape(shop.plan.name)}, the app would be able to:</p>
<ul>{listed or "<li>Nothing beyond the shop's public details</li>"}</ul>
<div class="row">
<form method="post" action="{action}">{hidden}<input type="hidden" name="answer" value="yes">
<button class="go" type="submit">{verb} app</button></form>
<form method="post" action="{action}">{hidden}<input type="hidden" name="answer" value="no">
<button type="submit">Cancel</button></form>
</div></section>""",
    )


def apps_page(
    base: str,
    shop: LivingShop,
    apps: Iterable[App],
    installed: dict[str, Installation],
    entries: dict[str, str],
    customers: Sequence[Customer],
) -> str:
    """A shop's apps: install, open, uninstall; and what customers ask of them."""
    rows = "".join(_app_row(base, app, installed.get(app.client_id), entries) for app in apps)
    asked = "".join(
        _privacy_form(base, installation, customers) for installation in installed.values()
    )
    return _page(
        "Apps",
        shop,
        f"<section><h1>Apps</h1>{rows or '<p>No app is registered.</p>'}</section>{asked}"
        f"""<section><h2>At the counter</h2><p>{len(shop.ledger.orders)} orders so far.</p>
<form method="post" action="{escape(base)}/admin/sell"><button type="submit">Sell something</button></form>
</section>""",
    )


def shops_page(shops: Iterable[tuple[str, LivingShop]]) -> str:
    """All shops there are."""
    rows = "".join(
        f'<div class="row"><span class="grow"><strong>{escape(shop.plan.name)}</strong><br>'
        f"<code>{escape(shop.domain)}</code></span>"
        f'<a class="button" href="{escape(address)}/admin">Open the Admin</a></div>'
        for address, shop in shops
    )
    return _page(
        "Shops",
        None,
        "<section><h1>Pretended shops</h1><p>Nothing here is real: this program stands in for "
        f"Shopify on this machine.</p>{rows}</section>",
    )


def problem_page(title: str, detail: str) -> str:
    """Why there is nothing to be seen."""
    return _page(title, None, f"<section><h1>{escape(title)}</h1><p>{escape(detail)}</p></section>")


def _app_row(
    base: str, app: App, installation: Installation | None, entries: dict[str, str]
) -> str:
    entry = escape(entries[app.client_id])
    client = f'<input type="hidden" name="client_id" value="{escape(app.client_id)}">'
    if installation is None:
        action, note = f'<a class="button go" href="{entry}">Install</a>', "not installed"
    else:
        note = ", ".join(sorted(installation.scopes)) or "no scopes"
        action = (
            f'<a class="button" href="{entry}">Open</a>'
            f'<form method="post" action="{escape(base)}/admin/apps/uninstall">{client}'
            '<button class="stop" type="submit">Uninstall</button></form>'
        )
    return (
        f'<div class="row"><span class="grow"><strong>{escape(app.name)}</strong><br>'
        f"<code>{escape(note)}</code></span>{action}</div>"
    )


def _privacy_form(base: str, installation: Installation, customers: Sequence[Customer]) -> str:
    options = "".join(
        f'<option value="{known.id}">{escape(known.name)} ({escape(known.email)})</option>'
        for known in customers
    )
    client = escape(installation.app.client_id)
    return f"""<section><h2>A customer asks {escape(installation.app.name)}</h2>
<form method="post" action="{escape(base)}/admin/privacy"><input type="hidden" name="client_id" value="{client}">
<p><select name="customer" aria-label="Customer">{options}</select></p>
<div class="row"><button type="submit" name="topic" value="customers/data_request">for their data</button>
<button class="stop" type="submit" name="topic" value="customers/redact">to be forgotten</button></div>
</form></section>"""


def _page(title: str, shop: LivingShop | None, body: str) -> str:
    where = f"<strong>{escape(shop.plan.name)}</strong> · {escape(shop.domain)}" if shop else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(title)} · pretended Shopify</title><style>{_STYLE}</style></head>
<body><header>Pretended Shopify {where}</header><main>{body}</main></body></html>
"""


def with_query(address: str, query: Sequence[tuple[str, str]]) -> str:
    """``address`` with parameters added."""
    joint = "&" if "?" in address else "?"
    return f"{address}{joint}{urlencode(query)}"
