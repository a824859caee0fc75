"""Occluders cut out of pictures: mask templates, hands, and the user's own RGBA images, read from a folder."""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from unveil.errors import UnveilError
from unveil.imaging.decode import decode_rgba
from unveil.imaging.occlude import Face, Image, Occluder, Occlusion, Pool, composite
from unveil.imaging.occluders import ArbitraryPixels, DrawnGlasses, DrawnMask

Rgba = NDArray[np.uint8]  # [H, W, 4]

# Nose ridge, right cheek, chin and left cheek in a mask template, as shares of its width and height.
FRONT_ANCHORS = ((0.5, 0.02), (0.0, 0.3), (0.5, 1.0), (1.0, 0.3))
TURNED_ANCHORS = ((0.22, 0.02), (0.0, 0.45), (0.35, 1.0), (1.0, 0.45))  # face turned to the image's left
TURNED = 2.0  # from this ratio of the nose tip's distances to the two ends of the jaw, a side template is used
LARGEST_SIDE = 320  # pixels a cut-out is kept at
HAND_FOLDER, MASK_FOLDER = "hands", "masks"


@dataclass(frozen=True, eq=False)
class MaskTemplates:
    """Pictures of masks, warped to nose ridge, cheeks and chin."""

    front: tuple[Rgba, ...]
    left: tuple[Rgba, ...] = ()  # of faces turned to the image's left
    right: tuple[Rgba, ...] = ()

    def apply(self, image: Image, face: Face, rng: np.random.Generator) -> Occlusion:
        """Cover mouth and nose in the image [H, W, 3]."""
        points = face.landmarks68
        to_right, to_left = (np.hypot(*(points[30] - points[end])) for end in (0, 16))  # the image's left and right
        pool, anchors = self.front, np.array(FRONT_ANCHORS)
        if self.left and to_left > TURNED * to_right:
            pool, anchors = self.left, np.array(TURNED_ANCHORS)
        elif self.right and to_right > TURNED * to_left:
            pool, anchors = self.right, np.array(TURNED_ANCHORS)[[0, 3, 2, 1]] * (-1, 1) + (1, 0)
        template = pool[rng.integers(len(pool))]
        ridge = points[28] + (points[29] - points[28]) * rng.uniform(-0.7, 0.9)
        chin = points[8] + (points[8] - points[33]) * rng.uniform(0, 0.12)
        target = np.stack([ridge, points[2], chin, points[14]]) + rng.normal(0, 0.015 * face.side, (4, 2))
        source = anchors * (template.shape[1] - 1, template.shape[0] - 1)
        matrix = cv2.getPerspectiveTransform(source.astype(np.float32), target.astype(np.float32))
        return _lay(image, template, matrix, rng)


@dataclass(frozen=True, eq=False)
class Cutouts:
    """Hands or other things, at any place, angle and scale over the face."""

    pictures: tuple[Rgba, ...]
    size: tuple[float, float] = (0.7, 1.6)  # longer side in face sides, from and to

    def apply(self, image: Image, face: Face, rng: np.random.Generator) -> Occlusion:
        """Lay one picture over the image [H, W, 3], somewhere on the face."""
        picture = self.pictures[rng.integers(len(self.pictures))]
        height, width = picture.shape[:2]
        scale = face.side * rng.uniform(*self.size) / max(height, width)
        turn = rng.uniform(0, 2 * np.pi)
        linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        if rng.random() < 0.5:
            linear = linear * (-1, 1)
        shift = np.array(face.random_point(rng)) - linear @ ((width - 1) / 2, (height - 1) / 2)
        return _lay(image, picture, np.vstack([np.column_stack([linear, shift]), [0, 0, 1]]), rng)


def load_pool(folder: Path | None = None) -> Pool:
    """The occluders to train with: the drawn ones, and what ``folder`` holds.

    In it, ``masks/`` has RGBA templates (names ending in ``_left`` or ``_right`` are of turned faces), ``hands/`` or
    ``hands.tar`` photographs of hands on a plain light wall, and every other PNG with transparency is taken as it is.

    Raises:
        UnveilError: the folder is missing or holds no usable picture.
    """
    entries: list[tuple[Occluder, float]] = [(ArbitraryPixels(), 3.0), (DrawnMask(), 2.0), (DrawnGlasses(), 1.0)]
    if folder is not None:
        found = _read_folder(folder)
        if not found:
            raise UnveilError(f"no occluder in {folder}: expected masks/*.png, hands.tar, hands/ or RGBA *.png")
        entries += found
    return Pool(tuple(o for o, _ in entries), tuple(w for _, w in entries))


