"""The commands for people, against a real database of their own."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import KEY
from tests.serve.company import audit, call
from tests.serve.conftest import open_site, settings_for
from tillstream.command.accounts import account_list, account_password
from tillstream.shops.refusals import AccountUnknown

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Database

NEW = "nine violet kettles sing"


async def test_people_are_listed_and_one_gets_back_in(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_for(tmp_path, database_url=database.admin_url, key=KEY)
    async with open_site(database, settings) as site:
        await site.register()
        assert await account_list(settings, Namespace(json=True)) == 0
        (listed,) = printed(capsys)
        assert listed["email"] == "ada@example.com"
        assert listed["role"] == "owner"
        assert await account_list(settings, Namespace(json=False)) == 0
        assert "ada@example.com" in capsys.readouterr().out

        options = Namespace(json=True, email=" ADA@example.com")
        assert await account_password(settings, options) == 0
        token = printed(capsys)["link"].partition("/reset#token=")[2]
        body = {"token": token, "password": NEW}
        # The link is made now, and the site's clock stands still in the past.
        reset = await call(site, "", "POST", "/api/auth/password/reset", body)
        assert reset.status_code == 204
        body = {"email": "ada@example.com", "password": NEW}
        signed_in = await call(site, "", "POST", "/api/auth/login", body)
        lines = await audit(site, signed_in.json()["token"])
        assert ("operator", "password.link_asked") in [
            (line["actor"], line["action"]) for line in lines
        ]


async def test_nobody_gets_a_link_for_an_account_that_is_not_there(
    database: Database, tmp_path: Path
) -> None:
    settings = settings_for(tmp_path, database_url=database.admin_url, key=KEY)
    with pytest.raises(AccountUnknown, match=r"nobody@example\.com"):
        await account_password(settings, Namespace(json=True, email="nobody@example.com"))


def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)
