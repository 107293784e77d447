"""The pretended Shopify in a process of its own, as a person runs it: ``tillstream simulate --admin``."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from tests.story.installation import free_port

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CLIENT_ID = "a-client-id"
SECRET = b"the secret of the app that is pretended to be registered"


class PretendShopify:
    """Listens on a port of its own once started."""

    def __init__(
        self, folder: Path, *options: str, environment: Mapping[str, str] | None = None
    ) -> None:
        """Nothing runs before ``start``; ``folder`` holds its log."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / "shopify.log"
        self._options = options
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("TILLSTREAM", "SHOPIFY"))},
            "SHOPIFY_API_KEY": CLIENT_ID,
            "SHOPIFY_API_SECRET": SECRET.decode(),
            "TILLSTREAM_DATA": str(folder),
            **(environment or {}),
        }
        self._process: subprocess.Popen[str] | None = None
        self._client = httpx.Client(timeout=20)

    def start(self) -> None:
        """Return when it listens."""
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tillstream.command.main", "simulate", "--admin"),
                    *("--admin-port", str(self.port), *self._options),
                ],
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert "ready" in line, self._log.read_text()[-4000:]

    def stop(self) -> None:
        """As Ctrl-C does."""
        self._client.close()
        process = self._process
        if process is not None and process.stdout is not None:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=20)
            process.stdout.close()

    def control(self, what: str, **body: Any) -> dict[str, Any]:
        """Make it do something; what it answers."""
        answer = self._client.post(f"{self.url}/control/{what}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def state(self) -> dict[str, Any]:
        """Everything but secrets."""
        return self._client.get(f"{self.url}/control").json()

    def installations(self, shop: str) -> list[dict[str, Any]]:
        """What is installed on a shop."""
        return self.state()["shops"][shop]["installations"]

    def address(self, shop: str) -> str:
        """The base of a shop's Admin."""
        return f"{self.url}/{shop}"

    def here(self, address: str) -> str:
        """An address at a shop's own domain, as it is reached on this machine."""
        parts = urlsplit(address)
        return f"{self.url}/{parts.netloc}{parts.path}?{parts.query}"

    def answer(self, address: str, *, agree: bool = True) -> str:
        """Go where an app sends the merchant, and agree there (or not); where that leads."""
        page = self._client.get(address)
        if page.status_code == 302:
            return page.headers["location"]
        assert page.status_code == 200, page.text
        form = form_of(page.text, agree=agree)
        answered = self._client.post(
            f"{address.partition('/admin/')[0]}/admin/oauth/approve", data=form
        )
        assert answered.status_code == 302, answered.text
        return answered.headers["location"]


def form_of(page: str, *, agree: bool) -> dict[str, str]:
    """The fields of the form with which the merchant agrees, or of the other one."""
    forms = [
        dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', part))
        for part in page.split("<form")[1:]
    ]
    wanted = "yes" if agree else "no"
    fields = next(form for form in forms if form.get("answer") == wanted)
    return {unescape(name): unescape(value) for name, value in fields.items()}


def query_of(address: str) -> list[tuple[str, str]]:
    """The parameters of an address, decoded."""
    return parse_qsl(urlsplit(address).query, keep_blank_values=True)
