"""Results of an earlier command, read back to be shown: heads as GLB, with the JSON beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

from unveil.errors import UnveilError
from unveil.faces.files import OVERLAY_ENDING
from unveil.faces.overlay import PANEL
from unveil.meshes.glb_file import GlbFile
from unveil.meshes.image_bytes import jpeg
from unveil.output.photo_record import read_record
from unveil.photos.folder import natural
from unveil.photos.io import read_image
from unveil.reprs import short_repr
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable
from unveil.storage.text import read_bytes

GLB = FileKind("GLB file", "give a head that unveil wrote, or a folder of them", 64 * 2**20)
MOST_HEADS = 24  # in one page, which holds them all
# What the page shows or uses of the JSON.
FACTS = (
    *("doubtful", "pose_degrees", "hidden_share", "occluded_share", "uncertainty_mm"),
    *("head_to_image", "image_to_overlay", "image"),
)
LIT = {"texture": "skin", "hair_texture": "hair"}  # files in the photograph's light, and what of the head they are of
PICTURE = FileKind("texture", "reconstruct the photograph again", 32 * 2**20)


@dataclass(frozen=True, eq=False)
class ShownHead:
    """A head with what is known of it."""

    name: str
    glb: bytes
    model: str = ""  # name of the head model
    facts: Mapping[str, Any] = field(default_factory=dict)  # those of the photograph's JSON
    picture: bytes | None = None  # JPEG of the photograph around the head
    lit: Mapping[str, bytes] = field(default_factory=dict)  # JPEG of skin and hair in the photograph's light
    __repr__ = short_repr


def heads_in(results: Iterable[Path]) -> list[ShownHead]:
    """The heads of GLB files and of folders with results, in natural order.

    Raises:
        UnveilError: there is none, or too many for one page; a file is missing or is no GLB file.
    """
    paths = [path for result in results for path in _glb_files(result)]
    require_few(len(paths))
    return [replace(read_head(path), name=name) for path, name in zip(paths, _names(paths), strict=True)]


def require_few(heads: int) -> None:
    """Raise an UnveilError where so many heads are too many for one page."""
    if heads > MOST_HEADS:
        raise UnveilError(f"{heads} heads are too many for one page; name fewer, at most {MOST_HEADS}")


def read_head(path: Path) -> ShownHead:
    """The head of a GLB file, with what the JSON and the picture beside it say; UnveilError where it is none."""
    glb = read_bytes(path, GLB, "a GLB file")
    with GLB.checking(path):
        extras = GlbFile.parse(glb).document.get("extras")
    model = str(extras.get("model", "")) if isinstance(extras, dict) else ""
    face = _face_of(path)
    overlay = path.with_name(path.stem + OVERLAY_ENDING)
    facts = {key: face.get(key) for key in FACTS} if face else {}
    return ShownHead(printable(path.stem), glb, model, facts, _photograph(overlay), _lit(path.parent, face))


def _names(paths: list[Path]) -> list[str]:
    """The heads' names: those of their files, with as much of the folders as is needed to make them unique."""
    folders, names = [path.parent.resolve().parts for path in paths], []
    for path, folder in zip(paths, folders, strict=True):
        namesakes = [one for other, one in zip(paths, folders, strict=True) if other.stem == path.stem]
        shared = list(takewhile(lambda level: len(set(level)) == 1, zip(*namesakes, strict=False)))
        names.append(printable("/".join([*folder[len(shared) :], path.stem])))
    return names


def _glb_files(result: Path) -> Iterator[Path]:
    if not result.is_dir():
        yield result
        return
    found = sorted((path for path in result.iterdir() if path.suffix.lower() == ".glb"), key=natural)
    shown = [path for path in found if not path.name.startswith(".")]
    if not shown:
        raise UnveilError(f"{printable(result)} has no GLB file; run `unveil reconstruct` with this folder as -o first")
    yield from shown


def _face_of(path: Path) -> dict[str, Any]:
    """The file's face in the JSON of a photograph in the same folder, and the photograph's size; empty without one."""
    stem = path.stem.rpartition("_")[0]
    record = (read_record(path.with_name(f"{stem}.json")) if stem else None) or {"faces": []}
    found = (face for face in record["faces"] if path.name in face["files"].values())
    return next(({**face, "image": record.get("image")} for face in found), {})


def _lit(folder: Path, face: Mapping[str, Any]) -> dict[str, bytes]:
    """The pictures of a face's OBJ, as far as they are there."""
    found = {}
    for kind, part in LIT.items():
        with suppress(UnveilError):
            if kind in face.get("files", ()):
                found[part] = read_bytes(folder / Path(face["files"][kind]).name, PICTURE, "a picture")
    return found


def _photograph(overlay: Path) -> bytes | None:
    """The first panel of an overlay picture, as JPEG; None where there is no such picture."""
    try:
        picture = read_image(overlay)
    except UnveilError:
        return None
    return jpeg(picture[:, :PANEL].copy()) if picture.shape[0] == PANEL <= picture.shape[1] else None
