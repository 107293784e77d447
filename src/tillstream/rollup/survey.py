"""Going through a whole store and finding whatever is not what it is made of.

Each level is held against the one below it as that is stored: the mirror's rows against their
elements, the ledger against the mirror, every sum against the ledger, and what is summed of customers
against these. So a fault is found where it is. Nothing is written.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final, LiteralString, Protocol

import msgspec

from tillstream.foundation.database import set_tenants
from tillstream.mirror import absorption, projections
from tillstream.mirror import orders as mirrored_orders
from tillstream.mirror.join import decode
from tillstream.rollup import breakdown, cohorts
from tillstream.rollup.book import Posted, Source, posted_of
from tillstream.rollup.breakdown_statements import COMPARE_BREAKDOWN
from tillstream.rollup.buckets import bucket
from tillstream.rollup.checkouts import Reference, contributions, derive
from tillstream.rollup.columns import each
from tillstream.rollup.company import Shopper
from tillstream.rollup.customers import (
    MOMENTS,
    Rank,
    Record,
    Turn,
    given,
    ranks,
    turned,
)
from tillstream.rollup.findings import Change, Difference, Findings
from tillstream.rollup.ledger_statements import COMPARE_SUMS
from tillstream.rollup.measures import ADDITIVE
from tillstream.rollup.ownership import entries_of
from tillstream.rollup.prospects import wrong_prospects
from tillstream.rollup.rhythm import FIRST, Pair, pairs
from tillstream.rollup.shopper import Placement
from tillstream.rollup.standing import Row as Standing
from tillstream.rollup.standing import row_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
    from datetime import date, datetime

    from tillstream.foundation.database import Connection
    from tillstream.mirror.merge import Store
    from tillstream.rollup.entries import Entry
    from tillstream.rollup.standing import Staged
    from tillstream.rollup.zones import Profile

_CHUNK: Final = 2000

_ORDERS: LiteralString = """
SELECT id, state::text FROM mirror.orders WHERE tenant_id = %s AND store_id = %s AND id > %s
ORDER BY id LIMIT %s
"""
# By customer: what a checkout is to its shopper's others is told of all of them at once.
_TOKENS: LiteralString = """
SELECT customer_id, token FROM mirror.checkouts WHERE tenant_id = %s AND store_id = %s
ORDER BY customer_id, token
"""
_MOMENTS: LiteralString = """
SELECT customer_id, moments::text FROM rollup.customers
WHERE tenant_id = %s AND store_id = %s AND customer_id = ANY (%s)
"""
_STANDINGS: LiteralString = """
SELECT r.token, to_json(r)::text FROM rollup.checkouts AS r
WHERE r.tenant_id = %s AND r.store_id = %s AND r.token = ANY (%s)
"""
_ORPHANS: LiteralString = """
SELECT l.source, l.source_id, l.entry, l.day, l.customer_id, (extract(epoch FROM l.at) * 1000000)::bigint
FROM rollup.ledger AS l
WHERE l.tenant_id = %s AND l.store_id = %s AND NOT CASE l.source
  WHEN 'order' THEN EXISTS (
    SELECT FROM mirror.orders AS o
    WHERE o.tenant_id = l.tenant_id AND o.store_id = l.store_id AND o.id = l.source_id::bigint)
  ELSE EXISTS (
    SELECT FROM mirror.checkouts AS c
    WHERE c.tenant_id = l.tenant_id AND c.store_id = l.store_id AND c.token = l.source_id) END
ORDER BY l.source, l.source_id, l.entry
"""
_STRAYS: LiteralString = """
SELECT r.token FROM rollup.checkouts AS r
WHERE r.tenant_id = %s AND r.store_id = %s AND NOT EXISTS (
  SELECT FROM mirror.checkouts AS c
  WHERE c.tenant_id = r.tenant_id AND c.store_id = r.store_id AND c.token = r.token)
