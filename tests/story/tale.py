"""The story that the tests tell, and its comparison with the simulator's books."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import psycopg

from tests.story import audit
from tillstream.command.installation import postgres_folder
from tillstream.foundation.embedded.server import find_running
from tillstream.foundation.settings import load_settings
from tillstream.simulator.books.entries import SALES
from tillstream.simulator.delivery import Manner, Schedule, deliver
from tillstream.simulator.lane import Address
from tillstream.simulator.places import BRITAIN, place_for
from tillstream.simulator.plan import Abroad, Move, plain_shop
from tillstream.simulator.story import Story

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    import httpx

    from tests.story.installation import Installation
    from tillstream.simulator.books import Amounts, Books, Ledger
    from tillstream.simulator.books.ledger import Dimension
    from tillstream.simulator.delivery import DeliveryReport
    from tillstream.simulator.plan import ShopPlan
    from tillstream.simulator.webhook import Webhook

# Over, so that every deadline has passed and the state does not depend on when it is looked at.
# The autumn has a day of 25 hours in Berlin (25 October) and in New York (1 November).
END: Final = datetime(2026, 11, 9, tzinfo=UTC)
DAYS: Final = 26

ORDERS_PER_DAY: Final = 21.0


def _shop(domain: str, currency: str, zone: str, *, included: bool = False) -> ShopPlan:
    plan = plain_shop(domain, currency, zone, place_for(currency), taxes_included=included)
    return replace(plan, orders_per_day=ORDERS_PER_DAY)


SHOPS: Final = (
    replace(
        _shop("harbor-goods.myshopify.com", "USD", "America/New_York"),
        abroad=Abroad("GBP", 785_000, BRITAIN),
    ),
    _shop("alte-muehle.myshopify.com", "EUR", "Europe/Berlin", included=True),
    _shop("hoshi-market.myshopify.com", "JPY", "Asia/Tokyo"),
    # Cash is paid in steps of five fils.
    replace(_shop("souq-almubarak.myshopify.com", "KWD", "Asia/Kuwait"), cash_step=5),
    # It moves after six days, and dates its past anew; its bodies still name checkouts by ids.
    replace(
        _shop("prairie-and-sea.myshopify.com", "CAD", "America/Toronto"),
        moves=(Move(6.4, "America/Vancouver"),),
        api_version="2025-10",
    ),
)
"""Two currencies in one shop, tax in prices, no decimals, three decimals, a zone that changes."""

NO_FIGURES: Final = frozenset(
    {"currency", "timezone", "from", "to", "until", "as_of", "comparison"}
)
DIMENSIONS: Final[tuple[Dimension, ...]] = (
    "channel", "country", "region", "referrer", "landing", "discount_code", "product", "variant", "vendor",
)  # fmt: skip
OF_LINES: Final = ("product", "variant", "vendor")


def tale(days: int = DAYS) -> Story:
    """All shops until ``END``: in 26 days more than 45,000 webhooks, and the repeats on top."""
    return Story("a long autumn", SHOPS, END - timedelta(days=days), END)


def shuffled(story: Iterable[Webhook], seed: str) -> Schedule:
    """10 % repeated, all shuffled across twenty minutes, some late by up to a day."""
    return Schedule(
        story,
        seed,
        repeat=0.1,
        shuffle_window=timedelta(minutes=20),
        late=0.02,
        latest=timedelta(hours=24),
    )


async def tell(
    installation: Installation,
    schedule: Schedule,
    progress: Callable[[DeliveryReport], None] | None = None,
) -> DeliveryReport:
    """Deliver everything, however often the other side goes away in between."""
    return await deliver(
        schedule,
        Address.of(installation.url + "/api/webhook"),
        installation.secret,
        Manner(connections=48, persist=True),
        progress,
    )


def connect_shops(client: httpx.Client) -> dict[str, str]:
    """Connect the story's shops, telling neither zone nor currency; ids by domain.

    Both have to be learned from the shops' own ``shop/update``, whenever it comes.
    """
    ids: dict[str, str] = {}
    for shop in SHOPS:
        answer = client.post("/api/stores", json={"domain": shop.domain})
        assert answer.status_code == 201, answer.text
        ids[shop.domain] = answer.json()["id"]
    return ids


class Asked(NamedTuple):
    """The API as the shops' owner has it, with what it ought to say."""

    client: httpx.Client
    ids: dict[str, str]
    books: Books
    days: int
    """How many of the story's last days were told."""

    def get(self, call: str, domain: str, begin: date, end: date, **more: str) -> dict[str, Any]:
        """What a call of the analytics answers for some days of a shop."""
        range_ = {"from": str(begin), "to": str(end), "store": self.ids[domain]}
        alone = {"compare": "none"} if call == "stats" else {}
        answer = self.client.get(f"/api/analytics/{call}", params={**range_, **alone, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    @property
    def span(self) -> tuple[date, date]:
        """The first and the last day on which anything may be."""
        return END.date() - timedelta(days=self.days + 1), END.date() + timedelta(days=1)

    def ranges(self) -> list[tuple[date, date]]:
        """All of it, some days of the beginning, and some of the end."""
        first, last = self.span
        day, middle = timedelta(days=1), first + timedelta(days=self.days // 2)
        return [(first, last), (first + 2 * day, middle), (middle, last - 2 * day)]


def assert_figures_match(asked: Asked) -> int:
    """Every figure of every day told, of every shop, and of ranges; how many were compared."""
    compared = 0
    first, last = asked.span
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    for domain in asked.ids:
        for begin, end in [*((day, day) for day in days), *asked.ranges()]:
            said = asked.get("stats", domain, begin, end)
            true = asked.books.stats(domain, begin, end, datetime.now(UTC))
            assert said["timezone"] == true["timezone"]
            wrong = wrong_figures(said, true)
            assert not wrong, (domain, begin, end, wrong)
            compared += len(said.keys() - NO_FIGURES)
    return compared


def assert_breakdowns_match(asked: Asked) -> int:
    """Sales of every range by everything they can be told apart by; how many values were compared."""
    compared = 0
    for domain, ledger in asked.books.ledgers.items():
        for begin, end in asked.ranges():
            for by in DIMENSIONS:
                said = asked.get("breakdown", domain, begin, end, by=by, limit="200")
                assert said["next"] is None
                held = {row["value"]: row for row in said["rows"]}
                true = ledger.breakdown(by, begin, end)
                assert held.keys() == true.keys(), (domain, by, held.keys() ^ true.keys())
                for value, amounts in true.items():
                    right = _told_apart(ledger, amounts, of_lines=by in OF_LINES)
                    wrong = {
                        n: (held[value][n], right[n]) for n in right if held[value][n] != right[n]
                    }
                    assert not wrong, (domain, begin, end, by, value, wrong)
                compared += len(true)
    return compared


def _told_apart(ledger: Ledger, amounts: Amounts, *, of_lines: bool) -> dict[str, object]:
    money, belongs_to_no_line = ledger.currency.text, ("shipping", "duties", "additional_fees")
    return {
        **{
            name: None if of_lines and name in belongs_to_no_line else money(getattr(amounts, name))
            for name in ("net_sales", "total_sales", *SALES)
        },
        "orders": amounts.orders,
        "units_sold": amounts.units_sold,
        "units_reversed": amounts.units_reversed,
    }


def assert_cohorts_match(asked: Asked) -> int:
    """Every month of every cohort; how many were compared."""
    compared = 0
    first, last = asked.span
    for domain, ledger in asked.books.ledgers.items():
        said = asked.get("cohorts", domain, first.replace(day=1), last)
        held = {
            (row["cohort"], period["month"]): (
                period["customers"], period["orders"], period["total_spent"],
            )
            for row in said["cohorts"]
            for period in row["periods"]
            if period["orders"] or period["total_spent"] != ledger.currency.text(0)
        }  # fmt: skip
        true = {
            (str(cohort), str(month)): (row.customers, row.orders, ledger.currency.text(row.spent))
            for (cohort, month), row in ledger.cohorts().items()
            if row.orders or row.spent
        }
        assert held == true, domain
        compared += len(true)
    return compared


def assert_rows_match(installation: Installation, books: Books) -> int:
    """Every row, and every sum of every table; how many were compared."""
    settings = load_settings({"TILLSTREAM_DATA": str(installation.folder)}, generate=True)
    url = find_running(postgres_folder(settings))
    assert url is not None
    compared = 0
    with psycopg.connect(url, autocommit=True, options="-c timezone=UTC") as connection:
        for domain, ledger in books.ledgers.items():
            account = audit.Account(connection, domain, ledger, datetime.now(UTC))
            compared += audit.assert_rows(account)
            compared += audit.assert_checkouts(account)
            compared += audit.assert_sums(account)
            compared += audit.assert_breakdown(account)
    return compared


def wrong_figures(
    said: Mapping[str, object], true: Mapping[str, object]
) -> dict[str, tuple[object, object]]:
    """The figures of ``stats`` that are not those of the books, with both."""
    figures = said.keys() - NO_FIGURES
    return {name: (said[name], true[name]) for name in figures if not _same(said[name], true[name])}


def _same(said: object, true: object) -> bool:
    if isinstance(true, float) and isinstance(said, (int, float)):
        return abs(said - true) < 1e-6
    return said == true
