"""Two tenants whose shops have the very same Shopify ids, filled through the worker's own way.

Every text of the victim's carries CANARY, and no amount of hers is one of the attacker's: whatever
the attacker is shown can be searched for both. Every row of hers can be hashed before and after.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from tests.rollup.worlds import delivery, world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.serve.conftest import Site
    from tillstream.journal.contract import Delivery

CANARY = "canary7f3avictim"
OWN = "ownattacker"
DOMAINS = {"victim": f"{CANARY}.myshopify.com", "attacker": f"{OWN}.myshopify.com"}
AMOUNTS = {"victim": ("7919.37", "6133.41"), "attacker": ("10.00", "25.50")}
ORDERS = range(9001, 9013)
CUSTOMERS = range(501, 505)
PRODUCTS = range(301, 304)


@dataclass
class Tenant:
    """One side: its tokens, and the ids that the other may guess."""

    side: str
    tenant_id: int
    user_id: int
    token: str
    store_id: int
    email: str
    cookies: dict[str, str] = field(default_factory=dict[str, str])


@dataclass
class Rivals:
    """The two, in one installation."""

    site: Site
    victim: Tenant
    attacker: Tenant

    def leaks(self, text: str) -> bool:
        """Whether the text holds anything of the victim's."""
        return CANARY in text or any(amount[:-1] in text for amount in AMOUNTS["victim"])


