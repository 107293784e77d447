"""The edge decides which calls are refused before they begin; it knows nothing of HTTP's machinery.

Refusals are decided one after the other (``Edge.refusal``): too large, from another site's page,
too often for an address or an account, too many wrong passwords. All is counted in the memory of
one process, so with several of them behind one address each grants these limits anew.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from tillstream.serve.origins import is_foreign, origin_of
from tillstream.serve.pace import Buckets, Patience, Recent, Strikes
from tillstream.serve.problems import FORBIDDEN, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tillstream.foundation.settings import Settings
    from tillstream.serve.addresses import Network

_log = logging.getLogger(__name__)

TOO_MANY: Final = Kind("too-many-requests", 429, "Too many requests")
_HEADERS_TOO_LARGE: Final = Kind("headers-too-large", 431, "Headers too large")
_ADDRESS_TOO_LONG: Final = Kind("address-too-long", 414, "Address too long")

_MOST_HEADER_BYTES: Final = 32 * 1024
_MOST_HEADERS: Final = 100
_LONGEST_ADDRESS: Final = 8 * 1024
_BURST_SECONDS: Final = 10
"""A bucket holds what may be used in so many seconds: a dashboard opens with a flurry of calls."""

# Probes of load balancers must not be turned away because everybody else is busy.
_UNLIMITED: Final = frozenset({"/healthz", "/readyz"})

REGISTER: Final = "/api/auth/register"


@dataclass(frozen=True)
class Rules:
    """What the settings allow. A number of 0 means no limit.

    rate, account_rate: calls a second by one address, and by one account;
    sign_in_attempts: wrong passwords for one account from one address before waiting begins;
    registrations: accounts made an hour from one address;
    origins: those whose pages may call, besides our own host;
    trusted: the proxies whose X-Forwarded-For is believed.
    """

    rate: int
    account_rate: int
    sign_in_attempts: int
    registrations: int
    origins: frozenset[str] = frozenset()
    trusted: Sequence[Network] = ()

    @classmethod
    def from_settings(cls, settings: Settings) -> Rules:
        """The settings' rules."""
        own = (settings.host, settings.frontend_url)
        return cls(
            rate=settings.rate,
            account_rate=settings.account_rate,
            sign_in_attempts=settings.sign_in_attempts,
            registrations=settings.registrations,
            origins=frozenset(origin_of(address) for address in own if address),
            trusted=settings.trusted_proxies,
        )


class Call(NamedTuple):
    """What is known of a call before it begins. ``account``: who its good token speaks for."""

    method: str
    path: str
    headers: Mapping[str, str]
    header_bytes: int
    address_length: int
    network: str
    account: str | None


class Refusal(NamedTuple):
    """Why a call is refused; ``wait``: seconds after which it may be tried again."""

    kind: Kind
    detail: str
    wait: float = 0.0


class Guess(NamedTuple):
    """An attempt that may turn out wrong, and what it counts against."""

    wrong: frozenset[int]
    subject: str | None
    network: str


