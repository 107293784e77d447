"""Customers as bodies have them: at the root, inside others, and the address of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.simulator.bodies.press import Json, Press, encode, raw, utc_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import msgspec

    from tillstream.simulator.facts import Customer
    from tillstream.simulator.places import City, Place
    from tillstream.simulator.plan import ShopPlan
    from tillstream.simulator.shop_clock import ShopClock


_CUSTOMERS_SLIMMED = "2025-01"
"""https://shopify.dev/changelog/new-customer-s-webhook-and-changes-to-existing-customer-s-webhooks-payload"""


class People(Press):
    """Prints customers."""

    def __init__(self, plan: ShopPlan, clock: ShopClock, shop_id: int) -> None:
        super().__init__(plan, clock, shop_id)
        self._people: dict[int, tuple[int, msgspec.Raw]] = {}

    def customer(self, customer: Customer) -> bytes:
        """``customers/create`` and ``customers/update``."""
        address = self._home(customer)
        printed = self._identity(customer) | {"addresses": [address], "default_address": address}
        if self._plan.api_version < _CUSTOMERS_SLIMMED:
            printed |= {
                "tags": ", ".join(customer.tags),
                "last_order_id": None,
                "last_order_name": None,
            }
        return encode(printed)

    def customer_merged(self, kept: Customer, lost: Customer, *, succeeded: bool) -> bytes:
        """``customers/merge``, also of a merge that failed."""
        errors = (
            []
            if succeeded
            else [{"customer_ids": [lost.id], "field": "customer", "message": "Busy."}]
        )
        return encode(
            {
                "admin_graphql_api_customer_kept_id": f"gid://shopify/Customer/{kept.id}",
                "admin_graphql_api_customer_deleted_id": f"gid://shopify/Customer/{lost.id}",
                "admin_graphql_api_job_id": None,
                "status": "completed" if succeeded else "failed",
                "errors": errors,
            }
        )

    def purchasing_summary(self, customer: Customer, last_order: int, at: int) -> bytes:
        """``customers/purchasing_summary``: in camel case, with gids, and in UTC."""
        return encode(
            {
                "customerId": f"gid://shopify/Customer/{customer.id}",
                "numberOfOrders": customer.orders_told,
                "amountSpent": {
                    "amount": self._text(customer.spent_told or 0),
                    "currencyCode": self._currency.code,
                },
                "lastOrderId": f"gid://shopify/Order/{last_order}",
                "occurredAt": utc_text(at),
            }
        )

    def tagged(self, customer: Customer, tags: Sequence[str], at: int) -> bytes:
        """``customer.tags_added`` and ``customer.tags_removed``: only these tags."""
        gid = f"gid://shopify/Customer/{customer.id}"
        return encode({"customerId": gid, "tags": list(tags), "occurredAt": utc_text(at)})

    def email_consent(self, customer: Customer, at: int) -> bytes:
        """``customers_email_marketing_consent/update``."""
        return encode(
            {
                "customer_id": customer.id,
                "email_address": customer.email,
                "email_marketing_consent": self._consent(customer.email_consent, at),
            }
        )

    def sms_consent(self, customer: Customer, at: int) -> bytes:
        """``customers_marketing_consent/update``."""
        consent = self._consent(customer.sms_consent, at) | {"consent_collected_from": "OTHER"}
        return encode(
            {"id": customer.id, "phone": customer.phone, "sms_marketing_consent": consent}
        )

    def _consent(self, state: str | None, at: int) -> Json:
        when = self._clock.text(at)
        return {"state": state, "opt_in_level": "single_opt_in", "consent_updated_at": when}

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
