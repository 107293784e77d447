"""What a shop is before its story begins: place, money, taxes, catalogue, and how busy it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tillstream.simulator.currency import MILLION, Currency, ratio
from tillstream.simulator.webhook import API_VERSION

if TYPE_CHECKING:
    from tillstream.simulator.places import Place


@dataclass(frozen=True, slots=True)
class TaxRate:
    """One tax, its rate in millionths."""

    title: str
    millionths: int


@dataclass(frozen=True, slots=True)
class ProductPlan:
    """A product and its variants. ``price`` in the shop's smallest unit, the first variant's.

    ``step`` is what each further variant costs more. ``taxes`` of None means the shop's own,
    an empty ``vendor`` the shop itself.
    """

    title: str
    product_type: str
    price: int
    options: tuple[str, ...] = ("Default Title",)
    option_name: str = "Title"
    step: int = 0
    grams: int = 250
    gift_card: bool = False
    taxes: tuple[TaxRate, ...] | None = None
    vendor: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DiscountCode:
    """A code shoppers know. ``value`` is millionths for a percentage, else smallest units."""

    code: str
    value_type: Literal["percentage", "fixed_amount"]
    value: int
    target: Literal["order", "line", "shipping"] = "order"


@dataclass(frozen=True, slots=True)
class ShippingMethod:
    """A way to ship; free for baskets of ``free_from`` smallest units or more."""

    title: str
    code: str
    price: int
    free_from: int | None = None


@dataclass(frozen=True, slots=True)
class Abroad:
    """Buyers from elsewhere who pay in their own currency: units of it for one shop unit."""

    currency: str
    millionths: int
    place: Place


@dataclass(frozen=True, slots=True)
class Habits:
    """Shares of a shop's visits, each from 0 to 1, that decide what its story is made of."""

    pos: float = 0.05
    draft: float = 0.025
    express: float = 0.08
    leaves: float = 0.42
    comes_back: float = 0.16
    no_contact: float = 0.12
    repeat_buyer: float = 0.34
    discounted: float = 0.22
    abroad: float = 0.05
    pending: float = 0.03
    authorized: float = 0.06
    refunded: float = 0.07
    cancelled: float = 0.025
    edited: float = 0.025
    exchanged: float = 0.02
    test: float = 0.004
    gift_card: float = 0.015
    signs_up: float = 0.02
    buys_anew: float = 0.06
    twin: float = 0.015
    merged: float = 0.006
    returned: float = 0.6
    disputed: float = 0.004
    in_app: float = 0.08
    upkeep: float = 0.2


@dataclass(frozen=True, slots=True)
class Move:
    """The shop is in another time zone from so many days into the story on."""

    after_days: float
    zone: str


# How people find a shop: the page they saw first, and where they were before. Some say nothing of it.
ORDINARY_WAYS = (
    ("/", ""),
    ("/", "https://www.google.com/"),
    ("/collections/all?utm_source=newsletter&utm_medium=email", ""),
    ("/collections/all", "https://www.google.com/"),
    ("/pages/gift-guide?utm_campaign=season", "https://l.instagram.com/?u=shop"),
    ("/collections/new", "https://www.facebook.com/"),
    ("/blogs/journal/how-it-is-made", "https://news.example.org/what-to-buy"),
)


@dataclass(frozen=True, slots=True)
class ShopPlan:
    """One shop. Amounts in the smallest unit of ``currency``; ``window`` in seconds."""

    domain: str
    name: str
    currency: str
    zone: str
    place: Place
    taxes_included: bool
    taxes: tuple[TaxRate, ...]
    products: tuple[ProductPlan, ...]
    shipping: tuple[ShippingMethod, ...]
    codes: tuple[DiscountCode, ...]
    orders_per_day: float = 10.0
    shipping_taxed: bool = True
    abroad: Abroad | None = None
    more_abroad: tuple[Abroad, ...] = ()
    fee: int = 0
    window: int = 600
    habits: Habits = field(default_factory=Habits)
    ways: tuple[tuple[str, str], ...] = ORDINARY_WAYS
    apps: tuple[str, ...] = ("iphone", "android", "2329312")
    """Channels beside the website: Shopify's own by name, another app by its id."""
    cash_step: int = 0
    """Cash is paid in multiples of so many smallest units; 0 where every amount can be."""
    api_version: str = API_VERSION
    """Bodies are printed as this version has them: before 2026-04 with checkout ids."""
    moves: tuple[Move, ...] = ()