ORDER BY r.token
"""
_HOURS: LiteralString = """
SELECT hour, (extract(epoch FROM hour) * 1000000)::bigint, day FROM rollup.sums
WHERE tenant_id = %s AND store_id = %s ORDER BY hour
"""
_BY_DAY: LiteralString = f"""
SELECT day, {each("sum($)::bigint")} FROM rollup.sums
WHERE tenant_id = %s AND store_id = %s GROUP BY day
"""  # noqa: S608 - made of literals only
# Total sales as entries.total_sales has it.
_OF_CUSTOMERS: LiteralString = """
SELECT customer_id, date_trunc('month', day::timestamp)::date, entry = 'placement',
  (extract(epoch FROM at) * 1000000)::bigint, source_id::bigint,
  gross_sales - discounts - sales_reversals + shipping + taxes + duties + additional_fees
FROM rollup.ledger
WHERE tenant_id = %s AND store_id = %s AND source = 'order' AND customer_id IS NOT NULL
ORDER BY customer_id
"""
_CUSTOMERS: LiteralString = """
SELECT customer_id, orders, total_spent, (extract(epoch FROM first_order_at) * 1000000)::bigint,
  (extract(epoch FROM last_order_at) * 1000000)::bigint, moments::text, months::text
FROM rollup.customers WHERE tenant_id = %s AND store_id = %s ORDER BY customer_id
"""
_RHYTHM: LiteralString = """
SELECT day, nullif(previous_day, '-infinity'), second, orders FROM rollup.rhythm
WHERE tenant_id = %s AND store_id = %s
"""
_COHORTS: LiteralString = """
SELECT cohort, month, customers, orders, total_spent FROM rollup.cohorts
WHERE tenant_id = %s AND store_id = %s
"""
_SPREAD: LiteralString = """
SELECT dimension, bin, customers FROM rollup.spread WHERE tenant_id = %s AND store_id = %s
"""


class Progress(Protocol):
    """Is told how far a survey has come."""

    def __call__(self, what: str, done: int) -> None:
        """``what`` is counted: deliveries, orders, checkouts."""
        ...


def unheard(what: str, done: int) -> None:
    """Progress that nobody listens to."""


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
    ledger = _Ledger(findings, profile)
    await _survey_orders(connection, ledger, progress)
    await _survey_orphans(connection, ledger)
    await _survey_checkouts(connection, ledger, now, progress)
    await _survey_sums(connection, findings)
    await _survey_breakdown(connection, findings)
    await _survey_customers(connection, findings)
    findings.changes = await _changes(connection, store, ledger.figures)
    return findings


async def order_batches(
    connection: Connection, store: Store
) -> AsyncIterator[dict[Source, list[Entry]]]:
    """What a store's orders contribute, some orders at a time."""
    after = -1
    while True:
        rows = await (await connection.execute(_ORDERS, (*store, after, _CHUNK))).fetchall()
        if not rows:
            return
        after = rows[-1][0]
        yield await contributed(connection, store, dict(rows))


async def contributed(
    connection: Connection, store: Store, states: Mapping[int, str]
) -> dict[Source, list[Entry]]:
    """What orders contribute, by their elements."""
    orders = {
        (store, key): mirrored_orders.view(key, decode(state)) for key, state in states.items()
    }
    return await entries_of(connection, orders)


async def token_batches(connection: Connection, store: Store) -> AsyncIterator[list[Reference]]:
    """The tokens of a store's checkouts, some at a time; those of one customer together."""
    batch: list[Reference] = []
    current: int | None = None
    async for customer_id, token in _streamed(connection, "tokens", _TOKENS, store):
        if len(batch) >= _CHUNK and (customer_id is None or customer_id != current):
            yield batch
            batch = []
        current = customer_id
        batch.append(Reference(store, token))
    if batch:
        yield batch


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


