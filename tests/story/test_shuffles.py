"""Promise 2: the same deliveries in any order and with any repeats give tables identical to the byte.

The whole story of three shops is told five times, each time in another order, with other repeats and
other latecomers, to five fresh installations. What is compared is the state hash that `tillstream verify`
prints, which covers every row of mirror, ledger and sums. See installation.py for the rules.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.story.installation import Installation
from tests.story.tale import connect_shops, shuffled, tale, tell

if TYPE_CHECKING:
    from pathlib import Path

ORDERS_OF_TELLING = ("one", "two", "three", "four", "five")


async def test_five_shuffles_end_in_one_state(tmp_path: Path) -> None:
    """Five orders of telling, one state."""
    reports = [await _state_after(tmp_path / name, name) for name in ORDERS_OF_TELLING]
    assert all(report["ok"] for report in reports)
    hashes = {
        name: report["state_hash"] for name, report in zip(ORDERS_OF_TELLING, reports, strict=True)
    }
    assert len(set(hashes.values())) == 1, hashes
    assert all(store["orders"] > 1_000 for store in reports[0]["stores"])


async def _state_after(folder: Path, name: str) -> dict[str, Any]:
    installation = Installation(folder)
    installation.start()
    try:
        connect_shops(installation.account("owner@shuffles.example"))
        report = await tell(installation, shuffled(tale(), name))
        assert report.gave_up == 0
        status = await asyncio.to_thread(installation.settle)
        assert status["parked"] == status["unrouted"] == 0, status
        return await asyncio.to_thread(installation.cli, "verify")
    finally:
        installation.stop()