class Edge:
    """Counts and decides."""

    def __init__(self, rules: Rules, *, room: int = 50_000) -> None:
        """Remember at most ``room`` addresses and accounts."""
        self._rules = rules
        hourly = rules.registrations
        free = rules.sign_in_attempts
        self._by_network = Buckets(rules.rate, rules.rate * _BURST_SECONDS, room=room)
        self._by_account = Buckets(
            rules.account_rate, rules.account_rate * _BURST_SECONDS, room=room
        )
        self._registrations = Buckets(hourly / 3600, hourly, room=room)
        self._letters_to = Buckets(1 / 600, 3, room=room)
        self._letters_from = Buckets(1 / 30, 30, room=room)
        # One address guessing one account's password; one account guessed from anywhere; one
        # address guessing anybody's, as with lists of leaked passwords. The second is gentle, for
        # it keeps the owner waiting too where the owner has never signed in from before.
        self._pairs = Strikes(Patience(free, 300.0, 300.0), room=room)
        self._accounts = Strikes(Patience(free * 5, 60.0, 60.0), room=room)
        self._networks = Strikes(Patience(free * 10, 300.0, 30.0), room=room)
        self._familiar: Recent[tuple[str, str], bool] = Recent(room)

    def refusal(self, call: Call, now: float) -> Refusal | None:
        """Why this call is refused, if it is; before its body was read."""
        return (
            self._is_too_large(call)
            or self._is_foreign(call)
            or self._is_too_frequent(call, now)
            or self._makes_too_many_accounts(call, now)
        )

    def _is_too_large(self, call: Call) -> Refusal | None:
        if call.header_bytes > _MOST_HEADER_BYTES or len(call.headers) > _MOST_HEADERS:
            return Refusal(_HEADERS_TOO_LARGE, "Send fewer or shorter headers.")
        if call.address_length > _LONGEST_ADDRESS:
            return Refusal(_ADDRESS_TOO_LONG, "Send a shorter path and query.")
        return None

    def _is_foreign(self, call: Call) -> Refusal | None:
        if not is_foreign(call.method, call.headers, self._rules.origins):
            return None
        return Refusal(
            FORBIDDEN,
            "Another site's page made this call. If the page is yours, set FRONTEND_URL to its origin.",
        )

    def _is_too_frequent(self, call: Call, now: float) -> Refusal | None:
        if call.path in _UNLIMITED:
            return None
        wait = self._by_network.take(call.network, now)
        if wait == 0 and call.account is not None:
            wait = self._by_account.take(call.account, now)
        return _too_many("There were too many calls in a short time.", wait) if wait > 0 else None

    def _makes_too_many_accounts(self, call: Call, now: float) -> Refusal | None:
        if call.path != REGISTER or call.method != "POST":
            return None
        wait = self._registrations.take(call.network, now)
        return _too_many("Too many accounts were made from here.", wait) if wait > 0 else None

    def asks_for_letter(self, email: str | None, network: str, now: float) -> Refusal | None:
        """Count a wish for a link by mail. Whether there is such an account makes no difference."""
        wait = self._letters_from.take(network, now)
        if wait == 0 and email is not None:
            wait = self._letters_to.take(email, now)
        return _too_many("Too many letters were asked for.", wait) if wait > 0 else None

    def begin(self, guess: Guess, now: float) -> Refusal | None:
        """Count an attempt, unless it has to wait."""
        if self._rules.sign_in_attempts <= 0:
            return None
        counts = self._counts(guess)
        wait = max(strikes.wait(key, now) for strikes, key in counts)
        if wait > 0:
            return _too_many("There were too many attempts that failed.", wait)
        for strikes, key in counts:
            strikes.strike(key, now)
        return None

    def end(self, guess: Guess, status: int, now: float) -> None:
        """Tell how an attempt came out."""
        if self._rules.sign_in_attempts <= 0:
            return
        if status in guess.wrong:
            wait = self._pairs.wait((guess.subject, guess.network), now)
            if wait > 0:
                _log.warning("sign_in_slowed", extra={"network": guess.network, "seconds": wait})
            return
        for strikes, key in self._counts(guess):
            strikes.take_back(key, now)
        if 200 <= status < 300 and guess.subject is not None:  # noqa: PLR2004
            self._pairs.forget((guess.subject, guess.network))
            self._familiar.put((guess.subject, guess.network), value=True)

    def _counts(self, guess: Guess) -> list[tuple[Strikes, object]]:
        counts: list[tuple[Strikes, object]] = [(self._networks, guess.network)]
        if guess.subject is not None:
            counts.append((self._pairs, (guess.subject, guess.network)))
            # Strangers' failures do not keep out whoever signed in from here before.
            if self._familiar.get((guess.subject, guess.network)) is None:
                counts.append((self._accounts, guess.subject))
        return counts


def _too_many(sentence: str, wait: float) -> Refusal:
    return Refusal(TOO_MANY, f"{sentence} Try again in {whole_seconds(wait)} s.", wait)


def whole_seconds(wait: float) -> int:
    """Whole seconds, after which it may surely be tried again."""
    return max(1, math.ceil(wait - 1e-3))
