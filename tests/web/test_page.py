"""The page of `unveil view`: what is in it, and what is refused."""

import base64
import gzip
import io
import json
import re
from pathlib import Path

import made_up
import numpy as np
import PIL.Image
import pytest
from cli_answer import Answer

from unveil.errors import UnveilError
from unveil.meshes.glb import write_glb
from unveil.meshes.image_bytes import png
from unveil.web import results
from unveil.web.hand import hand
from unveil.web.identity import identities
from unveil.web.page import page_of, page_with
from unveil.web.results import ShownHead, heads_in, read_head


def content(page: str) -> dict:
    """What the page shows, read as the page reads it."""
    (text,) = re.findall(r'<script type="application/json" id="content">(.*?)</script>', page)
    return dict(json.loads(text))


@pytest.fixture
def head(tmp_path: Path) -> Path:
    write_glb(tmp_path / "head.glb", made_up.model(), made_up.model().zero())
    return tmp_path / "head.glb"


def test_the_page_holds_the_head_and_fetches_nothing(head: Path) -> None:
    page = page_of(heads_in([head]))
    (shown,) = content(page)["heads"]
    assert shown["name"] == "head"
    assert gzip.decompress(base64.b64decode(shown["glb"].partition(",")[2])) == head.read_bytes()
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", page)


@pytest.mark.parametrize("name", ["</script><script>alert(1)</script>", "<!--<script>", "é\u2028\\u0041"])
def test_a_name_stays_a_name(name: str, head: Path) -> None:
    page = page_of([ShownHead(name, head.read_bytes())])
    assert content(page)["heads"][0]["name"] == name
    assert page.count("</script>") == page_of([]).count("</script>")


def test_the_page_with_all_that_the_server_puts_in_it_is_small() -> None:
    page = page_with({"mode": "serve", "heads": [], "identity": identities(["openhead"])})
    assert len(gzip.compress(page.encode())) < 1_000_000


def test_what_the_json_and_the_pictures_beside_a_head_tell_is_shown(head: Path) -> None:
    folder = head.parent
    (folder / "photo_0.glb").write_bytes(head.read_bytes())
    (folder / "photo_0.jpg").write_bytes(b"a picture")
    face = {"index": 0, "pose_degrees": {"pitch": 0, "yaw": 0, "roll": 0}, "head_to_image": [[1, 2]]}
    files = {"glb": "photo_0.glb", "texture": "../../photo_0.jpg", "hair_texture": "missing.jpg"}
    record = {"record_format": 1, "photo": "p", "source": {"name": "p", "bytes": 1, "modified_ns": 1}, "timings_ms": {}}
    record |= {
        "image": {"width": 3, "height": 2},
        "options": {"formats": ["glb", "obj"]},
        "faces": [face | {"files": files}],
    }
    (folder / "photo.json").write_text(json.dumps(record))
    shown = read_head(folder / "photo_0.glb")
    assert shown.facts["head_to_image"] == [[1, 2]]
    assert shown.facts["image"] == {"width": 3, "height": 2}
    assert shown.lit == {"skin": b"a picture"}
    (told,) = content(page_of([shown]))["heads"]
    assert told["lit"].keys() == {"skin"}


def test_heads_of_one_name_are_called_by_their_folders_too(head: Path) -> None:
    folders = [head.parent / name for name in ("a/x", "b/x")]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "head.glb").write_bytes(head.read_bytes())
    (folders[0] / "other.glb").write_bytes(head.read_bytes())
    assert [shown.name for shown in heads_in(folders)] == ["a/x/head", "other", "b/x/head"]
    assert [shown.name for shown in heads_in([head, head])] == ["head", "head"]  # a head and itself


def test_the_hand_is_a_picture_with_transparency() -> None:
    drawn = hand()
    assert drawn.shape[2] == 4
    assert drawn[0, 0, 3] == 0
    assert (drawn[..., 3] == 255).mean() > 0.2
    assert np.array_equal(PIL.Image.open(io.BytesIO(png(drawn))), drawn)


def test_heads_of_a_folder_come_in_natural_order(head: Path) -> None:
    for name in ("a_10.glb", "a_9.glb", ".hidden.glb"):
        (head.parent / name).write_bytes(head.read_bytes())
    assert [shown.name for shown in heads_in([head.parent])] == ["a_9", "a_10", "head"]


def test_what_cannot_be_shown_is_refused(head: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = head.parent / "empty"
    empty.mkdir()
    with pytest.raises(UnveilError, match="has no GLB file; run `unveil reconstruct`"):
        heads_in([empty])
    for spoilt in (head.read_bytes()[:-1], b"glTF", head.read_bytes().replace(b'"meshes"', b'"mashes"')):
        (head.parent / "spoilt.glb").write_bytes(spoilt)
        with pytest.raises(UnveilError, match=r"spoilt\.glb is no GLB file \(.*\); give a head that unveil wrote"):
            heads_in([head.parent / "spoilt.glb"])
    monkeypatch.setattr(results, "MOST_HEADS", 1)
    with pytest.raises(UnveilError, match="2 heads are too many for one page"):
        heads_in([head, head])


def test_the_command_writes_beside_the_result_or_where_it_is_told(
    head: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = head.parent
    assert Answer(capsys, "view", head).status == 0
    assert Answer(capsys, "view", folder).out == f"{folder / 'view.html'}: 1 head\n"
    assert Answer(capsys, "view", head, "-o", folder / "page.html").status == 0
    assert Answer(capsys, "view", head, "-o", folder / "pages").status == 0
    names = ("head.html", "view.html", "page.html", "pages/view.html")
    assert len({(folder / name).read_bytes() for name in names}) == 1
    wrong = Answer(capsys, "view", head, "-o", folder / "page.txt")
    assert wrong.status == 2
    assert "end the name in .html" in wrong.err
