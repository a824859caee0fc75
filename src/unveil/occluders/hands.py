"""Hands before a face, drawn at random: bones in space with flesh around them, in any pose, skin and sleeve.

A bone is a capsule with a radius at each end. The picture is the height of all capsules over the plane of the picture,
from the nearest; its slopes give the light, its hollows the creases.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from unveil.geometry.rotation import axis_angle_to_matrix
from unveil.occluders.base import Face, Occlusion
from unveil.occluders.light import Light
from unveil.occluders.placing import Placing, Rgba, lay_picture
from unveil.typing import Bools, Float32s, Float64s, Floats, Image

SIDE = 112  # pixels a picture is drawn at
HAND = 1.9  # palms from the wrist to the tips
# In palms, which are long from the wrist to the knuckles: where index to little finger begin, across and up, how long
# their three bones are together and how thick they are.
FINGERS = ((-0.31, 0.97, 0.86, 0.125), (-0.09, 1.02, 0.96, 0.13), (0.13, 0.98, 0.9, 0.12), (0.33, 0.88, 0.7, 0.105))
SHARES = (0.48, 0.29, 0.23)  # of a finger's length
THUMB = ((-0.3, 0.22), (0.42, 0.36, 0.28), 0.145)  # where it begins, its bones and how thick it is
ARM, WRIST, ELBOW = 3.2, 0.27, 0.4  # palms down to the elbow, and half the arm's width at both ends
SKINS = (
    (250, 220, 200),
    (235, 190, 160),
    (215, 165, 130),
    (190, 135, 100),
    (150, 100, 72),
    (110, 72, 52),
    (72, 48, 38),
)
HOLLOW = 4.0  # pixels of depth at which a hollow is darkest
CREASE, REDNESS = 0.4, 0.12  # how much darker hollows are, and how much redder tips and knuckles
BARE_ARM = 0.5  # share of arms without a sleeve
SECOND = 0.25  # share of faces before which there are two hands, where no severity is wanted


@dataclass(frozen=True, eq=False)
class Bones:
    """Capsules in the picture's space: x to the right, y down, z towards the viewer, in palms."""

    starts: Float64s  # [B, 3]
    ends: Float64s  # [B, 3]
    radii: Float64s  # [B, 2] at both


@dataclass(frozen=True)
class DrawnHands:
    """One hand, or two, reaching in from outside: flat, cupped, pointing, a fist, with its arm."""

    size: tuple[float, float] = (0.8, 1.5)  # of the hand without its arm, in face sides, from and to
    match: tuple[float, float] = (0.0, 0.9)  # how far its colour is made that of the face: one's own hand, or another's
    kind: str = "drawn-hand"

    def apply(self, image: Image, face: Face, rng: np.random.Generator, severity: float | None = None) -> Occlusion:
        """Hold hands before the face in the image [H, W, 3], as far in as the severity asks, or as large."""
        light = Light.of(image, face, rng)
        result = self._hold(image, face, rng, light, severity)
        if severity is not None or rng.random() >= SECOND:
            return result
        both = self._hold(result.image, face, rng, light, None)
        return Occlusion(both.image, both.mask | result.mask, self.kind)

    def _hold(
        self, image: Image, face: Face, rng: np.random.Generator, light: Light, severity: float | None
    ) -> Occlusion:
        longer = (ARM + HAND) / HAND  # the picture has the arm too
        placing = Placing.by_lot(rng, (self.size[0] * longer, self.size[1] * longer), np.pi, tilted=False).held()
        picture = random_hand(rng, light.turned(placing.turn), float(rng.uniform(*self.match)))
        placing = replace(placing, middle=(0.5, HAND / 2 / (ARM + HAND)))
        amount = placing.amount(picture, face, image.shape, severity)
        return lay_picture(image, face, (picture, placing.matrix(picture, face, amount)), light, self.kind)


