"""Shopify's library for Python, driven by lines of JSON: run by the tests, not collected by pytest.

    python tests/standin/python_library.py PORT CLIENT_ID SECRET

Nothing of the library is changed. It insists on https at the shop's domain; urllib, which it uses, is
told to reach that domain on this machine.
"""

from __future__ import annotations

import http.client
import json
import sys
import urllib.request
from importlib import import_module
from typing import Any

# The library has no types: whatever it gives is taken as it comes.
shopify: Any = import_module("shopify")
shop_url: Any = import_module("shopify.utils.shop_url")


def reach(port: int) -> None:
    """Take every https address to ``port`` of this machine; the Host header stays what it was."""

    class Loopback(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            def connect(_: str, **options: Any) -> http.client.HTTPConnection:
                return http.client.HTTPConnection("127.0.0.1", port, timeout=options["timeout"])

            return self.do_open(connect, req)

    urllib.request.install_opener(urllib.request.build_opener(Loopback))


def permission_url(shop: str, scopes: list[str], redirect_uri: str, state: str) -> str:
    return shopify.Session(shop, "2026-10").create_permission_url(scopes, redirect_uri, state)


def request_token(shop: str, params: dict[str, str]) -> dict[str, Any]:
    session = shopify.Session(shop, "2026-10")
    token = session.request_token(params)
    return {"token": token, "scopes": sorted(session.access_scopes)}


def graphql(shop: str, token: str, query: str, variables: dict[str, Any]) -> Any:
    with shopify.Session.temp(shop, "2026-10", token):
        return json.loads(shopify.GraphQL().execute(query, variables))


def hmacs(cases: list[dict[str, Any]]) -> list[str]:
    return [shopify.Session.calculate_hmac(case) for case in cases]


def valid(cases: list[dict[str, Any]]) -> list[bool]:
    return [bool(shopify.Session.validate_params(case)) for case in cases]


def shops(names: list[str]) -> list[str | None]:
    return [shop_url.sanitize_shop_domain(name) for name in names]


CALLS = {f.__name__: f for f in (permission_url, request_token, graphql, hmacs, valid, shops)}


def main() -> None:
    port, client_id, secret = sys.argv[1:]
    # The library prints what went wrong, where the answers go.
    answers, sys.stdout = sys.stdout, sys.stderr
    reach(int(port))
    shopify.Session.setup(api_key=client_id, secret=secret)
    for line in sys.stdin:
        call = json.loads(line)
        try:
            told = {"result": CALLS[call["call"]](**call["with"])}
        except Exception as error:  # noqa: BLE001 - whatever it is, the test is told
            told = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(told) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
