"""A child process of ``tillstream up``; see ``command/up.py``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tillstream.command.logs import log_to_stderr, trace_to_stderr
from tillstream.command.up import run_errand, serve_errand
from tillstream.foundation.settings import load_settings

if TYPE_CHECKING:
    from tillstream.command.up import Errand


async def _run(errand: Errand) -> None:
    environment = {
        **os.environ,
        "PORT": str(errand.port),
        "TILLSTREAM_BIND": errand.bind,
        "TILLSTREAM_DATA": errand.data,
    }
    settings = load_settings(environment, generate=True)
    log_to_stderr(settings.log_level)
    await run_errand(settings, errand)


if __name__ == "__main__":
    trace_to_stderr()
    serve_errand(_run)
