"""What a connection is worth, what Shopify says of it later on, and what the database keeps for itself.

Real: PostgreSQL with its two roles. The deciding parts are searched by hypothesis.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.serve.conftest import settings_for
from tillstream.command.installation import worker_url
from tillstream.foundation.database import open_pool, tenants_transaction
from tillstream.foundation.migrate import login_url
from tillstream.foundation.settings import SettingWrong, load_settings
from tillstream.shops import lifecycle
from tillstream.shops.connections import installation_time
from tillstream.shops.standing import TITLES, standing, warnings_of
from tillstream.shops.stores import Store

if TYPE_CHECKING:
    from tests.conftest import Database

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SHOP = "ada-teas.myshopify.com"
STORE = Store(
    id=1,
    domain=SHOP,
    name="",
    timezone=None,
    currency=None,
    abandonment_window=timedelta(minutes=10),
    has_api_secret=False,
    has_access_token=True,
    created_at=NOW,
)
PROBLEMS = st.none() | st.sampled_from(
    ["grant", "shop", "revoked", "forbidden", "wrong_shop", "new_one"]
)
SOMETIMES = st.none() | st.just(NOW)


@st.composite
def stores(draw: st.DrawFn) -> Store:
    """A store of which anything may have become."""
    gone = draw(SOMETIMES)
    found = draw(st.lists(st.sampled_from(["shop_locked", "duplicated", "unheard_of"]), max_size=2))
    return replace(
        STORE,
        token_problem=draw(PROBLEMS),
        token_failures=draw(st.integers(0, 10)),
        uninstalled_at=gone,
        erase_at=gone,
        proved_at=draw(SOMETIMES),
        warnings=[{"code": code, "detail": "said"} for code in found],
    )


SCOPES = st.sets(st.sampled_from(["read_orders", "read_customers"]))


# -- Deciding --------------------------------------------------------------------------------------


@given(stores(), SCOPES, st.booleans())
def test_whatever_is_wrong_is_said_with_a_title_and_what_to_do(
    store: Store, missing: set[str], proof_needed: bool
) -> None:
    told = warnings_of(store, missing, proof_needed=proof_needed)
    codes = [one.code for one in told]
    assert all(one.title and one.detail for one in told)
    assert {code for code in codes if code != "unheard_of"} <= set(TITLES)
    status = standing(store)
    assert (status == "uninstalled") == (store.uninstalled_at is not None)
    if status == "uninstalled":
        # Nothing else matters then.
        assert codes == ["uninstalled"]
        return
    assert ("token_refused" in codes) == (status == "needs_reconnect")
    assert ("scopes_missing" in codes) == bool(missing)
    assert ("unproved" in codes) == (proof_needed and store.proved_at is None)
    assert codes[len(codes) - len(store.warnings) :] == [one["code"] for one in store.warnings]


@given(
    st.integers(1_600_000_000, 2_000_000_000),
    st.floats(-120, 90_000, allow_nan=False),
    st.floats(0.001, 120),
)
def test_an_installation_is_dated_by_shopifys_clock(
    second: int, ours_is_ahead: float, later: float
) -> None:
    """Whatever our clock says, what Shopify dates a second later came later, and before it, before."""
    told = datetime.fromtimestamp(second, UTC)
    installed = installation_time(str(second), told + timedelta(seconds=ours_is_ahead))
    assert told <= installed <= told + timedelta(seconds=1)
    assert installed > told - timedelta(seconds=later)
    assert installed <= told + timedelta(seconds=1 + later)


def test_with_clocks_that_agree_an_installation_is_dated_exactly() -> None:
    now = NOW + timedelta(milliseconds=421)
    assert installation_time(str(int(NOW.timestamp())), now) == now


@pytest.mark.parametrize(
    ("body", "speaks"),
    [
        (b'{"myshopify_domain": "ada-teas.myshopify.com"}', True),
        (b'{"myshopify_domain": "Ada-Teas.myshopify.com"}', True),
        (b'{"myshopify_domain": "bob.myshopify.com"}', False),
        (b'{"domain": "ada-teas.myshopify.com"}', False),
        (b'{"myshopify_domain": ["ada-teas.myshopify.com"]}', False),
        (b"[]", False),
        (b"\xff", False),
        (b"", False),
    ],
)
def test_a_body_has_to_name_the_shop_of_the_header(body: bytes, speaks: bool) -> None:
    assert lifecycle.speaks_for(body, SHOP) is speaks


def test_claims_are_open_or_proved() -> None:
    given = {"JWT_SECRET": "x" * 32, "TILLSTREAM_KEY": "0" * 64, "SHOPIFY_API_SECRET": "s"}
    assert not load_settings(given, generate=False).claims_proved
    assert load_settings({**given, "TILLSTREAM_CLAIMS": "proved"}, generate=False).claims_proved
    with pytest.raises(SettingWrong, match="open or proved"):
        load_settings({**given, "TILLSTREAM_CLAIMS": "none"}, generate=False)


# -- What Shopify says later -----------------------------------------------------------------------


def plant(database: Database, *, installed_at: datetime | None = NOW) -> None:
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        owner.execute("INSERT INTO shops.tenants (name) VALUES ('Ada'), ('Bob')")
        owner.execute("INSERT INTO shops.stores (tenant_id, domain) VALUES (1, %s)", (SHOP,))
        owner.execute(
            "UPDATE shops.stores SET installed_at = %s, access_token_sealed = 'a', "
            "refresh_token_sealed = 'r', granted_scopes = 'read_orders', "
            "subscriptions_audited_at = %s",
            (installed_at, NOW),
        )


def ask(database: Database, statement: LiteralString) -> Any:
    with psycopg.connect(database.admin_url) as owner:
        return owner.execute(statement).fetchall()


async def uninstalled(database: Database, told_at: datetime, *, tenant: int = 1) -> bool:
    async with (
        open_pool(database.worker_url) as pool,
        tenants_transaction(pool, [tenant]) as connection,
    ):
        return await lifecycle.uninstalled(
            connection, 1, 1, told_at=told_at, now=NOW + timedelta(days=1), keep_days=30
        )


async def test_uninstalling_ends_the_tokens_at_once_and_dates_the_erasure(
    database: Database,
) -> None:
    plant(database)
    assert await uninstalled(database, NOW + timedelta(hours=1))
    assert ask(
        database,
        "SELECT access_token_sealed, refresh_token_sealed, uninstalled_at, erase_at, removed_at "
        "FROM shops.stores",
    ) == [(None, None, NOW + timedelta(days=1), NOW + timedelta(days=31), None)]
    assert ask(database, "SELECT tenant_id, actor, action, subject FROM shops.audit") == [
        (1, "shopify", "store.uninstalled", SHOP)
    ]
    # Told twice, it is done once.
    assert not await uninstalled(database, NOW + timedelta(hours=1))


async def test_an_uninstallation_of_before_does_not_end_the_installation_of_now(
    database: Database,
) -> None:
    plant(database)
    assert not await uninstalled(database, NOW - timedelta(milliseconds=1))
    assert ask(database, "SELECT access_token_sealed, uninstalled_at FROM shops.stores") == [
        (b"a", None)
    ]


async def test_a_store_that_was_never_installed_by_oauth_can_be_uninstalled(
    database: Database,
) -> None:
    plant(database, installed_at=None)
    assert await uninstalled(database, NOW - timedelta(days=100))


async def test_another_tenants_transaction_uninstalls_nothing(database: Database) -> None:
    plant(database)
    assert not await uninstalled(database, NOW + timedelta(hours=1), tenant=2)
    assert ask(database, "SELECT uninstalled_at FROM shops.stores") == [(None,)]


async def test_changed_scopes_make_an_audit_due_and_the_same_ones_do_not(
    database: Database,
) -> None:
    plant(database)
    async with open_pool(database.worker_url) as pool:
        async with tenants_transaction(pool, [1]) as connection:
            await lifecycle.scopes_updated(connection, 1, 1, ["read_orders"], NOW)
        assert ask(database, "SELECT subscriptions_audited_at FROM shops.stores") == [(NOW,)]
        async with tenants_transaction(pool, [1]) as connection:
            await lifecycle.scopes_updated(connection, 1, 1, ["read_orders", "read_products"], NOW)
    assert ask(database, "SELECT subscriptions_audited_at, granted_scopes FROM shops.stores") == [
        (None, "read_orders,read_products")
    ]


# -- What the database keeps for itself ------------------------------------------------------------


@pytest.mark.parametrize(
    "column", ["access_token_sealed", "refresh_token_sealed", "api_secret_sealed"]
)
def test_the_api_cannot_read_what_is_sealed(database: Database, column: LiteralString) -> None:
    plant(database)
    with psycopg.connect(database.api_url, autocommit=True) as connection:
        connection.execute("SELECT set_config('tillstream.tenant', '1', false)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT " + column + " FROM shops.stores")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(
                "UPDATE shops.stores SET name = 'x' RETURNING encode(" + column + ", 'hex')"
            )
        # Nor by asking whether it is what one guesses.
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT FROM shops.stores WHERE " + column + " = 'a'")


def test_an_own_apps_secret_comes_out_for_a_pending_grant_only(database: Database) -> None:
    plant(database)
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        owner.execute("UPDATE shops.stores SET api_secret_sealed = 's', client_id = 'own'")
        owner.execute(
            "INSERT INTO shops.users (email, password_hash) VALUES ('a@b.c', '$argon2id$')"
        )
        owner.execute("INSERT INTO shops.memberships VALUES (1, 1, 'owner'), (2, 1, 'owner')")
        for tenant, client in ((1, "own"), (2, "own"), (1, "other")):
            owner.execute(
                "INSERT INTO shops.grants_pending VALUES "
                "(%(tenant)s, sha256(%(state)s), 1, %(shop)s, '', %(client)s, sha256(''), NULL, "
                "%(now)s, %(end)s)",
                {
                    "tenant": tenant,
                    "state": f"{tenant} {client}".encode(),
                    "shop": SHOP,
                    "client": client,
                    "now": NOW,
                    "end": NOW + timedelta(minutes=10),
                },
            )
    with psycopg.connect(database.api_url, autocommit=True) as connection:

        def told(tenant: int, state: bytes, at: datetime = NOW) -> list[Any]:
            connection.execute("SELECT set_config('tillstream.tenant', %s, false)", (str(tenant),))
            return connection.execute(
                "SELECT api_secret_sealed FROM shops.own_app_secret(sha256(%s), %s)", (state, at)
            ).fetchall()

        assert told(1, b"1 own") == [(b"s",)]
        assert told(1, b"1 own", NOW + timedelta(minutes=11)) == []
        assert told(1, b"1 other") == []
        assert told(1, b"unknown") == []
        # The other tenant has a grant of its own, but not the store.
        assert told(2, b"2 own") == []
        assert told(2, b"1 own") == []


def test_where_claims_have_to_be_proved_a_mere_claim_has_no_route(database: Database) -> None:
    plant(database)
    settings = settings_for(Path("unused"), key=database.key)
    proved = replace(settings, claims_proved=True)
    # The installation's own way of saying it to the worker's sessions.
    assert worker_url(database.admin_url, settings) == login_url(
        database.admin_url, "worker", database.key
    )
    strict = worker_url(make_conninfo(database.admin_url, options="-c work_mem=5MB"), proved)

    def routed(url: str) -> int:
        with psycopg.connect(url) as connection:
            assert url != strict or connection.execute("SHOW work_mem").fetchone() == ("5MB",)
            return len(connection.execute("SELECT FROM shops.route(%s)", ([SHOP],)).fetchall())

    assert routed(database.worker_url) == 1
    assert routed(strict) == 0
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        owner.execute("UPDATE shops.stores SET proved_at = %s", (NOW,))
    assert routed(strict) == 1


def test_caches_are_told_of_what_they_hold_and_not_of_every_new_token(database: Database) -> None:
    plant(database)
    with (
        psycopg.connect(database.worker_url, autocommit=True) as ear,
        psycopg.connect(database.admin_url, autocommit=True) as owner,
    ):
        row = ear.execute("SELECT shops.channel('tillstream_shops')").fetchone()
        assert row is not None
        ear.execute(sql.SQL("LISTEN {}").format(sql.Identifier(row[0])))
        owner.execute(
            "UPDATE shops.stores SET access_token_sealed = 'b', token_refreshed_at = now()"
        )
        owner.execute("UPDATE shops.stores SET proved_at = now()")
        heard = [one.payload for one in ear.notifies(timeout=5, stop_after=1)]
        heard += [one.payload for one in ear.notifies(timeout=0)]
    assert heard == [SHOP]
