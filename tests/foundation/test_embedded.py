"""PostgreSQL in a folder: what happens when its owner is killed, doubled, or unlucky.

The server is the real one and processes are really killed. Each test has a folder of its own, and
may only signal processes that it started.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tillstream.foundation.embedded.cluster import SOCKET_PATH_BYTES_MAX
from tillstream.foundation.embedded.errors import EmbeddedPostgresError, FolderInUseError
from tillstream.foundation.embedded.postmaster import read_command_line, read_postmaster, serves
from tillstream.foundation.embedded.server import (
    EmbeddedPostgres,
    describe_failed_start,
    find_running,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS_MAX = 30

OWNER = """
import pathlib, sys, threading
from tillstream.foundation.embedded.server import EmbeddedPostgres
server = EmbeddedPostgres(pathlib.Path(sys.argv[1]))
starter = threading.Thread(target=lambda: print(server.start(), server.pid, flush=True))
starter.start()
starter.join()
sys.stdin.read()
"""
"""A process that owns a server until it is told to end or killed. It starts the server from a
thread that ends at once, which must not take the server along."""


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not pytest's own tmp_path: too deep for a socket, and closed to the server's system user.
    with tempfile.TemporaryDirectory(prefix="tillstream-test-") as path:
        yield Path(path) / "data"


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(folder)
    yield server
    server.stop()


class Owner:
    """Another process that runs a server on the folder."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWNER, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            pytest.fail(self.process.communicate()[1])
        self.url, pid = line.split()
        self.server_pid = int(pid)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=SECONDS_MAX)


