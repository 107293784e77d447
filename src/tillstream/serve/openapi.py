"""Print the OpenAPI document: ``python -m tillstream.serve.openapi``. It needs no database."""

from __future__ import annotations

import json
import sys

from tillstream.serve.app import bare_app


def document() -> str:
    """The OpenAPI document as JSON, the same for the same code."""
    return json.dumps(bare_app().openapi(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
