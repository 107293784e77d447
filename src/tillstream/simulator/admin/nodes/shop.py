"""The shop, its money and its taxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tillstream.simulator.admin.nodes.fields import Json, Presentment, gid, when
from tillstream.simulator.currency import MILLION, Currency, exchanged

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tillstream.simulator.admin.living import LivingShop
    from tillstream.simulator.plan import TaxRate


@dataclass(frozen=True, slots=True)
class OfShop:
    """The objects of one shop."""

    shop: LivingShop

    def _money(self, minor: int) -> Json:
        currency = self.shop.front.currency
        return {"amount": currency.text(minor), "currencyCode": currency.code}

    def _bag(self, minor: int, theirs: Presentment = None) -> Json:
        ours = self._money(minor)
        if theirs is None:
            return {"shopMoney": ours, "presentmentMoney": ours}
        currency = Currency.of(theirs[0])
        amount = currency.text(exchanged(minor, self.shop.front.currency, theirs))
        return {
            "shopMoney": ours,
            "presentmentMoney": {"amount": amount, "currencyCode": currency.code},
        }

    def _taxes(self, taxes: Sequence[tuple[TaxRate, int]], theirs: Presentment) -> list[Json]:
        return [
            {
                "title": rate.title,
                "rate": rate.millionths / MILLION,
                "ratePercentage": rate.millionths * 100 / MILLION,
                "priceSet": self._bag(amount, theirs),
                "channelLiable": False,
            }
            for rate, amount in taxes
        ]

    def the_shop(self, now: datetime) -> Json:
        """``Shop``."""
        shop, plan = self.shop, self.shop.plan
        local = shop.front.clock.text(int(now.timestamp()))
        abroad = [plan.abroad.currency] if plan.abroad else []
        name = plan.domain.partition(".")[0]
        return {
            "__typename": "Shop",
            "id": gid("Shop", shop.front.id),
            "name": plan.name,
            "email": f"hello@{name}.example.com",
            "contactEmail": f"care@{name}.example.com",
            "shopOwnerName": f"{plan.name} Owner",
            "description": None,
            "myshopifyDomain": plan.domain,
            "url": f"https://{plan.domain}",
            "primaryDomain": {
                "id": gid("Domain", shop.front.id + 1),
                "host": plan.domain,
                "sslEnabled": True,
                "url": f"https://{plan.domain}",
            },
            "currencyCode": plan.currency,
            "enabledPresentmentCurrencies": [plan.currency, *abroad],
            "ianaTimezone": plan.zone,
            "timezoneAbbreviation": plan.zone.rpartition("/")[2],
            "timezoneOffset": local[-6:].replace(":", ""),
            "taxesIncluded": plan.taxes_included,
            "taxShipping": plan.shipping_taxed,
            "plan": {
                "displayName": shop.front.plan_name.title(),
                "publicDisplayName": shop.front.plan_name.title(),
                "partnerDevelopment": False,
                "shopifyPlus": False,
            },
            "createdAt": when(shop.front.start - 400 * 86_400),
            "updatedAt": when(shop.front.updated_at),
        }
