"""What the database itself holds of people, whoever asks it and however many at once.

Real: two connections of the API's role that wait for each other. Nothing sleeps: whether one waits is
asked of the database.
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from argon2 import PasswordHasher, extract_parameters

from tillstream.foundation.database import Connection, Pool, open_pool, tenant_transaction
from tillstream.shops.accounts import find_person
from tillstream.shops.audit import list_lines, note
from tillstream.shops.passwords import PasswordVault
from tillstream.shops.sessions import (
    Device,
    RefreshToken,
    hold_password,
    list_sign_ins,
    open_session,
    rotate_session,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable

    from tests.conftest import Database

NOW = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)
OLD, NEW = "$argon2id$old", "$argon2id$new"
HERE = Device("192.0.2.1", "a browser")


@pytest.fixture
async def pool(database: Database) -> AsyncGenerator[Pool]:
    """Of the API's role; the database has Ada (1, owner of tenant 1) and Eve (2, of tenant 2)."""
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        for name in ("ada", "eve"):
            owner.execute(
                "SELECT shops.create_account(%s, %s, %s, %s)",
                (f"{name}@example.com", name, name, OLD),
            )
    async with open_pool(database.api_url, max_size=6) as opened:
        yield opened


def draw(number: int, tenant_id: int = 1) -> RefreshToken:
    return RefreshToken.draw(tenant_id, lambda size: bytes([number]) * size)


async def sign_in(
    connection: Connection, number: int, *, user_id: int = 1, tenant_id: int = 1
) -> UUID:
    family = UUID(int=number)
    token = draw(number, tenant_id)
    await open_session(connection, token, user_id=user_id, family=family, device=HERE, now=NOW)
    return family


async def replace_password(pool: Pool, old: str = OLD, new: str = NEW) -> bool:
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT shops.replace_password(1, %s, %s, NULL, %s)", (old, new, NOW)
        )
        return await cursor.fetchone() == (True,)


async def waits(database: Database, work: Awaitable[Any]) -> asyncio.Task[Any]:
    """``work`` under way, once the database says that it waits for somebody's lock."""
    task = asyncio.ensure_future(work)
    assert isinstance(task, asyncio.Task)
    async with (
        asyncio.timeout(10),
        await psycopg.AsyncConnection.connect(database.admin_url, autocommit=True) as owner,
    ):
        while True:
            cursor = await owner.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if await cursor.fetchone() != (0,):
                return task
            assert not task.done(), "it did not wait"


async def test_a_sign_in_by_the_old_password_does_not_slip_in_behind_its_change(
    database: Database, pool: Pool
) -> None:
    async with tenant_transaction(pool, 1) as connection:
        assert await hold_password(connection, 1, OLD)
        change = await waits(database, replace_password(pool))
        family = await sign_in(connection, 1)
    assert await change is True
    async with tenant_transaction(pool, 1) as connection:
        # It was let in, and then ended with all the others.
        assert await list_sign_ins(connection, family, NOW) == []


async def test_a_password_that_changes_first_lets_the_old_one_in_no_more(
    database: Database, pool: Pool
) -> None:
    async with pool.connection() as changing, changing.transaction():
        await changing.execute(
            "SELECT shops.replace_password(1, %s, %s, NULL, %s)", (OLD, NEW, NOW)
        )

        async def enter() -> bool:
            async with tenant_transaction(pool, 1) as connection:
                return await hold_password(connection, 1, OLD)

        entering = await waits(database, enter())
    assert await entering is False


async def test_a_rotation_does_not_slip_in_behind_a_change(database: Database, pool: Pool) -> None:
    async with tenant_transaction(pool, 1) as connection:
        family = await sign_in(connection, 1)
    async with tenant_transaction(pool, 1) as connection:
        renewed = await rotate_session(connection, draw(1), successor=draw(2), device=HERE, now=NOW)
        assert renewed is not None
        change = await waits(database, replace_password(pool))
    assert await change is True
    async with tenant_transaction(pool, 1) as connection:
        assert await list_sign_ins(connection, family, NOW) == []
        again = await rotate_session(connection, draw(2), successor=draw(3), device=HERE, now=NOW)
        assert again is None


async def remove(pool: Pool, member: int) -> str:
    async with tenant_transaction(pool, 1) as connection:
        cursor = await connection.execute("SELECT shops.remove_member(%s, %s)", (member, NOW))
        row = await cursor.fetchone()
        assert row is not None
        return str(row[0])


def add_member(database: Database, user_id: int) -> None:
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO shops.memberships (tenant_id, user_id, role) VALUES (1, %s, 'owner')",
            (user_id,),
        )


