"""The square a face is cut out of a photograph with, and the way back.

The framing is DECA's (Feng et al., "Learning an animatable detailed 3D face model from in-the-wild images",
2021): a square, upright box somewhat larger than the face, warped to 224 x 224.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import ArrayLike

from unveil.errors import UnveilError
from unveil.geometry.sampling import sample_affine
from unveil.typing import Float32s, Float64s, Image, UInt8s

Map = TypeVar("Map", Float32s, UInt8s)  # [S, S]

CROP_SIZE = 224
MARGIN = 1.25  # side of the crop in mean sides of the face's box
DETECTOR_SHIFT = 0.12  # a detector's box sits high on the face: move its centre down, in mean sides
LANDMARK_MARGIN = 1.1  # the 68 landmarks leave out the forehead
SHRINK_NEEDS_FILTER = 1.5  # image pixels per crop pixel above which bilinear sampling would alias
SMALLEST_SIDE = 1.0  # image pixels


@dataclass(frozen=True, eq=False)
class Crop:
    """An invertible map from image pixels to the pixels of a square crop.

    ``matrix`` [2, 3] takes image (x, y, 1) to crop (x, y). In both frames x goes right, y goes down and pixel
    centres are at integers.

    Raises:
        ValueError: the matrix has another shape, is not finite or cannot be inverted, or there is no pixel.
    """

    matrix: Float64s  # [2, 3]
    size: int = CROP_SIZE  # crop pixels per side

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, dtype=np.float64)
        if matrix.shape != (2, 3) or not np.isfinite(matrix).all() or np.linalg.det(matrix[:, :2]) == 0:
            raise ValueError(f"a crop needs a finite, invertible matrix of shape (2, 3), not {self.matrix!r}")
        if self.size < 1:
            raise ValueError(f"a crop needs at least one pixel, not {self.size}")
        matrix.setflags(write=False)
        object.__setattr__(self, "matrix", matrix)

    def __repr__(self) -> str:
        return f"Crop(size={self.size}, scale={self.scale:.3g})"

    @classmethod
    def from_square(cls, centre: ArrayLike, side: float, size: int = CROP_SIZE) -> Crop:
        """The upright square of ``side`` image pixels around ``centre`` (x, y).

        Crop pixel = (image pixel - corner) * size / side, so crop pixel * 2 / size - 1 runs over [-1, 1].
        """
        centre = np.asarray(centre, dtype=np.float64)  # [2]
        if not (np.isfinite(centre).all() and np.isfinite(side) and side >= SMALLEST_SIDE):
            raise UnveilError(
                f"cannot cut out a face {side:.3g} pixels wide at {centre.tolist()}: give a box of at least one pixel"
            )
        scale = size / side
        corner = centre - side / 2
        return cls(np.array([[scale, 0, -scale * corner[0]], [0, scale, -scale * corner[1]]]), size)

    @classmethod
    def from_detector_box(cls, box_ltrb: ArrayLike, size: int = CROP_SIZE) -> Crop:
        """Frame a detector's box [4]: left, top, right, bottom in image pixels.

        Raises UnveilError when the box has no area, or not four numbers.
        """
        centre, mean_side = _centre_and_mean_side(np.asarray(box_ltrb, dtype=np.float64))
        return cls.from_square(centre + np.array([0, DETECTOR_SHIFT * mean_side]), MARGIN * mean_side, size)

    @classmethod
    def from_landmarks(cls, landmarks68: ArrayLike, size: int = CROP_SIZE) -> Crop:
        """Frame landmarks [68, 2] in image pixels; raises UnveilError when they have no area."""
        points = np.asarray(landmarks68, dtype=np.float64)[:, :2]
        box = np.concatenate([points.min(axis=0), points.max(axis=0)])
        centre, mean_side = _centre_and_mean_side(box)
        return cls.from_square(centre, MARGIN * LANDMARK_MARGIN * mean_side, size)

    @classmethod
    def along(cls, across: ArrayLike, point: ArrayLike, at: ArrayLike, step: float, size: int) -> Crop:
        """A square whose rows run along a direction of the photograph.

        Args:
            across: [2] the unit vector of that direction.
            point: [2] a place in the photograph, pixels.
            at: [2] where it lies in the square, pixels of that.
            step: pixels of the photograph to a pixel of the square.
            size: pixels a side of the square.
        """
        x, y = np.asarray(across, np.float64)
        upright = np.array([[x, y], [-y, x]]) / step
        return cls(np.column_stack([upright, np.asarray(at) - upright @ np.asarray(point)]), size)

    def turned(self, degrees: float, about: ArrayLike) -> Crop:
        """The crop of the photograph turned about a point (x, y) of it: what is there seems turned anticlockwise."""
        angle = np.radians(degrees)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        shift = np.asarray(about, np.float64) - turn @ np.asarray(about, np.float64)
        linear = self.matrix[:, :2]
        return Crop(np.column_stack([linear @ turn, linear @ shift + self.matrix[:, 2]]), self.size)

    def of_part(self, left: int, top: int) -> Crop:
        """The same crop of a part of the photograph that begins at that pixel."""
        shift = self.matrix[:, :2] @ [left, top] + self.matrix[:, 2]
        return Crop(np.column_stack([self.matrix[:, :2], shift]), self.size)

    @property
    def scale(self) -> float:
        """Crop pixels per image pixel."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))

    @property
    def roll(self) -> float:
        """Degrees that the crop is turned by, clockwise in the photograph."""
        return float(np.degrees(np.arctan2(self.matrix[0, 1], self.matrix[0, 0])))

    def resized(self, size: int) -> Crop:
        """The same framing with ``size`` pixels per side."""
        return Crop(self.matrix * (size / self.size), size)

    def of_cells(self, cells: int) -> Crop:
        """The crop whose pixels are the cells of a map [cells, cells] of this one, as the occlusion map is."""
        scale = cells / self.size
        matrix = self.matrix * scale
        matrix[:, 2] += scale / 2 - 0.5  # centres of pixels, and of cells, are at integers
        return Crop(matrix, cells)

    def to_crop(self, points: ArrayLike) -> Float64s:
        """Image pixels [..., 2] to crop pixels [..., 2]."""
        x, y = np.moveaxis(np.asarray(points, dtype=np.float64), -1, 0)
        # Of many points a tenth of the time that a product of matrices takes.
        return np.stack([a * x + b * y + c for a, b, c in self.matrix], axis=-1)

    def to_image(self, points: ArrayLike) -> Float64s:
        """Crop pixels [..., 2] to image pixels [..., 2]."""
        inverse = np.linalg.inv(self.matrix[:, :2])
        return (np.asarray(points, dtype=np.float64) - self.matrix[:, 2]) @ inverse.T

    def into(self, other: Crop) -> Float64s:
        """The similarity [2, 3] from this crop's pixels to those of another crop of the same image."""
        return np.asarray(other.matrix @ np.linalg.inv(np.vstack([self.matrix, [0, 0, 1]])))

    def warp(self, image: Image, size: int | None = None) -> Image:
        """The crop of ``image`` [H, W, 3] as uint8 [size, size, 3], black outside the image."""
        crop = self if size is None else self.resized(size)
        region, region_to_image = crop.visible_region(image)
        if region.size == 0:
            return np.zeros((crop.size, crop.size, *image.shape[2:]), np.uint8)
        matrix = crop.matrix @ region_to_image  # region pixels to crop pixels
        return sample_affine(region, np.linalg.inv(np.vstack([matrix, [0, 0, 1]])), crop.size)

    def warp_back(self, values: Map, shape: tuple[int, ...], *, beyond: float | None = 0) -> Map:
        """Values [size, size] of the crop's pixels at the pixels [H, W] of an image of that shape, bilinearly.

        Outside the crop they are ``beyond``; with None, the values at its edge go on.
        """
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        border = cv2.BORDER_REPLICATE if beyond is None else cv2.BORDER_CONSTANT
        onto = cv2.warpAffine(
            values, self.matrix, shape[1::-1], flags=flags, borderMode=border, borderValue=beyond or 0
        )
        return np.asarray(onto, values.dtype)

    def visible_region(self, image: Image) -> tuple[Image, Float64s]:
        """The part of the image under the crop, averaged to about crop resolution if much finer.

        Returns:
            The part, of no size where the crop lies beside the image, and the matrix [3, 3] from its pixels to the
            image's.
        """
        reach = self.size - 1
        margin = 2 * max(1.0, 1 / self.scale)  # what interpolation may touch, in image pixels
        corners = self.to_image([[0, 0], [reach, 0], [0, reach], [reach, reach]])
        limits = np.array(image.shape[1::-1])
        left, top = np.clip(np.floor(corners.min(axis=0) - margin), 0, limits).astype(int)
        right, bottom = np.clip(np.ceil(corners.max(axis=0) + margin) + 1, 0, limits).astype(int)
        region = image[top:bottom, left:right]
        step = np.ones(2)  # image pixels per region pixel, (x, y)
        if region.size and self.scale * SHRINK_NEEDS_FILTER < 1:
            full = np.array(region.shape[1::-1])
            small = np.maximum(1, np.rint(full * self.scale)).astype(int)
            region = np.asarray(cv2.resize(region, small.tolist(), interpolation=cv2.INTER_AREA), np.uint8)
            step = full / small
        offset = np.array([left, top]) + (step - 1) / 2
        return region, np.array([[step[0], 0, offset[0]], [0, step[1], offset[1]], [0, 0, 1]])


def _centre_and_mean_side(box_ltrb: Float64s) -> tuple[Float64s, float]:
    """Centre (x, y) and mean of width and height of a box [4]."""
    if box_ltrb.shape != (4,):
        raise UnveilError(
            f"cannot cut out a face at {box_ltrb.tolist()}: a box has four numbers; "
            "give left, top, right, bottom in pixels"
        )
    left_top, right_bottom = box_ltrb[:2], box_ltrb[2:]
    sides = right_bottom - left_top
    if not (np.isfinite(box_ltrb).all() and (sides > 0).all()):
        raise UnveilError(
            f"cannot cut out a face at {box_ltrb.tolist()}: the box has no area; "
            "give left, top, right, bottom in pixels"
        )
    return (left_top + right_bottom) / 2, float(sides.mean())
