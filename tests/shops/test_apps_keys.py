"""Replacing the key, on a real database, with the command line in processes of its own.

Asserted is what opens with which key afterwards, and that nothing opens where it does not belong.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import connect, open_pool
from tillstream.foundation.keyfile import KeyFile, write_secrets
from tillstream.foundation.migrate import earlier_logins, login_url, migrate
from tillstream.foundation.settings import SettingWrong, load_settings
from tillstream.shops.accounts import add_account
from tillstream.shops.apps import add_app, add_secret
from tillstream.shops.keys import SEALED, SealedColumn, rotate, state_of
from tillstream.shops.refusals import RotationUnderWay
from tillstream.shops.sealing import Keyring, Unsealable
from tillstream.shops.stores import StoreDetails, add_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Database

OLD, NEW, STRANGE = b"o" * 32, b"n" * 32, b"s" * 32
BYTES_THAT_LOOK_SEALED = """
SELECT c.table_schema || '.' || c.table_name, c.column_name
FROM information_schema.columns AS c
JOIN information_schema.tables AS t USING (table_schema, table_name)
WHERE c.data_type = 'bytea' AND c.column_name LIKE '%sealed%' AND t.table_type = 'BASE TABLE'
"""
KEYS_OF_TABLE = """
SELECT array_agg(a.attname::text ORDER BY array_position(i.indkey::int[], a.attnum::int))
FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
WHERE i.indrelid = %s::regclass AND i.indisprimary
"""


def test_every_sealed_column_of_the_database_is_rotated(database: Database) -> None:
    with psycopg.connect(database.admin_url) as owner:
        found = set(owner.execute(BYTES_THAT_LOOK_SEALED).fetchall())
        assert found == {(column.table, column.column) for column in SEALED}
        for column in SEALED:
            row = owner.execute(KEYS_OF_TABLE, (column.table,)).fetchone()
            assert row == (list(column.key),), column.name


def quiet(_column: str, _done: int, _total: int) -> None:
    """What is reported to nobody."""


def values(url: str) -> list[tuple[SealedColumn, tuple[Any, ...], bytes]]:
    """Every sealed value with the key of its row."""
    with psycopg.connect(url) as owner:
        return [
            (column, tuple(key), bytes(value))
            for column in SEALED
            for *key, value in owner.execute(
                sql.SQL("SELECT {}, {} FROM {} WHERE {} IS NOT NULL").format(
                    sql.SQL(", ").join(sql.Identifier(name) for name in column.key),
                    sql.Identifier(column.column),
                    sql.Identifier(*column.table.split(".")),
                    sql.Identifier(column.column),
                )
            )
        ]


async def populate(database: Database, ring: Keyring) -> None:
    """Two tenants with two stores each that have every kind of secret, and two apps with two each."""
    now = utc_now()
    async with await connect(database.admin_url) as owner, open_pool(database.admin_url) as pool:
        for key in ("", "outlet", "other"):
            if key:
                await add_app(owner, key, client_id="c", now=now)
            for n in range(2):
                await add_secret(owner, ring, key, f"secret-{n}-of-{key}", now=now)
        for email in ("ada@example.com", "bob@example.com"):
            await add_account(pool, email, "brass lamp and seven owls")
            for n in range(2):
                domain = f"{email[:3]}-{n}.myshopify.com"
                details = StoreDetails(api_secret=f"api-{domain}", access_token=f"token-{domain}")
                store = await add_store(pool, ring, email, domain, details)
                refresh = ring.seal(b"refresh", f"shops.stores/{store.id}/refresh_token".encode())
                await owner.execute(
                    "UPDATE shops.stores SET refresh_token_sealed = %s WHERE id = %s",
                    (refresh, store.id),
                )
                await owner.execute(
                    "INSERT INTO shops.retiring_secrets (tenant_id, store_id, sealed, created_at, retires_at) "
                    "SELECT tenant_id, id, api_secret_sealed, now(), now() + interval '1 day' "
                    "FROM shops.stores WHERE id = %s", (store.id,)
                )  # fmt: skip


async def test_a_value_opens_in_its_own_row_and_column_only(database: Database) -> None:
    """Each value tried in the place of every other: rows, columns, tables, tenants, apps."""
    ring = Keyring.of(OLD)
    await populate(database, ring)
    stored = values(database.admin_url)
    assert len(stored) == 6 + 4 * 4
    tried = 0
    for (a, a_key, a_value), (b, b_key, _) in itertools.permutations(stored, 2):
        same_store = a.place_of(a_key) == b.place_of(b_key)
        # A store's signing secret may be set aside for that store; it is the only value that moves.
        assert not same_store or {a.column, b.column} == {"api_secret_sealed", "sealed"}
        if same_store:
            continue
        tried += 1
        with pytest.raises(Unsealable):
            ring.open(a_value, b.place_of(b_key))
    assert tried == 22 * 21 - 8


async def test_rotation_reseals_everything_once_and_says_how_far_it_is(database: Database) -> None:
    await populate(database, Keyring.of(OLD))
    before = {(column.name, key): Keyring.of(OLD).open(value, column.place_of(key))
              for column, key, value in values(database.admin_url)}  # fmt: skip
    both = Keyring.of(NEW, OLD)
    told: list[tuple[str, int, int]] = []

    def report(column: str, done: int, total: int) -> None:
        told.append((column, done, total))

    async with await connect(database.admin_url) as owner:
        assert sum(state.older for state in await state_of(owner, both)) == len(before)
        done = await rotate(owner, both, report, on_its_way=0)
        assert (done.resealed, done.unopened) == (len(before), 0)
        assert all(count == total for _, count, total in told)
        assert sum(count for _, count, _ in told) == len(before)
        again = await rotate(owner, both, quiet, on_its_way=0)
        assert (again.resealed, again.unopened) == (0, 0)
        states = await state_of(owner, Keyring.of(NEW))
    assert [(state.older, state.unknown) for state in states] == [(0, 0)] * len(SEALED)
    after = {(column.name, key): Keyring.of(NEW).open(value, column.place_of(key))
             for column, key, value in values(database.admin_url)}  # fmt: skip
    assert after == before
    for column, key, value in values(database.admin_url):
        with pytest.raises(Unsealable):
            Keyring.of(OLD).open(value, column.place_of(key))


async def test_what_does_not_open_is_left_as_it_is_and_counted(database: Database) -> None:
    await populate(database, Keyring.of(OLD))
    with psycopg.connect(database.admin_url) as owner:
        # One sealed with a key that was lost, and one that was carried here from another row.
        owner.execute(
            "UPDATE shops.stores SET access_token_sealed = %s WHERE domain = 'ada-0.myshopify.com'",
            (Keyring.of(STRANGE).seal(b"x", b"y"),),
        )
        owner.execute(
            "UPDATE shops.stores SET access_token_sealed = (SELECT access_token_sealed FROM shops.stores "
            "WHERE domain = 'bob-0.myshopify.com') WHERE domain = 'ada-1.myshopify.com'"
        )
    both = Keyring.of(NEW, OLD)
    async with await connect(database.admin_url) as owner:
        done = await rotate(owner, both, quiet, on_its_way=0)
        assert (done.resealed, done.unopened) == (20, 2)
        state = {one.column: one for one in await state_of(owner, both)}[
            "shops.stores.access_token_sealed"
        ]
        assert (state.current, state.older, state.unknown) == (2, 1, 1)


async def test_two_do_not_rotate_at_once(database: Database) -> None:
    ring = Keyring.of(NEW, OLD)
    async with await connect(database.admin_url) as one, await connect(database.admin_url) as two:
        await one.execute("SELECT pg_advisory_lock(7211835)")
        with pytest.raises(RotationUnderWay):
            await rotate(two, ring, quiet, on_its_way=0)
        await one.execute("SELECT pg_advisory_unlock(7211835)")
        await rotate(two, ring, quiet, on_its_way=0)


def test_a_ring_follows_its_file_and_forgets_nothing(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    write_secrets(file, {"TILLSTREAM_KEY": OLD.hex()})
    keys = KeyFile(file)
    assert file.stat().st_mode & 0o777 == 0o600
    running = Keyring((OLD,), keys)
    place = b"shops.stores/1/api_secret"
    early = running.seal(b"early", place)
    keys.replace_current(NEW)
    assert keys.keys() == (NEW, OLD)
    late = running.seal(b"late", place)
    assert Keyring.of(NEW).open(late, place) == b"late"
    # Another process sealed with the new key before this one had to seal anything.
    other = Keyring((OLD,), keys)
    assert other.open(late, place) == b"late"
    keys.forget_older()
    assert keys.keys() == (NEW,)
    assert running.open(early, place) == b"early"
    with pytest.raises(Unsealable):
        Keyring(keys.keys(), keys).open(early, place)
    file.unlink()
    assert running.open(running.seal(b"x", place), place) == b"x"
    assert NEW.hex() not in repr(running)


def test_old_keys_are_checked_and_those_of_the_file_are_kept(tmp_path: Path) -> None:
    given = {"TILLSTREAM_DATA": str(tmp_path)}
    first = load_settings(given, generate=True)
    assert first.key_file == tmp_path / "secrets.json"
    KeyFile(tmp_path / "secrets.json").replace_current(NEW)
    both = load_settings({**given, "TILLSTREAM_OLD_KEYS": STRANGE.hex()}, generate=True)
    assert (both.key, both.old_keys) == (NEW, (STRANGE, first.key))
    assert load_settings({**given, "TILLSTREAM_KEY": OLD.hex()}, generate=True).key_file is None
    for wrong in ("ab", "zz" * 32, f"{OLD.hex()},", ","):
        with pytest.raises(SettingWrong, match="TILLSTREAM_OLD_KEYS"):
            load_settings({**given, "TILLSTREAM_OLD_KEYS": wrong}, generate=True)


@pytest.fixture
def outside(database: Database) -> Iterator[Database]:
    """The database as an outside one, whose logins of this file's keys go with it."""
    migrate(database.admin_url, OLD)
    yield database
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        for login in earlier_logins(owner, [database.key]):
            owner.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(login)))
            owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(login)))


