"""The packaged openhead: that it is a clean head, whatever happened to its file."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.heads.landmarks import IBUG68_MIRROR
from unveil.heads.model import MorphableModel
from unveil.models.openhead import head as openhead


@lru_cache(maxsize=1)
def model() -> MorphableModel:
    return openhead.load(packaged("openhead.npz"))


def test_sizes() -> None:
    head = model().head
    assert packaged("openhead.npz").stat().st_size < 6e6
    assert head.shape_basis.shape == (100, *head.template.shape)
    assert len(model().expression_names) == head.expression_basis.shape[0] == 51
    assert {"jawOpen", "eyeBlinkLeft", "mouthSmileRight"} <= set(model().expression_names)
    assert np.asarray(head.skin_weights).sum(axis=1) == pytest.approx(1.0, abs=1e-5)


def test_template_is_a_metric_upright_head() -> None:
    template = np.asarray(model().head.template)
    width, height, depth = np.ptp(template, axis=0)
    assert 0.15 < width < 0.21
    assert 0.24 < height < 0.33
    assert 0.17 < depth < 0.25
    nose = model().landmarks68(template)[30]
    assert abs(nose[0]) < 5e-4
    assert nose[2] > template[:, 2].max() - 0.003, "the nose tip is the foremost point"


def test_template_and_landmarks_are_symmetric() -> None:
    template, mirror = np.asarray(model().head.template), model().mirror_vertices
    assert (mirror[mirror] == np.arange(len(mirror))).all()
    assert np.abs(template[mirror] * [-1, 1, 1] - template).max() < 1e-5
    landmarks = model().landmarks68(template)
    assert np.abs(landmarks[list(IBUG68_MIRROR)] * [-1, 1, 1] - landmarks).max() < 2e-3


def test_left_is_the_subjects_left() -> None:
    assert model().landmarks68(np.asarray(model().head.template))[45, 0] > 0.03
    blink = model().head.expression_basis[model().expression_names.index("eyeBlinkLeft")]
    moved = np.linalg.norm(blink, axis=1)
    assert moved[np.asarray(model().head.template)[:, 0] > 0].sum() > 0.95 * moved.sum()


def test_uv_triangles_do_not_flip_or_leave_the_square() -> None:
    uv, corners = model().uv, model().uv[model().uv_faces]
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    point = (corners == corners[:, :1]).all(axis=(1, 2))  # the caps inside the mouth
    assert (area[~point] > 0).all()
    assert point.mean() < 0.02
    assert uv.min() >= 0
    assert uv.max() <= 1


def test_only_neck_and_eye_sockets_are_open() -> None:
    faces = model().faces
    edges = {(int(a), int(b)) for i, j in ((0, 1), (1, 2), (2, 0)) for a, b in faces[:, [i, j]]}
    rim = np.array([a for a, b in edges if (b, a) not in edges])
    template = np.asarray(model().head.template)[rim]
    neck = template[:, 1] < -0.1
    sockets = (np.abs(template[:, 0]) > 0.015) & (np.abs(template[:, 1]) < 0.03) & (template[:, 2] > 0.02)
    assert (neck | sockets).all()
    assert neck.any()


def test_joints_stay_inside_and_the_root_at_the_origin() -> None:
    rng = np.random.default_rng(0)
    shape = rng.normal(size=(20, 100)).astype(np.float32)
    joints = model().head.joint_positions(shape)
    assert np.abs(joints[:, 0]).max() == 0
    left_eye = joints[:, model().head.joint_names.index("left_eye")]
    corners = model().landmarks68(model().head.neutral(shape))[:, 42:48]
    assert (np.abs(left_eye[:, :2] - corners.mean(axis=1)[:, :2]) < 0.006).all()


def test_eyes_look_where_the_units_say() -> None:
    head, names = model().head, model().expression_names
    eye = np.asarray(head.skin_weights)[:, head.joint_names.index("left_eye")] > 0.99
    front = eye & (head.template[:, 2] > head.template[eye, 2].max() - 0.004)
    out, up = (head.expression_basis[names.index(f"eyeLook{way}Left")][front].mean(axis=0) for way in ("Out", "Up"))
    assert out[0] > 0.002
    assert up[1] > 0.001


def test_opening_the_jaw_lowers_the_chin_by_centimetres() -> None:
    names = model().expression_names
    unit = np.eye(51, dtype=np.float32)[names.index("jawOpen")]
    opened = model().vertices(model().zero().replace(expression=unit))
    drop = (model().landmarks68(opened) - model().landmarks68(np.asarray(model().head.template)))[8, 1]
    assert -0.06 < drop < -0.01


def test_jaw_line_slides_to_the_outline() -> None:
    """At 40 degrees of yaw the far jaw line is farther out than its anatomical place, the near one where it was."""
    for side, sign in ((slice(0, 4), -1), (slice(13, 17), 1)):
        coefficients = model().zero().replace(pose=np.array([0, sign * np.radians(40), 0, 0, 0, 0], np.float32))
        vertices = model().vertices(coefficients)
        fixed, sliding = model().landmarks68(vertices), model().contour68(vertices, coefficients)
        far = sign * (sliding - fixed)[side, 0]
        assert (far > 0.001).all()
        near = slice(13, 17) if side.start == 0 else slice(0, 4)
        assert np.abs(sliding - fixed)[near].max() < 0.012


def test_wrong_files_get_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match=r"missing\.npz does not exist"):
        openhead.load(tmp_path / "missing.npz")
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(UnveilError, match=r"text\.npz is no openhead model"):
        openhead.load(tmp_path / "text.npz")
    np.savez(tmp_path / "old.npz", format=0)
    with pytest.raises(UnveilError, match="format 0"):
        openhead.load(tmp_path / "old.npz")
