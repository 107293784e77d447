"""``python -m tillstream.command.documents``: rewrite the generated parts of the documents.

``docs/measures.md`` follows the registry of measures and the worked example, ``docs/topics.md`` those of
scopes and topics, ``docs/settings.md`` the list of settings, ``docs/events.md`` the calls of ``log`` and
the metrics in the sources. What an event means is written by hand in its row and survives; a new event
gets an empty cell, which a test refuses.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from tillstream.command.source_scan import log_events, metrics
from tillstream.foundation.settings import SETTINGS
from tillstream.mirror.topics import TOPICS
from tillstream.rollup.measures import MEASURES
from tillstream.shopify.permissions import PERMISSIONS, USUAL, topics_of
from tillstream.shopify.topics import COMPLIANCE_TOPICS, SCOPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tillstream.command.source_scan import LogEvent, Metric
    from tillstream.mirror.topics import Topic
    from tillstream.rollup.measures import Measure

SOURCES: Final = Path(__file__).parents[1]
"""The package's own folder."""
ROOT: Final = SOURCES.parents[1]
"""The checkout, where the documents are."""

_NAMED: Final = {
    "fields": "read field by field",
    "text": "searched for",
    "nobody": "none",
}
_UNITS: Final = {"money": "Money", "count": "A count", "rate": "A rate"}
_ADDS: Final = {
    "sum": "adds up over hours, days and stores of one currency",
    "derived": "worked out from sums when read",
    "distinct": "counted anew for each range",
}


# -- measures and settings -------------------------------------------------------------------------


def measures_part() -> str:
    """What ``docs/measures.md`` says of each measure."""
    shown = [one for one in MEASURES if one.public]
    inner = [one for one in MEASURES if not one.public]
    return "\n\n".join(
        [
            "## Figures that `stats` reports",
            *map(_measure, shown),
            "## Measures that only serve others",
            *map(_measure, inner),
        ]
    )


def _measure(one: Measure) -> str:
    """A measure as a section: what it is, what was open, and how it adds up."""
    told = [f"### {one.label} (`{one.name}`)", one.definition]
    if one.choice:
        told.append(f"*Where Shopify leaves it open:* {_linked(one.choice)}")
    told.append(f"{_UNITS[one.unit]}; {_ADDS[one.adds]}. Source: {_source(one.source)}.")
    return "\n\n".join(told)


def _linked(text: str) -> str:
    """The text with the names of measures in it set as code."""
    return re.sub(r"\b[a-z]+(?:_[a-z]+)+\b", lambda found: f"`{found[0]}`", text)


def _source(source: str) -> str:
    return f"[Shopify]({source})" if source.startswith("https://") else source


# -- the worked example ----------------------------------------------------------------------------


def example_part(example: Mapping[str, Any]) -> str:
    """The worked example of ``docs/measures.md``: its orders, and the table they give."""
    zone = ZoneInfo(example["timezone"])
    orders = [
        (
            f"**{order['name']}**",
            f"{order['at'].astimezone(zone):%a %d, %H:%M}",
            str(order["did"]),
            str(order["counts"]),
        )
        for order in example["order"]
    ]
    days: list[Mapping[str, Any]] = [*example["day"], example["total"]]
    names = [name for name in example["day"][0] if name != "day"]
    labels = {one.name: one.label for one in MEASURES}
    rows = ((labels[name], *(str(day.get(name, "–")) for day in days)) for name in names)
    return "\n\n".join(
        [
            f"The shop is {example['shop']}. Times of day are told in its own zone unless UTC is said.",
            _table(("Order", "Placed", "What happens", "What it counts as"), orders),
            "Day by day that gives:",
            _table(("Measure", *(f"{day['day']:%a %d %b}" for day in example["day"]), "All"), rows),
        ]
    )


def _example() -> Mapping[str, Any]:
    return tomllib.loads((ROOT / "docs/worked-example.toml").read_text())


def settings_part() -> str:
    """The table of ``docs/settings.md``."""
    return _table(
        ("Setting", "Purpose", "Default", "Secret"),
        (
            (f"`{one.name}`", one.purpose, f"{one.default}", "yes" if one.secret else "")
            for one in SETTINGS
        ),
    )


def topics_part() -> str:
    """The tables of ``docs/topics.md``: by what they tell of, in the order of the register."""
    kinds: dict[str, dict[str, Topic]] = {}
    for name, topic in TOPICS.items():
        kinds.setdefault(_kind(topic), {})[name] = topic
    return "\n\n".join(f"## {kind}\n\n{_topic_table(topics)}" for kind, topics in kinds.items())


