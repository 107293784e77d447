"""The three shops of a demonstration."""

from __future__ import annotations

from tillstream.simulator.currency import MILLION
from tillstream.simulator.places import BRITAIN, GERMANY, JAPAN, UNITED_STATES
from tillstream.simulator.plan import (
    ORDINARY_WAYS,
    Abroad,
    DiscountCode,
    PriceScale,
    ProductPlan,
    ShippingMethod,
    ShopPlan,
    TaxRate,
    everyday_codes,
    gift_card,
)

_US_TAX = (TaxRate("New York State Tax", 40_000), TaxRate("New York City Tax", 48_750))
_DE_TAX = (TaxRate("MwSt", 190_000),)
_DE_REDUCED = (TaxRate("MwSt", 70_000),)
_APPS = ("iphone", "android", "instagram")
_JP_TAX = (TaxRate("消費税", 100_000),)
_JP_REDUCED = (TaxRate("消費税 (軽減)", 80_000),)


def demo_shops() -> tuple[ShopPlan, ShopPlan, ShopPlan]:
    """An outdoor shop in New York, a coffee roaster in Berlin, a stationer in Tokyo."""
    return _ridgeline(), _morgenrot(), _kumo()


def _ridgeline() -> ShopPlan:
    scale = PriceScale("USD")
    sizes = ("XS", "S", "M", "L", "XL")
    return ShopPlan(
        domain="ridgeline-supply.myshopify.com",
        name="Ridgeline Supply",
        currency="USD",
        zone="America/New_York",
        place=UNITED_STATES,
        taxes_included=False,
        taxes=_US_TAX,
        products=(
            ProductPlan(
                "Merino Base Layer", "Tops", 8_900, sizes, "Size", grams=240, vendor="Highline Knits",
                tags=("merino", "bestseller"),
            ),
            ProductPlan("Switchback Cap", "Hats", 3_200, ("Moss", "Clay", "Ink"), "Color", grams=90, tags=("gift",)),
            ProductPlan(
                "Trail Sock 3-Pack", "Socks", 3_600, ("S", "M", "L"), "Size", grams=150, vendor="Highline Knits",
                tags=("merino", "gift"),
            ),
            ProductPlan(
                "Enamel Camp Mug", "Kitchen", 1_850, ("Cream", "Spruce"), "Color", grams=310, vendor="Hearth & Tin",
                tags=("camp", "gift"),
            ),
            ProductPlan(
                "Talus Daypack 22L", "Packs", 13_900, ("Black", "Rust"), "Color", grams=780, vendor="Talus Works",
                tags=("trail", "bestseller"),
            ),
            ProductPlan(
                "Packable Down Vest", "Outerwear", 16_800, sizes, "Size", grams=330, vendor="Talus Works",
                tags=("winter",),
            ),
            ProductPlan(
                "Cold Brook Bottle", "Kitchen", 3_400, ("18 oz", "32 oz"), "Volume", 800, vendor="Hearth & Tin",
                tags=("camp",),
            ),
            ProductPlan(
                "Ripstop Pants", "Bottoms", 11_500, ("30", "32", "34", "36"), "Waist", vendor="Highline Knits",
                tags=("trail",),
            ),
            ProductPlan("Beeswax Balm", "Care", 1_295, grams=60, vendor="Nectar Lane", tags=("gift",)),
            ProductPlan("Field Notes Set", "Paper", 1_495, grams=140, tags=("gift",)),
            ProductPlan(
                "Storm Shell", "Outerwear", 24_900, sizes, "Size", grams=420, vendor="Talus Works",
                tags=("winter", "trail"),
            ),
            ProductPlan("Headlamp 400", "Gear", 5_450, grams=95, vendor="Talus Works", tags=("camp",)),
            gift_card(scale, "Ridgeline Gift Card"),
        ),
        shipping=(
            ShippingMethod("Ground (3-5 days)", "GROUND", 795, free_from=10_000),
            ShippingMethod("Two-day", "2DAY", 1_895),
        ),
        codes=(*everyday_codes(scale), DiscountCode("TRAIL15", "percentage", 15 * MILLION // 100)),
        orders_per_day=8.7,
        abroad=Abroad("GBP", 785_000, BRITAIN),
        more_abroad=(Abroad("EUR", 920_000, GERMANY), Abroad("JPY", 152_000_000, JAPAN)),
        apps=_APPS,
        ways=_ways("collections/winter", "pages/gear-guide", "ridgeline"),
        fee=28,
    )  # fmt: skip


def _morgenrot() -> ShopPlan:
    scale = PriceScale("EUR")
    weights = ("250 g", "500 g", "1 kg")
    return ShopPlan(
        domain="morgenrot-kaffee.myshopify.com",
        name="Morgenrot Kaffee",
        currency="EUR",
        zone="Europe/Berlin",
        place=GERMANY,
        taxes_included=True,
        taxes=_DE_TAX,
        products=(
            ProductPlan(
                "Hausröstung", "Kaffee", 990, weights, "Gewicht", 850, taxes=_DE_REDUCED,
                tags=("bohnen", "bestseller"),
            ),
            ProductPlan(
                "Espresso Kiez", "Kaffee", 1_090, weights, "Gewicht", 920, taxes=_DE_REDUCED, tags=("bohnen",),
            ),
            ProductPlan(
                "Yirgacheffe", "Kaffee", 1_450, weights[:2], "Gewicht", 1_150, taxes=_DE_REDUCED,
                tags=("bohnen", "single-origin"),
            ),
            ProductPlan(
                "Entkoffeiniert", "Kaffee", 1_190, weights[:2], "Gewicht", 900, taxes=_DE_REDUCED, tags=("bohnen",),
            ),
            ProductPlan(
                "Filterpapier 100", "Zubehör", 495, ("01", "02", "04"), "Größe", grams=120, vendor="Papierwerk Harz",
                tags=("filter",),
            ),
            ProductPlan(
                "Handfilter Porzellan", "Zubehör", 2_490, ("Weiß", "Schwarz"), "Farbe", grams=480,
                vendor="Porzellan Nord", tags=("filter", "geschenk"),
            ),
            ProductPlan(
                "Becher Frühschicht", "Tassen", 1_690, ("Sand", "Blau", "Rost"), "Farbe", grams=340,
                vendor="Porzellan Nord", tags=("geschenk",),
            ),
            ProductPlan("Handmühle", "Zubehör", 8_900, grams=700, vendor="Mahlwerk 12", tags=("geschenk",)),
            ProductPlan(
                "Trinkschokolade", "Kakao", 1_250, taxes=_DE_REDUCED, grams=300, vendor="Kakaokontor",
                tags=("geschenk",),
            ),
            ProductPlan("Probierpaket", "Kaffee", 2_390, taxes=_DE_REDUCED, grams=800, tags=("bohnen", "geschenk")),
            ProductPlan(
                "Siebträger Einsteiger", "Maschinen", 44_900, grams=9_500, vendor="Mahlwerk 12", tags=("maschine",),
            ),
            gift_card(scale, "Gutschein"),
        ),
        shipping=(
            ShippingMethod("DHL Paket", "DHL", 490, free_from=4_500),
            ShippingMethod("DHL Express", "DHLX", 1_290),
        ),
        codes=(*everyday_codes(scale), DiscountCode("FRUEHSTUECK", "fixed_amount", 400)),
        orders_per_day=8.9,
        abroad=Abroad("GBP", 855_000, BRITAIN),
        apps=_APPS,
        ways=_ways("collections/bohnen", "pages/brewguide", "morgenrot"),
    )  # fmt: skip


def _kumo() -> ShopPlan:
    scale = PriceScale("JPY")
    return ShopPlan(
        domain="kumo-stationery.myshopify.com",
        name="Kumo Stationery",
        currency="JPY",
        zone="Asia/Tokyo",
        place=JAPAN,
        taxes_included=True,
        taxes=_JP_TAX,
        products=(
            ProductPlan("雲ノート A5", "ノート", 1_320, ("方眼", "横罫", "無地"), "罫線", grams=260, tags=("定番",)),
            ProductPlan(
                "万年筆 そら", "筆記具", 9_900, ("F", "M"), "ペン先", grams=90, vendor="青空文具",
                tags=("筆記", "贈り物"),
            ),
            ProductPlan(
                "顔料インク", "インク", 1_980, ("藍", "墨", "茜", "苔"), "色", grams=180, vendor="青空文具",
                tags=("筆記",),
            ),
            ProductPlan(
                "和紙マスキングテープ", "テープ", 550, ("波", "雲", "市松"), "柄", grams=40, vendor="紙屋川",
                tags=("和紙", "定番"),
            ),
            ProductPlan("真鍮クリップ", "文具", 880, grams=60, vendor="鍛冶町", tags=("真鍮",)),
            ProductPlan("手帳 2027", "手帳", 3_850, ("紺", "生成"), "色", grams=310, tags=("定番",)),
            ProductPlan("便箋セット", "紙", 1_210, grams=150, vendor="紙屋川", tags=("和紙", "贈り物")),
            ProductPlan(
                "革ペンケース", "革小物", 6_380, ("黒", "茶"), "色", grams=120, vendor="鍛冶町", tags=("贈り物",),
            ),
            ProductPlan(
                "煎茶ティーバッグ", "お茶", 972, taxes=_JP_REDUCED, grams=60, vendor="茶の木", tags=("贈り物",),
            ),
            ProductPlan("消しゴム 三個組", "文具", 495, grams=70, tags=("定番",)),
            ProductPlan("デスクトレイ 檜", "家具", 12_800, grams=1_900, vendor="鍛冶町", tags=("真鍮",)),
            gift_card(scale, "ギフトカード"),
        ),
        shipping=(
            ShippingMethod("ネコポス", "NEKO", 385, free_from=5_000),
            ShippingMethod("宅急便", "TAKUHAI", 880),
        ),
        codes=(*everyday_codes(scale), DiscountCode("BUNGU10", "percentage", MILLION // 10)),
        orders_per_day=8.9,
        abroad=Abroad("USD", 6_700, UNITED_STATES),
        more_abroad=(Abroad("EUR", 6_100, GERMANY),),
        apps=_APPS,
        ways=_ways("collections/techo", "pages/ink", "kumo"),
    )  # fmt: skip


def _ways(collection: str, page: str, campaign: str) -> tuple[tuple[str, str], ...]:
    """How people find a shop: as everywhere, and by what it is known for."""
    return (
        *ORDINARY_WAYS,
        (f"/{collection}", "https://www.google.com/"),
        (
            f"/{collection}?utm_source=instagram&utm_campaign={campaign}",
            "https://l.instagram.com/?u=shop",
        ),
        (f"/{page}", "https://www.pinterest.com/"),
        ("/", "https://duckduckgo.com/"),
    )
