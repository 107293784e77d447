"""A server that runs already: who it is, and how one that outlived its owner is ended."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tillstream.foundation.embedded.child import FAST_STOP_SECONDS_MAX, IMMEDIATE_STOP_SECONDS_MAX
from tillstream.foundation.embedded.cluster import PORT
from tillstream.foundation.embedded.errors import EmbeddedPostgresError

log = logging.getLogger(__name__)

POLL_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What PostgreSQL says of a running server in `postmaster.pid`."""

    pid: int
    socket: Path
    port: int
    ready: bool


def read_postmaster(cluster: Path) -> Postmaster | None:
    """Return what `postmaster.pid` says, None if it is missing or only half written."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    # pid, data directory, start time, port, socket folder, TCP address, shared memory, state
    if not lines or not lines[0].strip().isdigit():
        return None
    complete = len(lines) >= 8  # noqa: PLR2004 (the eight lines listed above)
    return Postmaster(
        pid=int(lines[0]),
        socket=Path(lines[4]) if complete else Path(),
        port=int(lines[3]) if complete else PORT,
        ready=complete and lines[7].strip() == "ready",
    )


def serves(pid: int, cluster: Path) -> bool:
    """Tell whether the process is a PostgreSQL server on this very cluster."""
    arguments = read_command_line(pid)
    if not arguments or Path(arguments[0]).name != "postgres" or "-D" not in arguments[:-1]:
        return False
    with contextlib.suppress(OSError):
        return Path(arguments[arguments.index("-D") + 1]).samefile(cluster)
    return False


def read_command_line(pid: int) -> list[str]:
    """Return the process's arguments; empty if it has ended, waits to be buried, or never was."""
    if sys.platform == "linux":
        try:
            return (
                Path(f"/proc/{pid}/cmdline")
                .read_bytes()
                .decode(errors="surrogateescape")
                .split("\0")[:-1]
            )
        except OSError:
            return []
    # "ps" from the PATH: where there is no /proc it has no one place to be.
    asked = ["ps", "-o", "command=", "-p", str(pid)]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=10)
    return answer.stdout.split()


def wait_until_gone(pid: int, cluster: Path, seconds: float) -> bool:
    """Wait for the server's end, at most so long; tell whether it has come."""
    patience_ends = time.monotonic() + seconds
    while serves(pid, cluster):
        if time.monotonic() > patience_ends:
            return False
        time.sleep(POLL_SECONDS)
    return True


def end_orphan(cluster: Path) -> None:
    """End the server that still runs on the cluster though its owner is gone (we hold the lock)."""
    found = read_postmaster(cluster)
    if found is None:
        return
    if not serves(found.pid, cluster):
        # Most often nobody has that number now, and PostgreSQL sees so itself. It cannot see that a
        # stranger took the number, as happens at once in a container.
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        return
    log.warning(
        "ending the PostgreSQL (pid %d) that a killed Tillstream left behind in %s",
        found.pid,
        cluster,
    )
    for number, seconds in (
        (signal.SIGINT, FAST_STOP_SECONDS_MAX),
        (signal.SIGQUIT, IMMEDIATE_STOP_SECONDS_MAX),
    ):
        with contextlib.suppress(ProcessLookupError):
            os.kill(found.pid, number)
        if wait_until_gone(found.pid, cluster, seconds):
            return
    message = f"The PostgreSQL with process id {found.pid} does not end. End it (kill {found.pid}) and start again."
    raise EmbeddedPostgresError(message)