def bodies(side: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Deliveries of a side: the same ids on both, nothing else the same."""
    mark = CANARY if side == "victim" else OWN
    low, high = AMOUNTS[side]
    at = "2026-03-14T10:00:00Z"
    yield "shop/update", {
        "id": 1, "name": f"{mark} shop", "email": f"{mark}@example.com", "domain": DOMAINS[side],
        "myshopify_domain": DOMAINS[side], "currency": "USD", "iana_timezone": "UTC",
        "plan_name": mark, "created_at": at, "updated_at": at,
    }  # fmt: skip
    for number in CUSTOMERS:
        yield "customers/create", _customer(mark, number, at)
    for number in PRODUCTS:
        yield "products/create", {
            "id": number, "title": f"{mark} tea {number}", "handle": f"{mark}-{number}", "vendor": mark,
            "product_type": mark, "status": "active", "created_at": at, "updated_at": at,
            "variants": [{"id": number + 1000, "title": mark, "sku": mark, "price": low,
                          "inventory_quantity": 5, "position": 1}],
        }  # fmt: skip
    for number in ORDERS:
        hour = f"2026-03-14T{number % 12 + 8:02}:00:00Z"
        yield "checkouts/create", {
            "id": number + 70_000, "token": f"checkout{number}", "cart_token": f"cart{number}",
            "name": f"{mark} #{number}", "email": f"{mark}{number}@example.com", "phone": None,
            "currency": "USD", "total_price": high, "created_at": hour, "updated_at": hour,
            "abandoned_checkout_url": f"https://{DOMAINS[side]}/recover/{number}",
            "customer": _customer(mark, CUSTOMERS[number % 4], at), "line_items": [],
        }  # fmt: skip
        if number % 3:
            yield "orders/create", _order(mark, number, hour, low, high)


def _customer(mark: str, number: int, at: str) -> dict[str, Any]:
    return {
        "id": number, "email": f"{mark}{number}@example.com", "first_name": mark.title(),
        "last_name": f"{mark} {number}", "phone": f"+{mark}", "created_at": at, "updated_at": at,
    }  # fmt: skip


def _order(mark: str, number: int, at: str, low: str, high: str) -> dict[str, Any]:
    line: dict[str, Any] = {
        "id": number * 10, "product_id": PRODUCTS[number % 3], "variant_id": PRODUCTS[number % 3] + 1000,
        "title": f"{mark} tea", "variant_title": mark, "sku": mark, "vendor": mark, "quantity": 1,
        "current_quantity": 1, "price": low, "tax_lines": [],
    }  # fmt: skip
    refund: dict[str, Any] = {
        "id": number * 100, "order_id": number, "created_at": at, "processed_at": at, "note": mark,
        "refund_line_items": [{"id": 1, "line_item_id": number * 10, "quantity": 1, "subtotal": low,
                               "total_tax": "0.00", "line_item": line}],
        "order_adjustments": [], "transactions": [],
    }  # fmt: skip
    return {
        "id": number, "name": f"#{mark}{number}", "email": f"{mark}{number}@example.com",
        "phone": f"+{mark}", "created_at": at, "processed_at": at, "updated_at": at,
        "currency": "USD", "presentment_currency": "USD", "financial_status": "paid", "test": False,
        "taxes_included": False, "total_price": high, "subtotal_price": high, "total_tax": "0.00",
        "total_discounts": "0.00", "current_total_price": high, "source_name": mark,
        "cancel_reason": mark, "checkout_token": f"checkout{number}", "cart_token": f"cart{number}",
        "customer": _customer(mark, CUSTOMERS[number % 4], at), "line_items": [line],
        "shipping_lines": [], "discount_codes": [{"code": mark, "amount": "0.00", "type": "fixed_amount"}],
        "refunds": [refund] if number % 5 == 0 else [],
    }  # fmt: skip


def deliveries(side: str) -> list[Delivery]:
    """The side's deliveries, signed by nobody: they enter where the worker applies them."""
    return [delivery(DOMAINS[side], topic, body) for topic, body in bodies(side)]


async def make_rivals(site: Site) -> Rivals:
    """Both sides: registered and connected over HTTP, filled by the worker, deadlines passed."""
    # The victim comes first, so that her ids are what an attacker would guess: the smaller ones.
    victim = await _settle(site, "victim")
    attacker = await _settle(site, "attacker")
    async with world(site.database) as worker:
        for side in ("victim", "attacker"):
            outcome = await worker.apply(deliveries(side), now=site.clock.now)
            assert not outcome.parked, outcome.parked
            assert not outcome.unrouted
        await worker.pass_deadlines(site.clock.now)
    return Rivals(site, victim, attacker)


async def _settle(site: Site, side: str) -> Tenant:
    mark = CANARY if side == "victim" else OWN
    email = f"{mark}@example.com"
    async with site.client() as client:
        body = {"email": email, "password": f"brass {mark} lamp", "name": f"{mark} name"}
        answer = await client.post("/api/auth/register", json=body)
        assert answer.status_code == 201, answer.text
        signed = answer.json()
        client.headers["authorization"] = f"Bearer {signed['token']}"
        store = await client.post(
            "/api/stores",
            json={"domain": DOMAINS[side], "name": f"{mark} store", "api_secret": mark},
        )
        assert store.status_code == 201, store.text
        return Tenant(
            side,
            int(signed["tenant"]["id"]),
            int(signed["user"]["id"]),
            signed["token"],
            int(store.json()["id"]),
            email,
            dict(client.cookies),
        )


TABLES = """
SELECT n.nspname, c.relname, EXISTS (
  SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('shops', 'journal', 'mirror', 'rollup') AND c.relkind IN ('r', 'p')
ORDER BY 1, 2
"""


def tenant_tables(owner: psycopg.Connection[Any]) -> list[tuple[str, str, bool]]:
    """Every table of ours: schema, name, whether its rows say whose they are."""
    return owner.execute(TABLES).fetchall()


def fingerprint(
    admin_url: str, tenant: Tenant, *, but: frozenset[str] = frozenset()
) -> dict[str, str]:
    """A hash of all rows of a tenant by table, as the owner of the database sees them."""
    found: dict[str, str] = {}
    with psycopg.connect(admin_url) as owner:
        for schema, table, has_tenant in tenant_tables(owner):
            name = f"{schema}.{table}"
            if name in but:
                continue
            column = "tenant_id" if has_tenant else {"tenants": "id", "users": "id"}.get(table)
            if column is None:
                continue
            value = tenant.user_id if table == "users" else tenant.tenant_id
            rows = owner.execute(
                sql.SQL("SELECT t::text FROM {} AS t WHERE {} = %s ORDER BY 1").format(
                    sql.Identifier(schema, table), sql.Identifier(column)
                ),
                (value,),
            ).fetchall()
            found[name] = hashlib.sha256("\n".join(row[0] for row in rows).encode()).hexdigest()
    return found
