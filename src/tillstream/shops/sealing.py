"""Secrets at rest: AES-256-GCM, bound to the place they belong to, under a key that can rotate.

A sealed value is ``version (1 byte) | key id (4) | nonce (12) | ciphertext and tag``. The place
is authenticated but not stored, so a value copied into another row or column does not open.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tillstream.foundation.keyfile import KeyFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tillstream.foundation.settings import Settings

SecretField = Literal["api_secret", "access_token", "refresh_token"]

_VERSION: Final = b"\x01"
_KEY_ID_BYTES: Final = 4
_NONCE_BYTES: Final = 12
_HEADER_BYTES: Final = len(_VERSION) + _KEY_ID_BYTES + _NONCE_BYTES


class Unsealable(RuntimeError):
    """A sealed value that none of the keys opens here: restore the key it was sealed with."""


class Keyring:
    """The key that seals, and the older ones that still open.

    ``keys`` maps a 4-byte key id to 32 bytes; ``current`` is the id of the one that seals. Where the
    keys are in a file (``source``), the ring follows it: what is sealed is sealed with the key that
    is current then, and a key it has known is never forgotten, because a value that was read a
    moment ago may have been sealed with it.
    """

    def __init__(self, masters: Sequence[bytes], source: KeyFile | None = None) -> None:
        """Of these installation keys, the current one first."""
        self.keys: dict[bytes, bytes] = {}
        self._source = source
        # Asked before the keys are: a file that changes in between is read once more, not missed.
        self._stamp = (0, 0)
        self.current = self._learn(masters)

    @classmethod
    def of(cls, master: bytes, *older: bytes) -> Keyring:
        """A keyring whose keys are derived from installation keys, the current one first."""
        return cls((master, *older))

    @classmethod
    def from_settings(cls, settings: Settings) -> Keyring:
        """The keyring of this installation."""
        source = None if settings.key_file is None else KeyFile(settings.key_file)
        return cls((settings.key, *settings.old_keys), source)

    def seal(
        self, secret: bytes, place: bytes, random: Callable[[int], bytes] = os.urandom
    ) -> bytes:
        """``secret`` sealed for ``place``. ``random`` gives the nonce and must never repeat."""
        self.follow()
        nonce = random(_NONCE_BYTES)
        sealed = AESGCM(self.keys[self.current]).encrypt(nonce, secret, place)
        return _VERSION + self.current + nonce + sealed

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """The secret that was sealed for ``place``.

        Raises:
            Unsealable: if it was altered, belongs elsewhere, or its key is not on the ring.
        """
        key_id = key_id_of(sealed)
        if key_id not in self.keys:
            self.follow()
        key = self.keys.get(key_id)
        if sealed[: len(_VERSION)] != _VERSION or key is None:
            message = "A stored secret was sealed with a key that TILLSTREAM_KEY does not give."
            raise Unsealable(message)
        nonce = sealed[_HEADER_BYTES - _NONCE_BYTES : _HEADER_BYTES]
        try:
            return AESGCM(key).decrypt(nonce, sealed[_HEADER_BYTES:], place)
        except (InvalidTag, ValueError) as error:
            message = "A stored secret was altered, or belongs to another store."
            raise Unsealable(message) from error

    def follow(self) -> None:
        """Take note of the file's keys if it was replaced since."""
        if self._source is None:
            return
        stamp = self._source.stamp()
        if stamp in {self._stamp, (0, 0)}:
            return
        keys = self._source.keys()
        if keys:
            self.current = self._learn(keys)
            self._stamp = stamp

    def _learn(self, masters: Sequence[bytes]) -> bytes:
        """Add keys; returns the id of the first."""
        derived = [_derive(master) for master in masters]
        self.keys.update((_key_id(key), key) for key in derived)
        return _key_id(derived[0])


def key_id_of(sealed: bytes) -> bytes:
    """Which key a value was sealed with."""
    return sealed[len(_VERSION) : len(_VERSION) + _KEY_ID_BYTES]


def store_place(store_id: int, secret: SecretField) -> bytes:
    """Where a store's secret belongs. Store ids are unique across tenants."""
    return f"shops.stores/{store_id}/{secret}".encode()


def app_place(app_key: str, secret_id: int) -> bytes:
    """Where a secret of an app belongs."""
    return f"shops.app_secrets/{app_key}/{secret_id}".encode()


def _derive(master: bytes) -> bytes:
    # The installation key also derives database logins; HKDF keeps the two uses apart.
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"tillstream sealing 1")
    return hkdf.derive(master)


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"tillstream key id" + key).digest()[:_KEY_ID_BYTES]
