"""What a log line tells of an error: where it went wrong, and never what was refused.

Real: the database that refuses, and the errors as its client raises them.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest

from tillstream.command.logs import JsonLines, described
from tillstream.shops.refusals import WeakPassword

if TYPE_CHECKING:
    from tests.conftest import Database

VALUE = "planted-value-that-nobody-may-read"

REFUSED: list[tuple[LiteralString, str]] = [
    (
        "INSERT INTO shops.tenants (name) VALUES (repeat(%s, 99))",
        "23514 (tenants, tenants_name_check)",
    ),
    ("SELECT %s::text::int", "22P02"),
    (
        "INSERT INTO shops.users (email, password_hash) VALUES (%s, '$argon2id$x'), (%s, '$argon2id$x')",
        "23505",
    ),
    ("SELECT %s FROM no_such_table", '42P01: relation "no_such_table" does not exist'),
    ("SELECT %s::text::date", "22007"),
    (
        "INSERT INTO shops.users (email, name) VALUES ('x@y.example', %s)",
        "23502 (users, password_hash)",
    ),
]


@pytest.mark.parametrize(("statement", "told"), REFUSED, ids=[told for _, told in REFUSED])
def test_a_refused_statement_is_told_without_its_values(
    database: Database, statement: LiteralString, told: str
) -> None:
    values = (VALUE,) * statement.count("%s")
    with psycopg.connect(database.admin_url) as connection, pytest.raises(psycopg.Error) as caught:
        connection.execute(statement, values)
    text = described(caught.value)
    assert VALUE not in text
    assert told in text
    assert "test_logs.py" in text


def test_a_connection_that_fails_says_where_to(database: Database) -> None:
    with pytest.raises(psycopg.Error) as caught:
        psycopg.connect(database.api_url, password=VALUE)
    assert "password authentication failed" in described(caught.value)
    with pytest.raises(psycopg.Error) as caught:
        psycopg.connect(f"postgresql:{VALUE}")
    assert VALUE not in described(caught.value)


def refuse() -> None:
    try:
        int(VALUE)
    except ValueError as error:
        message = "The password is too short."
        raise WeakPassword(message) from error


def test_of_other_errors_only_our_own_messages_are_told() -> None:
    with pytest.raises(WeakPassword) as caught:
        refuse()
    text = described(caught.value)
    assert VALUE not in text
    assert "WeakPassword: The password is too short." in text
    assert text.index("WeakPassword") < text.index("ValueError")
    assert "No such file" in described(FileNotFoundError(2, "No such file", VALUE))
    assert VALUE not in described(FileNotFoundError(2, "No such file", VALUE))


def test_a_chain_that_bites_its_tail_ends() -> None:
    first, second = ValueError(VALUE), KeyError(VALUE)
    first.__cause__, second.__cause__ = second, first
    assert described(first).count("Following:") == 7
    assert described(None) == ""


def test_a_log_line_is_json_with_the_trace() -> None:
    error = KeyError(VALUE)
    told = (KeyError, error, None)
    record = logging.LogRecord("here", logging.ERROR, "", 1, "failed", None, told)
    line = json.loads(JsonLines().format(record))
    assert (line["event"], line["level"], line["where"]) == ("failed", "error", "here")
    assert line["error"].endswith("KeyError")
