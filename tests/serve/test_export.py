"""Lists and tables as files: who may have them, how they are told, and that all rows come.

Rows are put where a worker would put them. One store, in Tokyo and yen; 2,345 orders, whose names are
what spreadsheets would calculate.
"""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import httpx
import pyarrow.parquet as pq  # pyright: ignore[reportMissingTypeStubs]
import pytest

from tests.serve.company import audit, join, problem
from tests.serve.test_keys import make
from tillstream.serve import (
    breakdown_models,
    checkouts_models,
    customers_models,
    explain_models,
    listing,
    orders_models,
    products_models,
    sales_models,
)
from tillstream.serve.app import bare_app
from tillstream.serve.export import CUT_SHORT, ROWS_A_GROUP
from tillstream.serve.forms import as_written

if TYPE_CHECKING:
    from tests.serve.conftest import Site

MODELS = (
    breakdown_models,
    checkouts_models,
    customers_models,
    explain_models,
    orders_models,
    products_models,
    sales_models,
)
"""Where what lists and tables answer is described."""
ORDERS = 2_345
RANGE = {"from": "2026-03-01", "to": "2026-03-14"}


@pytest.fixture
async def shop(site: Site) -> tuple[Site, str]:
    """A tenant with a filled store, and its token."""
    ada = await site.register()
    await site.connect(ada["token"], "a.myshopify.com", timezone="Asia/Tokyo", currency="JPY")
    with site.owner() as owner:
        owner.execute(
            """
            INSERT INTO mirror.orders (tenant_id, store_id, id, name, email, taxes_included, test, deleted,
              processed_at, total_price, subtotal_price, total_tax, total_discounts,
              current_total_price, discount_codes, state)
            SELECT tenant_id, id, n, '=' || n || '+1, "x"' || chr(10), '+a@example.com', false, false, false,
              '2026-03-10 12:00Z'::timestamptz - n / 7 * interval '1 minute', n * 10000, 0, 0, 0,
              -n * 10000, ARRAY['@A', 'B'], '{}'
            FROM shops.stores, generate_series(1, %s) AS n
            """,
            (ORDERS,),
        )
    return site, ada["token"]


async def fetch(site: Site, token: str, path: str, **query: str) -> httpx.Response:
    accept = {"Accept": query.pop("accept")} if "accept" in query else {}
    async with site.client(token) as client:
        # What measures there are is no question about days.
        days = {} if path.startswith("measures") else RANGE
        return await client.get(f"/api/analytics/{path}", params={**days, **query}, headers=accept)


async def test_a_file_has_every_row_once(shop: tuple[Site, str]) -> None:
    site, token = shop
    answer = await fetch(site, token, "orders.csv", limit="5")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == (
        'attachment; filename="orders-2026-03-01-2026-03-14.csv"'
    )
    assert answer.headers["vary"] == "Accept"
    assert answer.headers["cache-control"] == "no-store"
    assert not answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert sorted(int(row["id"]) for row in rows) == list(range(1, ORDERS + 1))
    times = [row["processed_at"] for row in rows]
    assert times == sorted(times, reverse=True)
    first = rows[-1]
    assert first["name"] == f'\'={ORDERS}+1, "x"\n'
    assert as_written(first["name"]) == f'={ORDERS}+1, "x"\n'
    assert first["email"] == "'+a@example.com"
    assert (first["total_price"], first["current_total_price"]) == (str(ORDERS), str(-ORDERS))
    assert first["discount_codes"] == "'@A; B"
    assert first["processed_at"].endswith("+09:00")
    assert (first["test"], first["cancelled_at"]) == ("false", "")


async def test_parquet_has_types(shop: tuple[Site, str], monkeypatch: pytest.MonkeyPatch) -> None:
    site, token = shop
    monkeypatch.setattr("tillstream.serve.export.ROWS_A_GROUP", 1_000)
    answer = await fetch(site, token, "orders", accept="application/vnd.apache.parquet")
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    assert answer.headers["content-disposition"].endswith('.parquet"')
    file: Any = cast("Any", pq).ParquetFile(io.BytesIO(answer.content))
    assert file.num_row_groups == 2 + (ORDERS > 2 * listing.ROWS_AT_ONCE)
    types = {field.name: str(field.type) for field in file.schema_arrow}
    assert types["id"] == "int64"
    assert types["total_price"] == "decimal128(19, 4)"
    assert types["processed_at"] == "timestamp[us, tz=Asia/Tokyo]"
    assert types["test"] == "bool"
    rows = file.read().to_pylist()
    assert len(rows) == ORDERS
    last = rows[-1]
    assert (last["total_price"], last["current_total_price"]) == (Decimal(ORDERS), Decimal(-ORDERS))
    # Programs do not calculate: text is as it was written.
    assert last["name"] == f'={ORDERS}+1, "x"\n'
    assert last["discount_codes"] == ["@A", "B"]
    assert ROWS_A_GROUP > listing.ROWS_AT_ONCE


