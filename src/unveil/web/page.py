"""The page that shows heads. It is self-contained and fetches nothing; what it shows is embedded in it."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from unveil.storage.files import json_text
from unveil.web.identity import identities
from unveil.web.results import ShownHead

PLACE = '{"mode":"view","heads":[]}'  # in the page, of what it shows


def page_of(heads: Iterable[ShownHead], *, beside: bool = False) -> str:
    """The page with these heads embedded; it shows the first, or the first two side by side."""
    heads = list(heads)
    content = {"mode": "view", "heads": [_head_content(head) for head in heads], "beside": beside}
    return page_with(content | {"identity": identities({head.model for head in heads})})


def page_with(content: Mapping[str, Any]) -> str:
    """The page with the content that ``viewer/src/content.ts`` describes."""
    before, after = _template()
    # A "<" in a name must not end the script that holds it.
    return before + json_text(content, indent=None).replace("<", "\\u003c") + after


def _head_content(head: ShownHead) -> dict[str, Any]:
    return {
        "name": head.name,
        "glb": data_address("application/gzip", gzip.compress(head.glb, mtime=0)),  # half as large
        "facts": dict(head.facts),
        "picture": head.picture and data_address("image/jpeg", head.picture),
        "files": {},
        "lit": {part: data_address("image/jpeg", picture) for part, picture in head.lit.items()},
    }


def data_address(kind: str, content: bytes) -> str:
    """A file as a data URL."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def content_policy(page: str) -> str:
    """The Content-Security-Policy of a page of ours: its own script and style, and nothing of others."""
    hashes = {kind: _sha256(page.rpartition(f"<{kind}>")[2].partition(f"</{kind}>")[0]) for kind in ("script", "style")}
    return (
        f"default-src 'none'; script-src '{hashes['script']}'; style-src '{hashes['style']}'; "
        "img-src 'self' blob: data:; connect-src 'self' blob: data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _sha256(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@lru_cache(maxsize=1)
def _template() -> tuple[str, str]:
    packed = files("unveil.web").joinpath("page.html.gz").read_bytes()
    before, after = gzip.decompress(packed).decode().split(PLACE)
    return before, after
