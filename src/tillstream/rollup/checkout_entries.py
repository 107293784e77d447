"""What a checkout adds to each measure, and when. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tillstream.rollup.entries import Entry

if TYPE_CHECKING:
    from tillstream.rollup.happenings import Amounts
    from tillstream.rollup.life import Life


class Worth(NamedTuple):
    """What a checkout is worth, in ten-thousandths.

    ``total`` is its own, ``recovered`` that of the order that completed it (its own where none is
    known), ``inferred`` that of the order by which its shopper probably bought after all; None
    where there is no such order.
    """

    total: int
    recovered: int
    inferred: int | None = None


def checkout_entries(life: Life, worth: Worth, customer_id: int | None) -> list[Entry]:
    """What a checkout that is counted contributes: at its start and at each abandonment.

    All that is said of an abandonment is dated to the first; later ones only count how often.
    """
    started: Amounts = {"checkouts": 1, "converted_checkouts": int(life.stage == "converted")}
    happened = [("checkout", life.started_at, started)]
    for number, at in enumerate(life.abandonments, 1):
        if number == 1:
            happened.append(("abandonment", at, _abandoned(life, worth)))
        else:
            happened.append((f"abandonment:{number}", at, {"abandonments": 1}))
    return [
        Entry(entry, at, customer_id, {name: amount for name, amount in amounts.items() if amount})
        for entry, at, amounts in happened
    ]


def _abandoned(life: Life, worth: Worth) -> Amounts:
    amounts: Amounts = {"abandoned_checkouts": 1, "abandonments": 1}
    if life.stage == "recovered":
        return amounts | {"recovered_checkouts": 1, "recovered_sales": worth.recovered}
    amounts["abandoned_value"] = worth.total
    if worth.inferred is not None:
        amounts |= {"inferred_recoveries": 1, "inferred_recovered_sales": worth.inferred}
    return amounts
