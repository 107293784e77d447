"""A process of its own that asks for a store's token when it is told to; see test_renewal.py."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.serve.conftest import settings_for
from tillstream.foundation.database import open_pool
from tillstream.shopify.wire import open_http
from tillstream.shops.renewal import Renewal, StoreKey
from tillstream.shops.sealing import Keyring

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


async def _main() -> None:
    told = json.loads(sys.stdin.readline())
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_for(
            Path(folder), shopify_api_key=told["id"], shopify_address=told["stand_in"]
        )
        async with open_pool(told["url"]) as pool, open_http(told["stand_in"]) as http:
            renewal = Renewal(pool, http, Keyring.from_settings(settings), settings, lambda: NOW)
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            sys.stdin.readline()
            tokens = await asyncio.gather(*(renewal.access_token(StoreKey(1, 1)) for _ in range(3)))
    sys.stdout.write("\n".join(tokens))


if __name__ == "__main__":
    asyncio.run(_main())
