"""Shopify's search syntax, over whatever fields a resource can be searched by.

https://shopify.dev/docs/api/usage/search-syntax
A term on a field that a resource does not have is ignored, as the original ignores it: whoever
searches for it finds everything.
"""

from __future__ import annotations

import operator as operators
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Value: TypeAlias = str | int | bool | datetime | Decimal | None
Fields: TypeAlias = "Mapping[str, Value]"

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<open>\() | (?P<close>\)) |
        (?P<minus>-)?
        (?:(?P<field>[A-Za-z_][A-Za-z0-9_.]*)\s*:\s*(?P<operator><=|>=|<|>)?\s*)?
        (?:"(?P<double>(?:[^"\\]|\\.)*)" | '(?P<single>(?:[^'\\]|\\.)*)' | (?P<bare>[^\s()]+))
    )""",
    re.VERBOSE,
)
_DAY: Final = 10


class SearchInvalid(ValueError):
    """A query whose brackets do not match."""


class Search(Protocol):
    """Decides whether what has these fields is found."""

    def __call__(self, fields: Fields) -> bool:
        """Whether it is found."""
        ...


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    field: str | None = None
    operator: str = ""
    value: str = ""
    negated: bool = False


def parse_search(query: str | None, known: frozenset[str]) -> Search:
    """The query as a predicate; ``known`` fields count, terms on others are ignored.

    Raises:
        SearchInvalid: for brackets that do not match.
    """
    parser = _Parser(list(_tokens(query or "")), known)
    found = parser.either()
    if parser.rest:
        message = "A bracket is closed that was not opened."
        raise SearchInvalid(message)
    return found


def _tokens(query: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(query.rstrip()):
        match = _TOKEN.match(query, at)
        if match is None:
            # A lone quotation mark, for instance: skipped.
            at += 1
            continue
        at = match.end()
        tokens.append(_token(match))
    return tokens


def _token(match: re.Match[str]) -> _Token:
    if match["open"] or match["close"]:
        return _Token("(" if match["open"] else ")")
    quoted = match["double"] if match["double"] is not None else match["single"]
    bare = match["bare"]
    if quoted is None and match["field"] is None and bare in ("AND", "OR", "NOT"):
        return _Token(str(bare))
    value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else str(bare)
    return _Token("term", match["field"], match["operator"] or "", value, bool(match["minus"]))


class _Parser:
    """Either (OR) of all (AND, or nothing between them) of terms."""

    def __init__(self, tokens: list[_Token], known: frozenset[str]) -> None:
        self._tokens = tokens
        self._known = known
        self._at = 0

    @property
    def rest(self) -> bool:
        return self._at < len(self._tokens)

    def either(self) -> Search:
        branches = [self._all()]
        while self._peek() == "OR":
            self._at += 1
            branches.append(self._all())
        return branches[0] if len(branches) == 1 else _Any(branches)

    def _all(self) -> Search:
        parts: list[Search] = []
        while (kind := self._peek()) not in (None, "OR", ")"):
            if kind == "AND":
                self._at += 1
                continue
            part = self._one()
            if part is not None:
                parts.append(part)
        return _All(parts)

    def _one(self) -> Search | None:
        token = self._tokens[self._at]
        self._at += 1
        if token.kind == "NOT":
            if self._peek() in (None, "OR", ")"):
                return None
            inner = self._one()
            return None if inner is None else _Not(inner)
        if token.kind == "(":
            inside = self.either()
            if self._peek() != ")":
                message = "A bracket was opened and not closed."
                raise SearchInvalid(message)
            self._at += 1
            return inside
        term = _term(token, self._known)
        return _Not(term) if term is not None and token.negated else term

    def _peek(self) -> str | None:
        return self._tokens[self._at].kind if self.rest else None


@dataclass(frozen=True, slots=True)
class _All:
    parts: list[Search]

    def __call__(self, fields: Fields) -> bool:
        return all(part(fields) for part in self.parts)


@dataclass(frozen=True, slots=True)
class _Any:
    parts: list[Search]

    def __call__(self, fields: Fields) -> bool:
        return any(part(fields) for part in self.parts)


@dataclass(frozen=True, slots=True)
class _Not:
    part: Search

    def __call__(self, fields: Fields) -> bool:
        return not self.part(fields)


@dataclass(frozen=True, slots=True)
class _Words:
    """A term without a field: in any text, as a part of it."""

    word: str

    def __call__(self, fields: Fields) -> bool:
        return any(self.word in v.lower() for v in fields.values() if isinstance(v, str))


@dataclass(frozen=True, slots=True)
class _Comparison:
    field: str
    compare: Callable[[Value], bool]

    def __call__(self, fields: Fields) -> bool:
        return self.compare(fields.get(self.field))


def _term(token: _Token, known: frozenset[str]) -> Search | None:
    if token.field is None:
        return None if token.value == "*" else _Words(token.value.lower())
    if token.field not in known:
        return None
    return _Comparison(token.field, _comparison(token.operator, token.value))


def _comparison(operator: str, wanted: str) -> Callable[[Value], bool]:
    if operator == "" and wanted == "*":
        return lambda value: value not in (None, "")

    def compare(value: Value) -> bool:
        if value is None:
            return False
        against = _like(value, wanted)
        if against is None:
            return False
        if isinstance(value, str) and operator == "":
            return _same_text(value, wanted)
        return _ordered(operator, value, against, day=len(wanted) == _DAY)

    return compare


def _like(value: Value, text: str) -> Value:
    """``text`` as the same type as ``value``; None if it is none."""
    try:
        if isinstance(value, bool):
            return text.lower() == "true" if text.lower() in ("true", "false") else None
        if isinstance(value, datetime):
            at = datetime.fromisoformat(text)
            return at if at.tzinfo else at.replace(tzinfo=UTC)
        if isinstance(value, int):
            return int(text.rpartition("/")[2])
        if isinstance(value, Decimal):
            return Decimal(text)
    except (ValueError, InvalidOperation):
        return None
    return text


def _ordered(operator: str, value: Value, against: Value, *, day: bool) -> bool:
    if operator == "":
        if day and isinstance(value, datetime) and isinstance(against, datetime):
            return value.astimezone(against.tzinfo).date() == against.date()
        return value == against
    # Text has no order here, and two of one type (see _like) always have one.
    if isinstance(value, str):
        return False
    return bool(_ORDER[operator](value, against))


_ORDER: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "<": operators.lt,
    "<=": operators.le,
    ">": operators.gt,
    ">=": operators.ge,
}


def _same_text(value: str, wanted: str) -> bool:
    wanted, value = wanted.lower(), value.lower()
    if wanted.endswith("*"):
        return value.startswith(wanted[:-1])
    return value == wanted
