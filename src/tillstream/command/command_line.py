"""The commands of ``tillstream`` and their options."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from tillstream.command import accounts as people
from tillstream.command import (
    admin,
    apps,
    connections,
    everything,
    privacy,
    replaying,
    simulate,
    truth,
)
from tillstream.command.bench import command as bench

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tillstream.foundation.settings import Settings

    Command = Callable[[Settings, argparse.Namespace], Coroutine[Any, Any, int]]


def parser() -> argparse.ArgumentParser:
    """Of the whole command; what is parsed has the command's function as ``run``."""
    whole = argparse.ArgumentParser(
        prog="tillstream",
        description="A real-time, multi-tenant Shopify data engine that anyone can run.",
    )
    commands = whole.add_subparsers(metavar="COMMAND", required=True)
    _add_processes(commands)
    _add_accounts(commands)
    _add_stores(commands)
    _add_apps(commands)
    _add_journal(commands)
    _add_privacy(commands)
    _add_truth(commands)
    _add_trials(commands)
    return whole


def _command(
    commands: Any, name: str, run: Command, purpose: str, *, json: bool = False
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=purpose, description=purpose)
    parser.set_defaults(run=run, json=False)
    parser.add_argument(
        "--data", metavar="DIR", help="folder of the embedded database (TILLSTREAM_DATA)"
    )
    if json:
        parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _group(commands: Any, name: str, purpose: str) -> Any:
    parser = commands.add_parser(name, help=purpose, description=purpose)
    return parser.add_subparsers(metavar="COMMAND", required=True)


def _add_processes(commands: Any) -> None:
    for name, run, purpose in (
        (
            "up",
            everything.up,
            "Run everything: database, webhooks, worker, API and dashboard on one port.",
        ),
        ("ingest", everything.ingest, "Run the webhook route alone."),
        ("serve", everything.serve, "Run the API and the dashboard alone."),
    ):
        parser = _command(commands, name, run, purpose)
        parser.add_argument("--port", type=int, help="port to listen on (PORT, 8080)")
    _command(commands, "work", everything.work, "Run a worker alone.")
    demo = _command(
        commands,
        "demo",
        everything.demo,
        "Run everything with three pretend stores and live shoppers.",
    )
    demo.add_argument("--port", type=int, help="port to listen on (PORT, 8080)")
    demo.add_argument(
        "--rate", type=float, default=90.0, help="shop events a minute over all stores (90)"
    )
    demo.add_argument(
        "--fresh", action="store_true", help="throw the demo's data away and start over"
    )
    _command(
        commands,
        "migrate",
        everything.bring_up_to_date,
        "Bring the database to the current schema.",
    )
    _command(
        commands,
        "doctor",
        everything.doctor,
        "Say what is right and wrong with this installation.",
        json=True,
    )


def _add_accounts(commands: Any) -> None:
    accounts = _group(commands, "account", "Accounts.")
    add = _command(accounts, "add", admin.account_add, "Make an account.", json=True)
    add.add_argument("email", metavar="EMAIL")
    add.add_argument("--name", default="", help="name of the person or company")
    add.add_argument(
        "--password", help="other users of this machine can see it: prefer --password-stdin"
    )
    add.add_argument(
        "--password-stdin", action="store_true", help="read the password from standard input"
    )
    _command(accounts, "list", people.account_list, "List the accounts' people.", json=True)
    password = _command(
        accounts,
        "password",
        people.account_password,
        "Print a link by which somebody chooses a new password.",
        json=True,
    )
    password.add_argument("email", metavar="EMAIL")


def _add_stores(commands: Any) -> None:
    stores = _group(commands, "store", "Connected stores.")
    _add_store_add(stores)
    audit = _command(
        stores,
        "audit",
        connections.store_audit,
        "Compare a store's webhook subscriptions with what is wanted, and restore them.",
        json=True,
    )
    audit.add_argument("--domain", required=True, metavar="D")
    transfer = _command(
        stores,
        "transfer",
        connections.store_transfer,
        "Print a code by which another account may take a store over.",
        json=True,
    )
    transfer.add_argument("--domain", required=True, metavar="D")
    listing = _command(stores, "list", admin.store_list, "List the connected stores.", json=True)
    listing.add_argument("--account", metavar="EMAIL", help="only this account's")
    remove = _command(stores, "remove", admin.store_remove, "Disconnect a store.", json=True)
    remove.add_argument("domain", nargs="?", metavar="DOMAIN")
    remove.add_argument("--domain", dest="domain", metavar="DOMAIN", default=argparse.SUPPRESS)


def _add_store_add(stores: Any) -> None:
    add = _command(stores, "add", admin.store_add, "Connect a store.", json=True)
    add.add_argument("--account", required=True, metavar="EMAIL", help="whose store it is")
    add.add_argument("--domain", required=True, metavar="D", help="its *.myshopify.com domain")
    add.add_argument(
        "--api-secret",
        metavar="S",
        help="client secret of the store's own app; - reads it from standard input",
    )
    add.add_argument(
        "--access-token", metavar="T", help="Admin API access token; - reads it from standard input"
    )
    add.add_argument("--timezone", metavar="TZ", help="IANA name, until Shopify tells it")
    add.add_argument("--currency", metavar="C", help="ISO 4217 code, until Shopify tells it")
    add.add_argument(
        "--api-key", metavar="ID", help="client id of the store's own app, for connecting by OAuth"
    )
    add.add_argument(
        "--vouch",
        action="store_true",
        help="say that the shop agrees: no other account gets it without leave",
    )