async def test_removing_somebody_waits_for_their_token_that_is_being_renewed(
    database: Database, pool: Pool
) -> None:
    add_member(database, 2)
    async with tenant_transaction(pool, 1) as connection:
        family = await sign_in(connection, 1, user_id=2)
    async with tenant_transaction(pool, 1) as connection:
        await connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 20))", (str(family),)
        )
        await connection.execute("UPDATE shops.sessions SET rotated_at = %s", (NOW,))
        # Half way through rotating: without waiting here the two would wait for each other below.
        removing = await waits(database, remove(pool, 2))
        await connection.execute(
            "INSERT INTO shops.sessions "
            "(tenant_id, user_id, family, token_hash, created_at, expires_at) "
            "VALUES (1, 2, %s, %s, %s, %s)",
            (family, draw(2).digest, NOW, NOW + timedelta(days=1)),
        )
    assert await removing == "removed"
    async with tenant_transaction(pool, 1) as connection:
        again = await rotate_session(connection, draw(2), successor=draw(3), device=HERE, now=NOW)
        assert again is None


async def test_removing_somebody_waits_for_their_sign_in_and_ends_it(
    database: Database, pool: Pool
) -> None:
    add_member(database, 2)
    async with tenant_transaction(pool, 1) as connection:
        assert await hold_password(connection, 2, OLD)
        removing = await waits(database, remove(pool, 2))
        family = await sign_in(connection, 1, user_id=2)
    assert await removing == "removed"
    async with tenant_transaction(pool, 1) as connection:
        assert await list_sign_ins(connection, family, NOW) == []
        cursor = await connection.execute("SELECT count(*) FROM shops.sessions")
        assert await cursor.fetchone() == (0,)


def test_checking_nobodys_password_is_as_much_work_as_checking_somebodys() -> None:
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=2)
    for vault in (PasswordVault(), PasswordVault(hasher=hasher)):
        somebodys = extract_parameters(vault.hasher.hash("x"))
        assert extract_parameters(vault._nobody) == somebodys
        assert asyncio.run(vault.matches("the password of nobody", None)) is False


async def test_a_password_is_replaced_by_who_knows_its_present_hash_only(pool: Pool) -> None:
    assert await replace_password(pool, old="$argon2id$guess") is False
    assert await replace_password(pool) is True
    assert await replace_password(pool) is False
    async with pool.connection() as connection:
        person = await find_person(connection, "ada@example.com")
    assert person is not None
    assert person.password_hash == NEW
    assert NEW not in repr(person)


async def test_a_sign_in_shows_its_persons_only_and_in_its_tenant_only(pool: Pool) -> None:
    async with tenant_transaction(pool, 1) as connection:
        adas = await sign_in(connection, 1)
    async with tenant_transaction(pool, 2) as connection:
        eves = await sign_in(connection, 2, user_id=2, tenant_id=2)
        mine = await list_sign_ins(connection, eves, NOW)
        # Even with somebody else's family at hand: it is none of this tenant.
        others = await list_sign_ins(connection, adas, NOW)
        cursor = await connection.execute("SELECT shops.end_sign_in(%s, %s, %s)", (eves, adas, NOW))
        ended = await cursor.fetchone()
    assert [one.family for one in mine] == [eves]
    assert others == []
    assert ended == (False,)


async def test_expired_sign_ins_prove_nothing(pool: Pool) -> None:
    late = NOW + timedelta(days=30)
    async with tenant_transaction(pool, 1) as connection:
        family = await sign_in(connection, 1)
        assert await list_sign_ins(connection, family, late) == []
        cursor = await connection.execute("SELECT * FROM shops.tenants_of(%s, %s)", (family, late))
        assert await cursor.fetchall() == []


async def test_who_is_no_member_cannot_be_signed_in(pool: Pool) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        async with tenant_transaction(pool, 1) as connection:
            await sign_in(connection, 1, user_id=2)


# -- rights ----------------------------------------------------------------------------------------

FORBIDDEN: list[LiteralString] = [
    "UPDATE shops.audit SET actor = 'somebody else'",
    "DELETE FROM shops.audit",
    "TRUNCATE shops.audit",
    "SELECT token_hash FROM shops.invitations",
    "SELECT token_hash FROM shops.api_keys",
    "SELECT * FROM shops.api_keys",
    "UPDATE shops.api_keys SET scopes = '{stores}'",
    "UPDATE shops.api_keys SET expires_at = 'infinity'",
    "UPDATE shops.api_keys SET token_hash = ''",
    "DELETE FROM shops.api_keys",
    "UPDATE shops.invitations SET role = 'owner'",
    "UPDATE shops.invitations SET accepted_at = now()",
    "UPDATE shops.memberships SET role = 'owner'",
    "INSERT INTO shops.memberships (tenant_id, user_id, role) VALUES (1, 2, 'owner')",
    "DELETE FROM shops.memberships",
    "DELETE FROM shops.users",
    "SELECT shops.person_of(gen_random_uuid(), now())",
    "SELECT shops.end_families(1, NULL, NULL, NULL, now())",
    "SELECT shops.withdraw_grants(1, now())",
]


@pytest.mark.parametrize("role", ["api", "worker"])
def test_neither_role_can_rewrite_the_log_or_read_a_hash(database: Database, role: str) -> None:
    url = database.api_url if role == "api" else database.worker_url
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in FORBIDDEN:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


