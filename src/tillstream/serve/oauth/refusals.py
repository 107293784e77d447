"""Why the way to Shopify and back ends early, and how the browser is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from tillstream.serve.problems import UNAUTHENTICATED, Kind, problem_response

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tillstream.serve.context import Context

# What the pages are told, and what who asks for JSON is answered.
_REFUSALS: Final[Mapping[str, tuple[Kind, str]]] = {
    "state": (
        Kind("oauth-state", 403, "Not the same browser"),
        (
            "This answer of Shopify's belongs to no connection that was begun in this browser by this "
            "user within ten minutes, or it was used already. Begin again."
        ),
    ),
    "hmac": (
        Kind("oauth-signature", 401, "Signature wrong"),
        "What came back was not signed by Shopify with a secret of this app.",
    ),
    "shop": (
        Kind("oauth-shop", 422, "No shop domain"),
        "A shop's domain looks like your-shop.myshopify.com.",
    ),
    "stale": (
        Kind("oauth-stale", 403, "Too old"),
        "Shopify's answer was too old. Begin again.",
    ),
    "denied": (
        Kind("oauth-denied", 403, "Not approved"),
        "The connection was not approved in Shopify.",
    ),
    "exchange": (
        Kind("oauth-exchange", 503, "Shopify gave no token"),
        (
            "Shopify did not give a token for its code. Begin again; if it stays so, check the app's "
            "client id and secret."
        ),
    ),
    "scopes": (
        Kind("oauth-scopes", 403, "Permissions missing"),
        "Some of the permissions that Tillstream needs were not granted.",
    ),
    "taken": (
        Kind("store-connected", 409, "Store connected already"),
        (
            "The shop is connected to another account. An owner there can give you a code to take it "
            "over, or remove it."
        ),
    ),
    "forbidden": (
        Kind("forbidden", 403, "Not allowed"),
        "Connecting a store takes the role owner.",
    ),
    "app": (
        Kind("oauth-app", 404, "No such app"),
        (
            "There is no such app here, or its client id or secret is not set. The operator of this "
            "installation can set SHOPIFY_API_KEY, or add it with `tillstream app add`."
        ),
    ),
}

AFTER_USE: Final = frozenset({"exchange", "scopes", "taken"})
"""The refusals that come when the state has been used up."""


class TurnedAway(Exception):
    """The way ends here. ``shop`` is a checked domain or None; ``missing`` are scopes."""

    def __init__(self, code: str, shop: str | None = None, missing: Sequence[str] = ()) -> None:
        super().__init__(code)
        self.code = code
        self.shop = shop
        self.missing = tuple(missing)


class SignInFirst(Exception):
    """Nobody is signed in; ``path`` is where to go on afterwards."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def pages_address(context: Context) -> str:
    """Where the dashboard's pages are: here, unless the operator serves them elsewhere."""
    return context.frontend_url or ""


def redirect(address: str) -> Response:
    """On to ``address``, which is not told from where."""
    # The address that led here may hold a code: it is nobody's business.
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return RedirectResponse(address, status_code=302, headers=headers)


def explain(request: Request, context: Context, turn: TurnedAway | SignInFirst) -> Response:
    """A redirect to a page that explains it, or a problem for who asks for JSON."""
    if isinstance(turn, SignInFirst):
        if _wants_json(request):
            return problem_response(UNAUTHENTICATED, "Sign in first.")
        return redirect(f"{pages_address(context)}/sign-in?{urlencode({'next': turn.path})}")
    if _wants_json(request):
        kind, detail = _REFUSALS[turn.code]
        extensions = {"missing": list(turn.missing)} if turn.missing else {}
        return problem_response(kind, detail, **extensions)
    told = {"refused": turn.code, "shop": turn.shop or "", "missing": ",".join(turn.missing)}
    query = urlencode({name: value for name, value in told.items() if value}, safe=",")
    return redirect(f"{pages_address(context)}/stores?{query}")


def _wants_json(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    return "json" in accepted and "text/html" not in accepted
