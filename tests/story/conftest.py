"""One running installation for the tests that need no disaster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.story.installation import Installation

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Generator[Installation]:
    """A running ``tillstream up``, one for each file."""
    one = Installation(tmp_path_factory.mktemp("installation") / "data")
    one.start()
    try:
        yield one
    finally:
        one.stop()
