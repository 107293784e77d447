"""The law of the mirror, for every resource of its register: what was told counts, not when or how often.

Streams of bodies are drawn for every resource (creations, updates, late and equal times, deletions,
merges, bodies inside bodies, fields left out or null, people to be forgotten in between) and read by
the real readers. Asserted is equality to the byte: of the encoded elements between any permutation,
any repetition, any batches and any workers, and, through the real ``apply`` on a real PostgreSQL, of
the state hash, which covers every row. Nothing is doubled.

``make prove`` runs the same at length: TILLSTREAM_PROVE says how many streams of each resource.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from copy import deepcopy
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.mirror.bodies import SPOKEN, STORIES, Told
from tests.mirror.whole import INSIDE, WHOLE, at
from tests.rollup.worlds import addressed, delivery, world
from tillstream.mirror.change import Change
from tillstream.mirror.join import FORGOTTEN, Element, decode, encode, join
from tillstream.mirror.merge import MIRRORED
from tillstream.mirror.redaction import LETTERS
from tillstream.mirror.topics import READERS, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.conftest import Database
    from tests.mirror.bodies import Body
    from tillstream.journal.contract import Delivery
    from tillstream.mirror.change import Resource

LATER = "2026-03-01T11:00:00Z"
RESOURCES = sorted(MIRRORED)

PROVE = int(os.environ.get("TILLSTREAM_PROVE", "0"))
STREAMS = PROVE or 60
"""Drawn for each resource, and as many of all resources together."""
TELLINGS = 4
"""How often each stream is told anew, in another order and grouping: drawing it is what takes time."""
APPLIED = max(PROVE // 40, 8)
"""Streams that go through the database, which is some hundred times the work."""

Mirror: TypeAlias = dict[tuple[str, Any], Element]


@pytest.fixture(scope="module")
def cases(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """What was tried; told at the end."""
    counted: Counter[str] = Counter()
    yield counted
    tried = ", ".join(f"{number:,} {what}" for what, number in sorted(counted.items()))
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    if PROVE and tried and capture is not None:
        with capture.global_and_fixture_disabled():
            print(f"\n{tried}: the law of the mirror was tried on these.")  # noqa: T201 - make prove asks for it


def changes_of(told: Told) -> list[Change]:
    topic, body = told
    return read(topic, msgspec.json.encode(body), body.get("triggered_at") or "")


def added(mirror: Mirror, changes: Iterable[Change]) -> Mirror:
    """One by one, each time through the text, as the database keeps it between batches."""
    for resource, key, element in changes:
        known = mirror.get((resource, key))
        joined = element if known is None else join(known, element)
        mirror[resource, key] = decode(encode(joined))
    return mirror


def batched(changes: Iterable[Change]) -> Mirror:
    """A batch joined with itself, as the worker does before it looks at what is stored."""
    batch: Mirror = {}
    for resource, key, element in changes:
        known = batch.get((resource, key))
        batch[resource, key] = element if known is None else join(known, element)
    return batch


def both(a: Mirror, b: Mirror) -> Mirror:
    """Two mirrors as one."""
    return {
        key: join(a.get(key, Element()), b.get(key, Element())) for key in sorted({*a, *b}, key=str)
    }


def text_of(mirror: Mirror) -> dict[tuple[str, Any], str]:
    return {key: encode(element) for key, element in mirror.items()}


def cut(items: Sequence[Any], dice: random.Random) -> list[Sequence[Any]]:
    """Into pieces, some of them empty."""
    cuts = sorted(dice.randint(0, len(items)) for _ in range(dice.randint(0, 4)))
    return [items[a:b] for a, b in zip([0, *cuts], [*cuts, len(items)], strict=True)]


def shuffled(items: Sequence[Any], dice: random.Random) -> list[Any]:
    """In any order, some of them again."""
    return dice.sample(
        [*items, *(again := dice.choices(items, k=dice.randint(0, 4)))], len(items) + len(again)
    )


def test_every_resource_and_every_mirrored_topic_is_drawn() -> None:
    assert set(SPOKEN) == set(MIRRORED), "a resource of the register has no strategy"
    drawn = {topic for spoken in SPOKEN.values() for one in spoken for topic in one.topics}
    assert drawn == set(READERS), "a topic that is mirrored is not drawn"
    assert set(WHOLE) == set(MIRRORED), "a resource of the register has no whole body"


def _assert_law(stream: list[Told], dice: random.Random, cases: Counter[str]) -> None:
    told = [changes_of(one) for one in stream]
    forgotten = [
        [Change(one.resource, one.key, FORGOTTEN)]
        for changes in told
        for one in changes
        if one.resource in LETTERS and dice.random() < 0.05
    ]
    told += forgotten
    expected = text_of(added({}, [change for changes in told for change in changes]))
    for _ in range(TELLINGS):
        mixed = shuffled(told, dice)
        assert text_of(added({}, [change for changes in mixed for change in changes])) == expected
        assert text_of(_worked(shuffled(told, dice), dice)) == expected
    cases["streams"] += 1
    cases["deliveries"] += len(stream)
    cases["tellings"] += 1 + 2 * TELLINGS

    for (resource, key), text in expected.items():
        mirrored = MIRRORED[cast("Resource", resource)]
        view = mirrored.view(key, decode(text))
        mirrored.row(view)
        for child in mirrored.children:
            child.rows(view)


def _worked(told: list[list[Change]], dice: random.Random) -> Mirror:
    """Workers each have their part, in batches; what they know comes together in any order."""
    workers: list[Mirror] = []
    for part in cut(told, dice):
        batches = [batched(c for changes in batch for c in changes) for batch in cut(part, dice)]
        workers.append(reduce(both, batches, {}))
    dice.shuffle(workers)
    return reduce(both, workers, {})


@pytest.mark.parametrize("resource", RESOURCES)
def test_any_order_any_repeats_any_batches_any_workers(resource: str, cases: Counter[str]) -> None:
    @settings(max_examples=STREAMS)
    @given(st.lists(STORIES[resource], min_size=1, max_size=7), st.integers(0, 2**32))
    def check(stream: list[Told], seed: int) -> None:
        _assert_law(stream, random.Random(seed), cases)

    check()


ANYTHING = st.one_of([STORIES[resource] for resource in RESOURCES])


def test_all_resources_at_once(cases: Counter[str]) -> None:
    @settings(max_examples=STREAMS)
    @given(st.lists(ANYTHING, min_size=2, max_size=20), st.integers(0, 2**32))
    def check(stream: list[Told], seed: int) -> None:
        _assert_law(stream, random.Random(seed), cases)

    check()


# -- what a body leaves out ----------------------------------------------------------------------

_NAMES = frozenset(
    {
        "id", "token", "order_id", "product_id", "customerId", "customer_id", "inventory_item_id", "location_id",
        "admin_graphql_api_customer_kept_id", "admin_graphql_api_customer_deleted_id", "line_item_id",
    }
)  # fmt: skip
_TIMES = frozenset(
    {"updated_at", "occurredAt", "triggered_at", "committed_at", "finalized_on", "processed_at"}
)


def paths() -> list[tuple[Told, tuple[str, ...]]]:
    """Every field of every whole body, and those of what is inside of it; but no names and times."""
    found: list[tuple[Told, tuple[str, ...]]] = []
    for told in (one for bodies in WHOLE.values() for one in bodies):
        topic, body = told
        found += [(told, (name,)) for name in body if name not in _NAMES | _TIMES | {"order_edit"}]
        for name in INSIDE.get(topic, ()):
            inner = {field for one in inside(body, name) for field in one} - _NAMES - _TIMES
            found += [(told, (name, field)) for field in sorted(inner)]
    return found


def inside(body: Body, name: str) -> list[Body]:
    """The objects of a field."""
    value: Any = body[name]
    return cast("list[Body]", value if isinstance(value, list) else [value])


def without(body: Body, path: tuple[str, ...]) -> Body:
    """The body as if the field had been left out of it."""
    reduced = deepcopy(body)
    for one in [reduced] if len(path) == 1 else inside(reduced, path[0]):
        one.pop(path[-1], None)
    return reduced


def views(*deliveries: Told) -> dict[tuple[str, Any], Body]:
    """All there is to read after these deliveries, but for when the last of them was."""
    mirror = added({}, [change for told in deliveries for change in changes_of(told)])
    found = {key: msgspec.to_builtins(view_of(*key, one)) for key, one in mirror.items()}
    return {
        key: {name: value for name, value in view.items() if name != "updated_at"}
        for key, view in found.items()
    }


def view_of(resource: str, key: Any, element: Element) -> Any:
    return MIRRORED[cast("Resource", resource)].view(key, element)


@pytest.mark.parametrize(
    ("told", "path"), [pytest.param(*one, id=f"{one[0][0]}:{'.'.join(one[1])}") for one in paths()]
)
def test_a_body_that_lacks_a_field_wipes_nothing(told: Told, path: tuple[str, ...]) -> None:
    """A later body that leaves a field out leaves what one would have that repeats it."""
    topic, later = at(told, LATER)
    if path == ("variant_gids",):
        # Without it, fewer than a hundred variants are all there are: they tell the same field.
        later = {name: value for name, value in later.items() if name != "variants"}
    reduced = topic, without(later, path)
    expected = views(told, (topic, later))
    assert views(told, reduced) == expected
    assert views(reduced, told) == expected


@pytest.mark.parametrize("told", [told for bodies in WHOLE.values() for told in bodies], ids=str)
def test_an_id_alone_tells_nothing(told: Told) -> None:
    topic, body = told
    bare = topic, {name: body[name] for name in body if name in _NAMES}
    if "order_edit" in body or topic.endswith(("/delete", "/destroy", "/disconnect", "/merge")):
        return
    assert views(told, bare) == views(told) == views(bare, told)


def test_the_whole_bodies_tell_every_field_there_is() -> None:
    """Or the tests above would leave one out. By name of the struct, as views hold others."""
    known: set[str] = set()
    told: set[str] = set()
    for one in (one for bodies in WHOLE.values() for one in bodies):
        for key, element in added({}, changes_of(one)).items():
            for struct in structs_in(view_of(*key, element)):
                for field in msgspec.structs.fields(struct):
                    name = f"{type(struct).__name__}.{field.name}"
                    known.add(name)
                    if getattr(struct, field.name) not in (field.default, None, False, 0, [], {}):
                        told.add(name)
    assert known - told == set()


def structs_in(value: Any) -> Iterator[msgspec.Struct]:
    """A view and all that is in it."""
    if isinstance(value, msgspec.Struct):
        yield value
        value = [getattr(value, name) for name in value.__struct_fields__]
    if isinstance(value, dict):
        value = list(cast("Body", value).values())
    if isinstance(value, list):
        for one in cast("list[Any]", value):
            yield from structs_in(one)


# -- through the database ------------------------------------------------------------------------


def _delivery(told: Told) -> Delivery:
    topic, body = told
    return msgspec.structs.replace(
        delivery("", topic, body), triggered_at=body.get("triggered_at") or ""
    )


def test_the_database_says_so_too(database: Database, cases: Counter[str]) -> None:
    @settings(
        max_examples=APPLIED,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(st.lists(ANYTHING, min_size=8, max_size=24), st.integers(0, 2**32))
    def check(stream: list[Told], seed: int) -> None:
        cases["streams through the database"] += 1
        asyncio.run(_same_hash(database, stream, random.Random(seed)))

    check()


async def _same_hash(database: Database, stream: list[Told], dice: random.Random) -> None:
    """Once as they came, in one batch; then mixed, and by two workers in turn."""
    tale = [_delivery(one) for one in stream]
    async with world(database) as one, world(database) as other:
        hashes: set[str] = set()
        for workers in ([one], [one], [one, other]):
            domain, store = one.store(one.tenant())
            mine = addressed(domain, tale)
            batches = cut(shuffled(mine, dice), dice) if hashes else [mine]
            for batch in batches:
                assert (await dice.choice(workers).apply(list(batch))).parked == []
            while await one.pass_deadlines():
                pass
            hashes.add(await one.state(store))
        assert len(hashes) == 1
