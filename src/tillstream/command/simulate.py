"""``tillstream simulate``: tell a story to an address as Shopify would, and leave the books behind."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tillstream.command.console import err, out, print_json
from tillstream.simulator.simulate import SimulateOptions, simulate

if TYPE_CHECKING:
    import argparse

    from tillstream.foundation.settings import Settings
    from tillstream.simulator.delivery import DeliveryReport

PURPOSE = "Deliver a pretend shop's webhooks, signed, repeated and out of order."


def register(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add = parser.add_argument
    add("--url", help="where to deliver (this installation's webhook address)")
    add("--secret", help="what signs (this installation's SHOPIFY_API_SECRET)")
    add("--seed", default="1", help="the same seed tells the same story (1)")
    add(
        "--domain",
        action="append",
        default=[],
        metavar="D",
        help="a shop; may be given more than once",
    )
    add("--currency", default="USD", metavar="C", help="of the shops named by --domain (USD)")
    add(
        "--timezone",
        default="America/New_York",
        metavar="TZ",
        help="of the shops named by --domain",
    )
    add(
        "--taxes-included",
        action="store_true",
        help="prices include tax in the shops named by --domain",
    )
    add("--days", type=float, default=7.0, help="days before now that the story covers (7)")
    add("--orders-per-day", type=float, metavar="N", help="orders a day in each shop")
    add(
        "--rate",
        type=float,
        metavar="N",
        help="go on from now in real time, with N visits a minute",
    )
    add(
        "--time-scale",
        type=float,
        metavar="X",
        help="story seconds in a real second (as fast as accepted)",
    )
    add(
        "--repeat",
        type=float,
        default=0.1,
        metavar="SHARE",
        help="share delivered more than once (0.1)",
    )
    add(
        "--shuffle",
        type=float,
        default=120.0,
        metavar="SECONDS",
        help="how far deliveries are shuffled (120)",
    )
    add(
        "--late",
        type=float,
        default=0.02,
        metavar="SHARE",
        help="share that comes hours late (0.02)",
    )
    add("--connections", type=int, default=32, metavar="N", help="connections at once (32)")
    add(
        "--persist",
        action="store_true",
        help="never give a delivery up, as Shopify does after eight retries",
    )
    add("--books", metavar="FILE", help="write what the figures must be, as JSON")


async def run(settings: Settings, options: argparse.Namespace) -> int:
    """Exit status 1 when a delivery was given up."""
    told = SimulateOptions(
        url=options.url or f"http://127.0.0.1:{settings.port}/api/webhook",
        secret=options.secret.encode() if options.secret else settings.shopify_api_secrets[-1],
        seed=options.seed,
        domains=tuple(options.domain),
        currency=options.currency,
        zone=options.timezone,
        taxes_included=options.taxes_included,
        days=options.days,
        orders_per_day=options.orders_per_day,
        rate=options.rate,
        time_scale=options.time_scale,
        repeat=options.repeat,
        shuffle=options.shuffle,
        late=options.late,
        connections=options.connections,
        persist=options.persist,
        books_path=Path(options.books) if options.books else None,
    )
    report = await simulate(told, (lambda _: None) if options.json else _note)
    if options.json:
        print_json(report)
    else:
        out.print(
            f"{report.accepted} deliveries of {', '.join(report.shops)} accepted in {report.seconds:.1f} s; "
            f"{report.retried} retried, {report.gave_up} given up."
        )
    return 0 if report.ok else 1


def _note(report: DeliveryReport) -> None:
    if os.isatty(2):
        err.print(f"{report.accepted} accepted, {report.waiting} waiting", end="\r")