class _Ledger:
    """The ledger as it should be, as far as it was looked at."""

    def __init__(self, findings: Findings, profile: Profile) -> None:
        self.findings = findings
        self.profile = profile
        self.figures: defaultdict[date, Counter[str]] = defaultdict(Counter)
        """Sums of every day."""
        self.gone: defaultdict[int, set[tuple[int, int]]] = defaultdict(set)
        """By customer, the orders (time and id) that should not be booked as theirs; and those that should."""
        self.come: defaultdict[int, set[tuple[int, int]]] = defaultdict(set)

    async def compare(self, connection: Connection, expected: Mapping[Source, list[Entry]]) -> None:
        """Hold entries against those that are stored of these orders or checkouts."""
        if not expected:
            return
        posted = await posted_of(connection, expected.keys())
        stored = {(one.source, one.entry.entry): one for one in posted}
        wanted = {
            (source, entry.entry): Posted(source, entry, bucket(entry.at, self.profile.timezone))
            for source, entries in expected.items()
            for entry in entries
        }
        for one in wanted.values():
            self.figures[one.bucket.day].update(one.entry.amounts)
        for key in stored.keys() | wanted.keys():
            here, there = stored.get(key), wanted.get(key)
            if here != there:
                self.findings.sources.add(key[0])
                self.findings.add(_entry_differences(key[0], key[1], here, there))
                _note_placement(self.gone, here)
                _note_placement(self.come, there)

    async def placed(self, connection: Connection) -> dict[Shopper, list[Placement]]:
        """The orders of those customers whose orders should be others than they are."""
        store = self.findings.store
        customers = sorted(self.gone.keys() | self.come.keys())
        cursor = await connection.execute(_MOMENTS, (*store, customers))
        stored = {key: set(MOMENTS.decode(moments)) for key, moments in await cursor.fetchall()}
        return {
            Shopper(store, key): [
                Placement(at, order_id)
                for at, order_id in sorted(
                    (stored.get(key, set()) - self.gone[key]) | self.come[key]
                )
            ]
            for key in customers
        }


def _note_placement(moments: defaultdict[int, set[tuple[int, int]]], posted: Posted | None) -> None:
    if posted is not None and posted.entry.entry == "placement" and posted.entry.customer_id:
        moment = (posted.entry.at, int(posted.source.source_id))
        moments[posted.entry.customer_id].add(moment)


async def _survey_orders(connection: Connection, ledger: _Ledger, progress: Progress) -> None:
    findings = ledger.findings
    async for batch in order_batches(connection, findings.store):
        await ledger.compare(connection, batch)
        findings.orders += len(batch)
        progress("orders", findings.orders)


async def _survey_checkouts(
    connection: Connection, ledger: _Ledger, now: int, progress: Progress
) -> None:
    findings = ledger.findings
    store, profiles = findings.store, {findings.store: ledger.profile}
    placed = await ledger.placed(connection)
    async for tokens in token_batches(connection, store):
        asked = {one.token for one in tokens}
        staged = [
            one
            # With each come the others of its cart, which have their own turn.
            for one in await derive(connection, tokens, [], profiles, now, placed=placed)
            if one.token in asked
        ]
        await _survey_standings(connection, findings, staged)
        await ledger.compare(connection, contributions(staged))
        findings.checkouts += len(tokens)
        progress("checkouts", findings.checkouts)


async def _survey_standings(
    connection: Connection, findings: Findings, staged: Iterable[Staged]
) -> None:
    """Whether each checkout stands where its times, and its shopper's others, put it."""
    wanted = {one.token: row_of(one) for one in staged}
    cursor = await connection.execute(_STANDINGS, (*findings.store, list(wanted)))
    stored = {
        token: msgspec.json.decode(row, type=Standing) for token, row in await cursor.fetchall()
    }
    for token, row in sorted(wanted.items()):
        if stored.get(token) == row:
            continue
        findings.tokens.add(token)
        findings.add(_standing_differences(token, stored.get(token), row))


def _standing_differences(
    token: str, stored: Standing | None, wanted: Standing
) -> Iterable[Difference]:
    where = f"checkout {token}"
    if stored is None:
        yield Difference("stages", where, "", "missing", "present")
        return
    for column in wanted.__struct_fields__:
        here, there = getattr(stored, column), getattr(wanted, column)
        if here != there:
            yield Difference("stages", where, column, _shown(here), _shown(there))