def _kind(topic: Topic) -> str:
    if topic.resource is None:
        return "The connection, and the law"
    return topic.resource.replace("_", " ").capitalize() + "s"


def _topic_table(topics: Mapping[str, Topic]) -> str:
    return _table(
        ("Topic", "Scope", "Written", "What is particular", "People in it"),
        (
            (
                f"`{name}`",
                _scopes(name),
                ", ".join(f"`{table}`" for table in topic.writes) or "–",
                f"{topic.note}.",
                _NAMED[topic.people],
            )
            for name, topic in topics.items()
        ),
    )


def _scopes(topic: str) -> str:
    """Any one of the scopes is enough."""
    if topic in COMPLIANCE_TOPICS:
        return "of the app's configuration"
    return " or ".join(f"`{scope}`" for scope in SCOPES[topic]) or "none"


def scopes_part() -> str:
    """The table of scopes in ``docs/topics.md``: what each tells of, and what that is good for."""
    return _table(
        ("Scope", "Asked for", "Tells of", "What becomes of it", "Topics"),
        (
            (
                f"`{one.scope}`",
                "by default" if one.scope in USUAL else "if you set it",
                one.tells,
                f"{one.serves}.",
                ", ".join(f"`{topic}`" for topic in topics_of(one)),
            )
            for one in PERMISSIONS
        ),
    )


# -- events and metrics ----------------------------------------------------------------------------


def meanings(document: str) -> dict[str, str]:
    """What the rows of the document's table of events say of each, by name."""
    rows = re.findall(r"^\| `([^`]+)` \|.*\| ([^|]*) \|$", part(document, "events"), re.MULTILINE)
    return {name: meaning.strip() for name, meaning in rows}


def events_part(events: Iterable[LogEvent], meaning: Mapping[str, str]) -> str:
    """The table of log events; ``meaning`` by name, empty where nobody has written one."""
    return _table(
        ("Event", "Level", "Fields", "Logged by", "What it means"),
        (
            (
                f"`{one.name}`",
                one.level,
                ", ".join(f"`{field}`" for field in one.fields) or "–",
                ", ".join(f"`{place}`" for place in one.places),
                meaning.get(one.name, ""),
            )
            for one in events
        ),
    )


def metrics_part(found: Iterable[Metric]) -> str:
    """The table of metrics."""
    return _table(
        ("Metric", "Type", "Labels", "What it counts"),
        (
            (
                f"`{one.name}`",
                one.kind,
                ", ".join(f"`{label}`" for label in one.labels) or "–",
                one.purpose,
            )
            for one in found
        ),
    )


# -- documents -------------------------------------------------------------------------------------


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def part(document: str, name: str) -> str:
    """The generated part of that name, without its marks.

    Raises:
        ValueError: if the document has no such part.
    """
    begin, end = _marks(name)
    before, found, rest = document.partition(begin)
    inside, closed, _ = rest.partition(end)
    if not found or not closed:
        message = f"the document has no part between {begin} and {end} (after {before[:40]!r})"
        raise ValueError(message)
    return inside.strip("\n")


def replaced(document: str, name: str, text: str) -> str:
    """The document with ``text`` as its generated part of that name."""
    begin, end = _marks(name)
    return document.replace(
        f"{begin}{document.partition(begin)[2].partition(end)[0]}{end}",
        f"{begin}\n\n{text}\n\n{end}",
    )


def _marks(name: str) -> tuple[str, str]:
    return (
        f"<!-- {name}: written by python -m tillstream.command.documents -->",
        f"<!-- {name}: end -->",
    )


PARTS: Final[tuple[tuple[str, str, Callable[[str], str]], ...]] = (
    ("docs/measures.md", "measures", lambda _: measures_part()),
    ("docs/measures.md", "example", lambda _: example_part(_example())),
    ("docs/topics.md", "scopes", lambda _: scopes_part()),
    ("docs/topics.md", "topics", lambda _: topics_part()),
    ("docs/settings.md", "settings", lambda _: settings_part()),
    ("docs/events.md", "events", lambda text: events_part(log_events(SOURCES), meanings(text))),
    ("docs/events.md", "metrics", lambda _: metrics_part(metrics(SOURCES))),
)
"""Document, name of the part, and what writes it from the document as it stands."""


def main() -> None:
    """Rewrite all parts; says which documents changed."""
    for path, name, write in PARTS:
        file = ROOT / path
        before = file.read_text()
        after = replaced(before, name, write(before))
        if after != before:
            file.write_text(after)
            sys.stdout.write(f"{path}: {name} rewritten\n")


if __name__ == "__main__":
    main()
