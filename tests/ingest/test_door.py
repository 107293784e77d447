"""The webhook route on a real Granian server, spoken to over real sockets on the loopback.

Real: the server, the door, the secrets' cache on a migrated PostgreSQL, the batcher. The journal
is the one in memory; before it stands one double, at the ``Appender`` seam: a switch that makes
it unavailable, as no real journal can be at a chosen moment. Asserted is what a sender reads, and
what is in the journal then.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest
from granian.constants import Interfaces
from granian.server.embed import Server

from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import connect, open_pool, tenant_transaction
from tillstream.ingest.batching import Batcher
from tillstream.ingest.door import Door
from tillstream.ingest.trust import Trust
from tillstream.journal.contract import Unavailable
from tillstream.journal.encoding import decode_deliveries
from tillstream.journal.memory import MemoryJournal, MemoryStore
from tillstream.shopify.signing import sign_webhook
from tillstream.shops.accounts import add_account
from tillstream.shops.apps import (
    add_app,
    add_secret,
    retire_app,
    retire_secret,
    retire_store_secret,
)
from tillstream.shops.sealing import Keyring, store_place
from tillstream.shops.stores import StoreDetails, add_store, remove_store

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence

    from tests.conftest import Database
    from tillstream.journal.contract import Delivery, Frame

SECRET, OLD = b"newest secret", b"oldest secret"
MAX_BODY = 16 * 1024 * 1024
RING = Keyring.of(b"k" * 32)
NOW = datetime(2026, 4, 1, tzinfo=UTC)
BODY = b'{"id": 1}'


class Switched:
    """The journal in memory behind a switch."""

    def __init__(self) -> None:
        self.store = MemoryStore(4, lambda: NOW, lambda _: True)
        self.journal = MemoryJournal(self.store)
        self.failure: Exception | None = None

    async def append(self, frames: Sequence[Frame]) -> None:
        if self.failure is not None:
            raise self.failure
        await self.journal.append(frames)

    def kept(self) -> list[Delivery]:
        """All deliveries, in the order of their frames."""
        return [one for stored in self.store.frames.values() for one in decode_deliveries(stored)]


class Beyond:
    """What answers the other paths."""

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        protocol.response_str(200, [("content-type", "text/plain")], f"beyond {scope.path}")


class Site:
    """A door that is open: where, and what is behind it."""

    def __init__(self, port: int, door: Door, journal: Switched, trust: Trust) -> None:
        self.port, self.door, self.journal, self.trust = port, door, journal, trust
        self.url = f"http://127.0.0.1:{port}"

    async def send(
        self,
        *,
        path: str = "/api/webhook",
        method: str = "POST",
        body: bytes = BODY,
        **changes: str | None,
    ) -> httpx.Response:
        """One request, genuine but for ``changes`` (header names with underscores; None leaves one out)."""
        headers = genuine(body)
        for name, value in changes.items():
            headers.pop(name.replace("_", "-"), None)
            if value is not None:
                headers[name.replace("_", "-")] = value
        async with httpx.AsyncClient(timeout=30) as client:
            return await client.request(method, self.url + path, content=body, headers=headers)


def genuine(body: bytes, secret: bytes = SECRET) -> dict[str, str]:
    return {
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Hmac-Sha256": sign_webhook(secret, body),
        "X-Shopify-Shop-Domain": "a.myshopify.com",
        "X-Shopify-API-Version": "2026-10",
        "X-Shopify-Webhook-Id": "w-1",
        "X-Shopify-Event-Id": "e-1",
        "X-Shopify-Triggered-At": "2026-03-01T10:00:00Z",
        "content-type": "application/json",
    }


@asynccontextmanager
async def opened(database: Database, *, read_secrets: bool = True) -> AsyncGenerator[Site]:
    """Serve on a free port until the block ends."""
    logging.getLogger("_granian").setLevel(logging.ERROR)
    journal = Switched()
    trust = Trust(database.worker_url, (SECRET, OLD), RING)
    if read_secrets:
        await trust.start()
    batcher = Batcher(journal, 4)
    door = Door(trust, batcher, MAX_BODY, Beyond())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Server(
        door,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.RSGI,
        websockets=False,
        log_enabled=False,
    )
    serving = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(20):
            while not await accepting(port):  # noqa: ASYNC110 - the server has no event for it
                await asyncio.sleep(0.01)
        yield Site(port, door, journal, trust)
    finally:
        server.stop()
        await serving
        await batcher.close()
        await trust.close()


async def accepting(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


def problem(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == answer.status_code
    assert set(told) == {"type", "title", "status", "detail"}
    assert told["detail"].endswith(".")
    return told


async def test_what_is_answered_200_is_in_the_journal_untouched(database: Database) -> None:
    body = '{"id": 1,  "name":"Zoë \\u00e9"}\n'.encode()
    async with opened(database) as site:
        answer = await site.send(body=body, X_Shopify_Name="mine")
        assert (answer.status_code, answer.content) == (200, b"{}")
        (kept,) = site.journal.kept()
        assert kept.body == body
        assert (kept.shop, kept.topic, kept.webhook_id, kept.event_id, kept.api_version, kept.triggered_at) == (
            "a.myshopify.com", "orders/create", "w-1", "e-1", "2026-10", "2026-03-01T10:00:00Z",
        )  # fmt: skip
        assert kept.signature == sign_webhook(SECRET, body)
        assert kept.headers == {"x-shopify-name": "mine"}
        assert (await site.send(path="/api/webhook/")).status_code == 200
        assert (await site.send(X_Shopify_Hmac_Sha256=sign_webhook(OLD, BODY))).status_code == 200


async def test_a_forged_or_unsigned_delivery_is_answered_401(database: Database) -> None:
    async with opened(database) as site:
        told = problem(await site.send(X_Shopify_Hmac_Sha256=None))
        assert (told["status"], told["title"]) == (401, "Signature missing")
        forged = [
            sign_webhook(b"other", BODY),
            sign_webhook(SECRET, BODY + b" "),
            "x",
            "",
            "=" * 44,
            sign_webhook(SECRET, BODY)[:-2],
        ]
        for signature in forged:
            assert (await site.send(X_Shopify_Hmac_Sha256=signature)).status_code == 401
        # Nothing else is looked at first: a stranger learns nothing about headers.
        assert (await site.send(X_Shopify_Hmac_Sha256="x", X_Shopify_Topic=None)).status_code == 401
        assert site.journal.kept() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"X_Shopify_Topic": None}, {"X_Shopify_Shop_Domain": None}, {"X_Shopify_Webhook_Id": None},
        {"X_Shopify_API_Version": None},
        {"X_Shopify_Shop_Domain": "example.com"}, {"X_Shopify_Topic": "no topic"}, {"X_Shopify_Webhook_Id": "w" * 600},
    ],
    ids=lambda changes: "{}={}".format(*next(iter(changes.items())))[:50],
)  # fmt: skip
async def test_what_is_malformed_is_answered_400_with_the_header(
    database: Database, changes: dict[str, Any]
) -> None:
    async with opened(database) as site:
        told = problem(await site.send(**changes))
        assert told["status"] == 400
        assert next(iter(changes)).replace("_", "-").lower() in told["detail"]
        assert site.journal.kept() == []


async def test_an_empty_body_other_paths_and_other_methods(database: Database) -> None:
    async with opened(database) as site:
        assert problem(await site.send(body=b""))["title"] == "Empty body"
        for path in ("/api/webhook/other", "/api/webhooks", "/api/webhook/a/b"):
            assert problem(await site.send(path=path))["status"] == 404
        for method in ("GET", "PUT", "DELETE"):
            answer = await site.send(method=method)
            assert problem(answer)["status"] == 405
            assert answer.headers["allow"] == "POST"
        answer = await site.send(path="/elsewhere")
        assert (answer.status_code, answer.text) == (200, "beyond /elsewhere")
        assert site.journal.kept() == []
        assert dict(site.door.answers) == {400: 1, 404: 3, 405: 3}
        assert 'tillstream_webhooks_total{status="405"} 3' in list(site.door.lines())


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of an answer that has a content-length."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").lower().split("\r\n")
    length = next(
        int(line.partition(":")[2]) for line in lines if line.startswith("content-length:")
    )
    return int(lines[0].split()[1]), await reader.readexactly(length)


def request_head(length: str) -> bytes:
    lines = [f"{name}: {value}" for name, value in genuine(b"").items()]
    return "\r\n".join(["POST /api/webhook HTTP/1.1", "Host: a", *lines, length, "", ""]).encode()


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_of_20_mb_is_answered_413_and_the_sender_can_read_it(
    database: Database, chunked: bool
) -> None:
    size, piece = 20 * 1024 * 1024, bytes(64 * 1024)
    async with opened(database) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        async with asyncio.timeout(30):
            writer.write(
                request_head("Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}")
            )
            for _ in range(size // len(piece)):
                writer.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
                await writer.drain()
            if chunked:
                writer.write(b"0\r\n\r\n")
            await writer.drain()
            status, body = await read_answer(reader)
        assert status == 413
        assert str(MAX_BODY).encode() in body
        writer.close()
        await writer.wait_closed()
        assert (await site.send()).status_code == 200


@pytest.mark.parametrize("extra", [0, 1])
async def test_the_limit_is_exact(database: Database, extra: int) -> None:
    body = b"x" * (MAX_BODY + extra)
    async with opened(database) as site:
        assert (await site.send(body=body)).status_code == (413 if extra else 200)
        assert [len(one.body) for one in site.journal.kept()] == ([] if extra else [MAX_BODY])


async def test_a_chunked_body_is_put_together_as_it_was(database: Database) -> None:
    body = bytes(range(256)) * 500

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 997):
            yield body[start : start + 997]

    async with opened(database) as site, httpx.AsyncClient(timeout=30) as client:
        answer = await client.post(
            site.url + "/api/webhook", content=pieces(), headers=genuine(body)
        )
        assert answer.status_code == 200
        assert site.journal.kept()[0].body == body


async def test_while_the_journal_is_unavailable_senders_are_told_when_to_come_back(
    database: Database,
) -> None:
    async with opened(database) as site:
        for failure, after in (
            (Unavailable("The disk is full.", 7.4), "7"),
            (Unavailable("x", 0.01), "1"),
            (OSError("broken"), "1"),
        ):
            site.journal.failure = failure
            answer = await site.send()
            assert problem(answer)["status"] == 503
            assert answer.headers["retry-after"] == after
        assert site.journal.kept() == []
        site.journal.failure = None
        assert (await site.send()).status_code == 200
        assert len(site.journal.kept()) == 1


async def test_before_the_stores_secrets_are_known_a_strange_signature_is_not_called_wrong(
    database: Database,
) -> None:
    async with opened(database, read_secrets=False) as site:
        strange = sign_webhook(b"perhaps a store's own", BODY)
        assert (await site.send(X_Shopify_Hmac_Sha256=strange)).status_code == 503
        # The app's own secrets need no database.
        assert (await site.send()).status_code == 200
        await site.trust.start()
        assert (await site.send(X_Shopify_Hmac_Sha256=strange)).status_code == 401


async def test_a_secret_that_a_store_brought_is_good_for_that_store_alone(
    database: Database,
) -> None:
    async with opened(database) as site, open_pool(database.admin_url) as pool:
        signature = sign_webhook(b"the store's own", BODY)
        assert (await site.send(X_Shopify_Hmac_Sha256=signature)).status_code == 401
        await add_account(pool, "ada@example.com", "brass lamp and seven owls", "Ada")
        await add_store(
            pool,
            RING,
            "ada@example.com",
            "a.myshopify.com",
            StoreDetails(api_secret="the store's own"),
        )
        async with asyncio.timeout(10):
            while not site.trust.stores:  # noqa: ASYNC110 - nor has the cache
                await asyncio.sleep(
                    0.01
                )  # the cache follows a notification and has no signal to wait for
        assert (await site.send(X_Shopify_Hmac_Sha256=signature)).status_code == 200
        assert (
            await site.send(
                X_Shopify_Hmac_Sha256=signature, X_Shopify_Shop_Domain="A.MyShopify.com"
            )
        ).status_code == 200
        other = await site.send(
            X_Shopify_Hmac_Sha256=signature, X_Shopify_Shop_Domain="b.myshopify.com"
        )
        assert other.status_code == 401


async def until_known(site: Site, app: str, shop: str, secrets: set[bytes] | None) -> None:
    """The cache follows a notification and has no signal to wait for."""
    async with asyncio.timeout(10):
        while True:
            known = site.trust.accepted(app, shop, 0)
            if (None if known is None else set(known)) == secrets:
                return
            await asyncio.sleep(0.01)


async def test_each_app_has_an_address_and_secrets_of_its_own(database: Database) -> None:
    async with opened(database) as site, await connect(database.admin_url) as owner:
        path = "/api/webhook/outlet"
        assert problem(await site.send(path=path))["title"] == "No such app"
        await add_app(owner, "outlet", client_id="c-1", now=NOW)
        await add_secret(owner, RING, "outlet", "secret-of-the-outlet", now=NOW)
        outlet = sign_webhook(b"secret-of-the-outlet", BODY)
        await until_known(site, "outlet", "", {b"secret-of-the-outlet"})
        answers = [
            (await site.send(path=path, X_Shopify_Hmac_Sha256=outlet)).status_code,
            (await site.send(path=path + "/", X_Shopify_Hmac_Sha256=outlet)).status_code,
            (await site.send(path=path)).status_code,  # signed by the default app
            (await site.send(X_Shopify_Hmac_Sha256=outlet)).status_code,  # for the default app
            (await site.send(path="/api/webhook/default")).status_code,
            (await site.send(path=path + "/x", X_Shopify_Hmac_Sha256=outlet)).status_code,
            (await site.send(path="/api/webhook//", X_Shopify_Hmac_Sha256=outlet)).status_code,
        ]
        assert answers == [200, 200, 401, 401, 404, 404, 404]
        assert {one.app for one in site.journal.kept()} == {"outlet"}
        await retire_app(owner, "outlet", now=NOW)
        await until_known(site, "outlet", "", None)
        assert (await site.send(path=path, X_Shopify_Hmac_Sha256=outlet)).status_code == 404


async def test_a_secret_is_added_without_a_restart_and_refused_when_its_time_has_come(
    database: Database,
) -> None:
    async with opened(database) as site, await connect(database.admin_url) as owner:
        now = utc_now()
        await add_app(owner, "outlet", client_id="c-1", now=now)
        first = await add_secret(owner, RING, "outlet", "first-secret", now=now)
        await add_secret(owner, RING, "outlet", "second-secret", now=now)
        await until_known(site, "outlet", "", {b"first-secret", b"second-secret"})
        ends = utc_now() + timedelta(seconds=1.5)
        await retire_secret(owner, "outlet", first, at=ends, now=now)
        async with asyncio.timeout(10):
            while site.trust.apps["outlet"].until != int(ends.timestamp() * 1_000_000):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        # From here on the database says nothing more: the door looks at the clock.
        await site.trust.close()
        first_signs = sign_webhook(b"first-secret", BODY)
        seen: list[tuple[bool, int]] = []
        async with asyncio.timeout(10):
            while not seen or seen[-1][1] == 200:
                before = utc_now()
                answer = await site.send(
                    path="/api/webhook/outlet", X_Shopify_Hmac_Sha256=first_signs
                )
                status = answer.status_code
                seen.append((utc_now() < ends, status))
                assert status == 200 or before >= ends - timedelta(milliseconds=50)
        assert all(status == 200 for early, status in seen if early)
        second = sign_webhook(b"second-secret", BODY)
        answer = await site.send(path="/api/webhook/outlet", X_Shopify_Hmac_Sha256=second)
        assert answer.status_code == 200


async def test_secrets_may_be_added_to_the_default_app_as_well(database: Database) -> None:
    async with opened(database) as site, await connect(database.admin_url) as owner:
        added = await add_secret(owner, RING, "", "added-secret", now=NOW)
        await until_known(site, "", "", {b"added-secret", SECRET, OLD})
        signature = sign_webhook(b"added-secret", BODY)
        assert (await site.send(X_Shopify_Hmac_Sha256=signature)).status_code == 200
        assert (await site.send()).status_code == 200
        await retire_secret(owner, "", added, at=NOW, now=NOW)
        await until_known(site, "", "", {SECRET, OLD})
        assert (await site.send(X_Shopify_Hmac_Sha256=signature)).status_code == 401


async def test_a_stores_secret_of_before_stays_good_until_it_retires(database: Database) -> None:
    shop = "a.myshopify.com"
    async with opened(database) as site, open_pool(database.admin_url) as pool:
        ada = await add_account(pool, "ada@example.com", "brass lamp and seven owls", "Ada")
        store = await add_store(
            pool, RING, "ada@example.com", shop, StoreDetails(api_secret="of-before")
        )
        await until_known(site, "", shop, {SECRET, OLD, b"of-before"})
        async with tenant_transaction(pool, ada.tenant_id) as connection:
            kept = await retire_store_secret(
                connection, ada.tenant_id, store.id, now=utc_now(), overlap=timedelta(hours=1)
            )
            assert kept
            await connection.execute(
                "UPDATE shops.stores SET api_secret_sealed = %s WHERE id = %s",
                (RING.seal(b"of-now", store_place(store.id, "api_secret")), store.id),
            )
        await until_known(site, "", shop, {SECRET, OLD, b"of-before", b"of-now"})
        for secret in (b"of-before", b"of-now"):
            signature = sign_webhook(secret, BODY)
            assert (await site.send(X_Shopify_Hmac_Sha256=signature)).status_code == 200
        in_two_hours = int((utc_now() + timedelta(hours=2)).timestamp() * 1_000_000)
        assert b"of-before" not in (site.trust.accepted("", shop, in_two_hours) or ())
        await remove_store(pool, shop, utc_now())
        await until_known(site, "", shop, {SECRET, OLD})
        async with pool.connection() as connection:
            left = await connection.execute("SELECT count(*) FROM shops.retiring_secrets")
            assert await left.fetchone() == (0,)


async def test_a_secret_that_became_unreadable_does_not_lock_its_senders_out(
    database: Database,
) -> None:
    """As when it was sealed anew with a key that this process was not given."""
    strange = Keyring.of(b"s" * 32)
    async with opened(database) as site, open_pool(database.admin_url) as pool:
        await add_account(pool, "ada@example.com", "brass lamp and seven owls", "Ada")
        details = StoreDetails(api_secret="of-the-store")
        await add_store(pool, RING, "ada@example.com", "a.myshopify.com", details)
        async with pool.connection() as owner:
            await add_app(owner, "outlet", client_id="c", now=NOW)
            await add_secret(owner, RING, "outlet", "of-the-outlet", now=NOW)
            await until_known(
                site, "outlet", "a.myshopify.com", {b"of-the-outlet", b"of-the-store"}
            )
            await owner.execute(
                "UPDATE shops.app_secrets SET sealed = %s", (strange.seal(b"x", b"y"),)
            )
            await owner.execute(
                "UPDATE shops.stores SET api_secret_sealed = %s", (strange.seal(b"x", b"y"),)
            )
            # A change that can be seen comes after those two.
            await add_secret(owner, RING, "outlet", "one-more-secret", now=NOW)
        known = {b"of-the-outlet", b"one-more-secret", b"of-the-store"}
        await until_known(site, "outlet", "a.myshopify.com", known)
        signature = sign_webhook(b"of-the-store", BODY)
        assert (await site.send(X_Shopify_Hmac_Sha256=signature)).status_code == 200


async def test_before_the_apps_are_known_none_is_called_unknown(database: Database) -> None:
    async with opened(database, read_secrets=False) as site:
        assert (await site.send(path="/api/webhook/outlet")).status_code == 503
        assert (await site.send(path="/api/webhook/a/b")).status_code == 503
        await site.trust.start()
        assert (await site.send(path="/api/webhook/outlet")).status_code == 404


async def test_a_lost_database_does_not_close_the_door(database: Database) -> None:
    async with opened(database) as site:
        with psycopg.connect(database.admin_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'tillstream_worker_%'"
            )
        answers = [(await site.send()).status_code for _ in range(5)]
        assert answers == [200] * 5


async def test_many_at_once_are_each_kept_once(database: Database) -> None:
    async with opened(database) as site, httpx.AsyncClient(timeout=30) as client:

        async def one(number: int) -> int:
            body = b'{"id": %d}' % number
            headers = {**genuine(body), "X-Shopify-Webhook-Id": f"w-{number}"}
            return (
                await client.post(site.url + "/api/webhook", content=body, headers=headers)
            ).status_code

        answers = await asyncio.gather(*(one(number) for number in range(300)))
        assert answers == [200] * 300
        assert sorted(one.webhook_id for one in site.journal.kept()) == sorted(
            f"w-{number}" for number in range(300)
        )


@pytest.mark.parametrize(
    "raw",
    [
        b"X-Shopify-Name: \xff\xfe",
        b"X-Shopify-Hmac-Sha256: \xff\xfe",
        b"X-Shopify-Webhook-Id: \xc3\xa9",
        b"Content-Length: -1",
    ],
    ids=ascii,
)
async def test_bytes_that_are_no_text_in_a_header_are_refused_not_failed(
    database: Database, raw: bytes
) -> None:
    async with opened(database) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        async with asyncio.timeout(10):
            lines = [f"{name}: {value}".encode() for name, value in genuine(BODY).items()]
            lines = [
                one
                for one in lines
                if one.partition(b":")[0].lower() != raw.partition(b":")[0].lower()
            ]
            length = (
                [] if raw.startswith(b"Content-Length") else [b"Content-Length: %d" % len(BODY)]
            )
            writer.write(
                b"\r\n".join(
                    [b"POST /api/webhook HTTP/1.1", b"Host: a", *lines, raw, *length, b"", BODY]
                )
            )
            await writer.drain()
            head = await reader.readline()
        assert 200 <= int(head.split()[1]) < 500
        writer.close()
        await writer.wait_closed()
        assert (await site.send()).status_code == 200
