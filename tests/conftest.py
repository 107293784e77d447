"""What every test may ask for: one real PostgreSQL, and a fresh migrated database on it.

Nothing is doubled here. A database is a copy of a template that was migrated once, which takes
some tens of milliseconds; the cluster lives in a temporary folder and ends with the session.

With `CI` set, a skipped test is a failure: a gate that quietly tests less is none.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tillstream.foundation.embedded.server import EmbeddedPostgres
from tillstream.foundation.migrate import ensure_logins, login_url, migrate

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
NOT_OURS = "the collection of real bodies is not beside the checkout"
"""The one skip that no gate can avoid: those bodies belong to others and cannot be given along."""

TESTS = Path(__file__).parent
ALONE = ("command/test_bench.py", "story/test_broker_away.py")
"""Files of tests that measure, so that nothing else may run beside them."""

LONGEST = (
    "story/test_books",
    "isolation/test_many",
    "isolation/test_fuzz",
    "isolation/test_attacks",
    "story/test_shuffles",
    "story/test_payloads",
    "privacy/test_path",
    "story/test_secrecy",
    "story/",
    "isolation/",
    "simulator/",
    "mirror/",
    "journal/",
    "rollup/",
)
"""What runs first, longest first, so that no core waits at the end for a long file on the other."""

TEMPLATE = "template_tillstream"
KEY = b"the key of the tests' databases"

# No deadline: two cores under load make an honest example slow now and then.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile(
    "ci", deadline=None, max_examples=200, derandomize=True, print_blob=True, database=None
)
hypothesis.settings.load_profile("ci" if IN_CI else "local")


@dataclass(frozen=True, slots=True)
class Database:
    """A migrated database of one test's own; all URLs hold passwords."""

    name: str
    admin_url: str
    api_url: str
    worker_url: str
    key: bytes


@dataclass(frozen=True, slots=True)
class Cluster:
    """The session's server; `url` is the superuser's."""

    url: str
    server: EmbeddedPostgres


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave files unread of which the marks would choose nothing (see the Makefile): it takes seconds."""
    if collection_path.is_dir():
        return None
    unwanted = {"alone": False, "not alone": True}.get(config.option.markexpr)
    return True if _is_alone(collection_path) is unwanted else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what has to have the machine to itself; of the rest, the longest comes first."""
    for item in items:
        if _is_alone(item.path):
            item.add_marker(pytest.mark.alone)
    items.sort(key=lambda item: _turn(item.path))


def _is_alone(file: Path) -> bool:
    return _place(file).startswith(ALONE)


def _turn(file: Path) -> int:
    """Where in ``LONGEST`` a file stands."""
    place = _place(file)
    return next((n for n, start in enumerate(LONGEST) if place.startswith(start)), len(LONGEST))


def _place(file: Path) -> str:
    return file.relative_to(TESTS).as_posix() if file.is_relative_to(TESTS) else ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where the suite is the gate."""
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        if str(reason).endswith(NOT_OURS):
            return report
        report.outcome = "failed"
        report.longrepr = f"With CI set every test has to run, but this one was skipped: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Do the same for a module that skips itself as a whole."""
    report = yield
    if IN_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = (
            f"With CI set every module has to run, but one was skipped: {report.longrepr}"
        )
    return report


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One PostgreSQL for the whole session, without fsync unless TILLSTREAM_TEST_FSYNC=1."""
    durable = os.environ.get("TILLSTREAM_TEST_FSYNC") == "1"
    with tempfile.TemporaryDirectory(prefix="tillstream-test-") as folder:
        server = EmbeddedPostgres(Path(folder), durable=durable)
        try:
            yield Cluster(server.start(), server)
        finally:
            server.stop()


@pytest.fixture(scope="session")
def template(cluster: Cluster) -> str:
    """Name of a migrated database to copy from; nobody may be connected to it then."""
    run_on(cluster.url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
    migrate(make_conninfo(cluster.url, dbname=TEMPLATE), KEY)
    return TEMPLATE


_numbers = count(1)


@pytest.fixture
def database(cluster: Cluster, template: str) -> Iterator[Database]:
    """A fresh migrated database, dropped after the test whoever is still connected."""
    name = f"test_{next(_numbers)}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
    run_on(cluster.url, create.format(sql.Identifier(name), sql.Identifier(template)))
    admin_url = make_conninfo(cluster.url, dbname=name)
    try:
        ensure_logins(admin_url, KEY)
        yield Database(
            name=name,
            admin_url=admin_url,
            api_url=login_url(admin_url, "api", KEY),
            worker_url=login_url(admin_url, "worker", KEY),
            key=KEY,
        )
    finally:
        drop_database(cluster.url, admin_url, name)


def drop_database(cluster_url: str, admin_url: str, name: str) -> None:
    """Drop the database and then the logins that were made for it alone."""
    logins = [
        conninfo_to_dict(login_url(admin_url, role, KEY))["user"] for role in ("api", "worker")
    ]
    run_on(cluster_url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    for login in logins:
        run_on(cluster_url, sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(str(login))))


def run_on(url: str, statement: sql.Composed) -> None:
    """Run one statement outside a transaction, as CREATE DATABASE demands."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