async def test_the_header_chooses_and_the_answer_says_so(shop: tuple[Site, str]) -> None:
    site, token = shop
    for accept, kind in (
        ("text/csv", "text/csv; charset=utf-8"),
        ("application/json;q=0.1, text/csv", "text/csv; charset=utf-8"),
        ("*/*", "application/json"),
        ("image/png", "application/json"),
    ):
        answer = await fetch(site, token, "orders", accept=accept, limit="2")
        assert answer.headers["content-type"] == kind
    refused = await fetch(site, token, "orders.csv", to="2020-01-01")
    assert problem(refused) == "validation"
    assert (await fetch(site, token, "orders.xlsx")).status_code == 404


async def test_keys_need_the_scope_for_files(shop: tuple[Site, str]) -> None:
    site, token = shop
    reading = (await make(site, token, "analytics"))["key"]
    taking = (await make(site, token, "exports"))["key"]
    for name in ("orders", "stats", "customers", "measures", "breakdown"):
        asked = {"by": "channel"} if name == "breakdown" else {}
        assert (await fetch(site, reading, name, **asked)).status_code == 200
        assert (await fetch(site, taking, f"{name}.csv", **asked)).status_code == 200
        for key, wrong, scope in (
            (reading, f"{name}.parquet", "exports"),
            (taking, name, "analytics"),
        ):
            answer = await fetch(site, key, wrong, **asked)
            assert problem(answer) == "forbidden"
            assert scope in answer.json()["detail"]
    by_header = await fetch(site, reading, "orders", accept="text/csv")
    assert problem(by_header) == "forbidden"


async def test_taking_people_out_is_noted(shop: tuple[Site, str]) -> None:
    site, token = shop
    viewer = await join(site, token, "vera@example.com")
    await fetch(site, viewer["token"], "orders.csv")
    await fetch(site, viewer["token"], "customers.parquet")
    await fetch(site, viewer["token"], "breakdown.csv", by="channel")
    lines = [line for line in await audit(site, token) if line["action"] == "export.made"]
    assert [(line["subject"], line["actor"], line["detail"]) for line in lines] == [
        ("customers", "vera@example.com", {"form": "parquet"}),
        ("orders", "vera@example.com", {"form": "csv"}),
    ]


async def fetch_whatever_happens(site: Site, token: str, path: str) -> httpx.Response:
    """As a client gets it: our errors stay with us."""
    transport = httpx.ASGITransport(site.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://tillstream.test") as client:
        bearer = {"Authorization": f"Bearer {token}"}
        return await client.get(f"/api/analytics/{path}", params=RANGE, headers=bearer)


async def test_a_file_ends_when_the_sign_in_does(
    shop: tuple[Site, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site, token = shop
    read = listing.read_page

    async def sign_out(*arguments: Any) -> listing.Page:
        page = await read(*arguments)
        with site.owner() as owner:
            owner.execute("UPDATE shops.sessions SET revoked_at = now()")
        return page

    monkeypatch.setattr(listing, "read_page", sign_out)
    answer = await fetch_whatever_happens(site, token, "orders.csv")
    broken = await fetch_whatever_happens(site, await site.login(), "orders.parquet")
    # Nobody takes it for the whole.
    lines = list(csv.reader(io.StringIO(answer.text, newline="")))
    assert len(lines) < ORDERS
    assert lines[-1] == [CUT_SHORT]
    with pytest.raises(Exception, match="Parquet"):
        cast("Any", pq).ParquetFile(io.BytesIO(broken.content))


# -- the description ------------------------------------------------------------------------------


def test_every_parameter_and_answer_has_an_example() -> None:
    document = bare_app().openapi()
    calls = {path: call["get"] for path, call in document["paths"].items() if "/analytics/" in path}
    assert len(calls) >= 15
    for path, call in calls.items():
        for parameter in call.get("parameters", []):
            schema = parameter["schema"]
            shown = [schema, parameter, *schema.get("anyOf", [])]
            assert any(one.get("examples") for one in shown), (path, parameter["name"])
            assert parameter.get("description") or schema.get("description"), (
                path,
                parameter["name"],
            )
        content = call["responses"]["200"]["content"]
        assert set(content) == {"application/json", "text/csv", "application/vnd.apache.parquet"}
        example = content["application/json"]["example"]
        assert "…" not in str(example), path
        name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
        model = next(getattr(module, name) for module in MODELS if hasattr(module, name))
        model.model_validate(example)
