"""The built dashboard as static files, held in memory: what is not in the list does not exist."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from fastapi.responses import HTMLResponse, Response

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

    from fastapi import Request

_INDEX: Final = "index.html"
_ASSETS: Final = "assets/"
_SMALLEST_COMPRESSED: Final = 1024
_COMPRESSIBLE: Final = ("text/", "application/json", "application/javascript", "image/svg+xml")

_NOT_BUILT: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Tillstream</title>
<h1>The dashboard is not built</h1>
<p>The API works. To have the dashboard here as well, run <code>make web</code> in the source folder
and start Tillstream again. Released packages contain it.</p>
<p><a href="/api/openapi.json">The API's description</a></p>
</html>
"""


@dataclass(frozen=True)
class Page:
    """One file: its bytes, plain and compressed, and what to call them."""

    body: bytes
    compressed: bytes | None
    media_type: str
    etag: str
    lasting: bool
    """Whether its name changes with its content, so that it can be kept for ever."""


def read_site(folder: Traversable) -> dict[str, Page]:
    """Every file below ``folder`` by its path; empty if there is no such folder."""
    if not folder.is_dir():
        return {}
    return {path: _page(path, file.read_bytes()) for path, file in _files(folder, "")}


@cache
def packaged_site() -> Mapping[str, Page]:
    """The dashboard that this package was built with, read once; empty if it was built without."""
    return read_site(resources.files("tillstream.serve") / "static")


def _files(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for entry in folder.iterdir():
        path = prefix + entry.name
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            found.extend(_files(entry, f"{path}/"))
        else:
            found.append((path, entry))
    return found


def _page(path: str, body: bytes) -> Page:
    media_type = mimetypes.guess_type(path)[0] or "application/octet-stream"
    if path.endswith(".js"):
        media_type = "text/javascript"
    worth_it = media_type.startswith(_COMPRESSIBLE) and len(body) >= _SMALLEST_COMPRESSED
    return Page(
        body=body,
        compressed=gzip.compress(body, mtime=0) if worth_it else None,
        media_type=media_type,
        etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        lasting=path.startswith(_ASSETS),
    )


def answer(site: Mapping[str, Page], request: Request) -> Response | None:
    """The file at the request's path, or the page that finds its own way from there.

    Returns:
        None for a file that should exist but does not: an asset of another build.
    """
    path = str(request.scope["path"]).lstrip("/") or _INDEX
    if path.startswith(_ASSETS) and path not in site:
        return None
    page = site.get(path) or site.get(_INDEX)
    if page is None:
        return HTMLResponse(_NOT_BUILT, headers={"Cache-Control": "no-cache"})
    return _send(page, request)


def _send(page: Page, request: Request) -> Response:
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if page.lasting else "no-cache",
        "ETag": page.etag,
        "Vary": "Accept-Encoding",
    }
    if page.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body = page.body
    if page.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = page.compressed
    return Response(body, headers=headers, media_type=page.media_type)
