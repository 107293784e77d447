"""Customers as bodies have them: at the root, inside others, and the address of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.simulator.bodies.press import Json, Press, encode, raw

if TYPE_CHECKING:
    import msgspec

    from tillstream.simulator.facts import Customer
    from tillstream.simulator.places import City, Place
    from tillstream.simulator.plan import ShopPlan
    from tillstream.simulator.shop_clock import ShopClock


class People(Press):
    """Prints customers."""

    def __init__(self, plan: ShopPlan, clock: ShopClock, shop_id: int) -> None:
        super().__init__(plan, clock, shop_id)
        self._people: dict[int, tuple[int, msgspec.Raw]] = {}

    def customer(self, customer: Customer) -> bytes:
        """``customers/create`` and ``customers/update``."""
        address = self._home(customer)
        return encode(
            self._identity(customer) | {"addresses": [address], "default_address": address}
        )

    def customer_deleted(self, customer: Customer) -> bytes:
        """``customers/delete``."""
        gid = f"gid://shopify/Customer/{customer.id}"
        return encode({"id": customer.id, "admin_graphql_api_id": gid, "tax_exemptions": []})

    def _person(self, customer: Customer) -> msgspec.Raw:
        """The customer inside an order or a checkout."""
        known = self._people.get(customer.id)
        if known is not None and known[0] == customer.updated_at:
            return known[1]
        printed = raw(self._identity(customer) | {"default_address": self._home(customer)})
        self._people[customer.id] = customer.updated_at, printed
        return printed

    def _home(self, customer: Customer) -> Json:
        return address(customer, customer.place, customer.city) | {
            "id": customer.address_id,
            "customer_id": customer.id,
            "country_name": customer.place.country,
            "default": True,
        }

    def _identity(self, customer: Customer) -> Json:
        return {
            "id": customer.id,
            "created_at": self._clock.text(customer.created_at),
            "updated_at": self._clock.text(customer.updated_at),
            "first_name": customer.first_name,
            "last_name": customer.last_name,
            "state": "enabled" if customer.registered else "disabled",
            "note": customer.note,
            "verified_email": customer.verified,
            "multipass_identifier": None,
            "tax_exempt": False,
            "email": customer.email,
            "phone": customer.phone,
            "currency": self._currency.code,
            "tax_exemptions": [],
            "admin_graphql_api_id": f"gid://shopify/Customer/{customer.id}",
        }


def address(customer: Customer, place: Place, city: City) -> Json:
    """Where somebody lives, or is sent something."""
    return {
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "name": customer.name,
        "company": None,
        "address1": customer.street,
        "address2": None,
        "city": city.name,
        "province": city.province,
        "province_code": city.province_code,
        "country": place.country,
        "country_code": place.code,
        "zip": city.zip,
        "phone": customer.phone,
    }
