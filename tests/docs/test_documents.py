"""What documents say can be checked without running anything: links, files, commands, calls, topics."""

from __future__ import annotations

import argparse
import re
import shlex
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.docs.documents import DOCUMENTS, README, ROOT, fences, name, prose, rows, spans
from tillstream.command.command_line import parser as command_line
from tillstream.mirror.topics import READERS
from tillstream.serve.app import bare_app
from tillstream.shopify.permissions import PERMISSIONS, USUAL, topics_of
from tillstream.shopify.subscriptions import wanted_topics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IDS = [name(document) for document in DOCUMENTS]

LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")
COMMAND = re.compile(r"^(?:[\w./-]*/)?tillstream(?= |$)")


# -- links -----------------------------------------------------------------------------------------


def links(text: str) -> Iterator[str]:
    for markdown, markup in LINK.findall(prose(text)):
        target = markdown or markup
        if "://" not in target and not target.startswith("mailto:"):
            yield target


def anchors(text: str) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    plain = (
        re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "", heading)).lower() for heading in headings
    )
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("document", DOCUMENTS, ids=IDS)
def test_links_and_images_lead_somewhere(document: Path) -> None:
    for link in links(document.read_text()):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), f"{link} does not exist"
        assert target.is_relative_to(ROOT), f"{link} leads out of the project"
        if anchor:
            assert anchor in anchors(target.read_text()), f"no heading {link}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=IDS)
def test_files_that_are_named_exist(document: Path) -> None:
    folders = ("src/", "tests/", "docs/", "web/", "scripts/", "requirements/")
    stages = tuple(
        f"{folder.name}/" for folder in (ROOT / "src/tillstream").iterdir() if folder.is_dir()
    )
    for span in spans(document.read_text()):
        if not re.fullmatch(r"[\w./-]+", span):
            continue
        if span.startswith(folders) and "NNNN" not in span:
            assert (ROOT / span).exists(), span
        elif span.startswith(stages) and span.endswith((".py", ".sql")):
            assert (ROOT / "src/tillstream" / span).exists(), span


def test_every_decision_is_listed_with_its_line() -> None:
    listing = ROOT / "docs/decisions/README.md"
    pages = {page.name for page in listing.parent.glob("*.md")} - {listing.name}
    listed = re.findall(r"^\| \[(.+)\]\((.+)\) \| (.+) \|$", listing.read_text(), re.MULTILINE)
    assert {page for _, page, _ in listed} == pages
    for title, page, line in listed:
        text = (listing.parent / page).read_text()
        assert text.startswith(f"# {title}\n")
        quoted = " ".join(re.findall(r"^> (.+)$", text, re.MULTILINE))
        assert quoted == line, page


# -- commands --------------------------------------------------------------------------------------


def command_lines(document: Path) -> Iterator[str]:
    """Whole commands, as fenced blocks show them."""
    for block in fences(document.read_text(), "sh", "bash", "shell", "console", "ini"):
        for line in block.replace("\\\n", " ").splitlines():
            bare = re.sub(r"^\s*(?:\$ |ExecStart=)?(?:[A-Z_]+=\S+ )*", "", line)
            if COMMAND.match(bare):
                yield bare


@pytest.mark.parametrize("document", DOCUMENTS, ids=IDS)
def test_commands_in_blocks_parse(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line in command_lines(document):
        try:
            command_line().parse_args(shlex.split(line, comments=True)[1:])
        except SystemExit:
            pytest.fail(f"{line}: {capsys.readouterr().err}")


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    found: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found.update(cast("dict[str, argparse.ArgumentParser]", action.choices))
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=IDS)
def test_commands_in_sentences_are_known(document: Path) -> None:
    # Arguments may be missing in a sentence; words that are there have to be right.
    for span in spans(document.read_text()):
        if not COMMAND.match(span):
            continue
        parser = command_line()
        for word in shlex.split(span)[1:]:
            known = subcommands(parser)
            if word.startswith("-"):
                assert word.partition("=")[0] in parser._option_string_actions, f"{span}: {word}"
            elif known:
                assert word in known, f"{span}: {word}"
                parser = known[word]


