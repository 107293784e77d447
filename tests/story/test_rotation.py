"""Secrets and keys replaced while deliveries stream in. See installation.py for the rules of this folder.

A thread plays Shopify: it sends one delivery after the other without a pause, signed with the secrets
that are in force at Shopify, in turn, and between them forged ones. Asserted: no genuine one was
refused, before, during or after; every forged one was; and what was accepted is in the figures once.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from itertools import count
from typing import TYPE_CHECKING, Any, Self

import httpx
import psycopg
import pytest

from tests.story.post import order
from tillstream.foundation.embedded.server import find_running
from tillstream.foundation.keyfile import KeyFile
from tillstream.shopify.signing import sign_webhook
from tillstream.shops.keys import SEALED
from tillstream.shops.sealing import Keyring, Unsealable, store_place

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.story.installation import Installation

SHOP = "rotating.myshopify.com"
FORGED = b"a secret that nobody has"
MANY = 450
"""Stores with a secret of their own: more than four batches of the rotation."""

_ids = count(1)


class Shopify:
    """Sends until the block ends; ``secrets`` are those that it signs with, in turn."""

    def __init__(self, url: str, secrets: list[bytes], shop: str = SHOP) -> None:
        """Deliver to ``url``."""
        self.url, self.shop = url, shop
        self.secrets = secrets
        self.answers: list[tuple[bytes, int]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send_all)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def sign_with(self, *secrets: bytes) -> None:
        """Change over; nothing that another secret signed is on its way afterwards."""
        self.secrets = list(secrets)
        self.send_more(3)

    def send_more(self, number: int) -> None:
        """Return when so many more have been answered."""
        wanted = len(self.answers) + number
        wait_for(lambda: len(self.answers) >= wanted)

    @property
    def accepted(self) -> int:
        """Genuine deliveries that were answered 200."""
        return sum(status == 200 for secret, status in self.answers if secret != FORGED)

    def check(self) -> None:
        """No genuine one refused, no forged one accepted."""
        assert {status for secret, status in self.answers if secret != FORGED} == {200}
        assert {status for secret, status in self.answers if secret == FORGED} == {401}

    def _send_all(self) -> None:
        with httpx.Client(timeout=30) as client:
            for turn in count():
                if self._stop.is_set():
                    return
                secrets = [*self.secrets, FORGED]
                secret = secrets[turn % len(secrets)]
                self.answers.append((secret, deliver(client, self.url, secret, self.shop)))


def deliver(client: httpx.Client, url: str, secret: bytes, shop: str = SHOP) -> int:
    """One order of one dollar, never sent before; the status of the answer."""
    number = next(_ids)
    body = json.dumps(order(number, "1.00")).encode()
    headers = {
        "x-shopify-topic": "orders/create",
        "x-shopify-shop-domain": shop,
        "x-shopify-webhook-id": f"w-{number}",
        "x-shopify-api-version": "2026-10",
        "x-shopify-hmac-sha256": sign_webhook(secret, body),
        "content-type": "application/json",
    }
    return client.post(url, content=body, headers=headers).status_code


def wait_for(done: Callable[[], bool], seconds: float = 30) -> None:
    """Look until it is so."""
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until
        time.sleep(0.02)  # between two looks


def environment(installation: Installation) -> dict[str, str]:
    """Of a command that belongs to the installation: nothing but where it is."""
    return {
        "PATH": os.environ["PATH"],
        "TILLSTREAM_DATA": str(installation.folder),
        "PORT": str(installation.port),
    }


def tillstream(installation: Installation, *arguments: str, told: str = "") -> Any:
    """The JSON that a command prints when it is told something on its standard input."""
    done = subprocess.run(
        [sys.executable, "-m", "tillstream.command.main", *arguments, "--json"],
        env=environment(installation), input=told, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def client(installation: Installation) -> httpx.Client:
    """The owner, whose store has made its first delivery."""
    client = installation.account("owner@rotation.example")
    made = client.post("/api/stores", json={"domain": SHOP, "currency": "USD", "timezone": "UTC"})
    assert made.status_code == 201, made.text
    return client


def total(client: httpx.Client) -> int:
    """Orders of the day on which all of them were placed."""
    answer = client.get("/api/analytics/stats", params={"from": "2026-11-01", "to": "2026-11-01"})
    return answer.json()["orders"]


def test_an_apps_secret_is_replaced_and_no_delivery_refused(
    installation: Installation, client: httpx.Client
) -> None:
    old, new = b"outlet-secret-of-before", b"outlet-secret-of-now"
    tillstream(
        installation, "app", "add", "outlet", "--client-id", "c", "--secret-stdin", told=old.decode()
    )  # fmt: skip
    url = f"{installation.url}/api/webhook/outlet"
    with httpx.Client(timeout=30) as probe:
        wait_for(lambda: deliver(probe, url, old) == 200)
        with Shopify(url, [old]) as shopify:
            shopify.send_more(20)
            assert deliver(probe, url, new) == 401
            tillstream(installation, "app", "secret", "add", "outlet", told=new.decode())
            wait_for(lambda: deliver(probe, url, new) == 200)
            shopify.send_more(20)
            # For up to an hour after the old one was revoked, Shopify signs with either.
            shopify.sign_with(old, new)
            shopify.send_more(40)
            shopify.sign_with(new)
            (first, _) = sorted(s["id"] for s in outlet(installation)["secrets"])
            tillstream(installation, "app", "secret", "retire", "outlet", str(first))
            wait_for(lambda: deliver(probe, url, old) == 401)
            shopify.send_more(20)
            assert {deliver(probe, url, old) for _ in range(10)} == {401}
        shopify.check()
    assert [s["accepted"] for s in outlet(installation)["secrets"]] == [True, False]
    installation.settle()
    # The probes that were accepted count as well: one of the new secret, and the first of the old.
    assert total(client) == shopify.accepted + 2
    assert installation.cli("verify")["ok"]


def outlet(installation: Installation) -> dict[str, Any]:
    """The app as the command line lists it."""
    return next(app for app in tillstream(installation, "app", "list") if app["key"] == "outlet")


def test_a_stores_own_secret_is_replaced_and_no_delivery_refused(
    installation: Installation, client: httpx.Client
) -> None:
    store = next(s["id"] for s in client.get("/api/stores").json()["stores"] if s["domain"] == SHOP)
    url = f"{installation.url}/api/webhook"
    old, new = b"own-secret-of-before", b"own-secret-of-now"
    with httpx.Client(timeout=30) as probe:
        client.patch(f"/api/stores/{store}", json={"api_secret": old.decode()})
        wait_for(lambda: deliver(probe, url, old) == 200)
        with Shopify(url, [old]) as shopify:
            shopify.send_more(10)
            answer = client.patch(f"/api/stores/{store}", json={"api_secret": new.decode()})
            assert answer.status_code == 200, answer.text
            wait_for(lambda: deliver(probe, url, new) == 200)
            shopify.sign_with(old, new)
            shopify.send_more(20)
        shopify.check()


@pytest.fixture
def many_secrets(installation: Installation) -> list[tuple[int, str, bytes]]:
    """Stores of another tenant, each with a sealed secret of its own: (id, domain, secret)."""
    ring = Keyring.of(*KeyFile(installation.folder / "secrets.json").keys())
    installation.account("many@rotation.example")
    made: list[tuple[int, str, bytes]] = []
    with psycopg.connect(owner_of(installation), autocommit=True) as owner, owner.transaction():
        rows = owner.execute(
            "INSERT INTO shops.stores (tenant_id, domain) "
            "SELECT m.tenant_id, 'many-' || n || '.myshopify.com' "
            "FROM shops.users AS u JOIN shops.memberships AS m ON m.user_id = u.id, "
            "generate_series(1, %s) AS n WHERE u.email = 'many@rotation.example' "
            "RETURNING id, domain",
            (MANY,),
        ).fetchall()
        for store, domain in rows:
            secret = f"own-secret-{store}".encode()
            made.append((store, domain, secret))
        owner.cursor().executemany(
            "UPDATE shops.stores SET api_secret_sealed = %s WHERE id = %s",
            [
                (ring.seal(secret, store_place(store, "api_secret")), store)
                for store, _, secret in made
            ],
        )
    return sorted(made)


def owner_of(installation: Installation) -> str:
    """The running database's own URL."""
    url = find_running(installation.folder / "postgres")
    assert url is not None
    return url


