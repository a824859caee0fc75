"""Pictures laid over a face: mask templates, hands and other cut-outs, and pieces of other images."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from unveil.occluders.arbitrary import FORMS, random_outline
from unveil.occluders.base import Alpha, Face, Occlusion, PictureSource, Points, fill_polygon, size_for
from unveil.occluders.drawn import MIDLINE, NATURAL_TOPS, at
from unveil.occluders.light import Light
from unveil.occluders.placing import Placing, Rgba, lay_picture, matched, warped
from unveil.typing import Float64s, Image, UInt8s

# Nose ridge, right cheek, chin and left cheek in a mask template, as shares of its width and height.
FRONT_ANCHORS = ((0.5, 0.02), (0.0, 0.3), (0.5, 1.0), (1.0, 0.3))
TURNED_ANCHORS = ((0.22, 0.02), (0.0, 0.45), (0.35, 1.0), (1.0, 0.45))  # face turned to the image's left
TEMPLATE_SIZES = (0.2, 1.5)  # of masks, in what is natural
WRIST_ROWS, DARKER_ARM = 3, 0.75  # of a hand's picture that its arm goes on from; how dark the arm gets
TURNED = 2.0  # from this ratio of the nose tip's distances to the two ends of the jaw, a side template is used


@dataclass(frozen=True, eq=False)
class MaskTemplates:
    """Pictures of masks, warped to nose ridge, cheeks and chin."""

    front: tuple[Rgba, ...]
    left: tuple[Rgba, ...] = ()  # of faces turned to the image's left
    right: tuple[Rgba, ...] = ()
    kind: str = "mask-picture"

    def apply(self, image: Image, face: Face, rng: np.random.Generator, severity: float | None = None) -> Occlusion:
        """Cover mouth and nose in the image [H, W, 3]; a severity chooses the size of the mask."""
        pool, anchors = self._facing(face.landmarks68)
        template = pool[rng.integers(len(pool))]
        top, below = float(rng.uniform(*NATURAL_TOPS)), rng.uniform(0, 0.12)
        tremble = rng.normal(0, 0.015, (4, 2))
        source = np.column_stack([anchors * (template.shape[1] - 1, template.shape[0] - 1), np.ones(4)])

        def matrix(face: Face, size: float) -> Float64s:
            points = face.landmarks68
            chin = points[8] + (points[8] - points[33]) * below
            target = np.stack([at(points[list(MIDLINE)], top), points[2], chin, points[14]]) + tremble * face.side
            target = target[2] + (target - target[2]) * size
            affine = np.linalg.lstsq(source, target, rcond=None)[0]  # four points may lie so that no homography is sane
            return np.vstack([affine.T, [0, 0, 1]])

        def cover(face: Face, shape: tuple[int, ...], size: float) -> Alpha:
            return warped(template[..., 3], matrix(face, size), shape).astype(np.float32) / np.float32(255)

        size = 1.0 if severity is None else size_for(severity, cover, face, image.shape, TEMPLATE_SIZES)
        light = Light.of(image, face, rng)
        return lay_picture(image, face, (matched(template, light, 0.3), matrix(face, size)), light, self.kind)

    def _facing(self, landmarks68: Points) -> tuple[tuple[Rgba, ...], Float64s]:
        """The templates for the way a face looks, and their anchors [4, 2]."""
        # The image's left and right.
        to_right, to_left = (np.hypot(*(landmarks68[30] - landmarks68[end])) for end in (0, 16))
        if self.left and to_left > TURNED * to_right:
            return self.left, np.array(TURNED_ANCHORS)
        if self.right and to_right > TURNED * to_left:
            return self.right, np.array(TURNED_ANCHORS)[[0, 3, 2, 1]] * (-1, 1) + (1, 0)
        return self.front, np.array(FRONT_ANCHORS)


@dataclass(frozen=True, eq=False)
class Cutouts:
    """Hands or other things, at any place, angle and scale over the face."""

    pictures: tuple[Rgba, ...]
    size: tuple[float, float] = (0.7, 1.6)  # longer side in face sides, from and to
    match: float = 0.4  # how far their colour is made that of the face
    held: bool = False  # whether they reach in from outside with their lower end
    arm: float = 0.0  # share of a picture, from below, that is the arm of what it shows
    kind: str = "picture"

    def apply(self, image: Image, face: Face, rng: np.random.Generator, severity: float | None = None) -> Occlusion:
        """Lay one picture over the image [H, W, 3], as far in as the severity asks, or as large."""
        picture = self.pictures[rng.integers(len(self.pictures))]
        light = Light.of(image, face, rng)
        if rng.random() < 0.5:
            picture = np.ascontiguousarray(picture[:, ::-1])
        sizes = self.size[0] / (1 - self.arm), self.size[1] / (1 - self.arm)
        placing = Placing.by_lot(rng, sizes, rng.uniform(0, 2 * np.pi), tilted=True)
        placing = placing.held() if self.held else placing
        placing = replace(placing, middle=(0.5, (1 - self.arm) / 2))
        amount = placing.amount(picture, face, image.shape, severity)
        return lay_picture(
            image, face, (matched(picture, light, self.match), placing.matrix(picture, face, amount)), light, self.kind
        )


@dataclass(frozen=True, eq=False)
class Pieces:
    """Pieces cut out of other images, or where there are none, out of another part of the image itself."""

    draw: PictureSource | None = None
    size: tuple[float, float] = (0.4, 1.1)  # longer side in face sides, from and to
    kind: str = "piece"

    def apply(self, image: Image, face: Face, rng: np.random.Generator, severity: float | None = None) -> Occlusion:
        """Lay one piece over the image [H, W, 3], as far in as the severity asks, or as large."""
        source = image if self.draw is None else self.draw(rng)
        picture = random_piece(source, rng)
        light = Light.of(image, face, rng)
        placing = Placing.by_lot(rng, self.size, rng.uniform(0, 2 * np.pi), tilted=False)
        amount = placing.amount(picture, face, image.shape, severity)
        return lay_picture(image, face, (picture, placing.matrix(picture, face, amount)), light, self.kind)


def random_piece(source: Image, rng: np.random.Generator) -> Rgba:
    """A part of an image [H, W, 3] with a straight-edged, round or irregular outline: [S, S, 4]."""
    height, width = source.shape[:2]
    side = max(2, int(min(height, width) * rng.uniform(0.35, 0.8)))
    left, top = rng.integers(0, width - side + 1), rng.integers(0, height - side + 1)
    outline = random_outline(FORMS[rng.integers(len(FORMS))], rng)
    outline = (outline / np.abs(outline).max() + 1) * (side - 1) / 2
    alpha = (fill_polygon(outline, (side, side)) * 255).astype(np.uint8)
    return np.dstack([source[top : top + side, left : left + side], alpha])


def with_arm(hand: Rgba, share: float) -> Rgba:
    """A picture [H, W, 4] of a hand, with an arm added below it; the arm takes a ``share`` of the height."""
    rows = round(len(hand) * share / (1 - share))
    wrist = hand[-WRIST_ROWS:].astype(np.float32).mean(axis=0)
    shade = np.linspace(1, DARKER_ARM, rows, dtype=np.float32)[:, None, None] * [1, 1, 1, 0] + np.array([0, 0, 0, 1])
    return np.concatenate([hand, np.clip(wrist * shade, 0, 255).astype(np.uint8)])


def hand_alpha(photo: Image) -> UInt8s:
    """Opacity [H, W] of a hand photographed on a plain light wall [H, W, 3].

    The wall's light falls off smoothly, so a plane is fitted to the colour of the outer pixels above the wrist; what
    is darker or of another colour is split off by Otsu's threshold, and the largest connected part is the hand.
    """
    lab = cv2.cvtColor(photo, cv2.COLOR_RGB2LAB).astype(np.float32)
    height, width = lab.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    border = (np.minimum(x, width - 1 - x) < 0.06 * width) & (y < 0.7 * height) | (y < 0.06 * height)
    terms = np.stack([np.ones_like(x), x, y, x * x, y * y], axis=-1)
    plane, *_ = np.linalg.lstsq(terms[border], lab[border], rcond=None)
    apart = lab - terms @ plane
    chroma = np.abs(apart[..., 1:]).sum(axis=-1)
    distance = np.clip(0.6 * np.maximum(-apart[..., 0], 0) + 2 * chroma, 0, 255).astype(np.uint8)
    _, hand = cv2.threshold(cv2.GaussianBlur(distance, (3, 3), 0), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    hand = cv2.morphologyEx(hand, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(hand)
    if count < 2:
        return np.zeros((height, width), np.uint8)
    largest = (labels == 1 + np.argmax(stats[1:, cv2.CC_STAT_AREA])).astype(np.uint8)
    # Between fingers the wall may be lit otherwise than at the border: as bright as it gets, and hardly coloured.
    skin = largest > 0
    wall = (lab[..., 0] > np.percentile(lab[skin, 0], 70)) & (chroma < 0.65 * np.median(chroma[skin]))
    largest[wall] = 0
    inside = cv2.erode(largest, np.ones((3, 3), np.uint8)) * 255
    return np.asarray(cv2.GaussianBlur(inside, (3, 3), 0), np.uint8)