def leaves(parser: argparse.ArgumentParser, path: str) -> Iterator[str]:
    inner = subcommands(parser)
    if not inner:
        yield path
    for word, one in inner.items():
        yield from leaves(one, f"{path} {word}")


def test_the_readme_lists_every_command() -> None:
    listed = {
        span for row in rows(README.read_text(), "The command line") for span in spans(row[0])
    }
    assert listed == set(leaves(command_line(), "tillstream"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=IDS)
def test_what_is_made_can_be_made(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = document.read_text()
    blocks = "\n".join(fences(text, "sh"))
    named = re.findall(
        r"(?:^|`)make ([a-z]+)",
        "\n".join([blocks, *(f"`{span}" for span in spans(text))]),
        re.MULTILINE,
    )
    assert set(named) <= targets


# -- calls, topics, tests --------------------------------------------------------------------------


def test_the_readme_lists_every_call() -> None:
    paths: dict[str, dict[str, Any]] = bare_app().openapi()["paths"]
    described = {f"{method.upper()} {path}" for path, calls in paths.items() for method in calls}
    listed = {span for row in rows(README.read_text(), "The API") for span in spans(row[0])}
    # The webhook routes stand before the framework, so its description does not know them.
    assert listed == described | {"POST /api/webhook", "POST /api/webhook/{app}"}


def test_the_readme_subscribes_to_all_that_is_read_by_the_scope_it_takes() -> None:
    readme = next(block for block in fences(README.read_text(), "toml") if "topics" in block)
    groups = re.findall(r"  # ([^\n]+)\n(.*?)(?=  #|\])", readme, re.DOTALL)
    told = {
        head.partition(":")[0]: re.findall(r'"(\w+[/.]\w+)"', topics) for head, topics in groups
    }
    free = told.pop("the store itself")
    assert set(free) == _topics_without_a_scope()
    assert told == {one.scope: list(topics_of(one)) for one in PERMISSIONS}
    assert {topic for topics in (free, *told.values()) for topic in topics} <= READERS.keys()


def test_the_dashboard_subscribes_to_all_that_is_read_by_the_scope_it_takes() -> None:
    source = (ROOT / "web/src/stores/topics.ts").read_text()
    groups = [
        (scope, tells, re.findall(r"'(\w+[/.]\w+)'", topics))
        for scope, tells, topics in re.findall(
            r"scope: (null|'\w+'),\s+tells: '([^']+)',\s+topics: \[([^\]]+)\]", source
        )
    ]
    (_, _, free), *told = groups
    assert set(free) == _topics_without_a_scope()
    assert told == [(f"'{one.scope}'", one.tells, list(topics_of(one))) for one in PERMISSIONS]
    essential = re.search(r"ESSENTIAL = (\d+)", source)
    assert essential is not None
    assert int(essential[1]) == 1 + len(USUAL)


def _topics_without_a_scope() -> set[str]:
    """What ends the connection or changes its scopes comes with the app, not with a store's figures."""
    return {topic for topic in wanted_topics(()) if not topic.startswith("app/")}


def test_the_readme_shows_all_promises_with_a_test_each() -> None:
    section = README.read_text().partition("\n## Five promises\n")[2].partition("\n## ")[0]
    promises = re.split(r"^\d\. ", section, flags=re.MULTILINE)[1:]
    assert len(promises) == 5
    for promise in promises:
        assert re.search(r"\(tests/\w+/test_\w+\.py\)", promise)


@pytest.mark.parametrize(
    "picture", sorted((ROOT / "docs/images").glob("*.svg")), ids=lambda path: path.name
)
def test_pictures_fetch_nothing_and_read_in_the_dark(picture: Path) -> None:
    text = picture.read_text().replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "://" not in text
    assert "@import" not in text
    assert "prefers-color-scheme: dark" in text
    assert "<title" in text
