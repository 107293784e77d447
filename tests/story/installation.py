"""A whole Tillstream as a person runs it: ``tillstream up`` in processes of its own.

Rules of the tests in this folder. Real: every process, PostgreSQL, the broker, HTTP, the browser, and
the command line. Pretended: Shopify, by the simulator. Asserted: only what a user can see, through the
API, the command line, or (row by row) the database. Nothing sleeps for a guessed time: every wait is for
something that can be observed, and gives up loudly.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PASSWORD = "a long enough password"


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Installation:
    """One installation in a folder; may be killed and started again."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        """Nothing runs before ``start``."""
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not _ours(name)},
            "PORT": str(self.port),
            "TILLSTREAM_DATA": str(folder),
            "TILLSTREAM_LOG": "warning",
            **(environment or {}),
        }
        self._process: subprocess.Popen[str] | None = None
        self._log = folder.with_suffix(".log")
        self._clients: list[httpx.Client] = []

    @property
    def secret(self) -> bytes:
        """What signs the default app's webhooks."""
        return json.loads((self.folder / "secrets.json").read_text())["SHOPIFY_API_SECRET"].encode()

    def start(self) -> None:
        """Return when it says that it is ready."""
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tillstream.command.main", "up"],
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert "ready" in line, self._log.read_text()[-4000:]

    def kill(self) -> None:
        """SIGKILL for every process of it, PostgreSQL included, all at once."""
        assert self._process is not None
        victims = [self._process.pid, *descendants(self._process.pid)]
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._close()

    def stop(self) -> None:
        """As Ctrl-C does; whatever it started has to be gone afterwards."""
        while self._clients:
            self._clients.pop().close()
        if self._process is None:
            return
        started = descendants(self._process.pid)
        self._process.send_signal(signal.SIGINT)
        self._close()
        assert not [pid for pid in started if is_alive(pid)], "processes were left behind"

    def _close(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.wait(timeout=40)
        self._process.stdout.close()
        self._process = None

    def cli(self, *arguments: str) -> Any:
        """The JSON that a command prints."""
        done = subprocess.run(
            [sys.executable, "-m", "tillstream.command.main", *arguments, "--json"],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def account(self, email: str) -> httpx.Client:
        """A new account, signed in."""
        client = self._client()
        answer = client.post("/api/auth/register", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        client.headers["authorization"] = f"Bearer {answer.json()['token']}"
        return client

    def sign_in(self, email: str) -> httpx.Client:
        """A new session of an account."""
        client = self._client()
        answer = client.post("/api/auth/login", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client.headers["authorization"] = f"Bearer {answer.json()['token']}"
        return client

    def _client(self) -> httpx.Client:
        client = httpx.Client(base_url=self.url, timeout=30)
        self._clients.append(client)
        return client

    def settle(self, seconds: float = 240) -> dict[str, int]:
        """Wait until all that was accepted is applied, parked or unrouted; the journal's counts."""
        until = time.monotonic() + seconds
        with httpx.Client(base_url=self.url, timeout=30) as client:
            while True:
                status = _gauges(client.get("/metrics").text)
                # A broker with a backlog may not answer in time: then there is no count yet.
                if status.get("waiting") == 0:
                    return status
                assert time.monotonic() < until, status
                time.sleep(
                    0.1
                )  # between two looks: asking without pause would slow what is waited for


def _gauges(metrics: str) -> dict[str, int]:
    """The journal's counts among the metrics."""
    lines = (line.removeprefix("tillstream_journal_") for line in metrics.splitlines())
    pairs = (line.split() for line in lines if line.startswith(_COUNTS))
    return {name: int(float(value)) for name, value in pairs}


_COUNTS = ("accepted ", "applied ", "parked ", "unrouted ", "waiting ")


def descendants(pid: int) -> list[int]:
    """All processes below one, by /proc: children of children, whatever session they are in."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    return list(_below(children, pid))


def _below(children: Mapping[int, list[int]], pid: int) -> Iterator[int]:
    for child in children.get(pid, []):
        yield child
        yield from _below(children, child)


def is_alive(pid: int) -> bool:
    """Whether a process runs (one that only waits to be reaped does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _ours(name: str) -> bool:
    return name.startswith(("TILLSTREAM_", "SHOPIFY_")) or name in {
        "DATABASE_URL", "RABBITMQ_URL", "JWT_SECRET", "HOST", "PORT", "FRONTEND_URL",
    }  # fmt: skip