def tillstream(
    database: Database, *arguments: str, fails: bool = False, **environment: str
) -> dict[str, Any]:
    """The JSON that a command prints, and its exit status under the name "status"."""
    done = subprocess.run(
        [sys.executable, "-m", "tillstream.command.main", *arguments, "--json"],
        env={"PATH": os.environ["PATH"], "DATABASE_URL": database.admin_url, "JWT_SECRET": "j" * 32,
             "SHOPIFY_API_SECRET": "of-settings", **environment},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if fails:
        assert done.returncode == 1
        return {"said": done.stderr}
    assert done.stdout, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return {**answer, "status": done.returncode}


def test_an_outside_database_is_rotated_by_settings(outside: Database) -> None:
    old, new = OLD.hex(), NEW.hex()
    tillstream(
        outside, "app", "add", "outlet", "--client-id", "c", "--secret-env", "MINE",
        TILLSTREAM_KEY=old, MINE="secret-of-outlet",
    )  # fmt: skip

    def rotate_now(*, fails: bool = False) -> dict[str, Any]:
        return tillstream(
            outside, "keys", "rotate", fails=fails, TILLSTREAM_KEY=new, TILLSTREAM_OLD_KEYS=old
        )

    with psycopg.connect(login_url(outside.admin_url, "api", OLD)):
        # A process with the key of before is still connected, and could not read what is sealed anew.
        refused = rotate_now(fails=True)
        assert "start them again" in str(refused["said"]).lower()
    done = rotate_now()
    assert (done["resealed"], done["unopened"], done["earlier_logins"]) == (1, 0, [])
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(login_url(outside.admin_url, "api", OLD))
    lost = tillstream(outside, "keys", "status", TILLSTREAM_KEY=STRANGE.hex())
    assert sum(column["unknown"] for column in lost["columns"]) == 1