def _entry_differences(
    source: Source, entry: str, stored: Posted | None, wanted: Posted | None
) -> list[Difference]:
    one = wanted or stored
    place: dict[str, Any] = {
        "day": None if one is None else one.bucket.day.isoformat(),
        "order": source.source_id if source.source == "order" else None,
    }
    where = f"{source.source} {source.source_id} {entry}"
    if stored is None or wanted is None:
        here, there = ("missing", "present") if stored is None else ("present", "missing")
        return [Difference("ledger", where, "", here, there, **place)]
    a, b = stored.entry, wanted.entry
    pairs_ = [
        *((measure, a.amounts.get(measure, 0), b.amounts.get(measure, 0)) for measure in ADDITIVE),
        ("time", (stored.bucket, a.at), (wanted.bucket, b.at)),
        ("customer", a.customer_id, b.customer_id),
        ("facets", a.facets, b.facets),
        ("lines", a.lines, b.lines),
    ]
    return [
        Difference("ledger", where, name, _shown(here), _shown(there), **place)
        for name, here, there in pairs_
        if here != there
    ]


def _shown(value: object) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]


async def _survey_orphans(connection: Connection, ledger: _Ledger) -> None:
    """Entries and standings of orders and checkouts that the mirror does not have."""
    findings = ledger.findings
    cursor = await connection.execute(_ORPHANS, findings.store)
    for source, source_id, entry, day, customer_id, at in await cursor.fetchall():
        if entry == "placement" and customer_id is not None:
            ledger.gone[customer_id].add((at, int(source_id)))
        findings.sources.add(Source(findings.store, source, source_id))
        where = f"{source} {source_id} {entry}"
        named = source_id if source == "order" else None
        findings.add(
            [Difference("ledger", where, "", "present", "missing", day=str(day), order=named)]
        )
    cursor = await connection.execute(_STRAYS, findings.store)
    for (token,) in await cursor.fetchall():
        findings.tokens.add(token)
        findings.add([Difference("stages", f"checkout {token}", "", "present", "missing")])


async def _survey_sums(connection: Connection, findings: Findings) -> None:
    """Whether each hour has the sum of its entries, and is on its day."""
    store = findings.store
    days: dict[datetime, date] = {}
    for hour, at, day in await (await connection.execute(_HOURS, store)).fetchall():
        days[hour] = right = bucket(at, findings.timezone).day
        if day != right:
            findings.days[hour] = right
            where = hour.isoformat()
            findings.add([Difference("sums", where, "day", str(day), str(right), day=str(right))])
    cursor = await connection.execute(COMPARE_SUMS, (*store, *store))
    for hour, *values in await cursor.fetchall():
        day = days.get(hour) or bucket(_micros(hour), findings.timezone).day
        lacking = _lacking(ADDITIVE, values)
        findings.sums.append({**store._asdict(), "hour": hour, "day": day, **lacking})
        findings.add(
            Difference("sums", hour.isoformat(), measure, str(a), str(b), day=str(day))
            for measure, a, b in _named(ADDITIVE, values)
        )


async def _survey_breakdown(connection: Connection, findings: Findings) -> None:
    store = findings.store
    cursor = await connection.execute(COMPARE_BREAKDOWN, (*store, *store))
    for dimension, grain, day, value, *values in await cursor.fetchall():
        cell = {"dimension": dimension, "grain": grain, "day": day, "value": value}
        lacking = _lacking(breakdown.MEASURES, values)
        findings.breakdown.append({**store._asdict(), **cell, **lacking})
        where = f"{dimension} {value!r} {grain} {day}"
        findings.add(
            Difference("breakdown", where, measure, str(a), str(b), day=str(day))
            for measure, a, b in _named(breakdown.MEASURES, values)
        )


def _lacking(names: Sequence[str], values: Sequence[int | None]) -> dict[str, int]:
    """What has to be added to the first half of the values to get the second."""
    return {name: b - a for name, a, b in _compared(names, values)}


