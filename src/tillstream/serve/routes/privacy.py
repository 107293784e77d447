"""What the law asked of the account's stores, and the proof that it was done."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from tillstream.mirror.merge import Store
from tillstream.mirror.person import record_of
from tillstream.serve.context import SignedIn, parse_id
from tillstream.serve.problems import NOT_FOUND, ProblemFound, answers
from tillstream.shops import privacy

if TYPE_CHECKING:
    from tillstream.foundation.database import Connection
    from tillstream.shops.privacy import Request

router = APIRouter(prefix="/api/privacy", tags=["privacy"])

_DONE: Final[dict[privacy.Kind, str]] = {
    "customers/data_request": "What is kept of the customer was gathered for them.",
    "customers/redact": (
        "The customer's personal data was removed from orders, checkouts, customers, the live feed and "
        "the deliveries that are kept. Ids and amounts stay, so figures are what they were."
    ),
    "shop/redact": "Everything that was kept of the store was removed, its secrets included.",
    "erasure": "Everything that was kept of the store was removed, its secrets included.",
}


class PrivacyReceipt(BaseModel):
    """What was done, and when."""

    id: str
    kind: privacy.Kind
    store: str = Field(description="The shop's domain.")
    customer: str | None
    received_at: datetime
    due_at: datetime
    done_at: datetime
    done: str = Field(description="What was done, in a sentence.")
    counts: dict[str, int] = Field(
        examples=[{"customers": 1, "orders": 3, "deliveries": 14}],
        description="How many of each were concerned; `deliveries` are those kept for replay.",
    )


class PrivacyRequest(BaseModel):
    """A request that the law makes."""

    id: str
    kind: privacy.Kind = Field(
        description="Shopify's topic; `erasure` is the end of the time after uninstalling."
    )
    store: str = Field(description="The shop's domain.")
    customer: str | None = Field(description="The customer's id, if it is about one who has one.")
    received_at: datetime
    due_at: datetime = Field(description="30 days after it came.")
    done_at: datetime | None
    problem: str | None = Field(description="Why it cannot be done, if it cannot.")
    receipt: PrivacyReceipt | None


class PrivacyRequests(BaseModel):
    """The requests, the latest first."""

    requests: list[PrivacyRequest]


class CustomerFile(BaseModel):
    """All that is kept of a customer, for them."""

    store: str
    customer: str | None
    requested_at: datetime
    made_at: datetime
    customers: list[dict[str, Any]]
    orders: list[dict[str, Any]] = Field(description="With their lines and refunds.")
    checkouts: list[dict[str, Any]]
    deliveries: list[dict[str, Any]] = Field(description="When Shopify told of them.")


@router.get("/requests", responses=answers(401, 403))
async def list_privacy_requests(visit: SignedIn) -> PrivacyRequests:
    """What Shopify passed on of people's rights, the latest 200. Takes the role owner."""
    async with visit.transaction("owner") as connection:
        found = await privacy.list_requests(connection, visit.tenant_id)
    return PrivacyRequests(requests=[_shown(one) for one in found])


@router.get("/requests/{id}/receipt", responses=answers(401, 403, 404))
async def get_privacy_receipt(id: str, visit: SignedIn, response: Response) -> PrivacyReceipt:  # noqa: A002
    """The proof that a request was done. Takes the role owner."""
    async with visit.transaction("owner") as connection:
        request = await _known(connection, visit, id)
        receipt = _receipt(request)
        if receipt is None:
            raise ProblemFound(NOT_FOUND, "This request is not done yet.")
        await visit.note(
            connection, "privacy.receipt_downloaded", subject=request.domain, detail={"request": id}
        )
    _as_file(response, f"receipt-{request.id}.json")
    return receipt


@router.get("/requests/{id}/file", responses=answers(401, 403, 404))
async def get_customer_file(id: str, visit: SignedIn, response: Response) -> CustomerFile:  # noqa: A002
    """The customer's record, for a request of kind `customers/data_request`. Takes the role owner.

    It is made when it is fetched: nothing is kept twice, and what was forgotten since is not in it. Each
    download is in the audit log.
    """
    async with visit.transaction("owner") as connection:
        request = await _known(connection, visit, id)
        if request.kind != "customers/data_request" or request.problem is not None:
            raise ProblemFound(NOT_FOUND, "This request asks for no file.")
        store = Store(request.tenant_id, request.store_id)
        record = await record_of(connection, store, request.marks)
        await visit.note(
            connection, "privacy.file_downloaded", subject=request.domain, detail={"request": id}
        )
    _as_file(response, f"customer-data-{request.id}.json")
    return CustomerFile(
        store=request.domain,
        customer=_customer(request),
        requested_at=request.received_at,
        made_at=visit.context.clock(),
        **record,
    )


async def _known(connection: Connection, visit: SignedIn, text: str) -> Request:
    number = parse_id(text)
    found = (
        None if number is None else await privacy.find_request(connection, visit.tenant_id, number)
    )
    if found is None:
        raise ProblemFound(NOT_FOUND, "There is no such request in this account.")
    return found


def _as_file(response: Response, name: str) -> None:
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"


def _customer(request: Request) -> str | None:
    return None if request.customer_id is None else str(request.customer_id)


def _receipt(request: Request) -> PrivacyReceipt | None:
    if request.done_at is None or request.receipt is None:
        return None
    return PrivacyReceipt(
        id=str(request.id),
        kind=request.kind,
        store=request.domain,
        customer=_customer(request),
        received_at=request.received_at,
        due_at=request.due_at,
        done_at=request.done_at,
        done=_DONE[request.kind],
        counts=dict(request.receipt.get("counts", {})),
    )


def _shown(request: Request) -> PrivacyRequest:
    return PrivacyRequest(
        id=str(request.id),
        kind=request.kind,
        store=request.domain,
        customer=_customer(request),
        received_at=request.received_at,
        due_at=request.due_at,
        done_at=request.done_at,
        problem=request.problem,
        receipt=_receipt(request),
    )
