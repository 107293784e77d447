"""Shopify's own libraries, and the stand-in that they are run against."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.standin.process import CLIENT_ID, SECRET, PretendShopify

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


class Library:
    """A library in a process of its own: a line of JSON for each call and for each answer."""

    def __init__(self, *command: str) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, call: str, **arguments: Any) -> Any:
        """What a call gives."""
        told = self.ask(call, **arguments)
        assert "error" not in told, told
        return told["result"]

    def ask(self, call: str, **arguments: Any) -> dict[str, Any]:
        """The ``result`` of a call, or its ``error``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"call": call, "with": arguments}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"{call}: the library's process has ended"
        return json.loads(line)

    def end(self) -> None:
        """Its input ends, and so does it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=20)
        self._process.stdout.close()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PretendShopify]:
    """Two shops with ten days behind them."""
    options = ("--days", "10", "--domain", "oak-and-ash.myshopify.com")
    more = ("--domain", "second-shop.myshopify.com", "--retry-scale", "100000")
    shopify = PretendShopify(tmp_path_factory.mktemp("shopify"), *options, *more)
    shopify.start()
    try:
        yield shopify
    finally:
        shopify.stop()


@pytest.fixture
def shopify(running: PretendShopify) -> PretendShopify:
    """The same for all tests, but without the faults that an earlier one ordered."""
    running.control("mend")
    return running


@pytest.fixture(scope="session")
def python_library(running: PretendShopify) -> Iterator[Library]:
    """ShopifyAPI of the package index."""
    script = str(HERE / "python_library.py")
    library = Library(sys.executable, script, str(running.port), CLIENT_ID, SECRET.decode())
    yield library
    library.end()


@pytest.fixture(scope="session")
def node_library(running: PretendShopify) -> Iterator[Library]:
    """@shopify/shopify-api of npm."""
    if not (HERE / "node" / "node_modules").exists():
        pytest.skip("Shopify's library for Node is not installed: `make test` does it")
    found = subprocess.run(
        [str(ROOT / "scripts" / "node.sh")], capture_output=True, text=True, check=True
    )
    node = Path(found.stdout.strip()) / "node"
    script = str(HERE / "node" / "library.mjs")
    library = Library(str(node), script, str(running.port), CLIENT_ID, SECRET.decode())
    yield library
    library.end()
