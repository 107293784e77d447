"""Errors as ``application/problem+json`` (RFC 9457): one shape for everything that goes wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from tillstream.shops import refusals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MEDIA_TYPE: Final = "application/problem+json"


class FieldFault(BaseModel):
    """What is wrong with one field."""

    field: str = Field(examples=["query.from"], description="Where it stands: body, query or path.")
    detail: str = Field(examples=["Input should be a valid date"])


class StoreChoice(BaseModel):
    """A store that could be asked for."""

    id: str
    domain: str
    currency: str
    timezone: str


class Problem(BaseModel):
    """Why a call was refused."""

    model_config = ConfigDict(title="Problem")

    type: str = Field(
        examples=["urn:tillstream:problem:not-found"], description="Stable; switch on this."
    )
    title: str = Field(examples=["Not found"], description="The same for each type.")
    status: int = Field(examples=[404])
    detail: str = Field(
        examples=["There is no such store in this account."], description="A sentence for people."
    )
    errors: list[FieldFault] | None = Field(
        default=None, description="With type …:validation: the fields at fault."
    )
    choices: list[StoreChoice] | None = Field(
        default=None, description="With type …:choose-store: the stores to choose from."
    )


@dataclass(frozen=True)
class Kind:
    """A type of problem: the end of its URN, its status and its title."""

    slug: str
    status: int
    title: str


UNAUTHENTICATED: Final = Kind("unauthenticated", 401, "Not signed in")
CREDENTIALS_WRONG: Final = Kind("credentials-wrong", 401, "Wrong e-mail address or password")
FORBIDDEN: Final = Kind("forbidden", 403, "Not allowed")
NOT_FOUND: Final = Kind("not-found", 404, "Not found")
PASSWORD_WRONG: Final = Kind("password-wrong", 403, "Wrong password")
TOO_MANY_INVITATIONS: Final = Kind("too-many-invitations", 409, "Too many invitations")
LINK_INVALID: Final = Kind("link-invalid", 404, "Link not valid")
LAST_OWNER: Final = Kind("last-owner", 409, "Last owner")
MEMBER_ALREADY: Final = Kind("member-already", 409, "Member already")
EMAIL_TAKEN: Final = Kind("email-taken", 409, "E-mail address taken")
STORE_CONNECTED: Final = Kind("store-connected", 409, "Store connected already")
TOO_LARGE: Final = Kind("too-large", 413, "Request too large")
VALIDATION: Final = Kind("validation", 422, "Invalid request")
SQL_UNAVAILABLE: Final = Kind("sql-unavailable", 409, "No SQL logins here")
TOO_MANY_SQL_LOGINS: Final = Kind("too-many-sql-logins", 409, "Too many SQL logins")
WEAK_PASSWORD: Final = Kind("weak-password", 422, "Weak password")
CHOOSE_STORE: Final = Kind("choose-store", 422, "Choose one store")
UNAVAILABLE: Final = Kind("unavailable", 503, "Temporarily unavailable")
FAULT: Final = Kind("fault", 500, "Our fault")


class ProblemFound(Exception):
    """Ends a call with that problem."""

    def __init__(self, kind: Kind, detail: str, **extensions: object) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.extensions = extensions


def invalid(where: str, detail: str) -> ProblemFound:
    """The problem of one field that is wrong; ``where`` is such as ``query.from``."""
    return ProblemFound(VALIDATION, detail, errors=[{"field": where, "detail": detail}])


@dataclass(frozen=True)
class _Answer:
    kind: Kind
    where: str | None = field(default=None)


# What each refusal of shops means in HTTP, and the field of the body at fault, if it is one.
_REFUSALS: Final[Mapping[type[refusals.Refusal], _Answer]] = {
    refusals.EmailMalformed: _Answer(VALIDATION, "body.email"),
    refusals.EmailTaken: _Answer(EMAIL_TAKEN),
    refusals.WeakPassword: _Answer(WEAK_PASSWORD, "body.password"),
    refusals.CredentialsWrong: _Answer(CREDENTIALS_WRONG),
    refusals.RegistrationClosed: _Answer(FORBIDDEN),
    # Not 401: the sign-in is good, and clients renew their token on that.
    refusals.PasswordWrong: _Answer(PASSWORD_WRONG, "body.current"),
    refusals.LinkDead: _Answer(LINK_INVALID),
    refusals.MemberUnknown: _Answer(NOT_FOUND),
    refusals.MemberAlready: _Answer(MEMBER_ALREADY),
    refusals.LastOwner: _Answer(LAST_OWNER),
    refusals.TooManyInvitations: _Answer(TOO_MANY_INVITATIONS),
    refusals.InvitationUnknown: _Answer(NOT_FOUND),
    refusals.KeyUnknown: _Answer(NOT_FOUND),
    refusals.SignInUnknown: _Answer(NOT_FOUND),
    refusals.TenantUnknown: _Answer(NOT_FOUND),
    refusals.DomainMalformed: _Answer(VALIDATION, "body.domain"),
    refusals.DomainTaken: _Answer(STORE_CONNECTED),
    refusals.AlreadyConnected: _Answer(STORE_CONNECTED),
    refusals.StoreUnknown: _Answer(NOT_FOUND),
    refusals.SqlLoginUnknown: _Answer(NOT_FOUND),
    refusals.TooManySqlLogins: _Answer(TOO_MANY_SQL_LOGINS),
    refusals.SqlAccessUnavailable: _Answer(SQL_UNAVAILABLE),
    refusals.TimezoneUnknown: _Answer(VALIDATION, "body.timezone"),
    refusals.CurrencyMalformed: _Answer(VALIDATION, "body.currency"),
}


def problem_body(kind: Kind, detail: str, **extensions: object) -> dict[str, object]:
    """The JSON of a problem."""
    return {
        "type": f"urn:tillstream:problem:{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        **extensions,
    }


def problem_response(kind: Kind, detail: str, **extensions: object) -> Response:
    """A problem as an answer."""
    headers = {"Cache-Control": "no-store"}
    if kind.status == HTTPStatus.UNAUTHORIZED and kind is UNAUTHENTICATED:
        headers["WWW-Authenticate"] = 'Bearer realm="tillstream"'
    if kind.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = "1"
    return JSONResponse(
        problem_body(kind, detail, **extensions),
        status_code=kind.status,
        headers=headers,
        media_type=MEDIA_TYPE,
    )


def answer_with_problems(app: FastAPI) -> None:
    """Give every error of ``app`` the one shape."""
    app.add_exception_handler(ProblemFound, _on_problem)
    app.add_exception_handler(refusals.Refusal, _on_refusal)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_fault)


def _on_problem(_request: Request, error: Exception) -> Response:
    if not isinstance(error, ProblemFound):
        raise error
    return problem_response(error.kind, error.detail, **error.extensions)


def _on_refusal(_request: Request, error: Exception) -> Response:
    answer = _REFUSALS.get(type(error)) if isinstance(error, refusals.Refusal) else None
    if answer is None:
        raise error
    if answer.where is None:
        return problem_response(answer.kind, str(error))
    faults = [{"field": answer.where, "detail": str(error)}]
    return problem_response(answer.kind, str(error), errors=faults)


def _on_invalid(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    faults = field_faults(error.errors())
    first = faults[0] if faults else {"field": "body", "detail": "It cannot be read."}
    return problem_response(VALIDATION, f"{first['field']}: {first['detail']}", errors=faults)


def field_faults(errors: Sequence[Any]) -> list[dict[str, str]]:
    """Pydantic's errors as field and sentence, without the values (they may be secrets)."""
    return [
        {
            "field": ".".join(str(part) for part in error.get("loc", ())) or "body",
            "detail": str(error.get("msg", "is not valid")).removeprefix("Value error, "),
        }
        for error in errors
    ]


def _on_http(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    title = HTTPStatus(error.status_code).phrase
    slug = title.lower().replace(" ", "-")
    response = problem_response(Kind(slug, error.status_code, title), _sentence(error))
    response.headers.update(error.headers or {})
    return response


def _sentence(error: HTTPException) -> str:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return "There is nothing at this address."
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return "This address does not know that method."
    return f"{error.detail}."


def _on_fault(_request: Request, _error: Exception) -> Response:
    # The server's log has the exception; the caller learns nothing of our insides.
    return problem_response(FAULT, "Something went wrong here. It was logged; please try again.")


_MEANINGS: Final[Mapping[int, str]] = {
    401: "Not signed in, or no longer.",
    403: "The user's role does not allow it.",
    404: "No such thing in this account.",
    409: "It conflicts with what is there.",
    413: "The body is larger than this call takes.",
    422: "What was sent cannot be right; `errors` names the fields, `choices` the stores to choose from.",
    503: "Not available at the moment; try again after `Retry-After` seconds.",
}


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a call may answer, for its documentation."""
    return {
        status: {
            "description": _MEANINGS[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }
