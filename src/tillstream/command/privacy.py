"""``tillstream privacy …``: what the law asks, on the command line of whoever runs the installation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tillstream.command.console import err, out, print_json, print_table
from tillstream.command.erasing import erase_due
from tillstream.command.installation import open_database
from tillstream.foundation.clock import utc_now
from tillstream.foundation.database import connect, set_tenants
from tillstream.mirror.forgetting import put_in_force
from tillstream.mirror.merge import Store
from tillstream.mirror.person import record_of
from tillstream.mirror.redaction import person_marks
from tillstream.mirror.values import Malformed
from tillstream.rollup.apply import lock_store
from tillstream.shops import audit, privacy

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

    from tillstream.command.installation import Database
    from tillstream.foundation.settings import Settings

_ALL = (
    "SELECT tenant_id, id FROM shops.privacy_requests "
    "WHERE NOT %(open)s OR (done_at IS NULL AND problem IS NULL) ORDER BY id DESC LIMIT %(limit)s"
)


def name_a_person(parser: ArgumentParser) -> None:
    """The options by which a person of a store is named."""
    parser.add_argument("--store", required=True, metavar="D", help="the shop's domain")
    parser.add_argument("--id", type=int, metavar="N", help="the customer's id")
    parser.add_argument("--email", metavar="E", help="their e-mail address")
    parser.add_argument("--phone", metavar="P", help="their phone number")
    parser.add_argument(
        "--order",
        type=int,
        action="append",
        default=[],
        metavar="N",
        help="an order's id; repeatable",
    )


async def list_all(settings: Settings, options: Namespace) -> int:
    """``tillstream privacy list``: exit status 1 if one is overdue."""
    with open_database(settings) as database:
        async with await connect(database.admin_url) as connection:
            values = {"open": options.open, "limit": options.limit}
            keys = await (await connection.execute(_ALL, values)).fetchall()
            found = [await privacy.find_request(connection, *key) for key in keys]
    requests = [one for one in found if one is not None]
    now = utc_now()
    if options.json:
        print_json([_shown(one) for one in requests])
    else:
        print_table(
            ("Id", "Store", "What", "Customer", "Received", "Due", "Done"),
            [
                (
                    one.id,
                    one.domain,
                    one.kind,
                    one.customer_id or "",
                    f"{one.received_at:%Y-%m-%d %H:%M}",
                    f"{one.due_at:%Y-%m-%d}",
                    one.problem or (f"{one.done_at:%Y-%m-%d %H:%M}" if one.done_at else "open"),
                )
                for one in requests
            ],
            "Nobody has asked for anything.",
        )
    overdue = [o for o in requests if not o.done_at and not o.problem and o.due_at < now]
    return 1 if overdue else 0


async def erase_customer(settings: Settings, options: Namespace) -> int:
    """``tillstream privacy erase-customer``: as ``customers/redact`` does, now."""
    return await _on_person(settings, options, "customers/redact")


async def erase_store(settings: Settings, options: Namespace) -> int:
    """``tillstream privacy erase-store``: as ``shop/redact`` does, now."""
    if options.domain != options.confirm:
        err.print("Nothing of the store will be left. Say so: --confirm and its domain once more.")
        return 2
    with open_database(settings) as database:
        holders = await _holders(database, options.domain)
        if not holders:
            return 2
        requests = [await _ask(database, holder, "shop/redact", None, set()) for holder in holders]
        await erase_due(settings, database, report=_reporter(options))
        return await _tell(database, holders, requests, options)


async def export_customer(settings: Settings, options: Namespace) -> int:
    """``tillstream privacy export-customer``: the file of a data request, now."""
    marks = _marks(options)
    if marks is None:
        return 2
    with open_database(settings) as database:
        holders = await _holders(database, options.store)
        if not holders:
            return 2
        holder = next((one for one in holders if one.connected), holders[0])
        async with await connect(database.worker_url) as connection, connection.transaction():
            await set_tenants(connection, [holder.tenant_id])
            record = await record_of(connection, Store(holder.tenant_id, holder.store_id), marks)
            await audit.note(
                connection,
                holder.tenant_id,
                "privacy.file_downloaded",
                actor=audit.OPERATOR,
                subject=holder.domain,
                now=utc_now(),
            )
    told = msgspec.json.format(msgspec.json.encode({"store": holder.domain, **record}))
    _write(told, options.output)
    return 0


def _write(told: bytes, path: str | None) -> None:
    if path is None:
        sys.stdout.write(told.decode() + "\n")
    else:
        Path(path).write_bytes(told)


async def _on_person(settings: Settings, options: Namespace, kind: privacy.Kind) -> int:
    marks = _marks(options)
    if marks is None:
        return 2
    with open_database(settings) as database:
        holders = await _holders(database, options.store)
        if not holders:
            return 2
        requests = [await _ask(database, holder, kind, options.id, marks) for holder in holders]
        await erase_due(settings, database, report=_reporter(options))
        return await _tell(database, holders, requests, options)


async def _ask(
    database: Database,
    holder: privacy.Holder,
    kind: privacy.Kind,
    customer_id: int | None,
    marks: set[str],
) -> int:
    """Record a request of the operator's, in force from here on; its id."""
    now = utc_now()
    store = Store(holder.tenant_id, holder.store_id)
    async with await connect(database.worker_url) as connection, connection.transaction():
        await set_tenants(connection, [holder.tenant_id])
        await lock_store(connection, store)
        new = privacy.NewRequest(
            kind, "operator", f"operator {now.isoformat()}", now, customer_id, marks
        )
        made = await privacy.record_request(connection, holder, new)
        if made is None:
            message = "A request of this very moment was there already."
            raise RuntimeError(message)
        if kind == "customers/redact":
            await put_in_force(connection, store, marks, now)
        await audit.note(
            connection,
            holder.tenant_id,
            "privacy.requested",
            actor=audit.OPERATOR,
            subject=holder.domain,
            detail={"kind": kind, "request": str(made)},
            now=now,
        )
        return made