def _add_apps(commands: Any) -> None:
    _add_shopify(commands)
    group = _group(commands, "app", "Shopify apps besides the default one, and apps' secrets.")
    add = _command(group, "add", apps.app_add, "Make an app known.", json=True)
    add.add_argument("key", metavar="KEY", help="its part of the webhook address")
    add.add_argument("--client-id", required=True, metavar="ID", help="its client id at Shopify")
    add.add_argument("--name", default="", help="for people")
    add.add_argument("--scopes", default="", help="access scopes (those of SHOPIFY_SCOPES)")
    add.add_argument(
        "--secret-stdin", action="store_true", help="read its client secret from standard input"
    )
    apps.accept_secret(add)
    _command(group, "list", apps.app_list, "List the apps and what secrets they have.", json=True)
    remove = _command(group, "remove", apps.app_remove, "Refuse an app from now on.", json=True)
    remove.add_argument("key", metavar="KEY")
    _add_app_secrets(group)
    keys = _group(commands, "keys", "The key that seals stored secrets.")
    _command(keys, "rotate", apps.keys_rotate, "Seal everything anew with another key.", json=True)
    _command(keys, "status", apps.keys_status, "Say what is sealed with which key.", json=True)


def _add_shopify(commands: Any) -> None:
    shopify = _group(commands, "shopify", "What Shopify has to be told.")
    toml = _command(
        shopify,
        "toml",
        connections.shopify_toml,
        "Print the shopify.app.toml of an app, with the compliance topics.",
        json=True,
    )
    toml.add_argument("--app", default="", metavar="KEY", help="other than the default one")
    toml.add_argument("--name", default="", help="what merchants read (Tillstream)")


def _add_app_secrets(group: Any) -> None:
    held = _group(group, "secret", "An app's secrets, of which several may count at once.")
    add = _command(held, "add", apps.secret_add, "Accept one more secret.", json=True)
    add.add_argument("key", metavar="KEY", help="of the app; default for the default one")
    apps.accept_secret(add)
    retire = _command(held, "retire", apps.secret_retire, "Accept a secret no longer.", json=True)
    retire.add_argument("key", metavar="KEY")
    retire.add_argument("id", type=int, metavar="ID", help="as `tillstream app list` shows it")
    retire.add_argument(
        "--at", default="now", metavar="TIME", help="now, +90m, +1h, +2d, or a time with its zone"
    )


def _add_journal(commands: Any) -> None:
    journal = _group(commands, "journal", "What was accepted, and what became of it.")
    _command(
        journal,
        "status",
        admin.journal_state,
        "Count what was accepted, applied, parked and waits.",
        json=True,
    )
    parked = _command(
        journal,
        "parked",
        admin.journal_parked,
        "List deliveries that are held back, with the reason.",
        json=True,
    )
    parked.add_argument(
        "--unrouted", action="store_true", help="those of shops that are not connected instead"
    )
    parked.add_argument("--limit", type=int, default=100, help="how many (100)")
    parked.add_argument("--after", type=int, default=0, metavar="ID", help="go on after this id")
    release = _command(
        journal,
        "release",
        admin.journal_release,
        "Let parked deliveries be tried again.",
        json=True,
    )
    release.add_argument("ids", nargs="*", type=int, metavar="ID")
    release.add_argument("--all", action="store_true", help="all of them")


def _add_privacy(commands: Any) -> None:
    group = _group(commands, "privacy", "What the law asks about people and stores.")
    listing = _command(
        group, "list", privacy.list_all, "List the requests of all accounts.", json=True
    )
    listing.add_argument("--open", action="store_true", help="only those still to be done")
    listing.add_argument("--limit", type=int, default=200, help="how many (200)")
    erase = _command(
        group,
        "erase-customer",
        privacy.erase_customer,
        "Forget a customer of a store, as customers/redact asks.",
        json=True,
    )
    privacy.name_a_person(erase)
    export = _command(
        group,
        "export-customer",
        privacy.export_customer,
        "Write all that is kept of a customer, as JSON.",
    )
    privacy.name_a_person(export)
    export.add_argument("--output", metavar="FILE", help="where to (standard output)")
    store = _command(
        group,
        "erase-store",
        privacy.erase_store,
        "Erase all that is kept of a store, as shop/redact asks.",
        json=True,
    )
    store.add_argument("domain", metavar="DOMAIN")
    store.add_argument("--confirm", metavar="DOMAIN", help="its domain once more")


def _add_truth(commands: Any) -> None:
    verify = _command(
        commands, "verify", truth.verify, "Recompute every figure and compare.", json=True
    )
    verify.add_argument("--store", metavar="D", help="one store only")
    verify.add_argument(
        "--journal", action="store_true", help="also hold the copy against all deliveries kept"
    )
    rebuild = _command(
        commands,
        "rebuild",
        truth.rebuild,
        "Put right what `verify` finds, while deliveries keep arriving.",
        json=True,
    )
    rebuild.add_argument("--store", metavar="D", help="one store only")
    rebuild.add_argument(
        "--preview", action="store_true", help="only say what it would change, by day and measure"
    )
    rebuild.add_argument(
        "--journal",
        action="store_true",
        help="also take in what the copy lacks of the deliveries kept",
    )
    replay = _command(
        commands,
        "replay",
        replaying.replay,
        "Make a store's copy and figures anew from all deliveries that are kept.",
        json=True,
    )
    replay.add_argument("--store", required=True, metavar="D", help="the store")


def _add_trials(commands: Any) -> None:
    """Simulation and measurement; see the modules for what they do."""
    simulate.register(_command(commands, "simulate", simulate.run, simulate.PURPOSE, json=True))
    bench.register(_command(commands, "bench", bench.run, bench.PURPOSE))
