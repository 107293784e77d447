"""A hundred thousand broken requests at the door of webhooks, with genuine deliveries in between.

Real: ``tillstream up``, sockets, and a shop's deliveries as the simulator tells them, which are also what
is broken: bodies and headers mutated, cut short, chunked, too large, binary. Asserted: no 5xx, no crash,
the web process does not grow, and the shop's figures are the simulator's books at the end, to the cent.
Broken bodies that are signed go to a shop of their own: so the worker meets them as well.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tests.isolation.told import tell
from tests.story.installation import Installation, descendants
from tests.story.tale import wrong_figures
from tillstream.shopify.signing import sign_webhook
from tillstream.simulator.delivery import request_for
from tillstream.simulator.lane import Address
from tillstream.simulator.places import place_for
from tillstream.simulator.plan import plain_shop
from tillstream.simulator.story import Story

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pytest

    from tillstream.simulator.webhook import Webhook

REQUESTS = 100_000
CONNECTIONS = 24
GROWTH_KIB = 64 * 1024
"""What the web process may grow by once it is warm: buffers of the connections, not requests."""
SHOP, VICTIM = "genuine.myshopify.com", "fuzzed.myshopify.com"
END = datetime(2026, 11, 9, tzinfo=UTC)
JUNK = (
    b"", b"\x00", b"\xff\xfe", b"null", b"[]", b"{}", b'"x"', b"1e999", b"NaN", b"[" * 3000, b'{"a":' * 1500,
    b'{"id": 1e400}', b'{"id": "\xc3\x28"}', b'{"id": -1, "id": 2}', b"\xef\xbb\xbf{}", b"\x1f\x8b\x08\x00",
    b'{"id": 99999999999999999999999}', b'{"line_items": {"a": []}}', b'{"\\u0000": "\\ud800"}',
)  # fmt: skip
NAMES = (
    b"X-Shopify-Topic", b"X-Shopify-Shop-Domain", b"X-Shopify-Webhook-Id", b"X-Shopify-Hmac-Sha256",
    b"X-Shopify-API-Version", b"X-Shopify-Triggered-At", b"X-Shopify-Event-Id", b"Content-Type", b"Host",
)  # fmt: skip
VALUES = (
    b"", b" ", b"\xff\xfe\xfd", b"a" * 5000, b"orders/../../etc", b"' OR 1=1--", b"=?utf-8?q?x?=", b"0", b"-1",
    b"orders/create\torders/paid", b"x.myshopify.com.evil.example", b"\xf0\x9f\x92\xa9", b"%00", b"AAAA====",
    b"9" * 300, b"{{7*7}}", b"$(id)", b"orders/create, orders/paid", b"2026-99-99T99:99:99Z",
)  # fmt: skip


class Fuzzer:
    """Breaks requests, the same way for the same seed."""

    def __init__(self, seed: int, webhooks: Sequence[Webhook], secret: bytes) -> None:
        self._rng = Random(seed)
        self._webhooks = webhooks
        self._secret = secret

    def next(self) -> tuple[bytes, bool]:
        """A request, and whether its frame is whole, so that an answer follows on the same line."""
        rng = self._rng
        webhook = rng.choice(self._webhooks)
        kind = rng.random()
        if kind < 0.75:
            return self._request(webhook, self._broken(webhook.body), {}), True
        if kind < 0.82:
            return self._request(webhook, self._broken(webhook.body), {}, signed=True), True
        if kind < 0.90:
            changes = {rng.choice(NAMES[:-1]): rng.choice(VALUES) for _ in range(rng.randint(1, 3))}
            return self._request(webhook, webhook.body, changes, signed=True), True
        return rng.choice(self._frames)(webhook), False

    def _broken(self, body: bytes) -> bytes:
        rng = self._rng
        if rng.random() < 0.1:
            return rng.choice(JUNK)
        changed = bytearray(body)
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(changed)) if changed else 0
            match rng.randrange(6):
                case 0:
                    changed[at : at + 1] = bytes([rng.randrange(256)])
                case 1:
                    del changed[at : at + rng.randint(1, 40)]
                case 2:
                    changed[at:at] = rng.choice(JUNK[:16])
                case 3:
                    changed[at:at] = bytes(changed[at : at + rng.randint(1, 60)])
                case 4:
                    del changed[at:]
                case _:
                    changed[at : at + 8] = rng.randbytes(8)
        return bytes(changed)

    def _request(
        self, webhook: Webhook, body: bytes, changes: dict[bytes, bytes], *, signed: bool = False
    ) -> bytes:
        signature = sign_webhook(self._secret, body if signed else webhook.body)
        headers = {
            b"Host": b"127.0.0.1",
            b"Content-Type": b"application/json",
            b"Content-Length": b"%d" % len(body),
            b"X-Shopify-Topic": webhook.topic.encode(),
            b"X-Shopify-Shop-Domain": VICTIM.encode(),
            b"X-Shopify-Webhook-Id": b"%032x" % self._rng.getrandbits(128),
            b"X-Shopify-Hmac-Sha256": signature.encode(),
            b"X-Shopify-API-Version": b"2026-10",
        } | changes
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers.items())
        return b"POST /api/webhook HTTP/1.1\r\n" + lines + b"\r\n" + body

    @property
    def _frames(self) -> tuple[Callable[[Webhook], bytes], ...]:
        return (
            self._cut,
            self._chunked,
            self._announced,
            self._smuggled,
            self._garbage,
            self._line,
        )

    def _cut(self, webhook: Webhook) -> bytes:
        whole = self._request(webhook, webhook.body, {}, signed=True)
        return whole[: self._rng.randrange(len(whole))]

    def _chunked(self, webhook: Webhook) -> bytes:
        head = self._request(webhook, b"", {}).replace(
            b"Content-Length: 0", b"Transfer-Encoding: chunked"
        )
        size = self._rng.choice((b"5", b"ffffffff", b"-1", b"zz", b"0", b"5;x=" + b"y" * 3000))
        return (
            head
            + size
            + b"\r\nhello\r\n"
            + self._rng.choice((b"0\r\n\r\n", b"", b"\r\n\r\n", b"5\r\nhel"))
        )

    def _announced(self, webhook: Webhook) -> bytes:
        length = self._rng.choice(
            (
                b"99999999999",
                b"-1",
                b"1e3",
                b"0x10",
                b"18446744073709551616",
                b"+5",
                b"5, 5",
                b"17000000",
            )
        )
        return self._request(webhook, webhook.body, {b"Content-Length": length})

    def _smuggled(self, webhook: Webhook) -> bytes:
        changes = {
            b"Transfer-Encoding": self._rng.choice((b"chunked", b"xchunked", b"chunked, identity"))
        }
        return self._request(webhook, b"0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n", changes)

    def _garbage(self, _: Webhook) -> bytes:
        return self._rng.choice((
            self._rng.randbytes(self._rng.randint(1, 400)),
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + self._rng.randbytes(100),
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self._rng.randbytes(40),
            b"GET /api/webhook\r\n\r\n",
            b"\r\n" * 50,
        ))  # fmt: skip

    def _line(self, webhook: Webhook) -> bytes:
        line = self._rng.choice((
            b"POST /api/webhook/" + b"a" * 20_000 + b" HTTP/1.1", b"POST /api/webhook/%00%ff HTTP/1.1",
            b"POST //api/webhook HTTP/1.1", b"POST /api/webhook/../auth/me HTTP/1.1", b"BREW /api/webhook HTTP/1.1",
            b"POST http://evil.example/api/webhook HTTP/1.1", b"POST * HTTP/1.1", b"POST /api/webhook HTTP/9.9",
            b"GET /api/webhook HTTP/1.1", b"POST /api/webhook?x=%zz HTTP/1.1",
        ))  # fmt: skip
        return self._request(webhook, webhook.body, {}).replace(
            b"POST /api/webhook HTTP/1.1", line, 1
        )


class Line:
    """One connection at a time to the door; what it answered is counted."""

    def __init__(self, port: int, answers: Counter[str]) -> None:
        self._port = port
        self._answers = answers
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes, *, whole: bool) -> str:
        """The status of the answer, or ``none`` where the other side just hung up."""
        status = "none"
        try:
            reader, writer = await self._connected()
            writer.write(request)
            if not whole:
                writer.write_eof()
            async with asyncio.timeout(10):
                status = await self._status(reader, keep=whole)
        except TimeoutError:
            status = "silence"
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass
        if not whole or status in {"none", "silence"}:
            self.close()
        self._answers[status] += 1
        return status

    async def _status(self, reader: asyncio.StreamReader, *, keep: bool) -> str:
        head = await reader.readuntil(b"\r\n\r\n")
        status = head[9:12].decode("ascii", "replace")
        lower = head.lower()
        if keep and b"content-length: " in lower:
            await reader.readexactly(int(lower.partition(b"content-length: ")[2].split(b"\r\n")[0]))
        if not keep or b"connection: close" in lower or b"content-length: " not in lower:
            self.close()
        return status

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        return self._streams

    def close(self) -> None:
        if self._streams is not None:
            with contextlib.suppress(OSError):
                self._streams[1].close()
            self._streams = None


def resident_kib(pid: int) -> int:
    """What a process holds in memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def web_process(installation: Installation) -> int:
    """The process that listens on the port."""
    assert installation._process is not None
    sockets = {
        line.split()[9]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[1].endswith(f":{installation.port:04X}") and line.split()[3] == "0A"
    }
    for pid in descendants(installation._process.pid):
        with contextlib.suppress(OSError):
            for handle in Path(f"/proc/{pid}/fd").iterdir():
                if handle.readlink().name.removeprefix("socket:[").rstrip("]") in sockets:
                    return pid
    raise AssertionError


