"""GLB files that are read back: what would lead their readers astray is refused at once."""

import json
import struct
from collections.abc import Callable
from typing import Any

import made_up
import numpy as np
import pytest

from unveil.meshes.glb import glb_bytes
from unveil.meshes.glb_file import GlbFile

Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def head() -> bytes:
    return glb_bytes(made_up.model(), made_up.model().zero())


def changed(head: bytes, change: Change) -> bytes:
    """The file with another description."""
    (size,) = struct.unpack_from("<I", head, 12)
    document = json.loads(head[20 : 20 + size])
    change(document)
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<I4s", len(text), b"JSON") + text + head[20 + size :]
    return head[:8] + struct.pack("<I", 12 + len(body)) + body


def test_what_we_write_is_whole(head: bytes) -> None:
    file = GlbFile.parse(changed(head, lambda document: None))
    position = file.document["meshes"][0]["primitives"][0]["attributes"]["POSITION"]
    assert np.isfinite(file.array(position)).all()


@pytest.mark.parametrize(("data", "says"), [(b"", "empty"), (b"glTF", "no binary"), (b"text" * 9, "no binary")])
def test_what_is_no_glb_is_said_in_words(data: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        GlbFile.parse(data)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda document: document["accessors"][0].update(count=10**9), "does not hold"),
        (lambda document: document["accessors"][0].update(count=-1), "does not hold"),
        (lambda document: document["bufferViews"][0].update(byteOffset=10**9), "not in it"),
        (lambda document: document["buffers"][0].update(uri="file:///etc/hosts"), "other files"),
        (lambda document: document.update(images=[{"uri": "http://127.0.0.1/a.png"}]), "other files"),
        (lambda document: document["nodes"][0].update(children=[0]), "no tree"),
        (lambda document: document["nodes"].append({"children": [-1]}), "no tree"),
        (lambda document: document["nodes"].extend([{"children": [0]}, {"children": [0]}]), "no tree"),
        (lambda document: document["nodes"].append({"children": [10**6] * 2}), "no tree"),
    ],
)
def test_what_leads_astray_is_refused(head: bytes, change: Change, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        GlbFile.parse(changed(head, change))
