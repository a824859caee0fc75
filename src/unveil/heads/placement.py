"""How coefficients place a head in its crop: which way it is turned, and the camera that sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from unveil.geometry import camera
from unveil.geometry.arrays import array_namespace
from unveil.geometry.rotation import Array
from unveil.heads.layout import Coefficients


class Placement(Protocol):
    """The meaning of pose and camera in a model family.

    It has two halves, the axis-angles of the joints and the camera. Each can be changed without the other.
    """

    @property
    def facing_camera(self) -> Mapping[str, tuple[float, ...]]:
        """The groups that are not zero for a head that faces the camera and fills the crop."""

    @property
    def mirrored(self) -> Mapping[str, tuple[float, ...]]:
        """The factors of pose and camera that mirror the picture; empty where factors cannot."""

    def joint_turns(self, coefficients: Coefficients) -> dict[str, Array]:
        """Axis-angles [..., 3] in radians, by name, of the joints that can turn; ``root`` turns the head."""

    def with_joint_turns(self, coefficients: Coefficients, turns: Mapping[str, Array]) -> Coefficients:
        """The same head with other axis-angles [..., 3] of some of the joints of `joint_turns`, in the same camera."""

    def project(self, points: Array, coefficients: Coefficients) -> Array:
        """Points [..., N, 3] of the posed head in the crop's [-1, 1] frame, y down and z away from the viewer."""

    def scale(self, coefficients: Coefficients) -> Array:
        """Length [...] of a metre in the crop, in half crop sides, across the line of sight at the root joint."""

    def moved(
        self, coefficients: Coefficients, similarity: Array, old_size: int, new_size: int, root: Array
    ) -> Coefficients:
        """The same head after its crop has gone through a similarity.

        Args:
            coefficients: [..., M].
            similarity: [..., 2, 3] pixels of the old crop to pixels of the new: a scale times a rotation, and a shift.
            old_size, new_size: sides of the two crops in pixels.
            root: [..., 3] the root joint in model space, metres.
        """


@dataclass(frozen=True)
class ScaledOrthographic:
    """``pose`` is the axis-angles of head and jaw, ``camera`` is (s, tx, ty) of `geometry.camera.project`."""

    @property
    def facing_camera(self) -> Mapping[str, tuple[float, ...]]:
        """The groups pose and camera of a head that faces the camera."""
        return {"camera": (5.0, 0.0, 0.0)}  # a head of 0.25 m spans 1.25 of the crop's 2

    @property
    def mirrored(self) -> Mapping[str, tuple[float, ...]]:
        """A rotation vector (a, b, c) becomes (a, -b, -c); the shift along x changes sign."""
        return {"pose": (1.0, -1.0, -1.0, 1.0, -1.0, -1.0), "camera": (1.0, -1.0, 1.0)}

    def joint_turns(self, coefficients: Coefficients) -> dict[str, Array]:
        """Axis-angles [..., 3] by joint."""
        pose = coefficients["pose"]
        return {"root": pose[..., :3], "jaw": pose[..., 3:]}

    def with_joint_turns(self, coefficients: Coefficients, turns: Mapping[str, Array]) -> Coefficients:
        """The same head with these turns of head and jaw."""
        both = self.joint_turns(coefficients) | dict(turns)
        pose = array_namespace(coefficients.values).concat([both["root"], both["jaw"]], axis=-1)
        return coefficients.replace(pose=pose)

    def project(self, points: Array, coefficients: Coefficients) -> Array:
        """Points [..., N, 3] in the crop's [-1, 1] frame."""
        return camera.project(points, coefficients["camera"])

    def scale(self, coefficients: Coefficients) -> Array:
        """The scale [...] of the camera."""
        return coefficients["camera"][..., 0]

    def moved(
        self, coefficients: Coefficients, similarity: Array, old_size: int, new_size: int, root: Array
    ) -> Coefficients:
        """The same head after its crop has gone through a similarity, exactly: the turn goes into the head's."""
        turn, moved = camera.move_with_crop(
            self.joint_turns(coefficients)["root"], coefficients["camera"], similarity, old_size, new_size, root
        )
        return self.with_joint_turns(coefficients, {"root": turn}).replace(camera=moved)


SCALED_ORTHOGRAPHIC = ScaledOrthographic()
