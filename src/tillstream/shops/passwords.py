"""Passwords: which are good enough, and how they are kept (argon2id)."""

from __future__ import annotations

import asyncio
import base64
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

SHORTEST: Final = 10
LONGEST: Final = 256
"""Longer ones would only let strangers make us work: argon2 reads its whole input."""

_FEWEST_DIFFERENT: Final = 5
_ROWS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "1qaz2wsx3edc4rfv5tgb",
)
_COMMON_STEMS: Final = frozenset(
    (  # noqa: SIM905
        "password passwort passw0rd p@ssw0rd p@ssword letmein welcome iloveyou admin administrator "
        "qwerty monkey dragon football baseball sunshine princess superman batman trustno1 "
        "changeme default secret master shadow abc abcd login tillstream shopify myshopify "
        "correcthorsebatterystaple"
    ).split()
)


def objection(password: str, email: str) -> str | None:
    """What is wrong with ``password`` for the user ``email``, as a sentence; None if nothing is."""
    plain = password.casefold()
    local_part = email.casefold().partition("@")[0]
    if len(password) < SHORTEST:
        return f"The password is too short: use at least {SHORTEST} characters."
    if len(password) > LONGEST:
        return f"The password is too long: use at most {LONGEST} characters."
    if plain == email.casefold() or _stem(plain) == _stem(local_part) != "":
        return "The password must not be the e-mail address or its name."
    if len(set(plain)) < _FEWEST_DIFFERENT:
        return f"The password repeats too few characters: use at least {_FEWEST_DIFFERENT} different ones."
    if _is_common(plain) or _is_run(plain):
        return "The password is one of the first that anybody would guess. Use several unrelated words."
    return None


def _stem(text: str) -> str:
    """``text`` without the digits and signs that people put around a word."""
    return text.strip("0123456789!@#$%^&*()-_=+.,?/ ")


def _base64(octets: bytes) -> str:
    """As argon2's strings have it: without padding."""
    return base64.b64encode(octets).rstrip(b"=").decode()


def _is_common(plain: str) -> bool:
    stem = _stem(plain)
    halves = {stem[: len(stem) // 2], stem[(len(stem) + 1) // 2 :]}
    return stem in _COMMON_STEMS or (len(halves) == 1 and halves <= _COMMON_STEMS)


def _is_run(plain: str) -> bool:
    """Whether it is a run over a keyboard or the alphabet, either way, also when repeated."""
    keys = "".join(key for key in plain if key.isalnum())
    tripled = [row * 3 for row in _ROWS]
    return len(keys) >= SHORTEST // 2 and any(keys in row or keys[::-1] in row for row in tripled)


@dataclass(frozen=True)
class PasswordVault:
    """Hashes and checks passwords off the event loop, at most ``width`` at a time.

    One hash takes 64 MiB (RFC 9106's second recommendation), so the width also bounds memory.
    """

    width: int = 2
    hasher: PasswordHasher = field(default_factory=PasswordHasher)

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.width, thread_name_prefix="argon2")

    @cached_property
    def _nobody(self) -> str:
        """A hash that nothing matches, as costly to check as any that was made here."""
        hasher = self.hasher
        costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
        salt, digest = (_base64(bytes(size)) for size in (hasher.salt_len, hasher.hash_len))
        return f"$argon2id$v=19${costs}${salt}${digest}"

    async def hash(self, password: str) -> str:
        """``password`` as an argon2id string with a fresh salt."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self.hasher.hash, password)

    async def matches(self, password: str, stored: str | None) -> bool:
        """Whether ``stored`` was made from ``password``.

        With None (nobody has that name) it does the same work and says no, so that the time taken
        does not tell who has an account.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._check, password, stored)

    def _check(self, password: str, stored: str | None) -> bool:
        try:
            self.hasher.verify(self._nobody if stored is None else stored, password)
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False
        return stored is not None