def plain_shop(  # noqa: PLR0913 - a shop is described by this much
    domain: str,
    currency: str,
    zone: str,
    place: Place,
    *,
    orders_per_day: float = 10.0,
    taxes_included: bool = False,
    taxes: tuple[TaxRate, ...] = (TaxRate("Sales Tax", 82_500),),
) -> ShopPlan:
    """A shop with an everyday catalogue, priced to suit ``currency``."""
    name = domain.removesuffix(".myshopify.com").replace("-", " ").title()
    scale = PriceScale(currency)
    return ShopPlan(
        domain=domain,
        name=name,
        currency=currency,
        zone=zone,
        place=place,
        taxes_included=taxes_included,
        taxes=taxes,
        products=_everyday(scale),
        shipping=(
            ShippingMethod("Standard", "STD", scale.price(5), free_from=scale.price(75)),
            ShippingMethod("Express", "EXP", scale.price(14)),
        ),
        codes=everyday_codes(scale),
        orders_per_day=orders_per_day,
        fee=scale.price(0.3),
    )


# What a dollar's worth roughly costs elsewhere, in units of that currency: only so that a
# mug does not cost 18 yen. Currencies not named are taken at par.
_PAR = {"JPY": 150, "KRW": 1_400, "INR": 85, "CLP": 950, "VND": 25_000, "SEK": 11, "MXN": 19}
_PAR_BELOW = {"KWD": 0.31, "BHD": 0.38, "OMR": 0.39, "GBP": 0.8, "EUR": 0.95, "TND": 3.1}


@dataclass(frozen=True, slots=True)
class PriceScale:
    """Prices thought of in dollars, put into another currency's smallest unit."""

    code: str

    def price(self, dollars: float) -> int:
        """A price point worth about ``dollars``, rounded as price tags are."""
        decimals = Currency.of(self.code).decimals
        raw = round(dollars * _PAR.get(self.code, 1) * _PAR_BELOW.get(self.code, 1) * 10**decimals)
        step = 10 if decimals == 0 else 5
        return max(1, ratio(raw, step)) * step


def everyday_codes(scale: PriceScale) -> tuple[DiscountCode, ...]:
    """Discount codes of every kind Shopify allocates."""
    return (
        DiscountCode("WELCOME10", "percentage", MILLION // 10),
        DiscountCode("THANKS5", "fixed_amount", scale.price(5)),
        DiscountCode("PICK20", "percentage", MILLION // 5, "line"),
        DiscountCode("OFF3", "fixed_amount", scale.price(3), "line"),
        DiscountCode("SHIPFREE", "percentage", MILLION, "shipping"),
        DiscountCode("THIRD33", "percentage", 333_333),
    )


def gift_card(scale: PriceScale, title: str = "Gift Card") -> ProductPlan:
    """A gift card in three values, untaxed."""
    value, currency = scale.price(25), Currency.of(scale.code)
    return ProductPlan(
        title,
        "Gift Cards",
        value,
        tuple(currency.text(value * n) for n in (1, 2, 3)),
        "Denominations",
        step=value,
        grams=0,
        gift_card=True,
        taxes=(),
    )


def _everyday(scale: PriceScale) -> tuple[ProductPlan, ...]:
    sizes = ("S", "M", "L", "XL")
    cloth, clay = "Selvedge & Sons", "Kiln Street"
    sold_well, given = ("bestseller", "cotton"), ("gift",)
    return (
        ProductPlan("Everyday Tee", "Shirts", scale.price(24.9), sizes, "Size", vendor=cloth, tags=sold_well),
        ProductPlan("Heavy Hoodie", "Sweatshirts", scale.price(68), sizes, "Size", grams=700, vendor=cloth),
        ProductPlan(
            "Stoneware Mug", "Kitchen", scale.price(18.5), ("Sand", "Slate"), "Colour", grams=420, vendor=clay,
            tags=given,
        ),
        ProductPlan("Canvas Tote", "Bags", scale.price(22), vendor=cloth, tags=sold_well),
        ProductPlan("Wool Socks", "Socks", scale.price(12.35), ("36-40", "41-45"), "Size", grams=90),
        ProductPlan(
            "Travel Bottle", "Kitchen", scale.price(31.99), ("500 ml", "1 l"), "Volume", scale.price(6), vendor="Brook",
        ),
        ProductPlan("Notebook", "Paper", scale.price(9.75), ("Plain", "Ruled"), "Ruling", tags=given),
        ProductPlan("Beanie", "Hats", scale.price(27.45)),
        ProductPlan(
            "Candle", "Home", scale.price(33.33), ("Cedar", "Fig", "Salt"), "Scent", grams=380, vendor=clay, tags=given,
        ),
        ProductPlan("Weekender", "Bags", scale.price(149), grams=1_400, vendor="Brook"),
        gift_card(scale),
    )  # fmt: skip
