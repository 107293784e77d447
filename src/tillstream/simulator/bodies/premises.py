"""The shop itself, where it keeps its wares, and where it is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.simulator.bodies.press import Press, encode

if TYPE_CHECKING:
    from tillstream.simulator.books import Row


class Premises(Press):
    """Prints the shop."""

    def location(self, row: Row, created_at: int, updated_at: int) -> bytes:
        """``locations/*`` but ``locations/delete``."""
        city = self._plan.place.cities[0]
        return encode(
            {
                "id": row["id"],
                "name": row["name"],
                "address1": f"1 {self._plan.place.streets[0]}",
                "address2": None,
                "city": city.name,
                "zip": city.zip,
                "province": city.province,
                "country": self._plan.place.code,
                "phone": None,
                "created_at": self._clock.text(created_at),
                "updated_at": self._clock.text(updated_at),
                "country_code": row["country_code"],
                "country_name": self._plan.place.country,
                "province_code": row["province_code"],
                "legacy": False,
                "active": row["active"],
                "admin_graphql_api_id": f"gid://shopify/Location/{row['id']}",
            }
        )

    def domain(self, row: Row) -> bytes:
        """``domains/*``: no time in them."""
        return encode(
            {
                "id": row["id"],
                "host": row["host"],
                "ssl_enabled": row["ssl_enabled"],
                "localization": {
                    "country": row["country"],
                    "default_locale": row["default_locale"],
                    "alternate_locales": row["alternate_locales"],
                },
            }
        )

    def shop(self, created_at: int, updated_at: int, plan_name: str) -> bytes:
        """``shop/update``."""
        plan, city = self._plan, self._plan.place.cities[0]
        abroad = [one.currency for one in (plan.abroad, *plan.more_abroad) if one]
        return encode(
            {
                "id": self._shop_id,
                "name": plan.name,
                "email": f"hello@{plan.domain.partition('.')[0]}.example.com",
                "domain": plan.domain,
                "province": city.province,
                "country": plan.place.code,
                "address1": f"1 {plan.place.streets[0]}",
                "address2": None,
                "zip": city.zip,
                "city": city.name,
                "source": None,
                "phone": f"{plan.place.phone}0100",
                "latitude": None,
                "longitude": None,
                "primary_locale": plan.place.locale[:2],
                "created_at": self._clock.text(created_at),
                "updated_at": self._clock.text(updated_at),
                "country_code": plan.place.code,
                "country_name": plan.place.country,
                "currency": plan.currency,
                "customer_email": f"care@{plan.domain.partition('.')[0]}.example.com",
                "timezone": f"(GMT{self._clock.text(updated_at)[-6:]}) {self._zone}",
                "iana_timezone": self._zone,
                "shop_owner": f"{plan.name} Owner",
                "money_format": "{{amount}}",
                "money_with_currency_format": f"{{{{amount}}}} {plan.currency}",
                "weight_unit": "kg",
                "province_code": city.province_code,
                "taxes_included": plan.taxes_included,
                "auto_configure_tax_inclusivity": False,
                "tax_shipping": plan.shipping_taxed,
                "county_taxes": True,
                "plan_display_name": plan_name.title(),
                "plan_name": plan_name,
                "has_discounts": True,
                "has_gift_cards": True,
                "myshopify_domain": plan.domain,
                "google_apps_domain": None,
                "google_apps_login_enabled": None,
                "money_in_emails_format": "{{amount}}",
                "eligible_for_payments": True,
                "requires_extra_payments_agreement": False,
                "password_enabled": False,
                "has_storefront": True,
                "finances": True,
                "primary_location_id": self._shop_id + 17,
                "checkout_api_supported": True,
                "multi_location_enabled": False,
                "setup_required": False,
                "pre_launch_enabled": False,
                "enabled_presentment_currencies": [plan.currency, *abroad],
                "marketing_sms_consent_enabled_at_checkout": False,
                "transactional_sms_disabled": False,
            }
        )
