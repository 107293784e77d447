"""What a test counted or measured, for whoever watches it run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def tell(capsys: pytest.CaptureFixture[str], *lines: str) -> None:
    """Write lines past pytest's capturing."""
    with capsys.disabled():
        # Not to stdout, which in a process of pytest-xdist leads nowhere.
        sys.stderr.write("\n" + "\n".join(lines) + "\n")
