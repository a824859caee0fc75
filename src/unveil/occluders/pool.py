"""The pool of occluders to train and to measure with: those that need no files, and those of a user's folder."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from unveil.errors import UnveilError
from unveil.occluders.arbitrary import ArbitraryPixels
from unveil.occluders.base import Occluder, PictureSource, Pool
from unveil.occluders.cutouts import Cutouts, MaskTemplates, Pieces, hand_alpha, with_arm
from unveil.occluders.eyewear.glasses import WornGlasses
from unveil.occluders.hair import Hair
from unveil.occluders.hands import DrawnHands
from unveil.occluders.headwear.hats import Hat
from unveil.occluders.masks import WornMask
from unveil.occluders.placing import Rgba
from unveil.occluders.things import Things
from unveil.photos.decode import decode_rgba
from unveil.photos.folder import SUFFIXES
from unveil.photos.io import PICTURE, find_images, read_image
from unveil.photos.tar import member_bytes, tar_pictures
from unveil.storage.files import printable
from unveil.storage.names import files_named
from unveil.storage.text import read_bytes
from unveil.typing import Image, UInt8s

LARGEST_SIDE = 320  # pixels a cut-out is kept at
HAND_FOLDER, MASK_FOLDER, PICTURE_FOLDER = "hands", "masks", "pictures"
KEPT = 5  # one hand in so many is kept from training
ARM = 0.5  # share of a picture of a hand that its arm gets
SLIGHT = ("hat",)  # kinds that hide little of a face, whatever share is wanted
EXPECTED = "masks/*.png, hands.tar, hands/, pictures/ or RGBA *.png"


def load_pool(
    folder: Path | None = None,
    kinds: Collection[str] | None = None,
    draw: PictureSource | None = None,
    *,
    kept_hands: bool = False,
) -> Pool:
    """The occluders to train with: those that are drawn, and those in ``folder``; only of ``kinds`` where given.

    ``draw`` gives a random image [H, W, 3] from which pieces are cut, such as another crop; without it they are cut
    out of the pictures in the folder's ``pictures/``, or of the photograph itself.

    In the folder, ``masks/`` has RGBA templates (names ending in ``_left`` or ``_right`` are of turned faces),
    ``hands/`` or ``hands.tar`` photographs of hands on a plain light wall (every fifth is kept from training: with
    ``kept_hands`` the pool has those alone), ``pictures/`` any pictures, and every other
    PNG with transparency is taken as it is.

    Raises:
        UnveilError: the folder is missing or holds no usable picture, or there is no occluder of one of the kinds.
    """
    found: list[tuple[Occluder, float]] = []
    if folder is not None:
        found, pictures = _read_folder(folder, kept_hands=kept_hands), _read_pictures(folder)
        if not (found or pictures):
            raise UnveilError(f"no occluder in {printable(folder)}: expected {EXPECTED}")
        draw = draw or (OneOf(pictures) if pictures else None)
    entries: list[tuple[Occluder, float]] = [
        (ArbitraryPixels(), 3.0),
        (WornMask(), 3.0),
        (WornGlasses(), 2.0),
        (Hair(), 2.0),
        (Things(), 2.0),
        (DrawnHands(), 2.0),
        (Pieces(draw), 2.0),
        (Hat(draw), 2.5),
        *found,
    ]
    if kinds is not None:
        there = [occluder.kind for occluder, _ in entries]
        missing = sorted(set(kinds).difference(there))
        if missing or not kinds:
            raise UnveilError(f"no occluder of kind {', '.join(missing) or 'none'}: choose from {', '.join(there)}")
        entries = [(occluder, odds) for occluder, odds in entries if occluder.kind in kinds]
    return Pool(tuple(occluder for occluder, _ in entries), tuple(odds for _, odds in entries))


def measuring_pool(
    folder: Path | None = None,
    draw: PictureSource | None = None,
    *,
    kept_hands: bool = False,
) -> Pool:
    """`load_pool` without `SLIGHT`: for measuring at wanted shares of the face, unless kinds are named."""
    pool = load_pool(folder, draw=draw, kept_hands=kept_hands)
    left = [k for k, occluder in enumerate(pool.occluders) if occluder.kind not in SLIGHT]
    return Pool(tuple(pool.occluders[k] for k in left), tuple(pool.odds[k] for k in left))


@dataclass(frozen=True, eq=False)
class OneOf:
    """Draws one of some images."""

    images: tuple[Image, ...]

    def __call__(self, rng: np.random.Generator) -> Image:
        """An image [H, W, 3]."""
        return self.images[rng.integers(len(self.images))]


def _read_pictures(folder: Path) -> tuple[Image, ...]:
    """The pictures that pieces are cut out of: those in a folder of the folder, if it is there."""
    pictures = folder / PICTURE_FOLDER
    if not pictures.is_dir():
        return ()
    return tuple(_smaller(read_image(path)) for path in find_images(pictures))


def _read_folder(folder: Path, *, kept_hands: bool) -> list[tuple[Occluder, float]]:
    if not folder.is_dir():
        raise UnveilError(f"no folder {printable(folder)}: give the folder of the occluders' pictures")
    found: list[tuple[Occluder, float]] = []
    masks = {path.stem: _read(path) for path in files_named(folder / MASK_FOLDER, ".png")}
    front = tuple(v for k, v in masks.items() if not k.endswith(("_left", "_right")))
    if front:
        left, right = (tuple(v for k, v in masks.items() if k.endswith(end)) for end in ("_left", "_right"))
        found.append((MaskTemplates(front, left, right), 3.0))
    hands = [with_arm(cut, ARM) for photo in _hands(folder) if (cut := _cut_hand(photo)) is not None]
    kept = hands[KEPT - 1 :: KEPT]
    chosen = kept if kept_hands and kept else [hand for k, hand in enumerate(hands) if k % KEPT != KEPT - 1]
    if chosen:
        found.append((Cutouts(tuple(chosen), size=(0.8, 1.4), match=0.8, held=True, arm=ARM, kind="hand"), 3.0))
    others = tuple(_read(path) for path in files_named(folder, ".png"))
    if others:
        found.append((Cutouts(others), 2.0))
    return found


def _hands(folder: Path) -> Iterator[Rgba]:
    """Photographs of hands."""
    for path in files_named(folder / HAND_FOLDER, *SUFFIXES):
        yield _read(path)
    archive = folder / f"{HAND_FOLDER}.tar"
    if archive.is_file():
        for member in tar_pictures(archive):
            yield _decoded(*member_bytes(archive, member))


def _cut_hand(photo: Rgba) -> Rgba | None:
    """The hand of a photograph, or None where the threshold found no plausible one."""
    rgb = np.ascontiguousarray(photo[..., :3])
    alpha = hand_alpha(rgb)
    if not 0.05 < float((alpha > 127).mean()) < 0.6:
        return None
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    return np.dstack([rgb, alpha])[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _read(path: Path) -> Rgba:
    return _decoded(read_bytes(path, PICTURE, "a picture"), printable(path))


def _decoded(data: bytes, name: str) -> Rgba:
    """A picture as RGBA, no larger than needed."""
    return _smaller(decode_rgba(data, f"the occluder {name}"))


def _smaller(picture: UInt8s) -> UInt8s:
    """A picture [H, W, C], no larger than a crop can show."""
    scale = LARGEST_SIDE / max(picture.shape[:2])
    if scale >= 1:
        return picture
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
