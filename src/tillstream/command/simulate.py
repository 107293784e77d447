"""``tillstream simulate``: tell a story to an address as Shopify would, and leave the books behind."""

from __future__ import annotations

import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tillstream.command.console import err, out, print_json
from tillstream.simulator.simulate import SimulateOptions, shops_of, simulate
from tillstream.simulator.webhook import API_VERSION

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from tillstream.foundation.settings import Settings
    from tillstream.simulator.delivery import DeliveryReport

PURPOSE = "Deliver a pretend shop's webhooks, signed, repeated and out of order."


def register(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add = parser.add_argument
    add("--url", help="where to deliver (this installation's webhook address)")
    add("--secret", help="what signs (this installation's SHOPIFY_API_SECRET)")
    add("--seed", default="1", help="the same seed tells the same story (1)")
    _register_shops(add)
    _register_story(add)
    _register_manner(add)
    add("--books", metavar="FILE", help="write what the figures must be, as JSON")
    _register_admin(parser)


def _register_shops(add: Callable[..., object]) -> None:
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
    add(
        "--api-version",
        default=API_VERSION,
        metavar="V",
        help=f"of the bodies ({API_VERSION}); before 2026-04 they have checkout ids",
    )


def _register_story(add: Callable[..., object]) -> None:
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


def _register_manner(add: Callable[..., object]) -> None:
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


def _register_admin(parser: argparse.ArgumentParser) -> None:
    """The options of the stand-in."""
    group = parser.add_argument_group(
        "stand-in",
        "With --admin it stands in for Shopify's Admin until it is stopped, on loopback: OAuth "
        "pages, the GraphQL API, and webhooks to whoever subscribes. The app is SHOPIFY_API_KEY "
        "with SHOPIFY_API_SECRET at HOST; set TILLSTREAM_SHOPIFY_ADDRESS of that installation to "
        "the address that is printed.",
    )
    add = group.add_argument
    add("--admin", action="store_true", help="stand in for Shopify's Admin")
    add("--admin-port", type=int, default=8099, metavar="N", help="port of the stand-in (8099)")
    add("--client-id", metavar="ID", help="of the app (SHOPIFY_API_KEY, or tillstream)")
    add(
        "--token-seconds",
        type=int,
        default=3600,
        metavar="N",
        help="how long an access token lasts (3600)",
    )
    add(
        "--redact-after",
        type=float,
        default=172_800,
        metavar="SECONDS",
        help="from an uninstallation to shop/redact (172800)",
    )
    add(
        "--retry-scale",
        type=float,
        default=60.0,
        metavar="X",
        help="how much faster than Shopify a failed delivery is retried (60)",
    )


async def run(settings: Settings, options: argparse.Namespace) -> int:
    """Exit status 1 when a delivery was given up."""
    if options.admin:
        return await _stand_in(settings, options)
    report = await simulate(
        _options(settings, options), (lambda _: None) if options.json else _note
    )
    if options.json:
        print_json(report)
    else:
        out.print(
            f"{report.accepted} deliveries of {', '.join(report.shops)} accepted in {report.seconds:.1f} s; "
            f"{report.retried} retried, {report.gave_up} given up."
        )
    return 0 if report.ok else 1


def _options(settings: Settings, options: argparse.Namespace) -> SimulateOptions:
    return SimulateOptions(
        url=options.url or f"http://127.0.0.1:{settings.port}/api/webhook",
        secret=options.secret.encode() if options.secret else settings.shopify_api_secrets[-1],
        seed=options.seed,
        domains=tuple(options.domain),
        currency=options.currency,
        zone=options.timezone,
        taxes_included=options.taxes_included,
        api_version=options.api_version,
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


async def _stand_in(settings: Settings, options: argparse.Namespace) -> int:
    """Until it is stopped."""
    from tillstream.command.roles import stop_on_signals
    from tillstream.simulator.admin.consent import App
    from tillstream.simulator.admin.server import serve
    from tillstream.simulator.admin.standin import StandIn, Terms

    address = f"http://127.0.0.1:{options.admin_port}"
    terms = Terms(
        seed=str(options.seed),
        days=options.days,
        visits=(options.rate or 0.0) / max(1, len(shops_of(_options(settings, options)))),
        token_life=timedelta(seconds=options.token_seconds),
        redact_after=timedelta(seconds=options.redact_after),
        retry_scale=options.retry_scale,
    )
    standin = StandIn(shops_of(_options(settings, options)), terms, address, _mint)
    host = settings.host
    app = App(
        client_id=options.client_id or settings.shopify_api_key or "tillstream",
        name="Tillstream",
        secrets=settings.shopify_api_secrets,
        app_url=f"{host}/api/auth/install",
        redirect_uris=(f"{host}/api/auth/callback",),
        webhook_url=options.url or f"{host}/api/webhook",
    )
    standin.consent.apps[app.client_id] = app

    def ready() -> None:
        # A line on its own, whole: whoever started this waits for it.
        print(f"Pretended Shopify ready at {address}", flush=True)

    await serve(standin, options.admin_port, stop_on_signals(), ready)
    return 0


def _mint() -> str:
    return secrets.token_hex(16)


def _note(report: DeliveryReport) -> None:
    if os.isatty(2):
        err.print(f"{report.accepted} accepted, {report.waiting} waiting", end="\r")