def test_the_key_is_replaced_while_all_goes_on_and_after_a_kill_half_way(
    installation: Installation,
    client: httpx.Client,
    many_secrets: list[tuple[int, str, bytes]],
) -> None:
    file = KeyFile(installation.folder / "secrets.json")
    (old_key,) = file.keys()
    first, last = many_secrets[0], many_secrets[-1]
    url = f"{installation.url}/api/webhook"
    with (
        httpx.Client(timeout=30) as probe,
        psycopg.connect(owner_of(installation), autocommit=True) as watcher,
        Shopify(url, [b"own-secret-of-now", b"own-secret-of-before"]) as own,
        Shopify(f"{url}/outlet", [b"outlet-secret-of-now"]) as app,
    ):
        wait_for(lambda: deliver(probe, url, last[2], last[1]) == 200)
        kill_half_way(installation, watcher, many_secrets[MANY // 2][0])
        assert len(file.keys()) == 2
        state = sealed_with(watcher, Keyring.of(*file.keys()))
        assert state["current"] > 0
        assert state["older"] > 0
        # Between the keys: both kinds open, and what is sealed now is sealed with the new key.
        for _, domain, secret in (first, last):
            assert deliver(probe, url, secret, domain) == 200
        installation.sign_in("owner@rotation.example")
        changed = change_secret(client, "changed-between-the-keys")
        wait_for(lambda: deliver(probe, url, changed) == 200)
        assert deliver(probe, url, b"own-secret-of-now") == 200
        own.send_more(10)
        done = tillstream(installation, "keys", "rotate")
        assert done["unopened"] == 0
        assert done["resealed"] == state["older"]
        installation.sign_in("owner@rotation.example")
        own.send_more(10)
        app.send_more(10)
        for _, domain, secret in (first, last):
            assert deliver(probe, url, secret, domain) == 200
    own.check()
    app.check()
    (new_key,) = file.keys()
    assert new_key != old_key
    assert tillstream(installation, "keys", "status")["done"]
    assert only_the_new_key_opens(owner_of(installation), old_key, new_key) > MANY
    installation.settle()
    start_again(installation, old_key)
    with httpx.Client(timeout=30) as probe:
        for _, domain, secret in (first, last, (0, SHOP, b"changed-between-the-keys")):
            assert deliver(probe, url, secret, domain) == 200
        assert deliver(probe, f"{url}/outlet", b"outlet-secret-of-now") == 200
    installation.sign_in("owner@rotation.example")


def kill_half_way(installation: Installation, watcher: psycopg.Connection[Any], row: int) -> None:
    """Rotate until one row in the middle, which somebody else holds, and then die there."""
    with psycopg.connect(owner_of(installation)) as holder:
        holder.execute("SELECT FROM shops.stores WHERE id = %s FOR UPDATE", (row,))
        rotating = subprocess.Popen(
            [sys.executable, "-m", "tillstream.command.main", "keys", "rotate"],
            env=environment(installation), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            wait_for(lambda: waits_for(watcher, holder.info.backend_pid))
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(rotating.pid, signal.SIGKILL)
            rotating.wait(10)


def waits_for(watcher: psycopg.Connection[Any], pid: int) -> bool:
    """Whether a session waits for that one."""
    row = watcher.execute(
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))", (pid,)
    ).fetchone()
    return bool(row and row[0])


def change_secret(client: httpx.Client, secret: str) -> bytes:
    """Give the store another secret through the API."""
    store = next(s["id"] for s in client.get("/api/stores").json()["stores"] if s["domain"] == SHOP)
    answer = client.patch(f"/api/stores/{store}", json={"api_secret": secret})
    assert answer.status_code == 200, answer.text
    return secret.encode()


def sealed_values(owner: psycopg.Connection[Any]) -> list[tuple[bytes, bytes]]:
    """Every sealed value with its place."""
    found: list[tuple[bytes, bytes]] = []
    for column in SEALED:
        statement: Any = (
            f"SELECT {', '.join(column.key)}, {column.column} FROM {column.table} "
            f"WHERE {column.column} IS NOT NULL"
        )
        for *key, value in owner.execute(statement):
            found.append((bytes(value), column.place_of(key)))
    return found


def sealed_with(owner: psycopg.Connection[Any], ring: Keyring) -> dict[str, int]:
    """How many values the current key sealed, and how many another."""
    heads = [value[1:5] == ring.current for value, _ in sealed_values(owner)]
    return {"current": sum(heads), "older": len(heads) - sum(heads)}


def only_the_new_key_opens(url: str, old_key: bytes, new_key: bytes) -> int:
    """Try every value with either; how many there are."""
    old, new = Keyring.of(old_key), Keyring.of(new_key)
    with psycopg.connect(url) as owner:
        values = sealed_values(owner)
    for value, place in values:
        assert new.open(value, place)
        with pytest.raises(Unsealable):
            old.open(value, place)
    return len(values)


def start_again(installation: Installation, old_key: bytes) -> None:
    """Stop, start, and see that the database's logins of the old key are gone."""
    assert old_key.hex() not in (installation.folder / "secrets.json").read_text()
    installation.stop()
    installation.start()
    with psycopg.connect(owner_of(installation)) as owner:
        rows = owner.execute(
            "SELECT rolname FROM pg_roles WHERE rolname ~ '^tillstream_(api|worker)_'"
        )
        assert len(rows.fetchall()) == 2


def test_two_commands_know_of_each_other(installation: Installation, tmp_path: Path) -> None:
    """Whoever rotates while another does is told so, and breaks nothing."""
    with psycopg.connect(owner_of(installation), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(7211835)")
        done = subprocess.run(
            [sys.executable, "-m", "tillstream.command.main", "keys", "rotate"],
            env=environment(installation), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert "already" in done.stderr
    assert tillstream(installation, "keys", "rotate")["unopened"] == 0
    assert len(KeyFile(installation.folder / "secrets.json").keys()) == 1
