"""What may be sent in a call's query: what its route knows, and each at most once.

A misspelt filter that is passed over answers with the figures of everything, and nobody notices.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from fastapi import Depends, Request
from fastapi.routing import APIRoute

from tillstream.serve.context import SignedIn
from tillstream.serve.filters import NAMES
from tillstream.serve.problems import VALIDATION, ProblemFound, answers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fastapi.dependencies.models import Dependant

_LONGEST: Final = 60
"""Characters of a name that are shown: it may be as long as the address."""


def faults_of(sent: Sequence[str], known: frozenset[str]) -> dict[str, str]:
    """What is wrong with the parameters of these names, a sentence for each that is at fault. Pure.

    No call takes a list, so that one sent twice is one of them too many, whichever was meant.
    """
    times = Counter(sent)
    return {
        **{name: _why_unknown(name, known) for name in times if name not in known},
        **{name: "Send it once." for name in times if name in known and times[name] > 1},
    }


def _why_unknown(name: str, known: frozenset[str]) -> str:
    names = f"Known here: {', '.join(sorted(known))}." if known else "This call takes none."
    if name in NAMES:
        return f"These figures are not known by it. Leave it out. {names}"
    return f"There is no such parameter. {names}"


def _known(dependant: Dependant) -> Iterator[str]:
    """The parameters of a call and of all that it depends on, as they are spelt in addresses."""
    yield from (parameter.alias for parameter in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _known(inner)


# Who is not signed in is told that first, as by all calls.
def _only_known(request: Request, _visit: SignedIn) -> None:
    route = request.scope["route"]
    if not isinstance(route, APIRoute):
        message = "Only calls have parameters."
        raise TypeError(message)
    sent = [name for name, _ in request.query_params.multi_items()]
    faults = faults_of(sent, frozenset(_known(route.dependant)))
    if faults:
        told = [
            {"field": f"query.{name[:_LONGEST]}", "detail": detail}
            for name, detail in faults.items()
        ]
        first = told[0]
        raise ProblemFound(VALIDATION, f"{first['field']}: {first['detail']}", errors=told)


ONLY_KNOWN: Final = Depends(_only_known)
"""For routers: refuse parameters that a call does not know, and those sent twice, with 422."""


def query_answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """``answers`` of calls that are ``ONLY_KNOWN``: these statuses and 422, which says so."""
    told = answers(*statuses, 422)
    more: Mapping[str, Any] = {
        "description": f"{told[422]['description']} A parameter that the call does not know, or that "
        "is sent twice, is at fault, too."
    }
    return {**told, 422: {**told[422], **more}}
