"""The law of the mirror: merging is a join.

Everything known of one resource is an :class:`Element` of a semilattice, and so is what a single
delivery tells. ``join`` is commutative, associative and idempotent, therefore any order, any
repetition and any grouping of the same deliveries ends in the same element: the law in full, and
what each part is for, is in docs/decisions/merge-as-join.md.

An element has these parts, each a join of its own:

``layers``
    The newest value of every field. A delivery is one layer, stamped by its ``updated_at``; a
    newer layer covers an older one field by field, so a body that lacks a field wipes nothing.
``parts``
    Sub-resources that only accumulate (refunds, edits, variants): a map of layers by id.
``marks``
    A map that keeps the greatest number per name (the times at which a checkout was active, the
    customers that one was merged into).
``deleted``
    A tombstone: once set it stays, whatever arrives late.
``personal``, ``people``
    What bodies told of a person, in layers of their own, and the marks of whom they named.
``redacted``
    The person is forgotten: once set it stays, and leaves the two nothing, whatever comes before or
    after. Nothing else depends on what they held, so that the rest of the element, and every figure
    made of it, is the same as if they had never been told.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

Fields: TypeAlias = dict[str, Any]


class Layer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one body told: ``fields`` as of ``at`` (µs since the epoch, 0 where it did not say).

    ``rank`` and ``digest`` order bodies that carry the same time: the one further on in its life
    (see each resource) and then, arbitrarily but everywhere alike, the one with the greater digest.
    """

    at: int
    rank: int
    digest: str
    fields: Fields

    @property
    def stamp(self) -> tuple[int, int, str]:
        """The total order over bodies."""
        return (self.at, self.rank, self.digest)


Layers: TypeAlias = list[Layer]


class Element(msgspec.Struct, omit_defaults=True):
    """All that is known of one resource. Treat as immutable."""

    layers: Layers = msgspec.field(default_factory=list[Layer])
    parts: dict[str, dict[str, Layers]] = msgspec.field(
        default_factory=dict[str, dict[str, Layers]]
    )
    marks: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    deleted: bool = False
    personal: Layers = msgspec.field(default_factory=list[Layer])
    people: list[str] = msgspec.field(default_factory=list[str])
    redacted: bool = False


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Element)


def encode(element: Element) -> str:
    """The element as canonical JSON: equal elements give equal text."""
    return _encoder.encode(element).decode()


def decode(text: str | bytes) -> Element:
    """The inverse of :func:`encode`."""
    return _decoder.decode(text)


def layer(at: int, rank: int, fields: Fields) -> Layers:
    """The layers that a body with these fields amounts to (none where it told nothing)."""
    if not fields:
        return []
    digest = hashlib.blake2b(_encoder.encode(fields), digest_size=8).hexdigest()
    return [Layer(at, rank, digest, fields)]


def join(a: Element, b: Element) -> Element:
    """The least element that holds everything of both, but nothing of a person to be forgotten."""
    redacted = a.redacted or b.redacted
    return Element(
        layers=join_layers(a.layers, b.layers),
        parts=_join_parts(a.parts, b.parts),
        marks=_join_marks(a.marks, b.marks),
        deleted=a.deleted or b.deleted,
        personal=[] if redacted else join_layers(a.personal, b.personal),
        people=[] if redacted else _join_people(a.people, b.people),
        redacted=redacted,
    )


def redact(element: Element) -> Element:
    """The element without the person: its join with nothing but ``redacted``."""
    return join(element, FORGOTTEN)


def join_all(elements: Iterable[Element]) -> Element:
    """The join of any number of elements."""
    result = Element()
    for element in elements:
        result = join(result, element)
    return result


def join_layers(a: Layers, b: Layers) -> Layers:
    """Newest first; each field is kept only in the newest layer that has it."""
    if not a or not b:
        return a or b
    covered: set[str] = set()
    result: Layers = []
    for one in sorted((*a, *b), key=_stamp, reverse=True):
        if covered.isdisjoint(one.fields):
            result.append(one)
        else:
            fresh = {name: value for name, value in one.fields.items() if name not in covered}
            if not fresh:
                continue
            result.append(Layer(one.at, one.rank, one.digest, fresh))
        covered.update(one.fields)
    return result


def merged(layers: Layers) -> Fields:
    """The current value of every field."""
    if len(layers) == 1:
        return layers[0].fields
    result: Fields = {}
    for one in layers:
        result.update(one.fields)
    return result


def newest(layers: Layers) -> int | None:
    """The time of the newest body (µs since the epoch), or None where none told one."""
    return layers[0].at if layers and layers[0].at else None


def latest(element: Element) -> int | None:
    """The time of the newest body of an element, of whatever it told."""
    return max(newest(element.layers) or 0, newest(element.personal) or 0) or None


def known(element: Element) -> Fields:
    """The current value of every field, a person's included."""
    if not element.personal:
        return merged(element.layers)
    return {**merged(element.layers), **merged(element.personal)}


def _stamp(one: Layer) -> tuple[int, int, str]:
    return one.stamp


def _join_parts(
    a: dict[str, dict[str, Layers]], b: dict[str, dict[str, Layers]]
) -> dict[str, dict[str, Layers]]:
    if not a or not b:
        return a or b
    return {
        kind: _join_maps(a.get(kind, {}), b.get(kind, {})) for kind in sorted(a.keys() | b.keys())
    }


def _join_maps(a: dict[str, Layers], b: dict[str, Layers]) -> dict[str, Layers]:
    return {key: join_layers(a.get(key, []), b.get(key, [])) for key in sorted(a.keys() | b.keys())}


def _join_people(a: list[str], b: list[str]) -> list[str]:
    if a == b or not b:
        return a
    return sorted({*a, *b}) if a else b


def _join_marks(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
    if not a or not b:
        return a or b
    result = dict(a)
    for name, value in b.items():
        if value > result.get(name, -1):
            result[name] = value
    return result


FORGOTTEN: Final = Element(redacted=True)
"""Says of a resource no more than that its person is to be forgotten."""