async def _tell(
    database: Database, holders: list[privacy.Holder], requests: list[int], options: Namespace
) -> int:
    """Say what became of requests; exit status 1 if one is not done yet."""
    told: list[privacy.Request] = []
    async with await connect(database.admin_url) as connection:
        for holder, request_id in zip(holders, requests, strict=True):
            found = await privacy.find_request(connection, holder.tenant_id, request_id)
            if found is not None:
                told.append(found)
    if options.json:
        print_json([_shown(one) for one in told])
    for one in told:
        if not options.json:
            counts: dict[str, int] = dict((one.receipt or {}).get("counts", {}))
            what = ", ".join(
                f"{number} {name.replace('_', ' ')}" for name, number in counts.items()
            )
            out.print(
                f"{one.domain}: {'done' if one.done_at else 'under way, by the worker'}"
                f"{'; ' + what if what else ''}. Receipt {one.id}."
            )
    return 0 if all(one.done_at for one in told) else 1


async def _holders(database: Database, domain: str) -> list[privacy.Holder]:
    async with await connect(database.worker_url) as connection:
        holders = await privacy.holders_of(connection, [domain])
    if not holders:
        err.print(
            f"Nobody has data of {domain}. `tillstream store list` shows the connected stores."
        )
    return holders


def _marks(options: Namespace) -> set[str] | None:
    customer = {"id": options.id, "email": options.email, "phone": options.phone}
    try:
        marks = person_marks(customer, options.order)
    except Malformed as error:
        err.print(f"tillstream: {error.detail}")
        return None
    if not marks:
        err.print("Say who: --id, --email, --phone or --order.")
        return None
    return marks


def _reporter(options: Namespace) -> Callable[[str, str, int], None]:
    def report(what: str, domain: str, number: int) -> None:
        if not options.json:
            err.print(f"{domain}: {number} {what}")

    return report


def _shown(request: privacy.Request) -> dict[str, Any]:
    return {
        "id": str(request.id),
        "kind": request.kind,
        "store": request.domain,
        "customer": None if request.customer_id is None else str(request.customer_id),
        "received_at": request.received_at,
        "due_at": request.due_at,
        "done_at": request.done_at,
        "problem": request.problem,
        "receipt": request.receipt,
    }
