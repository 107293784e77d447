"""The file of generated secrets, ``secrets.json`` in the data folder, and the keys that it holds.

It is written whole or not at all, readable by its owner alone. Running processes follow it: while the
installation key is replaced it holds the new key and, under ``TILLSTREAM_OLD_KEYS``, the one before.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEY: Final = "TILLSTREAM_KEY"
OLD_KEYS: Final = "TILLSTREAM_OLD_KEYS"


def read_secrets(file: Path) -> dict[str, str]:
    """What the file holds; empty if there is none.

    Raises:
        ValueError: if it is no JSON.
    """
    try:
        stored: dict[str, str] = json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    return stored


def write_secrets(file: Path, values: Mapping[str, str]) -> None:
    """Replace the file; after a power cut it is the old one or the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        json.dump(dict(values), handle, indent=1)
        handle.flush()
        os.fsync(handle.fileno())
    partial.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@dataclass(frozen=True)
class KeyFile:
    """The installation keys in the file of generated secrets."""

    path: Path

    def stamp(self) -> tuple[int, int]:
        """Changes whenever the file is replaced; cheap to ask for. (0, 0) where there is no file."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return (0, 0)
        return (status.st_ino, status.st_mtime_ns)

    def keys(self) -> tuple[bytes, ...]:
        """The current key, and then the older ones while they are being replaced."""
        stored = read_secrets(self.path)
        older = [one.strip() for one in stored.get(OLD_KEYS, "").split(",")]
        return tuple(bytes.fromhex(one) for one in (stored.get(KEY, ""), *older) if one)

    def replace_current(self, new: bytes) -> None:
        """Make ``new`` the current key, and keep those of before."""
        stored = read_secrets(self.path)
        older = [stored[KEY], *filter(None, [stored.get(OLD_KEYS, "")])]
        write_secrets(self.path, {**stored, KEY: new.hex(), OLD_KEYS: ",".join(older)})

    def forget_older(self) -> None:
        """Keep the current key alone."""
        stored = read_secrets(self.path)
        stored.pop(OLD_KEYS, None)
        write_secrets(self.path, stored)
