"""Print facts as Shopify's webhook bodies of API version 2026-04 and later.

REST-shaped, with integer ids, decimal strings, ``*_set`` bags in shop and presentment money,
and times in the shop's offset. Neither checkouts nor orders carry a checkout id any more:
https://shopify.dev/changelog/removed-checkout-id-from-checkouts-and-orders-webhooks

Parts that stay the same from one body to the next (people, amounts, parcels) are encoded once
and kept as raw JSON.
"""

from __future__ import annotations

from tillstream.simulator.bodies.checkouts import Checkouts
from tillstream.simulator.bodies.drafts import Drafts
from tillstream.simulator.bodies.orders import Orders
from tillstream.simulator.bodies.premises import Premises
from tillstream.simulator.bodies.wares import Wares

__all__ = ["Bodies"]


class Bodies(Orders, Checkouts, Drafts, Wares, Premises):
    """The press of one shop."""
