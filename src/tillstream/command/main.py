"""The ``tillstream`` command: one is run, and its status is the process's."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Final

from tillstream.command import everything
from tillstream.command.bench import command as bench
from tillstream.command.command_line import parser
from tillstream.command.console import err
from tillstream.command.logs import log_to_stderr, trace_to_stderr
from tillstream.foundation.embedded.errors import EmbeddedPostgresError
from tillstream.foundation.migrate import SchemaTooNew
from tillstream.foundation.settings import SettingMissing, SettingWrong, load_settings
from tillstream.shops.refusals import Refusal

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

_SAYABLE: Final = (SettingMissing, SettingWrong, Refusal, EmbeddedPostgresError, SchemaTooNew)
"""Failures whose message is a sentence for the person at the keyboard."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its status."""
    options = parser().parse_args(arguments)
    trace_to_stderr()
    try:
        settings = load_settings(_environment(options), generate=_generates(options))
        log_to_stderr(settings.log_level)
        status = asyncio.run(options.run(settings, options))
    except _SAYABLE as error:
        err.print(f"tillstream: {error}")
        status = 1
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)


def _environment(options: argparse.Namespace) -> dict[str, str]:
    environment = dict(os.environ)
    if getattr(options, "port", None) is not None:
        environment["PORT"] = str(options.port)
    if getattr(options, "data", None) is not None:
        environment["TILLSTREAM_DATA"] = str(options.data)
    elif options.run is everything.demo and not environment.get("TILLSTREAM_DATA"):
        # Apart from what `tillstream up` keeps: a demo may be thrown away.
        environment["TILLSTREAM_DATA"] = "data/demo"
    return environment


def _generates(options: argparse.Namespace) -> bool:
    """Whether missing secrets come from the data folder: wherever the database does."""
    return not os.environ.get("DATABASE_URL") or options.run in {everything.demo, bench.run}


if __name__ == "__main__":
    main()
