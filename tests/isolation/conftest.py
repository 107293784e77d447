"""An installation's API on a real database, for those who attack it; and logins that go with the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from tests.serve.conftest import Site, open_site, settings_for

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.conftest import Cluster, Database


@pytest.fixture
async def site(cluster: Cluster, database: Database, tmp_path: Path) -> AsyncGenerator[Site]:
    try:
        async with open_site(database, settings_for(tmp_path)) as opened:
            yield opened
    finally:
        drop_sql_logins(database.admin_url)


def drop_sql_logins(admin_url: str) -> None:
    """Roles belong to the cluster, so they would outlive the test's database."""
    with psycopg.connect(admin_url, autocommit=True) as owner:
        rows = owner.execute(
            "SELECT username FROM shops.sql_logins AS l JOIN pg_roles AS r ON r.rolname = l.username"
        ).fetchall()
        for (username,) in rows:
            owner.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(username)))
            owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(username)))