def _compared(names: Sequence[str], values: Sequence[int | None]) -> Iterable[tuple[str, int, int]]:
    stored, wanted = values[: len(names)], values[len(names) :]
    for name, a, b in zip(names, stored, wanted, strict=True):
        if (a or 0) != (b or 0):
            yield name, a or 0, b or 0


def _named(
    names: Sequence[str], values: Sequence[int | None]
) -> list[tuple[str, int | str, int | str]]:
    """What to say of a row: a row of nothing but zeros should not be there."""
    return [*_compared(names, values)] or [("", "present", "missing")]


async def _survey_customers(connection: Connection, findings: Findings) -> None:
    """Customers against the ledger; rhythm, cohorts, spread and prospects against the customers."""

    def day_of(at: int) -> date:
        return bucket(at, findings.timezone).day

    rhythm: Counter[Pair] = Counter()
    given_by_all: dict[tuple[date, date], cohorts.Row] = {}
    spread: Counter[Rank] = Counter()
    async for customer_id, wanted, row in _side_by_side(connection, findings.store):
        stored = (
            _NOBODY
            if row is None
            else Record(MOMENTS.decode(row[4]), cohorts.MONTHS.decode(row[5]))
        )
        rhythm.update(pairs(stored.moments, day_of))
        spread.update(ranks(stored, day_of))
        for place, added in given(stored, day_of).items():
            given_by_all[place] = cohorts.plus(given_by_all.get(place, cohorts.NOTHING), added)
        compared = _customer_compared(stored, row, wanted)
        if compared:
            findings.customers.add(customer_id)
            where = f"customer {customer_id}"
            findings.add(
                Difference("customers", where, column, str(a), str(b)) for column, a, b in compared
            )
    await _survey_rhythm(connection, findings, rhythm)
    await _survey_cohorts(connection, findings, given_by_all)
    await _survey_spread(connection, findings, spread)
    await _survey_prospects(connection, findings)


_NOBODY: Final = Record([], [])


def _customer_compared(
    stored: Record, row: Sequence[Any] | None, wanted: Record
) -> list[tuple[str, object, object]]:
    if row is None or wanted.nothing:
        here = "missing" if row is None else "present"
        there = "missing" if wanted.nothing else "present"
        return [("", here, there)] if here != there else []
    moments = wanted.moments
    columns = [
        ("orders", row[0], len(moments)),
        ("total_spent", row[1], sum(spent for _, _, spent in wanted.months)),
        ("first_order_at", row[2], moments[0][0] if moments else None),
        ("last_order_at", row[3], moments[-1][0] if moments else None),
        ("moments", stored.moments, moments),
        ("months", stored.months, wanted.months),
    ]
    return [(name, a, b) for name, a, b in columns if a != b]


async def _side_by_side(
    connection: Connection, store: Store
) -> AsyncGenerator[tuple[int, Record, Sequence[Any] | None]]:
    """Every customer: as the ledger has it, and as it is stored."""
    stored = {row[0]: row[1:] async for row in _streamed(connection, "stored", _CUSTOMERS, store)}
    async for customer_id, record in _records(connection, store):
        yield customer_id, record, stored.pop(customer_id, None)
    for customer_id, row in stored.items():
        yield customer_id, _NOBODY, row


async def _records(connection: Connection, store: Store) -> AsyncGenerator[tuple[int, Record]]:
    """Customers by their entries, one after the other."""
    turn = Turn(set(), set(), {})
    current: int | None = None
    async for row in _streamed(connection, "entries", _OF_CUSTOMERS, store):
        customer_id, month, placed, at, order_id, spent = row
        if customer_id != current:
            if current is not None:
                yield current, turned(_NOBODY, turn)
            current, turn = customer_id, Turn(set(), set(), {})
        if placed:
            turn.come.add((at, order_id))
        there = turn.months.get(month, cohorts.Activity(0, 0))
        turn.months[month] = cohorts.Activity(there.orders + placed, there.spent + spent)
    if current is not None:
        yield current, turned(_NOBODY, turn)