async def test_a_hundred_thousand_broken_requests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installation = Installation(tmp_path / "data", {"TILLSTREAM_LOG": "error"})
    installation.start()
    try:
        await _storm(installation, capsys)
    finally:
        installation.stop()


async def _storm(installation: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    client = installation.account("owner@fuzz.example")
    store = client.post("/api/stores", json={"domain": SHOP}).json()["id"]
    assert client.post("/api/stores", json={"domain": VICTIM}).status_code == 201
    plan = plain_shop(SHOP, "USD", "UTC", place_for("USD"), orders_per_day=40.0)
    story = Story("fuzz", [plan], END - timedelta(days=3), END)
    webhooks = list(story)
    genuine = iter(webhooks)
    address = Address.of(installation.url + "/api/webhook")
    pid = web_process(installation)
    answers: Counter[str] = Counter()
    fuzzer = Fuzzer(1, webhooks, installation.secret)
    sent = 0
    kept = 0
    warm = 0
    # A genuine one now and then, so that the last goes out with the last broken one.
    every = max(1, REQUESTS // (len(webhooks) + 1))

    async def storm(line: Line) -> None:
        nonlocal sent, kept, warm
        while sent < REQUESTS:
            sent += 1
            if sent == REQUESTS // 4:
                warm = resident_kib(pid)
            if sent % every == 0 and (webhook := next(genuine, None)) is not None:
                assert (
                    await line.ask(request_for(webhook, address, installation.secret), whole=True)
                    == "200"
                )
                kept += 1
            request, whole = fuzzer.next()
            status = await line.ask(request, whole=whole)
            assert not status.startswith("5"), (status, request[:500])

    lines = [Line(installation.port, answers) for _ in range(CONNECTIONS)]
    await asyncio.gather(*(storm(line) for line in lines))
    for webhook in genuine:
        assert (
            await lines[0].ask(request_for(webhook, address, installation.secret), whole=True)
            == "200"
        )
        kept += 1
    for line in lines:
        line.close()
    grown = resident_kib(pid) - warm
    status = await asyncio.to_thread(installation.settle)
    shown = ", ".join(f"{n} × {what}" for what, n in sorted(answers.items()))
    tell(
        capsys,
        f"Fuzzed: {sent} requests and {kept} genuine ({shown})",
        f"web process grew by {grown} KiB; {status}",
    )
    assert kept == len(webhooks)
    assert web_process(installation) == pid, "the web process died"
    assert answers["silence"] == 0
    assert grown < GROWTH_KIB
    first, last = date(2026, 11, 5), date(2026, 11, 9)
    said = client.get(
        "/api/analytics/stats", params={"from": str(first), "to": str(last), "store": store}
    ).json()
    true = story.books.stats(SHOP, first, last, datetime.now(UTC))
    assert true["orders"]
    assert not wrong_figures(said, true)
