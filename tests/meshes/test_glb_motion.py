"""Animations in a GLB, read back, and meshes that do not move."""

from pathlib import Path

import made_up
import numpy as np
import pytest
from glb_reader import Glb
from khronos import validator_report

from unveil.geometry.rotation import axis_angle_to_matrix
from unveil.heads.motion import Motion, look_around
from unveil.meshes.glb import glb_bytes, surface_bytes
from unveil.meshes.glb_animation import quaternions
from unveil.storage.files import write_bytes

MODEL = made_up.model()
TEXTURE = np.full((16, 16, 3), [200, 150, 120], np.uint8)


def test_quaternions_turn_as_matrices_do() -> None:
    axis_angles = np.vstack([np.random.default_rng(0).normal(0, 1, (20, 3)), np.zeros((1, 3))])
    x, y, z, w = quaternions(axis_angles).T
    # The first column of the matrix of a unit quaternion, as the glTF specification writes nodes' rotations.
    first = np.stack([1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)], axis=1)
    np.testing.assert_allclose(first, axis_angle_to_matrix(axis_angles)[:, :, 0], atol=1e-12)


def test_keyframes_are_the_coefficients() -> None:
    start = MODEL.zero().replace(expression=np.linspace(0, 1, 51, dtype=np.float32))
    turning = look_around(MODEL, start, 12)
    turning = turning.replace(expression=turning["expression"] * np.linspace(0, 1, 12, dtype=np.float32)[:, None])
    motion = Motion(turning, 20.0)
    file = Glb(glb_bytes(MODEL, start, TEXTURE, motion))
    (animation,) = file["animations"]
    tracks = {
        (channel["target"]["node"], channel["target"]["path"]): animation["samplers"][channel["sampler"]]
        for channel in animation["channels"]
    }
    assert tracks.keys() == {(0, "weights"), (1, "rotation")}  # the jaw stays at rest
    clock = file.array(tracks[0, "weights"]["input"])
    np.testing.assert_allclose(clock[:, 0], np.arange(12) / 20)
    assert file["accessors"][tracks[0, "weights"]["input"]]["max"] == [pytest.approx(11 / 20)]
    weights = file.array(tracks[0, "weights"]["output"]).reshape(12, 51)
    np.testing.assert_array_equal(weights, turning["expression"])
    turns = file.array(tracks[1, "rotation"]["output"])
    np.testing.assert_allclose(turns, quaternions(turning["pose"][:, :3]), atol=1e-6)


def test_a_head_without_motion_has_no_animation() -> None:
    assert "animations" not in Glb(glb_bytes(MODEL, MODEL.zero())).document


def test_a_still_surface_comes_back(tmp_path: Path) -> None:
    vertices = np.asarray(MODEL.head.template)
    write_bytes(tmp_path / "a.glb", surface_bytes(vertices, MODEL, TEXTURE))
    assert (tmp_path / "a.glb").read_bytes() == surface_bytes(vertices, MODEL, TEXTURE)
    file = Glb(tmp_path / "a.glb")
    positions = file.attribute("POSITION")
    assert {tuple(p) for p in positions} == {tuple(p) for p in vertices}
    assert len(file["images"]) == 1
    assert "skins" not in file.document
    np.testing.assert_allclose(np.linalg.norm(file.attribute("NORMAL"), axis=1), 1, atol=1e-5)


def test_khronos_validator_finds_nothing(tmp_path: Path) -> None:
    start = MODEL.zero().replace(pose=np.array([0, 0, 0, 0.2, 0, 0], np.float32))
    motion = Motion(look_around(MODEL, start, 5), 10)
    flat = np.full((8, 8, 3), [128, 128, 255], np.uint8)
    write_bytes(tmp_path / "moving.glb", glb_bytes(MODEL, start, TEXTURE, motion, flat))
    write_bytes(tmp_path / "still.glb", surface_bytes(np.asarray(MODEL.head.template), MODEL, TEXTURE))
    for name in ("moving.glb", "still.glb"):
        report = validator_report(tmp_path / name)
        assert [report[kind] for kind in ("numErrors", "numWarnings")] == [0, 0], report["messages"]
