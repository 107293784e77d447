"""Which stores a question is about, and in what zone and currency its answer is. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tillstream.serve.questions.stores import StoreFrame

# What a store of which nothing is known yet has too; so an account without stores sees zeros.
FALLBACK_CURRENCY: Final = "USD"
FALLBACK_TIMEZONE: Final = "UTC"


class StoreNotHere(LookupError):
    """The account has no such store."""


class StoresDiffer(ValueError):
    """The stores cannot be added up: one has to be chosen from ``choices``."""

    def __init__(self, choices: Sequence[StoreFrame]) -> None:
        super().__init__(
            "Your stores differ in currency or time zone, so their figures cannot be added up. "
            "Name one of them with store=."
        )
        self.choices = choices


@dataclass(frozen=True)
class Scope:
    """Stores that share a zone and a currency."""

    stores: tuple[int, ...]
    timezone: str
    currency: str

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which the stores count their days."""
        return ZoneInfo(self.timezone)


def choose_scope(stores: Sequence[StoreFrame], wanted: int | None, *, named: bool) -> Scope:
    """The store ``wanted``, or all of them where none was ``named``.

    Raises:
        StoreNotHere: if the one that was named is not among them.
        StoresDiffer: if none was named and they do not agree on zone and currency.
    """
    chosen = [store for store in stores if store.id == wanted] if named else list(stores)
    if not chosen:
        if named:
            raise StoreNotHere
        return Scope((), FALLBACK_TIMEZONE, FALLBACK_CURRENCY)
    if len({(store.timezone, store.currency) for store in chosen}) > 1:
        raise StoresDiffer(chosen)
    first = chosen[0]
    return Scope(tuple(store.id for store in chosen), first.timezone, first.currency)
