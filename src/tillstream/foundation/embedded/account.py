"""Whom the server runs as, and what that system user may reach."""

from __future__ import annotations

import contextlib
import logging
import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tillstream.foundation.embedded.errors import EmbeddedPostgresError

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

SYSTEM_USER = "tillstream-postgres"


@dataclass(frozen=True, slots=True)
class Account:
    """The system user that the server runs as."""

    uid: int
    gid: int


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
