"""Every operation of the OpenAPI document, called as schemathesis generates: no fault, no surprise.

Real: ``tillstream up``, over HTTP. Asserted of each answer: it is no 5xx, its status and its media type are
described, and its body has the described form. Once with nobody signed in, once as an owner. The event
stream never ends, so it is looked at by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
import schemathesis
import schemathesis.checks
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy, one_of
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks as described

from tests.isolation.told import tell
from tests.story.installation import Installation

if TYPE_CHECKING:
    from collections.abc import Generator

CHECKS: list[Any] = [
    getattr(schemathesis.checks, "not_a_server_error"),  # noqa: B009 - typed in part only
    *(
        getattr(described, name)
        for name in (
            "status_code_conformance",
            "content_type_conformance",
            "response_schema_conformance",
        )
    ),
]
EXAMPLES = 6
STREAM = "/api/live"
UNLIMITED = {
    "TILLSTREAM_RATE": "0",
    "TILLSTREAM_ACCOUNT_RATE": "0",
    "TILLSTREAM_SIGN_IN_ATTEMPTS": "0",
    "TILLSTREAM_REGISTRATIONS": "0",
}


@pytest.fixture(scope="module")
def unlimited(tmp_path_factory: pytest.TempPathFactory) -> Generator[Installation]:
    """Limits would answer 429 instead of what is to be seen."""
    one = Installation(tmp_path_factory.mktemp("schema") / "data", UNLIMITED)
    one.start()
    try:
        yield one
    finally:
        one.stop()


@pytest.mark.parametrize("signed_in", [False, True], ids=["nobody", "owner"])
def test_every_answer_is_as_described(
    unlimited: Installation, signed_in: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    schema: Any = schemathesis.openapi.from_url(f"{unlimited.url}/api/openapi.json")
    email = "schema@example.com"
    if signed_in:
        client = unlimited.account(email)
        client.post("/api/stores", json={"domain": "schema.myshopify.com"})
    calls = 0
    faults: list[str] = []
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path == STREAM:
            continue
        # Anew for each: some of them end the sign-in, or change the password.
        headers = dict(_sign_in(unlimited, email).headers) if signed_in else {}
        headers = {"Authorization": headers["authorization"]} if signed_in else {}
        try:
            calls += _call(unlimited, operation, headers)
        except Exception as error:  # noqa: BLE001 - all operations are looked at before any is blamed
            faults.append(f"{operation.label}: {error}")
    tell(capsys, f"OpenAPI, {'owner' if signed_in else 'nobody'}: {calls} generated calls")
    assert not faults, "\n\n".join(faults)
    assert calls >= 250


def _sign_in(installation: Installation, email: str) -> httpx.Client:
    return installation.sign_in(email)


def _cases(operation: Any) -> SearchStrategy[Any]:
    """Requests as described, and such as are wrong in some way where anything can be wrong."""
    right = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    if not operation.body and not any(operation.iter_parameters()):
        return right
    return one_of(right, operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))


def _call(installation: Installation, operation: Any, headers: dict[str, str]) -> int:
    calls = 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.filter_too_much,
            HealthCheck.data_too_large,
        ],
    )
    @given(case=_cases(operation))
    def run(case: Any) -> None:
        nonlocal calls
        calls += 1
        given_headers: dict[str, str] = dict(case.headers or {})
        given_headers.pop("Authorization", None)
        case.headers = given_headers | headers
        response = case.call(base_url=installation.url, allow_redirects=False, timeout=30)
        case.validate_response(response, checks=CHECKS)

    run()
    return calls


def test_the_stream_begins_as_described(unlimited: Installation) -> None:
    client = unlimited.account("stream@example.com")
    for query in ({}, {"last_event_id": "0"}, {"last_event_id": "x" * 500}):
        with client.stream("GET", STREAM, params=query) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert "event: hello" in next(text for text in answer.iter_text() if "event:" in text)
    with httpx.Client(base_url=unlimited.url) as nobody:
        answer = nobody.get(STREAM)
        assert answer.status_code == 401
        assert answer.headers["content-type"].startswith("application/problem+json")
