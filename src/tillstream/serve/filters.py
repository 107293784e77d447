"""Which orders a question is about: by channel, country, product or discount code. Pure."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Annotated, Final

from fastapi import Depends, Query

from tillstream.serve.figures import OF_LINES, OF_ORDERS
from tillstream.serve.problems import ProblemFound, invalid

NAMES: Final = ("channel", "country", "product", "discount_code")
_LONGEST: Final = 255
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_LARGEST_ID: Final = 2**63


@dataclass(frozen=True)
class Filters:
    """What orders have to be; None where it does not matter, "" where it must not be known."""

    channel: str | None = None
    country: str | None = None
    product: str | None = None
    discount_code: str | None = None

    @property
    def wanted(self) -> dict[str, str]:
        """The filters that are set: their name, which is also that of a dimension, and value."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @property
    def known(self) -> frozenset[str] | None:
        """The figures that are known under these filters; None if that is all of them."""
        if not self.wanted:
            return None
        return OF_ORDERS if self.product is None else OF_LINES


def read_filters(
    channel: str | None, country: str | None, product: str | None, discount_code: str | None
) -> Filters:
    """Filters as callers write them.

    Raises:
        ProblemFound: 422 for what no order can have.
    """
    for name, value in (("channel", channel), ("discount_code", discount_code)):
        if value is not None and not value.isprintable():
            raise _wrong(name, "It has characters that cannot be printed.")
    country = None if country is None else country.upper()
    if country and not _COUNTRY.fullmatch(country):
        raise _wrong("country", "Use a country's two letters, such as DE.")
    if product and not (re.fullmatch(r"[0-9]{1,19}", product) and int(product) < _LARGEST_ID):
        raise _wrong("product", "Use a product's id, such as 632910392.")
    # As ids are written, without zeros before them.
    product = str(int(product)) if product else product
    return Filters(channel, country, product, discount_code)


def _wrong(name: str, detail: str) -> ProblemFound:
    return invalid(f"query.{name}", detail)


Channel = Annotated[
    str | None,
    Query(
        max_length=_LONGEST,
        examples=["web"],
        description="Only orders of this channel (`source_name`); empty: where none is known.",
    ),
]
Country = Annotated[
    str | None,
    Query(
        max_length=_LONGEST,
        examples=["DE"],
        description="Only orders to this country (two letters); empty: where none is known.",
    ),
]
Product = Annotated[
    str | None,
    Query(
        max_length=_LONGEST,
        examples=["632910392"],
        description="Only lines of this product (its id); empty: lines of no product.",
    ),
]
DiscountCode = Annotated[
    str | None,
    Query(
        max_length=_LONGEST,
        examples=["WELCOME10"],
        description="Only orders with this discount code; empty: orders without any.",
    ),
]


def _filters(
    channel: Channel = None,
    country: Country = None,
    product: Product = None,
    discount_code: DiscountCode = None,
) -> Filters:
    return read_filters(channel, country, product, discount_code)


AnyFilters = Annotated[Filters, Depends(_filters)]
