"""SQL for merchants: logins to the database that read the account's views and nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, StringConstraints

from tillstream.serve.context import SignedIn, parse_id
from tillstream.serve.models import Id
from tillstream.serve.problems import answers
from tillstream.shops import sql_access
from tillstream.shops.refusals import SqlLoginUnknown
from tillstream.shops.sql_access import DatabaseAddress, SqlLogin

router = APIRouter(prefix="/api/sql-logins", tags=["sql"])


class NewLogin(BaseModel):
    """A login to make."""

    name: Annotated[
        str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
    ] = Field(examples=["Metabase"], description="What it is for.")


class Login(BaseModel):
    """A read-only login to the database."""

    id: Id
    name: str
    username: str = Field(examples=["tillstream_sql_7_0f3a9b21cd"])
    host: str = Field(
        examples=["db.example.com"],
        description="A path where the database is reached on the server itself only (`local`).",
    )
    port: int = Field(examples=[5432])
    database: str
    url: str = Field(description="For psql and the like; with the password when it was just made.")
    local: bool = Field(
        description="Whether it is reached on the server itself only: the operator opened no port."
    )
    created_at: datetime


class MadeLogin(Login):
    """A login that was just made."""

    password: str = Field(description="Shown this once.")


class Logins(BaseModel):
    """The account's logins."""

    logins: list[Login]
    most: int = Field(description="As many there may be.")


@router.get("", responses=answers(401, 403))
async def list_sql_logins(visit: SignedIn) -> Logins:
    """The logins, the oldest first. Takes the role owner."""
    async with visit.transaction("owner") as connection:
        logins = await sql_access.list_logins(connection, visit.tenant_id)
        address = sql_access.address_of(connection, visit.context.sql_endpoint)
    return Logins(
        logins=[Login.model_validate(_shown(login, address)) for login in logins],
        most=sql_access.MOST_LOGINS,
    )


@router.post("", status_code=201, responses=answers(401, 403, 409, 422))
async def create_sql_login(body: NewLogin, visit: SignedIn, response: Response) -> MadeLogin:
    """Make a login for psql, Metabase and the like. Takes the role owner.

    It reads the schema `merchant`: orders, order_lines, customers, checkouts, products, daily_sales,
    sales_breakdown and cohorts of this account's stores. Statements end after 30 seconds, 4
    connections at a time.
    """
    context = visit.context
    async with visit.transaction("owner") as connection:
        made = await sql_access.create_login(
            connection,
            body.name,
            user_id=visit.bearer.user_id,
            now=context.clock(),
            random=context.random,
        )
        await visit.note(connection, "sql_login.made", subject=made.login.username)
        address = sql_access.address_of(connection, context.sql_endpoint)
    response.headers["Cache-Control"] = "no-store"
    shown = _shown(made.login, address)
    shown["url"] = address.url(made.login.username, made.password)
    return MadeLogin.model_validate({**shown, "password": made.password})


@router.delete("/{id}", status_code=204, response_class=Response, responses=answers(401, 403, 404))
async def revoke_sql_login(id: str, visit: SignedIn) -> Response:  # noqa: A002
    """Revoke a login: its open sessions end, and its name is never used again. Takes the role owner."""
    number = parse_id(id)
    if number is None:
        raise SqlLoginUnknown
    async with visit.transaction("owner") as connection:
        revoked = await sql_access.revoke_login(connection, number, visit.context.clock())
        await visit.note(connection, "sql_login.revoked", subject=revoked)
    # Only now can nobody log in any more; should this fail, the worker does it.
    async with visit.context.pool.connection() as connection:
        await sql_access.drop_revoked(connection)
    return Response(status_code=204)


def _shown(login: SqlLogin, address: DatabaseAddress) -> dict[str, object]:
    return {
        "id": str(login.id),
        "name": login.name,
        "username": login.username,
        "host": address.host,
        "port": address.port,
        "database": address.database,
        "url": address.url(login.username),
        "local": address.is_local,
        "created_at": login.created_at,
    }
