"""A web process whose journal keeps nothing: what the same server answers when storing is free.

Everything else is the product's own: Granian with the same settings, the same door, the same checks
of headers and signatures, the same batches, the API beside it.
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tillstream.command import roles
from tillstream.command.logs import log_to_stderr
from tillstream.command.up import run_errand, serve_errand
from tillstream.foundation.settings import load_settings
from tillstream.ingest import batching
from tillstream.journal.contract import Claim, Claimer, Journal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from tillstream.command.up import Errand
    from tillstream.foundation.database import Connection
    from tillstream.foundation.settings import Settings
    from tillstream.journal.contract import Delivery, Frame, Parked


class Void(Claimer):
    """Takes every frame, keeps none, has none to give."""

    async def append(self, frames: Sequence[Frame]) -> None:
        """Nothing."""

    async def claim(self, max_deliveries: int, wait: float) -> list[Claim]:
        """Nothing to do, ever."""
        del max_deliveries, wait
        return []

    async def settle(
        self,
        connection: Connection,
        claims: Sequence[Claim],
        *,
        parked: Sequence[Parked],
        unrouted: Sequence[Delivery],
    ) -> None:
        """Nothing."""

    async def settled(self, claims: Sequence[Claim]) -> None:
        """Nothing."""

    async def retry(self, claims: Sequence[Claim], reason: str) -> None:
        """Nothing."""

    async def abandon(self, claims: Sequence[Claim]) -> None:
        """Nothing."""


@asynccontextmanager
async def open_void(settings: Settings, worker_url: str) -> AsyncGenerator[Journal]:
    """In place of the journal that the settings ask for."""
    del settings, worker_url
    yield Void()


async def _run(errand: Errand) -> None:
    environment = {
        **os.environ,
        "PORT": str(errand.port),
        "TILLSTREAM_BIND": errand.bind,
        "TILLSTREAM_DATA": errand.data,
    }
    settings = load_settings(environment, generate=True)
    log_to_stderr(settings.log_level)
    # What differs from `command/child.py`, in this process alone: nothing is stored, so there is
    # no commit worth gathering deliveries for either.
    roles.open_journal = open_void
    batching.FEW = range(0)
    await run_errand(settings, errand)


if __name__ == "__main__":
    serve_errand(_run)
