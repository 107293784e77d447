"""The register of topics is complete: no topic, no resource and no table is forgotten on either side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.mirror.bodies import STORIES
from tillstream.mirror.join import Element
from tillstream.mirror.merge import MIRRORED
from tillstream.mirror.redaction import LETTERS
from tillstream.mirror.topics import READERS, TOPICS, Topic, how_named
from tillstream.shopify.topics import COMPLIANCE_TOPICS, SCOPES, topic_enum, topic_name

if TYPE_CHECKING:
    from tests.conftest import Database

ELSEWHERE = {"app/uninstalled", "app/scopes_update", "bulk_operations/finish", *COMPLIANCE_TOPICS}
"""Acted on by the worker or the erasing, not by the mirror."""


def test_every_topic_that_can_be_had_is_in_the_register_and_no_other() -> None:
    assert set(TOPICS) == set(SCOPES) | set(COMPLIANCE_TOPICS)
    assert all(topic_name(topic_enum(topic)) == topic for topic in TOPICS)


def test_every_topic_is_read_or_acted_on_elsewhere() -> None:
    assert set(TOPICS) - set(READERS) == ELSEWHERE
    assert {name for name, topic in TOPICS.items() if topic.resource is None} == ELSEWHERE
    for name in ELSEWHERE:
        # A note says where.
        assert len(TOPICS[name].note) > 20


def test_every_resource_has_topics_and_every_table_its_own() -> None:
    assert {topic.resource for topic in TOPICS.values()} - {None} == set(MIRRORED)
    for resource, mirrored in MIRRORED.items():
        written = {
            table
            for topic in TOPICS.values()
            if topic.resource == resource
            for table in topic.writes
        }
        tables = [mirrored.table, *(child.table for child in mirrored.children)]
        assert {f"mirror.{table}" for table in tables} <= written, resource


def test_the_tables_that_are_said_to_be_written_exist(database: Database) -> None:
    with psycopg.connect(database.admin_url) as connection:
        stored = {
            row[0]
            for row in connection.execute(
                "SELECT table_schema || '.' || table_name FROM information_schema.tables"
            )
        }
        columns = {
            table: {
                row[0]
                for row in connection.execute(
                    "SELECT column_name FROM information_schema.columns "
                    "WHERE table_schema = 'mirror' AND table_name = %s",
                    (table,),
                )
            }
            for table in (mirrored.table for mirrored in MIRRORED.values())
        }
    assert {table for topic in TOPICS.values() for table in topic.writes} <= stored
    for resource, mirrored in MIRRORED.items():
        # Every column is written, so that none keeps what is not true any more.
        key = "1:1" if resource == "inventory_level" else ("t" if _is_token(resource) else 1)
        row = mirrored.row(mirrored.view(key, Element()))
        assert {*row, *mirrored.key, "tenant_id", "store_id", "state"} == columns[mirrored.table]


def _is_token(resource: str) -> bool:
    return resource in {"checkout", "cart"}


@pytest.mark.parametrize(("name", "topic"), TOPICS.items(), ids=TOPICS)
def test_whom_a_topic_names_is_found_one_way(name: str, topic: Topic) -> None:
    """What is of a person in the mirror is read with its marks; all else is searched, or about nobody."""
    assert (topic.people == "fields") == (topic.resource in LETTERS), name
    assert topic.note
    assert not topic.note.endswith(".")


def test_what_is_not_in_the_register_is_searched_for_people() -> None:
    assert how_named("gift_cards/update") == "text"


def test_there_are_bodies_drawn_for_every_resource() -> None:
    assert set(STORIES) == set(MIRRORED)
