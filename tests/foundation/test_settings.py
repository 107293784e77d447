"""Settings, from environments that are written out here and folders that are real.

Nothing is doubled: the environment is an argument, the data folder a temporary one. Asserted are
the values, the sentences people get, and what is left on disk.
"""

from __future__ import annotations

import json
import re
import stat
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillstream.foundation.settings import (
    SETTINGS,
    SettingMissing,
    Settings,
    SettingWrong,
    load_settings,
)
from tillstream.shopify.permissions import USUAL

if TYPE_CHECKING:
    from pathlib import Path

GIVEN = {
    "JWT_SECRET": "j" * 32,
    "TILLSTREAM_KEY": "ab" * 32,
    "SHOPIFY_API_SECRET": "newest, oldest",
}
LIMITS = {
    "PORT": (1, 65535),
    "TILLSTREAM_PARTITIONS": (1, 256),
    "TILLSTREAM_MAX_BODY": (1024, 256 * 1024 * 1024),
    "TILLSTREAM_BATCH": (1, 20_000),
    "TILLSTREAM_RETENTION_DAYS": (1, 3650),
}


def load(**changes: str) -> Settings:
    return load_settings({**GIVEN, **changes}, generate=False)


def test_what_is_not_set_has_its_default() -> None:
    settings = load()
    assert (settings.port, settings.bind, settings.host) == (
        8080,
        "127.0.0.1",
        "http://127.0.0.1:8080",
    )
    assert (settings.database_url, settings.rabbitmq_url, settings.frontend_url) == (
        None,
        None,
        None,
    )
    assert (settings.partitions, settings.max_body, settings.batch) == (8, 16 * 1024 * 1024, 1000)
    assert settings.shopify_api_secrets == (b"newest", b"oldest")
    assert settings.key == bytes.fromhex("ab" * 32)
    assert load(PORT="9000").host == "http://127.0.0.1:9000"
    assert load(HOST="https://till.example/").host == "https://till.example"


def test_what_is_set_to_nothing_counts_as_not_set() -> None:
    names = {setting.name for setting in SETTINGS if not setting.secret}
    assert load(**dict.fromkeys(names, "")) == load()


def test_the_list_says_the_defaults_that_are_used() -> None:
    listed = {setting.name: setting.default for setting in SETTINGS}
    settings = load()
    assert listed["PORT"] == str(settings.port)
    assert listed["TILLSTREAM_PARTITIONS"] == str(settings.partitions)
    assert listed["TILLSTREAM_MAX_BODY"] == str(settings.max_body)
    assert listed["TILLSTREAM_BATCH"] == str(settings.batch)
    assert listed["TILLSTREAM_RETENTION_DAYS"] == str(settings.retention_days)
    assert listed["SHOPIFY_SCOPES"] == settings.shopify_scopes == ",".join(USUAL)
    assert listed["TILLSTREAM_LOG"] == settings.log_level


@pytest.mark.parametrize("name", LIMITS)
def test_numbers_have_limits(name: str) -> None:
    least, most = LIMITS[name]
    for good in (least, most):
        load(**{name: str(good)})
    for bad in (str(least - 1), str(most + 1), "1.5", "-1", "ten", "1e3", "\xb2", "9" * 6000):
        with pytest.raises(
            SettingWrong, match=f"{name} must be a whole number from {least} to {most}"
        ):
            load(**{name: bad})


@pytest.mark.parametrize("name", sorted(GIVEN))
@pytest.mark.parametrize("value", ["", "  ", None])
@pytest.mark.parametrize("generate", [False, True])
def test_an_empty_secret_stops_the_process(
    name: str, value: str | None, generate: bool, tmp_path: Path
) -> None:
    environment = {**GIVEN, "TILLSTREAM_DATA": str(tmp_path)}
    if value is None:
        del environment[name]
        if generate:  # it is made, not missed
            load_settings(environment, generate=True)
            return
    else:
        environment[name] = value
    with pytest.raises(SettingMissing, match=name):
        load_settings(environment, generate=generate)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JWT_SECRET", "j" * 31),
        ("TILLSTREAM_KEY", "ab" * 31),
        ("TILLSTREAM_KEY", "xy" * 32),
        ("SHOPIFY_API_SECRET", "one,,two"),
        ("SHOPIFY_API_SECRET", ","),
        ("TILLSTREAM_LOG", "loud"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingWrong, match=name) as caught:
        load(**{name: value})
    # A secret must not end up in a log because it was wrong.
    assert name == "TILLSTREAM_LOG" or value not in str(caught.value)


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ_", min_size=1, max_size=20))
def test_a_misspelled_setting_is_not_ignored(word: str) -> None:
    name = f"TILLSTREAM_{word}"
    if name in {setting.name for setting in SETTINGS} or word.startswith("TEST_"):
        return
    with pytest.raises(SettingWrong, match=f"{re.escape(name)}: no such setting"):
        load(**{name: "1"})


def test_no_secret_shows_when_settings_are_printed() -> None:
    shown = repr(
        load(DATABASE_URL="postgresql://u:hunter2@db/x", RABBITMQ_URL="amqp://u:hunter3@mq")
    )
    for secret in (
        "jjj",
        "abab",
        "newest",
        "oldest",
        "hunter",
        repr(bytes.fromhex("ab" * 4))[2:-1],
    ):
        assert secret not in shown


def test_secrets_are_made_once_and_kept_to_their_owner(tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"
    first = load_settings({"TILLSTREAM_DATA": str(data)}, generate=True)
    again = load_settings({"TILLSTREAM_DATA": str(data)}, generate=True)
    assert first == again
    assert len(first.jwt_secret) >= 32
    assert len(first.key) == 32
    assert all(first.shopify_api_secrets)
    file = data / "secrets.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in data.iterdir()] == ["secrets.json"]

    other = load_settings({"TILLSTREAM_DATA": str(tmp_path / "other")}, generate=True)
    assert {first.jwt_secret, first.key}.isdisjoint({other.jwt_secret, other.key})


def test_the_environment_goes_before_the_folder_and_leaves_it_alone(tmp_path: Path) -> None:
    environment = {"TILLSTREAM_DATA": str(tmp_path)}
    made = load_settings(environment, generate=True)
    told = load_settings({**environment, "JWT_SECRET": "t" * 40}, generate=True)
    assert told.jwt_secret == "t" * 40
    assert told.key == made.key
    assert load_settings(environment, generate=True) == made


def test_a_secret_that_is_newer_than_the_folder_is_added_to_it(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text(json.dumps({"JWT_SECRET": "k" * 32, "later": "kept"}))
    settings = load_settings({"TILLSTREAM_DATA": str(tmp_path)}, generate=True)
    assert settings.jwt_secret == "k" * 32
    stored = json.loads(file.read_text())
    assert stored["later"] == "kept"
    assert bytes.fromhex(stored["TILLSTREAM_KEY"]) == settings.key


@pytest.mark.parametrize("content", ["", "{", "\x00\xff"])
def test_unreadable_secrets_are_never_replaced_by_new_ones(content: str, tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text(content)
    with pytest.raises(SettingWrong, match=r"secrets\.json is no JSON"):
        load_settings({"TILLSTREAM_DATA": str(tmp_path)}, generate=True)
    assert file.read_text() == content


def test_roles_apart_make_no_secrets(tmp_path: Path) -> None:
    with pytest.raises(SettingMissing, match="is not set"):
        load_settings({"TILLSTREAM_DATA": str(tmp_path)}, generate=False)
    assert list(tmp_path.iterdir()) == []
