"""The registry of measures says of each open point what was chosen and where the other way shows."""

from __future__ import annotations

import re

import pytest

from tillstream.rollup.measures import ADDITIVE, MEASURES, Measure

NAMES = {one.name for one in MEASURES}
OTHER = {"twin_of"}
"""Words with an underscore that are fields of answers, not measures."""

OPEN = (
    "total_sales", "gross_sales", "sales_reversals", "average_order_value", "refund_adjustments",
    "gift_cards_sold", "customers", "abandoned_checkouts", "recovered_checkouts", "inferred_recoveries",
)  # fmt: skip
"""The points that Shopify's own pages leave open or contradict each other in."""


def test_every_column_is_defined_once() -> None:
    assert len(NAMES) == len(MEASURES)
    assert [name for name in ADDITIVE if name not in NAMES] == []


@pytest.mark.parametrize("measure", MEASURES, ids=lambda one: one.name)
def test_what_a_measure_says_can_be_read_and_followed(measure: Measure) -> None:
    for told in (measure.definition, measure.choice):
        assert not told or told.endswith(".")
        assert set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", told)) <= NAMES | OTHER
    assert measure.source


@pytest.mark.parametrize("name", OPEN)
def test_what_is_open_says_what_was_chosen(name: str) -> None:
    (measure,) = (one for one in MEASURES if one.name == name)
    assert measure.choice