def random_hand(rng: np.random.Generator, light: Light, match: float = 0.0) -> Rgba:
    """A picture [H, W, 4] of a hand with its arm, the fingers on top, in a light.

    Its skin is random; the larger ``match`` is, from 0 to 1, the closer it is to that of the face.
    """
    bones = pose(rng)
    scale = SIDE / HAND
    points = np.concatenate([bones.starts, bones.ends])
    reach = bones.radii.max()
    left, top = points[:, :2].min(axis=0) - reach
    width = points[:, 0].max() + reach - left
    shape = (round((ARM + HAND) * scale), max(8, round(width * scale)))
    height, owner = heights(bones, (left, top), scale, shape)
    alpha = np.isfinite(height)
    skin = np.array(SKINS[rng.integers(len(SKINS))], np.float64) * rng.uniform(0.85, 1.1) * rng.normal(1, 0.03, 3)
    skin = skin ** (1 - match) * np.maximum(light.face / np.maximum(light.colour, 0.3), 1.0) ** match
    colour: Floats = skin * _shaded(height, alpha, rng)
    if rng.random() > BARE_ARM:
        colour = _sleeved(colour, owner == owner.max(), rng)
    colour = colour * light.on(_normals(height, alpha), gloss=0.04)
    opacity = cv2.GaussianBlur(alpha.astype(np.float32), (3, 3), 0)
    return np.dstack([np.clip(colour, 0, 255), 255 * opacity]).astype(np.uint8)


def pose(rng: np.random.Generator) -> Bones:
    """The bones of a hand in a random pose, the wrist at the origin and the arm straight down."""
    curl, spread = rng.beta(1.1, 1.8), rng.uniform(-0.05, 0.35)
    chains: list[tuple[Float64s, Float64s]] = []
    for k, (x, y, length, thickness) in enumerate(FINGERS):
        own = float(np.clip(curl + rng.normal(0, 0.18) + (rng.random() < 0.12), 0, 1))
        aside = spread * (k - 1.3) * (1 - own) + rng.normal(0, 0.04)
        bends = own * np.array([1.35, 1.7, 1.1]) + rng.uniform(0, 0.12, 3)
        base = np.array([x, -y, 0.06 * (k in (1, 2))])
        chains.append((_chain(base, length * np.array(SHARES), np.cumsum(bends), aside), thickness * _taper(4)))
        chains.append((np.array([[0.55 * x, -0.12, 0], base]), np.array([0.25, thickness + 0.08])))
    (x, y), lengths, thickness = THUMB
    aside = rng.uniform(-1.0, -0.1) * (1 - 0.5 * curl)
    bends = rng.uniform(0, 0.4, 3).cumsum() + rng.uniform(0, 0.9) * curl
    chains.append((_chain(np.array([x, -y, 0.1]), np.array(lengths), bends, aside), thickness * _taper(4)))
    chains.append(
        (np.array([[-0.1, -0.1, 0.02], [x, -y, 0.1]]), np.array([0.24, thickness + 0.06]))
    )  # the thumb's ball
    hand = _turned(chains, rng)
    hand.append((np.array([[0.0, -0.05, 0], [0, ARM, 0]]), np.array([WRIST, ELBOW])))
    mirrored = np.array([rng.choice((-1.0, 1.0)), 1, rng.choice((-1.0, 1.0))])  # left or right, palm or back
    starts = np.concatenate([points[:-1] for points, _ in hand]) * mirrored
    ends = np.concatenate([points[1:] for points, _ in hand]) * mirrored
    radii = np.concatenate([np.column_stack([r[:-1], r[1:]]) for _, r in hand])
    return Bones(starts, ends, radii)


def _turned(chains: list[tuple[Float64s, Float64s]], rng: np.random.Generator) -> list[tuple[Float64s, Float64s]]:
    """The hand turned in its wrist: about its own axis, up and down, and to the sides."""
    turn = np.eye(3)
    for axis, most in ((1, 1.1), (0, 0.6), (2, 0.35)):
        turn = np.asarray(axis_angle_to_matrix(np.eye(3)[axis] * rng.triangular(-most, 0, most))) @ turn
    return [(points @ turn.T, radii) for points, radii in chains]


def _chain(base: Float64s, lengths: Float64s, bends: Float64s, aside: float) -> Float64s:
    """Joints [4, 3] of a finger that is bent towards the palm by ``bends`` [3] and stands ``aside``, in radians."""
    along = np.stack([np.zeros(3), -np.cos(bends), np.sin(bends)], axis=1)
    cos, sin = np.cos(aside), np.sin(aside)
    along = along @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    return np.concatenate([base[None], base + np.cumsum(along * lengths[:, None], axis=0)])