async def _streamed(
    connection: Connection, name: str, query: LiteralString, store: Store
) -> AsyncGenerator[tuple[Any, ...]]:
    """Rows as they are read, without holding all of them."""
    async with connection.cursor(f"survey_{name}") as cursor:
        cursor.itersize = 10_000
        await cursor.execute(query, store)
        async for row in cursor:
            yield row


async def _survey_rhythm(connection: Connection, findings: Findings, wanted: Counter[Pair]) -> None:
    cursor = await connection.execute(_RHYTHM, findings.store)
    stored = {
        Pair(day, previous or FIRST, second): orders
        for day, previous, second, orders in await cursor.fetchall()
    }
    for pair in sorted(stored.keys() | wanted.keys()):
        here, there = stored.get(pair, 0), wanted.get(pair, 0)
        if here != there or (pair in stored and not there):
            findings.rhythm[findings.store, pair] = there - here
            previous = "no day" if pair.previous_day == FIRST else str(pair.previous_day)
            where = f"orders of {pair.day} after one of {previous}{', second' * pair.second}"
            # A row of nothing should not be there.
            name, a, b = ("orders", here, there) if here or there else ("", "present", "missing")
            difference = Difference("rhythm", where, name, str(a), str(b), day=str(pair.day))
            findings.add([difference])


async def _survey_cohorts(
    connection: Connection, findings: Findings, wanted: Mapping[tuple[date, date], cohorts.Row]
) -> None:
    cursor = await connection.execute(_COHORTS, findings.store)
    stored = {
        (cohort, month): cohorts.Row(*amounts)
        for cohort, month, *amounts in await cursor.fetchall()
    }
    for place in sorted(stored.keys() | wanted.keys()):
        here = stored.get(place, cohorts.NOTHING)
        there = wanted.get(place, cohorts.NOTHING)
        if here == there and (any(there) or place not in stored):
            continue
        cohort, month = place
        findings.cohorts[findings.store, cohort, month] = cohorts.minus(there, here)
        where = f"cohort {cohort:%Y-%m} in {month:%Y-%m}"
        findings.add(
            Difference("cohorts", where, name, str(a), str(b), day=str(month))
            for name, a, b in _named(cohorts.Row._fields, [*here, *there])
        )


async def _survey_spread(connection: Connection, findings: Findings, wanted: Counter[Rank]) -> None:
    cursor = await connection.execute(_SPREAD, findings.store)
    stored = {Rank(*key): customers for *key, customers in await cursor.fetchall()}
    for rank in sorted(stored.keys() | wanted.keys()):
        here, there = stored.get(rank, 0), wanted.get(rank, 0)
        if here != there or (rank in stored and not there):
            findings.spread[findings.store, rank] = there - here
            where = f"customers of {rank.dimension} {rank.bin}"
            findings.add([Difference("spread", where, "customers", str(here), str(there))])


async def _survey_prospects(connection: Connection, findings: Findings) -> None:
    for customer_id, listed in await wrong_prospects(connection, findings.store):
        findings.prospects.add(customer_id)
        here, there = ("present", "missing") if listed else ("missing", "present")
        findings.add([Difference("prospects", f"customer {customer_id}", "", here, there)])


async def _changes(
    connection: Connection, store: Store, figures: Mapping[date, Counter[str]]
) -> list[Change]:
    """What the figures of each day are, and what they should be."""
    stored = {
        day: dict(zip(ADDITIVE, amounts, strict=True))
        for day, *amounts in await (await connection.execute(_BY_DAY, store)).fetchall()
    }
    nothing: Counter[str] = Counter()
    return [
        Change(day.isoformat(), measure, before, after)
        for day in sorted(stored.keys() | figures.keys())
        for measure in ADDITIVE
        if (before := stored.get(day, {}).get(measure, 0))
        != (after := figures.get(day, nothing)[measure])
    ]


def _micros(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000