def ask(url: str, question: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return row[0]


def run(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def wait_for_end(pid: int) -> None:
    """Wait until the process is gone or, where nobody reaps orphans, dead."""
    gives_up = time.monotonic() + SECONDS_MAX
    while read_command_line(pid):
        assert time.monotonic() < gives_up, f"process {pid} lives on"
        threading.Event().wait(0.01)


def test_a_first_start_makes_a_cluster_and_a_second_finds_its_data(
    server: EmbeddedPostgres, folder: Path
) -> None:
    url = server.start()
    run(url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (42)")
    server.stop()
    assert server.pid is None
    assert server.start() == url
    assert ask(url, "SELECT n FROM kept") == 42
    assert str(ask(url, "SHOW server_version")).startswith("18")
    assert ask(url, "SHOW fsync") == "on"
    assert ask(url, "SHOW data_checksums") == "on"
    assert ask(url, "SELECT datcollate FROM pg_database WHERE datname = 'postgres'") == "C"
    assert not list(folder.glob("*.new"))
    assert not (folder / "initdb.log").exists()


def test_an_existing_folder_starts_within_a_second(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    # Best of three: other processes share the cores.
    assert min(seconds_to_start(server) for _ in range(3)) < 1


def seconds_to_start(server: EmbeddedPostgres) -> float:
    before = time.perf_counter()
    server.start()
    after = time.perf_counter()
    server.stop()
    return after - before


def test_the_password_is_needed_and_only_its_owner_can_read_it(
    server: EmbeddedPostgres, folder: Path
) -> None:
    url = server.start()
    assert stat.S_IMODE((folder / "password").stat().st_mode) == 0o600
    assert len((folder / "password").read_text().strip()) >= 40
    assert not (folder / "password.initdb").exists()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url, password="guessed")
    lax = "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method NOT IN ('scram-sha-256', 'reject')"
    assert ask(url, lax) == 0


def test_nothing_listens_on_the_network(server: EmbeddedPostgres) -> None:
    url = server.start()
    assert ask(url, "SHOW listen_addresses") == ""
    assert ask(url, "SELECT inet_server_addr() IS NULL") is True


def test_ctrl_c_in_a_terminal_does_not_reach_the_server(server: EmbeddedPostgres) -> None:
    server.start()
    assert server.pid is not None
    assert os.getsid(server.pid) != os.getsid(0)


# Which of these hold depends on who runs them: as nobody is both, they are chosen, not skipped.
if os.geteuid() == 0:

    def test_root_hands_the_server_to_a_system_user(server: EmbeddedPostgres, folder: Path) -> None:
        server.start()
        assert server.pid is not None
        status = Path(f"/proc/{server.pid}/status").read_text().splitlines()
        real, effective, saved, _ = next(
            line for line in status if line.startswith("Uid:")
        ).split()[1:]
        assert real == effective == saved != "0"
        assert next(line for line in status if line.startswith("Groups:")).split()[1:] == []
        assert (folder / "cluster").stat().st_uid == int(real)

    def test_a_cluster_that_came_with_other_user_numbers_is_taken_over(
        server: EmbeddedPostgres, folder: Path
    ) -> None:
        server.start()
        server.stop()
        for path in (folder / "cluster", *(folder / "cluster").rglob("*")):
            os.chown(path, 54321, 54321)
        assert ask(server.start(), "SELECT 1") == 1

    def test_folders_on_the_way_become_passable_but_not_readable(folder: Path) -> None:
        closed = folder / "home"
        closed.mkdir(mode=0o700, parents=True)
        with EmbeddedPostgres(closed / "data"):
            assert stat.S_IMODE(closed.stat().st_mode) == 0o701

else:

    def test_an_ordinary_user_runs_the_server_itself(
        server: EmbeddedPostgres, folder: Path
    ) -> None:
        server.start()
        assert server.pid is not None
        assert Path(f"/proc/{server.pid}").stat().st_uid == os.geteuid()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_too_deep_for_a_socket_gets_one_elsewhere(folder: Path) -> None:
    deep = folder / ("d" * SOCKET_PATH_BYTES_MAX)
    server = EmbeddedPostgres(deep, durable=False)
    url = server.start()
    socket = Path(str(conninfo_to_dict(url)["host"]))
    assert deep not in socket.parents
    assert ask(url, "SHOW fsync") == "off"
    assert find_running(deep) == url
    server.stop()
    assert not socket.exists()


def test_a_space_or_a_quote_in_the_path_does_no_harm(folder: Path) -> None:
    with EmbeddedPostgres(folder / "it's 100% mine & ours") as server:
        url = find_running(server.folder)
        assert url is not None
        assert ask(url, "SELECT 1") == 1


def test_a_second_owner_is_refused_with_a_sentence(server: EmbeddedPostgres, folder: Path) -> None:
    url = server.start()
    with pytest.raises(
        FolderInUseError, match=rf"process {os.getpid()}\) is using .* choose another"
    ):
        EmbeddedPostgres(folder).start()
    assert ask(url, "SELECT 1") == 1
    with pytest.raises(EmbeddedPostgresError, match="already runs"):
        server.start()


def test_of_two_starts_at_once_one_wins(folder: Path) -> None:
    servers = [EmbeddedPostgres(folder), EmbeddedPostgres(folder)]
    outcomes: list[str] = []
    gate = threading.Barrier(len(servers))

    def race(server: EmbeddedPostgres) -> None:
        gate.wait()
        try:
            outcomes.append(server.start())
        except FolderInUseError:
            outcomes.append("refused")

    threads = [threading.Thread(target=race, args=(server,)) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (url,) = [outcome for outcome in outcomes if outcome != "refused"]
    assert ask(url, "SELECT 1") == 1
    for server in servers:
        server.stop()


def test_the_server_ends_with_an_owner_that_is_killed_and_its_data_stays(
    server: EmbeddedPostgres, folder: Path
) -> None:
    owner = Owner(folder)
    assert find_running(folder) == owner.url
    run(owner.url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
    owner.kill()
    wait_for_end(owner.server_pid)
    assert find_running(folder) is None
    assert ask(server.start(), "SELECT n FROM kept") == 7


def test_a_start_right_after_the_kill_waits_for_the_orphan(
    server: EmbeddedPostgres, folder: Path
) -> None:
    owner = Owner(folder)
    run(owner.url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
    owner.kill()
    assert ask(server.start(), "SELECT n FROM kept") == 7
    assert server.pid != owner.server_pid


def test_an_orphan_that_missed_its_signal_is_ended(server: EmbeddedPostgres, folder: Path) -> None:
    # Stopped, the server cannot act on the death of its owner: the hardest orphan there is.
    owner = Owner(folder)
    os.kill(owner.server_pid, signal.SIGSTOP)
    owner.kill()
    revive = threading.Timer(0.5, os.kill, (owner.server_pid, signal.SIGCONT))
    revive.start()
    try:
        assert ask(server.start(), "SELECT 1") == 1
    finally:
        revive.join()
    assert server.pid != owner.server_pid


def test_everything_killed_at_once_recovers(server: EmbeddedPostgres, folder: Path) -> None:
    owner = Owner(folder)
    with psycopg.connect(owner.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (7)")
        os.kill(owner.server_pid, signal.SIGKILL)
        owner.kill()
        # Straight away: the server's own children may still be finding out.
        url = server.start()
    assert ask(url, "SELECT n FROM kept") == 7
    assert "automatic recovery in progress" in server.log_path.read_text()


def test_a_stranger_who_got_the_servers_old_number_is_left_alone(
    server: EmbeddedPostgres, folder: Path
) -> None:
    owner = Owner(folder)
    os.kill(owner.server_pid, signal.SIGKILL)
    owner.kill()
    file = folder / "cluster" / "postmaster.pid"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        lines = file.read_text().splitlines()
        file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        assert ask(server.start(), "SELECT 1") == 1
        assert stranger.poll() is None
        stranger.kill()


def test_the_folder_is_free_after_a_failed_start(server: EmbeddedPostgres, folder: Path) -> None:
    server.start()
    server.stop()
    version = folder / "cluster" / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(EmbeddedPostgresError, match=r"made by PostgreSQL 17 .* brings 18"):
        server.start()
    version.write_text("18\n")
    assert ask(server.start(), "SELECT 1") == 1


def test_half_a_cluster_is_never_taken_for_one(server: EmbeddedPostgres, folder: Path) -> None:
    (folder / "cluster.new").mkdir(parents=True)
    (folder / "cluster.new" / "PG_VERSION").write_text("18\n")
    assert ask(server.start(), "SELECT 1") == 1


def test_a_lost_password_is_a_sentence(server: EmbeddedPostgres, folder: Path) -> None:
    server.start()
    server.stop()
    (folder / "password").unlink()
    with pytest.raises(EmbeddedPostgresError, match="Restore it from a backup"):
        server.start()


def test_a_server_that_cannot_start_tells_its_reason(
    server: EmbeddedPostgres, folder: Path
) -> None:
    server.start()
    server.stop()
    with (folder / "cluster" / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = on\n")
    with pytest.raises(EmbeddedPostgresError, match=r"could not start: .*postgresql\.conf"):
        server.start()


def test_a_full_disk_is_a_sentence() -> None:
    said = 'FATAL:  could not write lock file "postmaster.pid": No space left on device'
    assert "Free some space" in describe_failed_start(said, Path("postgres.log"))


def test_a_folder_that_cannot_be_is_a_sentence(folder: Path) -> None:
    folder.parent.joinpath("file").write_text("")
    with pytest.raises(EmbeddedPostgresError, match="Choose another with --data"):
        EmbeddedPostgres(folder.parent / "file" / "data").start()


def test_nothing_runs_on_a_folder_that_is_not_there(folder: Path) -> None:
    assert find_running(folder) is None
    assert read_postmaster(folder) is None
    assert not serves(os.getpid(), folder)


@pytest.mark.parametrize("text", ["", "\n", "12", "12\n/data\n1\n5432\n", "no number\n"])
def test_a_half_written_pid_file_is_not_ready(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / "postmaster.pid").write_text(text)
    found = read_postmaster(folder)
    assert found is None or not found.ready


def test_a_long_log_is_put_aside(server: EmbeddedPostgres, folder: Path) -> None:
    folder.mkdir()
    with server.log_path.open("wb") as file:
        file.truncate(10_000_001)
    server.start()
    assert server.log_path.stat().st_size < 10_000
    assert (folder / "postgres.log.1").stat().st_size == 10_000_001
