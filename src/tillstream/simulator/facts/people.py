"""The people a shop knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tillstream.simulator.places import City, Place


@dataclass(slots=True, eq=False)
class Customer:
    """A person the shop knows."""

    id: int
    email: str
    first_name: str
    last_name: str
    phone: str | None
    place: Place
    city: City
    street: str
    address_id: int
    created_at: int
    updated_at: int
    note: str | None = None
    verified: bool = True
    registered: bool = False
    deleted: bool = False
    merged_into: Customer | None = None
    tags: list[str] = field(default_factory=list[str])
    email_consent: str | None = None
    sms_consent: str | None = None
    orders_told: int | None = None
    spent_told: int | None = None

    @property
    def name(self) -> str:
        """First and last name as they are written where the person lives."""
        return f"{self.first_name} {self.last_name}"
