"""What the simulator knows to be true: the people, wares, checkouts and orders of a story.

Instants are whole seconds since 1970 and money is the shop's smallest unit. Bodies are
printed from these facts and the books are kept from them; neither reads the other.
"""

from __future__ import annotations

from tillstream.simulator.facts.afterwards import (
    Edit,
    Fulfillment,
    Refund,
    RefundLine,
    Return,
    ShippingBack,
    Transaction,
)
from tillstream.simulator.facts.baskets import Application, Basket, Totals, placed_totals
from tillstream.simulator.facts.checkouts import Checkout, Whence
from tillstream.simulator.facts.lines import Line, Shipping, levied
from tillstream.simulator.facts.orders import Order
from tillstream.simulator.facts.people import Customer
from tillstream.simulator.facts.wares import Product, Variant

__all__ = [
    "Application",
    "Basket",
    "Checkout",
    "Customer",
    "Edit",
    "Fulfillment",
    "Line",
    "Order",
    "Product",
    "Refund",
    "RefundLine",
    "Return",
    "Shipping",
    "ShippingBack",
    "Totals",
    "Transaction",
    "Variant",
    "Whence",
    "levied",
    "placed_totals",
]
