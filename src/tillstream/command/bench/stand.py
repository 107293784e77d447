"""A whole installation to measure: in a folder of its own, removed afterwards, stores connected."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import tempfile
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import httpx
import msgspec

from tillstream.command.bench import accounting
from tillstream.command.bench.gun import Begin, Fire, Load, Pace, Shot
from tillstream.command.bench.process import LineProcess, line_process
from tillstream.command.bench.story import domains, introduction
from tillstream.command.installation import own_database
from tillstream.command.roles import journal_status
from tillstream.command.up import Child, Errand, running
from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import connect, open_pool
from tillstream.foundation.settings import SETTINGS, load_settings
from tillstream.shops.accounts import add_account
from tillstream.shops.sealing import Keyring
from tillstream.shops.stores import StoreDetails, add_store

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence

    from tillstream.command.bench.effort import Effort
    from tillstream.command.installation import Database
    from tillstream.command.up import RoleName
    from tillstream.foundation.settings import Settings
    from tillstream.journal.contract import Status

PASSWORD: Final = "measured-by-the-bench"  # noqa: S105 - of a database that is gone a minute later
_DRAIN_SECONDS: Final = 180.0
_LOOK_SECONDS: Final = 0.05


Answer = TypeVar("Answer")


class BenchFailed(RuntimeError):
    """A measurement that cannot be trusted; the message says why."""


class LoadSummary(msgspec.Struct, frozen=True):
    """What the sending process reports of one load."""

    sent: int
    answered: int
    lost: int
    statuses: dict[str, int]
    seconds: float
    cpu_seconds: float
    per_second: float
    latency_ms: dict[str, float]
    latency_ms_max: float

    def check(self) -> None:
        """Refuse a load of which anything was lost or not accepted.

        Raises:
            BenchFailed: with the counts.
        """
        if self.lost or set(self.statuses) - {"200"} or not self.answered:
            message = f"Of {self.sent} requests {self.lost} were lost; statuses: {self.statuses}."
            raise BenchFailed(message)


@dataclass(frozen=True)
class Bench:
    """What every measurement is given."""

    folder: Path
    """Where installations are made: on the disk that is to be measured."""
    effort: Effort
    note: Callable[[str], None]
    """Says how far it is."""


@dataclass(frozen=True)
class Stand:
    """An installation whose database runs; processes are started as needed."""

    settings: Settings
    database: Database
    emails: tuple[str, ...]
    """Of the accounts, which have the story's stores in turn."""
    shops: int
    """In the story, all of them connected unless there are no stores."""

    @property
    def secret(self) -> bytes:
        """What signs webhooks."""
        return self.settings.shopify_api_secrets[-1]

    @asynccontextmanager
    async def role(self, role: RoleName) -> AsyncGenerator[Child]:
        """One role in its process, as ``tillstream up`` runs it."""
        child = Child(self._errand(role, self.settings.port))
        try:
            await child.start()
            yield child
        finally:
            await child.stop()

    @asynccontextmanager
    async def everything(self) -> AsyncGenerator[list[Child]]:
        """The worker and the web process, in this order: all of ``tillstream up``."""
        async with running(self.settings, self.database) as children:
            yield children

    @asynccontextmanager
    async def ceiling(self) -> AsyncGenerator[tuple[LineProcess, int]]:
        """The web process that stores nothing, and its port."""
        port = free_port()
        async with line_process("tillstream.command.bench.ceiling") as process:
            await process.ask(msgspec.json.encode(self._errand("web", port)))
            yield process, port

    @asynccontextmanager
    async def gun(self, seed: int = 1) -> AsyncGenerator[Gun]:
        """A sending process, its story begun."""
        async with line_process("tillstream.command.bench.gun") as process:
            begin = Begin(seed, self.shops, utc_now().timestamp(), self.secret.decode())
            await process.ask(msgspec.json.encode(begin))
            yield Gun(process)

    async def status(self) -> Status:
        """Where everything accepted is."""
        return await journal_status(self.settings, self.database.worker_url)

    async def introduce(self, gun: Gun) -> None:
        """Let the shops send their catalogues, so that everyday life comes next; both roles must run."""
        await gun.load(introduction(self.shops))
        await gun.fire(Fire(self.settings.port))
        await self.drained()

    async def drained(self) -> None:
        """Return when all that was accepted is applied.

        Raises:
            BenchFailed: when some was parked or unrouted, or it took too long.
        """
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                # Nobody signals this from another process.
                while (now := await self.status()).waiting:  # noqa: ASYNC110
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            message = f"The worker did not come to an end in {_DRAIN_SECONDS:.0f} seconds."
            raise BenchFailed(message) from None
        if now.parked or now.unrouted:
            message = f"Not all could be applied: {now.parked} parked, {now.unrouted} unrouted."
            raise BenchFailed(message)

    async def postmaster(self) -> int:
        """The process from which all of PostgreSQL's descend."""
        async with await connect(self.database.admin_url) as connection:
            row = await (await connection.execute("SELECT pg_backend_pid()")).fetchone()
            backend = int(row[0]) if row else 0
            return accounting.parent(backend) or backend

    async def token(self, email: str) -> str:
        """An access token of an account; the web process must run."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=30) as client:
            credentials = {"email": email, "password": PASSWORD}
            answer = (await client.post("/api/auth/login", json=credentials)).raise_for_status()
        return str(answer.json()["token"])

    @property
    def url(self) -> str:
        """Of the web process."""
        return f"http://{self.settings.bind}:{self.settings.port}"

    def _errand(self, role: RoleName, port: int) -> Errand:
        return Errand(
            role,
            self.database.api_url,
            self.database.worker_url,
            port,
            self.settings.bind,
            str(self.settings.data),
        )


class Gun:
    """The sending process, from this side."""

    def __init__(self, process: LineProcess) -> None:
        self._process = process

    async def load(self, count: int) -> int:
        """Prepare the story's next ``count`` requests.

        Raises:
            BenchFailed: when the story is over.
        """
        loaded = await self._ask(Load(count), int)
        if loaded < count:
            message = f"The story had only {loaded} of {count} deliveries left to tell."
            raise BenchFailed(message)
        return loaded

    async def fire(self, order: Fire) -> LoadSummary:
        """Send what is loaded, and check that all was accepted."""
        summary = await self._ask(order, LoadSummary)
        summary.check()
        return summary

    async def pace(self, order: Pace) -> list[Shot]:
        """Send what is loaded evenly, and check that all was accepted.

        Raises:
            BenchFailed: when a request was answered by anything but 200.
        """
        shots = await self._ask(order, list[Shot])
        refused = [shot.status for shot in shots if shot.status != HTTPStatus.OK]
        if refused:
            message = f"{len(refused)} of {len(shots)} requests were refused: {set(refused)}."
            raise BenchFailed(message)
        return shots

    async def _ask(self, order: object, kind: type[Answer]) -> Answer:
        return msgspec.json.decode(await self._process.ask(msgspec.json.encode(order)), type=kind)


@asynccontextmanager
async def standing(
    bench: Bench, *, rabbitmq_url: str | None = None, stores: bool = True
) -> AsyncGenerator[Stand]:
    """A fresh installation: embedded PostgreSQL as ``tillstream up`` has it, ended and removed."""
    shops = bench.effort.shops
    with _temporary_folder(bench.folder) as folder:
        variables = _variables(folder, rabbitmq_url)
        with _environment(variables):
            settings = load_settings(variables, generate=True)
            with own_database(settings) as database:
                emails = await _connect(
                    settings, database, bench.effort.accounts, domains(shops) if stores else ()
                )
                yield Stand(settings, database, emails, shops)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _connect(
    settings: Settings, database: Database, accounts: int, shops: Sequence[str]
) -> tuple[str, ...]:
    emails = tuple(f"account-{number}@bench.test" for number in range(1, accounts + 1))
    keyring = Keyring.from_settings(settings)
    details = StoreDetails(timezone="America/New_York", currency="USD")
    async with open_pool(database.api_url) as pool:
        for email in emails:
            await add_account(pool, email, PASSWORD, email)
        for number, domain in enumerate(shops):
            await add_store(pool, keyring, emails[number % accounts], domain, details)
    return emails


def _variables(folder: Path, rabbitmq_url: str | None) -> dict[str, str]:
    return {
        "PORT": str(free_port()),
        "TILLSTREAM_DATA": str(folder),
        "TILLSTREAM_LOG": "error",
        # All load comes from one address and a few accounts.
        "TILLSTREAM_RATE": "0",
        "TILLSTREAM_ACCOUNT_RATE": "0",
        **({"RABBITMQ_URL": rabbitmq_url} if rabbitmq_url else {}),
    }


@contextmanager
def _temporary_folder(within: Path) -> Generator[Path]:
    within.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=within))
    # PostgreSQL may run as another user, who has to pass; what is secret has modes of its own.
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Generator[None]:
    """Let children inherit these settings and none of the person's own."""
    before = dict(os.environ)
    for setting in SETTINGS:
        os.environ.pop(setting.name, None)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