OF_THE_API: list[LiteralString] = [
    "SELECT shops.hold_password(1, 'x')",
    "SELECT shops.tenants_of(gen_random_uuid(), now())",
    "SELECT shops.sign_ins_of(gen_random_uuid(), now())",
    "SELECT shops.end_sign_in(gen_random_uuid(), gen_random_uuid(), now())",
    "SELECT shops.replace_password(1, 'x', 'y', NULL, now())",
    "SELECT shops.change_role(1, 'viewer', now())",
    "SELECT shops.remove_member(1, now())",
    "SELECT shops.find_invitation('x', now())",
    "SELECT shops.accept_invitation('x', NULL, '', '', now())",
    "SELECT shops.use_key('x', now())",
]


def test_the_functions_of_people_are_for_the_api_and_do_nothing_without_a_tenant(
    database: Database,
) -> None:
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        owner.execute("SELECT shops.create_account('a@b', '', 'a', %s)", (OLD,))
        with (
            psycopg.connect(database.api_url, autocommit=True) as api,
            psycopg.connect(database.worker_url, autocommit=True) as worker,
        ):
            for call in OF_THE_API:
                found = api.execute(call).fetchall()
                assert found in ([], [(False,)], [("unknown",)]), call
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    worker.execute(call)
        assert owner.execute("SELECT role FROM shops.memberships").fetchall() == [("owner",)]
        assert owner.execute("SELECT password_hash FROM shops.users").fetchall() == [(OLD,)]


def test_another_tenants_person_is_not_changed_or_removed(database: Database) -> None:
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        for name in ("a", "b"):
            owner.execute("SELECT shops.create_account(%s, '', 't', %s)", (f"{name}@x", OLD))
        with psycopg.connect(database.api_url) as api:
            api.execute("SELECT set_config('tillstream.tenant', '1', true)")
            changed = api.execute("SELECT shops.change_role(2, 'viewer', now())").fetchone()
            removed = api.execute("SELECT shops.remove_member(2, now())").fetchone()
        assert changed == removed == ("unknown",)
        assert owner.execute("SELECT count(*) FROM shops.users").fetchone() == (2,)


def test_a_key_opens_its_own_tenant_only(database: Database) -> None:
    digest = hashlib.sha256(b"key").digest()
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        for name in ("a", "b"):
            owner.execute("SELECT shops.create_account(%s, '', 't', %s)", (f"{name}@x", OLD))
        owner.execute(
            "INSERT INTO shops.api_keys "
            "(tenant_id, name, prefix, token_hash, scopes, created_by, created_at, expires_at) "
            "VALUES (1, 'k', 'ts_1_', %s, '{live}', 1, %s, %s)",
            (digest, NOW, NOW + timedelta(days=1)),
        )
    with psycopg.connect(database.api_url) as api:
        for tenant, found in (("1", 1), ("2", 0)):
            api.execute("SELECT set_config('tillstream.tenant', %s, true)", (tenant,))
            rows = api.execute("SELECT id FROM shops.use_key(%s, %s)", (digest, NOW)).fetchall()
            assert len(rows) == found


# -- the log ---------------------------------------------------------------------------------------


async def test_a_line_is_one_line_and_not_too_long(database: Database, pool: Pool) -> None:
    async with tenant_transaction(pool, 1) as connection:
        await note(
            connection,
            1,
            "store.connected",
            actor="a\x00b\nc" + "x" * 400,
            subject="\x00",
            detail={"reason": "y\x00" + "z" * 400, "scopes": ["a\nb"], "count": 3, "ok": True},
            address="2001:db8::1" + "0" * 80,
            now=NOW,
        )
        (line,) = await list_lines(connection, 1, before=2**62, limit=10)
    assert line.actor.startswith("a b cxxx")
    assert len(line.actor) == 300
    assert line.subject == " "
    assert line.detail["reason"].startswith("y zzz")
    assert line.detail["scopes"] == ["a b"]
    assert (line.detail["count"], line.detail["ok"]) == (3, True)
    assert line.at == NOW


async def test_the_worker_writes_lines_and_reads_none(database: Database, pool: Pool) -> None:
    async with open_pool(database.worker_url) as workers, workers.connection() as connection:
        async with connection.transaction():
            await connection.execute("SELECT set_config('tillstream.tenants', '1', true)")
            await note(connection, 1, "store.uninstalled", actor="shopify", now=NOW)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await list_lines(connection, 1, before=9, limit=9)
        await connection.execute("SELECT set_config('tillstream.tenants', '1', false)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            await note(connection, 2, "store.uninstalled", actor="shopify", now=NOW)
    async with tenant_transaction(pool, 1) as connection:
        lines = await list_lines(connection, 1, before=9, limit=9)
    assert [line.action for line in lines] == ["store.uninstalled"]


@pytest.mark.parametrize("action", ["", "x", "Store.connected", "store connected", "a" * 65, "a."])
async def test_actions_have_one_form(pool: Pool, action: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        async with tenant_transaction(pool, 1) as connection:
            await note(connection, 1, action, actor="ada", now=NOW)
