"""A process that ends when this one does, also when this one is killed hard."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tillstream.foundation.embedded.account import Account

log = logging.getLogger(__name__)

FAST_STOP_SECONDS_MAX = 60
"""A fast shutdown writes one checkpoint: at most `shared_buffers`, on a slow disk."""

IMMEDIATE_STOP_SECONDS_MAX = 10
"""PostgreSQL kills what is left of itself after 5 s of an immediate shutdown."""

_INHERITED = ("PATH", "HOME", "TMPDIR", "TZDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Variables of ours that the server gets. Its user may be another one, and can read them all."""

# Runs between fork and postgres, and becomes it. Not a preexec_fn, which may deadlock in a process
# with threads; not setpriv, which not every system has. The parent-death signal is set last because
# a change of credentials clears it, and the parent is looked at after that because it may have died
# before. The modules are imported first: the user we turn into may not be able to read them.
LAUNCHER = """
import ctypes, os, signal, sys
parent, uid, gid, *command = sys.argv[1:]
if int(uid) != os.geteuid():
    os.setgroups([])
    os.setgid(int(gid))
    os.setuid(int(uid))
os.umask(0o077)
if sys.platform == "linux":
    PR_SET_PDEATHSIG = 1
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGINT) != 0:
        sys.exit(f"prctl(PR_SET_PDEATHSIG): {os.strerror(ctypes.get_errno())}")
    if os.getppid() != int(parent):
        sys.exit("the process that started PostgreSQL has ended")
os.execv(command[0], command)
"""


class Child:
    """A process that ends when this one does.

    The kernel ties the parent-death signal to the *thread* that forked, not to the process. So each
    child has a thread of its own that starts it and then waits for its end, whoever called us.
    """

    def __init__(
        self, command: Sequence[str], account: Account, folder: Path, output: Path
    ) -> None:
        """Start `command` as `account` in `folder`, its output appended to the file `output`."""
        self._exited = threading.Event()
        self._started = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._error: OSError | None = None
        arguments = (launcher_command(command, account), folder, output)
        threading.Thread(
            target=self._keep, args=arguments, name="postgres-keeper", daemon=True
        ).start()
        self._started.wait()
        if self._error is not None:
            raise self._error

    def _keep(self, command: Sequence[str], folder: Path, output: Path) -> None:
        try:
            with output.open("ab") as sink:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=sink,
                    stderr=subprocess.STDOUT,
                    cwd=folder,
                    env=server_environment(),
                    # Ctrl-C in a terminal goes to the whole foreground group: the server would be
                    # gone before we had finished with it.
                    start_new_session=True,
                )
        except OSError as error:
            self._error = error
            self._exited.set()
            return
        finally:
            self._started.set()
        self._process.wait()
        self._exited.set()

    @property
    def _popen(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            message = "the constructor raises if there is no process"
            raise AssertionError(message)
        return self._process

    @property
    def pid(self) -> int:
        """The process id; stays readable after the end."""
        return self._popen.pid

    @property
    def running(self) -> bool:
        """Whether the process has not ended yet."""
        return not self._exited.is_set()

    @property
    def succeeded(self) -> bool:
        """Whether the process has ended with status 0."""
        return not self.running and self._popen.returncode == 0

    def wait(self, seconds: float) -> bool:
        """Wait for the end, at most so long; tell whether it has come."""
        return self._exited.wait(seconds)

    def end(self) -> None:
        """Ask for a fast shutdown, then for an immediate one, then kill."""
        for number, seconds in (
            (signal.SIGINT, FAST_STOP_SECONDS_MAX),
            (signal.SIGQUIT, IMMEDIATE_STOP_SECONDS_MAX),
            (signal.SIGKILL, IMMEDIATE_STOP_SECONDS_MAX),
        ):
            if not self.running:
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)
            if self.wait(seconds):
                return
            log.warning(
                "PostgreSQL (pid %d) did not end within %d s of %s", self.pid, seconds, number.name
            )


def launcher_command(command: Sequence[str], account: Account) -> list[str]:
    """Wrap `command` so that it runs as `account` and dies with this process."""
    python = [sys.executable, "-I", "-S", "-c", LAUNCHER]
    return [*python, str(os.getpid()), str(account.uid), str(account.gid), *command]


def server_environment() -> dict[str, str]:
    """What PostgreSQL needs of our environment; nothing of our settings, some of which are secrets."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return kept | {"LC_ALL": "C"}