def hand_alpha(photo: Image) -> NDArray[np.uint8]:
    """Opacity [H, W] of a hand photographed on a plain light wall [H, W, 3].

    The wall's light falls off smoothly, so a plane is fitted to the colour of the outer pixels above the wrist; what
    differs from it is split by Otsu's threshold, and the largest connected part is the hand.
    """
    lab = cv2.cvtColor(photo, cv2.COLOR_RGB2LAB).astype(np.float32)
    height, width = lab.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    border = (np.minimum(x, width - 1 - x) < 0.06 * width) & (y < 0.7 * height) | (y < 0.06 * height)
    terms = np.stack([np.ones_like(x), x, y, x * x, y * y], axis=-1)
    plane, *_ = np.linalg.lstsq(terms[border], lab[border], rcond=None)
    difference = np.abs(lab - terms @ plane) * (0.6, 2.0, 2.0)
    distance = cv2.GaussianBlur(np.clip(difference.sum(axis=-1), 0, 255).astype(np.uint8), (3, 3), 0)
    _, hand = cv2.threshold(distance, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    hand = cv2.morphologyEx(hand, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(hand)
    if count < 2:
        return np.zeros((height, width), np.uint8)
    largest = (labels == 1 + np.argmax(stats[1:, cv2.CC_STAT_AREA])).astype(np.uint8)
    inside = cv2.erode(largest, np.ones((3, 3), np.uint8)) * 255
    return np.asarray(cv2.GaussianBlur(inside, (3, 3), 0), np.uint8)


def _lay(image: Image, picture: Rgba, matrix: np.ndarray, rng: np.random.Generator) -> Occlusion:
    """Warp a cut-out by matrix [3, 3] (its pixels to the image's) and lay it over the image in other light."""
    size = image.shape[1::-1]
    light = rng.uniform(0.55, 1.25) * rng.uniform(0.94, 1.06, 3)
    warped = cv2.warpPerspective(picture, matrix, size, flags=cv2.INTER_LINEAR)
    table = np.minimum(np.arange(256)[:, None] * light, 255).astype(np.uint8)  # [256, 3]
    colour = np.asarray(cv2.LUT(warped[..., :3], table[None]), np.uint8)
    return composite(image, colour, warped[..., 3].astype(np.float32) / np.float32(255))


def _read_folder(folder: Path) -> list[tuple[Occluder, float]]:
    if not folder.is_dir():
        raise UnveilError(f"no folder {folder}: give the folder of the occluders' pictures")
    found: list[tuple[Occluder, float]] = []
    masks = {path.stem: _read(path.read_bytes(), str(path)) for path in sorted((folder / MASK_FOLDER).glob("*.png"))}
    front = tuple(v for k, v in masks.items() if not k.endswith(("_left", "_right")))
    if front:
        sides = [tuple(v for k, v in masks.items() if k.endswith(end)) for end in ("_left", "_right")]
        found.append((MaskTemplates(front, *sides), 3.0))
    hands = tuple(cut for name, data in _hand_files(folder) if (cut := _cut_hand(_read(data, name))) is not None)
    if hands:
        found.append((Cutouts(hands), 3.0))
    others = tuple(_read(path.read_bytes(), str(path)) for path in sorted(folder.glob("*.png")))
    if others:
        found.append((Cutouts(others), 2.0))
    return found


def _hand_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted((folder / HAND_FOLDER).glob("*.jpg")):
        yield str(path), path.read_bytes()
    archive = folder / f"{HAND_FOLDER}.tar"
    if archive.is_file():
        with tarfile.open(archive) as tar:
            for member in tar:
                stream = tar.extractfile(member) if member.name.endswith(".jpg") else None
                if stream is not None:
                    yield f"{archive}/{member.name}", stream.read()


def _cut_hand(photo: Rgba) -> Rgba | None:
    """The hand of a photograph, or None where the threshold found no plausible one."""
    rgb = np.ascontiguousarray(photo[..., :3])
    alpha = hand_alpha(rgb)
    if not 0.05 < float((alpha > 127).mean()) < 0.6:
        return None
    return np.dstack([rgb, alpha])


def _read(data: bytes, name: str) -> Rgba:
    """A picture as RGBA, made smaller where it is larger than a face crop."""
    picture = decode_rgba(data, f"the occluder {name}")
    scale = LARGEST_SIDE / max(picture.shape[:2])
    if scale >= 1:
        return picture
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
