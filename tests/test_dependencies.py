"""docs/dependencies.md names exactly what pyproject.toml asks for, and the lock files pin it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DOCUMENT = (ROOT / "docs" / "dependencies.md").read_text()

ASKED_FOR: dict[str, list[str]] = {
    "Runtime": PYPROJECT["project"]["dependencies"],
    "Development": PYPROJECT["dependency-groups"]["dev"],
    "Build": PYPROJECT["dependency-groups"]["build"],
}
LOCKED = {
    "requirements/runtime.txt": {"Runtime", "Build"},
    "requirements/dev.txt": {"Runtime", "Build", "Development"},
}


def names(requirements: list[str]) -> list[str]:
    return [canonicalize_name(Requirement(requirement).name) for requirement in requirements]


def rows(section: str) -> list[tuple[str, str]]:
    """The (package, reason) rows below a heading of the document."""
    body = DOCUMENT.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    found = re.findall(r"^\| ([\w-]+) \| (.+) \|$", body, re.MULTILINE)
    return [row for row in found if row != ("package", "reason")]


def pins(lock: str) -> dict[str, list[str]]:
    """The hashes of each package pinned in a lock file."""
    pinned: dict[str, list[str]] = {}
    for block in re.split(r"\n(?=[a-z0-9])", (ROOT / lock).read_text()):
        name = re.match(r"[\w.-]+", block)
        assert name is not None
        pinned[canonicalize_name(name[0])] = re.findall(r"--hash=sha256:([0-9a-f]{64})", block)
    return pinned


@pytest.mark.parametrize("section", ASKED_FOR)
def test_the_document_lists_exactly_what_is_asked_for(section: str) -> None:
    assert [name for name, _ in rows(section)] == sorted(names(ASKED_FOR[section]))


@pytest.mark.parametrize("section", ASKED_FOR)
def test_each_reason_is_a_sentence(section: str) -> None:
    for name, reason in rows(section):
        assert reason.endswith("."), name
        assert len(reason.split()) >= 3, name


@pytest.mark.parametrize("lock", LOCKED)
def test_the_lock_files_pin_all_of_it_with_hashes(lock: str) -> None:
    pinned = pins(lock)
    wanted = {name for section in LOCKED[lock] for name in names(ASKED_FOR[section])}
    assert wanted <= pinned.keys()
    assert all(pinned.values())


def test_the_two_lock_files_agree() -> None:
    runtime, dev = (pins(lock) for lock in LOCKED)
    assert runtime.items() <= dev.items()


@pytest.mark.parametrize("lock", LOCKED)
def test_the_lock_files_name_no_place_to_fetch_from(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*-(?!-hash=)", text, re.MULTILINE)