def _taper(count: int) -> Float64s:
    return np.linspace(1.0, 0.78, count)


def heights(
    bones: Bones, corner: tuple[float, float], scale: float, shape: tuple[int, int]
) -> tuple[Float32s, Float32s]:
    """Height [H, W] in pixels of the nearest flesh, minus infinity where there is none, and the bone [H, W] it is on.

    Args:
        bones: in palms.
        corner: x and y of the picture's upper left corner.
        scale: pixels per palm.
        shape: of the picture.
    """
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    x, y = columns / np.float32(scale) + np.float32(corner[0]), rows / np.float32(scale) + np.float32(corner[1])
    nearest, owner = np.full(shape, -np.inf, np.float32), np.full(shape, -1, np.float32)
    for k, (a, b, (ra, rb)) in enumerate(zip(bones.starts, bones.ends, bones.radii, strict=True)):
        dx, dy = b[:2] - a[:2]
        t = np.clip(((x - a[0]) * dx + (y - a[1]) * dy) / max(dx * dx + dy * dy, 1e-6), 0, 1)
        radius = ra + (rb - ra) * t
        rest = radius**2 - (x - a[0] - t * dx) ** 2 - (y - a[1] - t * dy) ** 2
        height = np.where(rest > 0, a[2] + (b[2] - a[2]) * t + np.sqrt(np.maximum(rest, 0)), -np.inf)
        owner[height > nearest] = k
        nearest = np.maximum(nearest, height)
    return np.asarray(nearest * scale, np.float32), owner


def _normals(height: Float32s, inside: Bools) -> Float32s:
    """Unit normals [H, W, 3] of heights [H, W], z away from the viewer."""
    smooth = _blurred(height, inside, 1.8)
    slopes = [-cv2.Sobel(smooth, cv2.CV_32F, 1 - axis, axis, ksize=3, scale=1 / 8) for axis in (0, 1)]
    normals = np.stack([*slopes, -np.ones_like(smooth)], axis=-1)
    return np.asarray(normals / np.linalg.norm(normals, axis=-1, keepdims=True), np.float32)


def _shaded(height: Float32s, inside: Bools, rng: np.random.Generator) -> Floats:
    """Factors [H, W, 3] for skin of one colour: blotches, dark hollows, red tips and knuckles."""
    coarse = rng.normal(0, 0.05, (12, 6)).astype(np.float32)
    blotches = cv2.resize(coarse, height.shape[::-1], interpolation=cv2.INTER_CUBIC)
    hollow = np.clip((_blurred(height, inside, 5.0) - _blurred(height, inside, 1.8)) / HOLLOW, -0.3, 1)
    red = REDNESS * np.clip(-hollow / 0.3, 0, 1)[..., None] * np.array([0.4, -0.5, -0.4])
    return np.asarray(
        ((1 + blotches + rng.normal(0, 0.02, height.shape)) * (1 - CREASE * hollow))[..., None] * (1 + red)
    )


def _blurred(height: Float32s, inside: Bools, width: float) -> Float32s:
    """Heights [H, W] blurred by a number of pixels; what is beside the hand does not count."""
    share = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), width) + np.float32(1e-3)
    return np.asarray(cv2.GaussianBlur(np.where(inside, height, np.float32(0)), (0, 0), width) / share, np.float32)


def _sleeved(colour: Floats, arm: Bools, rng: np.random.Generator) -> Floats:
    """The colours [H, W, 3] with a sleeve over a part of the arm [H, W]."""
    cuff = len(colour) * (HAND + rng.uniform(0.1, 1.2)) / (HAND + ARM)
    row, column = np.mgrid[: len(colour), : colour.shape[1]]
    folds = 1 + 0.12 * np.sin(row / rng.uniform(4, 12) + column / rng.uniform(6, 20))
    cloth = rng.integers(10, 250, 3) * folds[..., None]
    return np.where((arm & (row > cuff))[..., None], cloth, colour)
