"""The tables that ARCHITECTURE.md lists are those of the database."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg

from tests.docs.documents import ROOT, fences
from tillstream.rollup.measures import ADDITIVE

if TYPE_CHECKING:
    from tests.conftest import Database

TEXT = (ROOT / "ARCHITECTURE.md").read_text()
FUNCTIONS = {"shops.route", "shops.store_secrets", "shops.reader_tenant"}
COLUMNS = """
SELECT table_schema || '.' || table_name, column_name FROM information_schema.columns
WHERE table_schema IN ('shops', 'mirror', 'rollup')
"""


def listed() -> dict[str, set[str]]:
    """Columns by table, from the block of tables that readers use."""
    block = next(fence for fence in fences(TEXT, "") if "shops.tenants(" in fence)
    # What follows the columns, and a column's type, are for people.
    tables = re.findall(
        r"^((?:shops|mirror|rollup)\.\w+)\((.*?)\)(?=  |\s*$)", block, re.MULTILINE | re.DOTALL
    )
    return {
        table: {part.split()[0] for part in inside.split(",")}
        for table, inside in tables
        if table not in FUNCTIONS
    }


def test_listed_tables_have_the_columns(database: Database) -> None:
    with psycopg.connect(database.admin_url) as connection:
        stored: dict[str, set[str]] = {}
        for table, column in connection.execute(COLUMNS):
            stored.setdefault(table, set()).add(column)
    told = listed()
    assert set(told) == set(stored)
    for table, columns in told.items():
        measures: set[str] = set(ADDITIVE) if "<measures>" in columns else set()
        assert columns - {"<measures>"} | measures == stored[table], table


def test_the_measures_are_the_registrys() -> None:
    after = TEXT.partition("`<measures>`, all")[2].partition(":\n")[2]
    named = re.match(r"`([a-z_\s]+)`", after)
    assert named is not None
    assert set(named[1].split()) == set(ADDITIVE)
