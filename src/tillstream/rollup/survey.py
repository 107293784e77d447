"""Going through a whole store, level by level, and finding whatever is not what it is made of.

Each level is held against the one below it as that is stored, so a fault is found where it is: the
mirror against the journal, its rows against their elements and the stock against those here, the
ledger against the mirror in ``survey_ledger.py`` and ``survey_checkouts.py``, every sum against the
ledger in ``survey_sums.py``, and what is known of customers in ``survey_customers.py``. Nothing is
written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillstream.foundation.database import set_tenants
from tillstream.mirror import absorption, projections
from tillstream.rollup.findings import Difference, Findings
from tillstream.rollup.progress import Progress, unheard
from tillstream.rollup.stock import wrong_stock
from tillstream.rollup.survey_checkouts import survey_checkouts
from tillstream.rollup.survey_customers import survey_customers
from tillstream.rollup.survey_ledger import Ledger, survey_orders, survey_orphans
from tillstream.rollup.survey_sums import changes_of_days, survey_breakdown, survey_sums

if TYPE_CHECKING:
    from datetime import datetime

    from tillstream.foundation.database import Connection
    from tillstream.mirror.merge import Store
    from tillstream.rollup.zones import Profile


async def survey(  # noqa: PLR0913 - the store and how it is looked at
    connection: Connection,
    store: Store,
    domain: str,
    profile: Profile,
    now: int,
    *,
    since: datetime | None = None,
    progress: Progress = unheard,
) -> Findings:
    """Find everything that disagrees in a store.

    Args:
        connection: of the worker role, in a repeatable-read transaction, or one that holds the
            store's lock: all has to be of one moment.
        store: which.
        domain: its name, for the differences.
        profile: what its figures should be made with.
        now: µs since the epoch, for what has become abandoned.
        since: also read the journal, from then on.
        progress: is told from time to time.
    """
    await set_tenants(connection, [store.tenant_id])
    findings = Findings(store, domain, profile.timezone)
    if since is not None:
        await _survey_journal(connection, findings, since, progress)
    await _survey_rows(connection, findings)
    await _survey_stock(connection, findings)
    ledger = Ledger(findings, profile)
    await survey_orders(connection, ledger, progress)
    await survey_orphans(connection, ledger)
    await survey_checkouts(connection, ledger, now, progress)
    await survey_sums(connection, findings)
    await survey_breakdown(connection, findings)
    await survey_customers(connection, findings)
    findings.changes = await changes_of_days(connection, store, ledger.figures)
    return findings


async def _survey_journal(
    connection: Connection, findings: Findings, since: datetime, progress: Progress
) -> None:
    async for kept in absorption.unabsorbed(connection, findings.store, findings.domain, since):
        findings.deliveries = kept.deliveries
        progress("deliveries", kept.deliveries)
        findings.missing += kept.missing
        for one in kept.missing:
            order_id = one.order_id
            delivery = one.arrived.delivery
            told = f"what {delivery.topic} {delivery.webhook_id} tells"
            where = f"{one.change.resource} {one.change.key}"
            named = None if order_id is None else str(order_id)
            findings.add([Difference("journal", where, "", "without", told, order=named)])


async def _survey_rows(connection: Connection, findings: Findings) -> None:
    async for one in projections.mismatches(connection, findings.store):
        findings.rows[one.resource].add(one.key)
        named = str(one.key) if one.resource == "order" else None
        where = f"{one.table} of {one.resource} {one.key}"
        findings.add([Difference("mirror", where, one.column, one.stored, one.wanted, order=named)])


async def _survey_stock(connection: Connection, findings: Findings) -> None:
    for one in await wrong_stock(connection, findings.store):
        findings.stock.add(one.product_id)
        where = f"variant {one.variant_id} of product {one.product_id}"
        if one.stored is None or one.wanted is None:
            here = "missing" if one.stored is None else "present"
            there = "missing" if one.wanted is None else "present"
            findings.add([Difference("stock", where, "", here, there)])
            continue
        findings.add(
            Difference("stock", where, column, str(a), str(b))
            for column, a, b in zip(("on_hand", "cost"), one.stored, one.wanted, strict=True)
            if a != b
        )
