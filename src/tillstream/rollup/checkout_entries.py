"""What a checkout adds to each measure, and when. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.rollup.entries import Entry

if TYPE_CHECKING:
    from tillstream.rollup.life import Life


def checkout_entries(
    life: Life, total: int, recovered_total: int, customer_id: int | None
) -> list[Entry]:
    """What a checkout contributes.

    Args:
        life: its stages.
        total: of the checkout, in ten-thousandths.
        recovered_total: of the order that completed it (the checkout's own where none is known).
        customer_id: whose it is, if known.
    """
    if not life.counted:
        return []
    entries = [
        Entry(
            "checkout",
            life.started_at,
            customer_id,
            {"checkouts": 1, **({"converted_checkouts": 1} if life.stage == "converted" else {})},
        )
    ]
    if life.abandoned_at is not None:
        amounts = {"abandoned_checkouts": 1}
        if life.stage == "recovered":
            amounts |= {"recovered_checkouts": 1, "recovered_sales": recovered_total}
        else:
            amounts["abandoned_value"] = total
        kept = {measure: amount for measure, amount in amounts.items() if amount}
        entries.append(Entry("abandonment", life.abandoned_at, customer_id, kept))
    return entries
