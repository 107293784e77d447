"""Telling how far a survey of a store has come."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Is told how far a survey has come."""

    def __call__(self, what: str, done: int) -> None:
        """``what`` is counted: deliveries, orders, checkouts."""
        ...


def unheard(what: str, done: int) -> None:
    """Progress that nobody listens to."""
