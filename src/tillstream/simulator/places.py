"""People and addresses of the places the shops are in.

Mail goes to the domains reserved for examples (RFC 2606), telephone numbers to ranges kept
for fiction, so that nothing here can reach anyone.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class City:
    """A city with its province and a postal code that lies in it."""

    name: str
    province: str
    province_code: str
    zip: str


@dataclass(frozen=True, slots=True)
class Place:
    """A country's names and addresses. Names are (as written, in Latin letters)."""

    country: str
    code: str
    locale: str
    phone: str
    first_names: tuple[tuple[str, str], ...]
    last_names: tuple[tuple[str, str], ...]
    streets: tuple[str, ...]
    cities: tuple[City, ...]


def _latin(names: str) -> tuple[tuple[str, str], ...]:
    folded = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "é": "e", "'": ""})
    return tuple((name, name.lower().translate(folded)) for name in names.split())


def _pairs(names: str) -> tuple[tuple[str, str], ...]:
    return tuple((pair.partition("/")[0], pair.partition("/")[2]) for pair in names.split())


UNITED_STATES = Place(
    "United States",
    "US",
    "en-US",
    "+1212555",
    _latin(
        "Olivia Liam Emma Noah Ava Ethan Maya Lucas Zoe Mason Chloe Jordan Riley Aaron Naomi Diego "
        "Priya Marcus Hannah Caleb Grace Owen Leah Andre Tessa Miles Ruth Felix Nora Wyatt Imani Cole"
    ),
    _latin(
        "Smith Johnson Rivera Nguyen Brooks Patel Cohen O'Neill Garcia Walker Kim Murphy Hayes Foster "
        "Bennett Diaz Ellis Warren Chang Price Sullivan Marsh Boyd Ortiz Holt Greene Shah Lindgren"
    ),
    (
        "Bleecker Street",
        "Atlantic Avenue",
        "Prospect Place",
        "Orchard Street",
        "Maple Avenue",
        "Elm Street",
    ),
    (
        City("Brooklyn", "New York", "NY", "11217"),
        City("New York", "New York", "NY", "10012"),
        City("Hoboken", "New Jersey", "NJ", "07030"),
        City("Philadelphia", "Pennsylvania", "PA", "19123"),
        City("Boston", "Massachusetts", "MA", "02116"),
        City("Chicago", "Illinois", "IL", "60614"),
        City("Portland", "Oregon", "OR", "97214"),
        City("Austin", "Texas", "TX", "78704"),
    ),
)

GERMANY = Place(
    "Germany",
    "DE",
    "de-DE",
    "+4930231255",
    _latin(
        "Anna Lukas Marie Jonas Lena Felix Käthe Paul Jürgen Sophie Björn Clara Emil Greta Moritz Ida "
        "Henrik Jana Leon Frieda Timo Mila Oskar Nele Aylin Mehmet Ruth Jörg Antje Stefan"
    ),
    _latin(
        "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer "
        "Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hartmann Lange Yilmaz Groß"
    ),
    ("Kastanienallee", "Torstraße", "Lindenweg", "Bahnhofstraße", "Gartenstraße", "Schillerstraße"),
    (
        City("Berlin", "Berlin", "BE", "10435"),
        City("Hamburg", "Hamburg", "HH", "20357"),
        City("München", "Bayern", "BY", "80799"),
        City("Köln", "Nordrhein-Westfalen", "NW", "50672"),
        City("Leipzig", "Sachsen", "SN", "04109"),
        City("Freiburg", "Baden-Württemberg", "BW", "79098"),
    ),
)

JAPAN = Place(
    "Japan",
    "JP",
    "ja-JP",
    "+8135550",
    _pairs(
        "陽菜/hina 蓮/ren 葵/aoi 湊/minato 結衣/yui 大翔/hiroto 咲良/sakura 悠真/yuma 美咲/misaki 翔太/shota "
        "凛/rin 健太/kenta 莉子/riko 直樹/naoki 真央/mao 拓海/takumi 優奈/yuna 颯/hayate 由美/yumi 誠/makoto"
    ),
    _pairs(
        "佐藤/sato 鈴木/suzuki 高橋/takahashi 田中/tanaka 伊藤/ito 渡辺/watanabe 山本/yamamoto 中村/nakamura "
        "小林/kobayashi 加藤/kato 吉田/yoshida 山田/yamada 松本/matsumoto 井上/inoue 木村/kimura 清水/shimizu"
    ),
    ("神宮前", "中目黒", "下北沢", "谷中", "元町", "北浜"),
    (
        City("渋谷区", "東京都", "JP-13", "150-0001"),
        City("目黒区", "東京都", "JP-13", "153-0061"),
        City("横浜市", "神奈川県", "JP-14", "231-0861"),
        City("大阪市", "大阪府", "JP-27", "541-0041"),
        City("京都市", "京都府", "JP-26", "604-8005"),
        City("札幌市", "北海道", "JP-01", "060-0061"),
    ),
)

BRITAIN = Place(
    "United Kingdom",
    "GB",
    "en-GB",
    "+447700900",
    _latin(
        "Oliver Amelia Harry Isla George Freya Arthur Poppy Alfie Elsie Imogen Rhys Niamh Ewan Zara"
    ),
    _latin(
        "Jones Taylor Davies Evans Thomas Roberts Wright Hughes Khan Campbell Begum Stewart Pugh"
    ),
    ("High Street", "Church Lane", "Station Road", "Mill Lane"),
    (
        City("London", "England", "ENG", "E8 3PN"),
        City("Bristol", "England", "ENG", "BS1 4DJ"),
        City("Edinburgh", "Scotland", "SCT", "EH1 1YZ"),
    ),
)

KUWAIT = Place(
    "Kuwait",
    "KW",
    "ar-KW",
    "+96555500",
    _latin("Noura Fahad Dana Yousef Sara Khaled Maha Omar Layla Hamad Reem Ali"),
    _latin("Alrashid Almutairi Alsabah Behbehani Alenezi Ashkanani Alajmi Marafi"),
    ("Gulf Road", "Fahad Al Salem Street", "Salem Al Mubarak Street"),
    (
        City("Kuwait City", "Al Asimah", "KW-KU", "13001"),
        City("Salmiya", "Hawalli", "KW-HA", "22001"),
    ),
)

BY_CURRENCY = {"EUR": GERMANY, "JPY": JAPAN, "GBP": BRITAIN, "KWD": KUWAIT}


def place_for(currency: str) -> Place:
    """A place whose people plausibly pay in ``currency``; the United States if none is known."""
    return BY_CURRENCY.get(currency, UNITED_STATES)
