"""A merchant's login to the database, and what a merchant could try with it.

Real: PostgreSQL, the API, and connections as the login. Rows are put in as a worker would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

if TYPE_CHECKING:
    from tests.serve.conftest import Site


async def test_a_login_is_made_used_and_revoked(site: Site) -> None:
    token = (await site.register())["token"]
    async with site.client(token) as client:
        made = await client.post("/api/sql-logins", json={"name": "Metabase"})
        assert made.status_code == 201, made.text
        login: dict[str, Any] = made.json()
        listed = (await client.get("/api/sql-logins")).json()
        assert [one["username"] for one in listed["logins"]] == [login["username"]]
        assert "password" not in listed["logins"][0]
        assert login["password"] not in str(listed)
        with psycopg.connect(login["url"], autocommit=True) as session:
            assert session.execute("SELECT count(*) FROM orders").fetchone() == (0,)
            assert session.execute("SHOW search_path").fetchone() == ("merchant",)
            gone = await client.delete(f"/api/sql-logins/{login['id']}")
            assert gone.status_code == 204, gone.text
            with pytest.raises(psycopg.OperationalError):
                session.execute("SELECT count(*) FROM orders")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(login["url"])
        assert (await client.get("/api/sql-logins")).json()["logins"] == []
        again = await client.delete(f"/api/sql-logins/{login['id']}")
        assert again.status_code == 404
