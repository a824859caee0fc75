"""The page that shows heads. It has everything in itself and fetches nothing; what it is to show is put into it."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from unveil.storage.files import json_text
from unveil.web.results import ShownHead

PLACE = '{"mode":"view","heads":[]}'  # in the page, of what it shows


def page_of(heads: Iterable[ShownHead]) -> str:
    """The page with these heads in it."""
    return page_with({"mode": "view", "heads": [_head_content(head) for head in heads]})


def page_with(content: Mapping[str, Any]) -> str:
    """The page with the content that ``viewer/src/content.ts`` describes."""
    before, after = _template()
    # A "<" in a name must not end the script that holds it.
    return before + json_text(content, indent=None).replace("<", "\\u003c") + after


def _head_content(head: ShownHead) -> dict[str, Any]:
    return {
        "name": head.name,
        "glb": base64.b64encode(head.glb).decode(),
        "facts": dict(head.facts),
        "picture": head.picture and f"data:image/jpeg;base64,{base64.b64encode(head.picture).decode()}",
        "files": {},
    }


@lru_cache(maxsize=1)
def _template() -> tuple[str, str]:
    packed = files("unveil.web").joinpath("page.html.gz").read_bytes()
    before, after = gzip.decompress(packed).decode().split(PLACE)
    return before, after
