"""Fields that several answers share, named once, with an example."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Money = Annotated[
    str, Field(examples=["1234.50"], description="Decimal string in the answer's currency.")
]
KnownMoney = Annotated[
    str | None,
    Field(examples=["1234.50"], description="Decimal string; null where a filter hides it."),
]
AnyMoney = Annotated[str | None, Field(examples=["1234.50"])]
Count = Annotated[int, Field(examples=[12])]
KnownCount = Annotated[
    int | None, Field(examples=[12], description="Null where a filter hides it.")
]
Rate = Annotated[
    float | None, Field(examples=[0.25], description="From 0 to 1; null without a denominator.")
]
AnyId = Annotated[str | None, Field(examples=["1001"])]
Day = Annotated[date, Field(examples=["2026-03-01"])]
Moment = Annotated[datetime, Field(examples=["2026-03-01T09:30:00+01:00"])]
AnyMoment = Annotated[datetime | None, Field(examples=["2026-03-01T09:30:00+01:00"])]
Stage = Literal["open", "abandoned", "recovered", "converted"]


class Framed(BaseModel):
    """What an answer is about."""

    model_config = ConfigDict(serialize_by_alias=True)

    currency: str = Field(examples=["EUR"])
    timezone: str = Field(examples=["Europe/Berlin"])
    from_: Day = Field(alias="from", serialization_alias="from")
    to: Day
