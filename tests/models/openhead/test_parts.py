"""Openhead's teeth, tongue and lashes: that they go with every head and face, and never come through the skin."""

from pathlib import Path

import numpy as np
import pytest
from glb_reader import Glb

from unveil.appearance.atlas import Atlas
from unveil.appearance.parts import painted_texels
from unveil.assets.store import packaged
from unveil.geometry.uv import texel_map
from unveil.heads.layout import Coefficients
from unveil.meshes.glb import glb_bytes
from unveil.models.openhead import head as openhead
from unveil.typing import Float64s, Int64s

MODEL = openhead.load(packaged("openhead.npz"))
assert MODEL.whole is not None
WHOLE = MODEL.whole
assert WHOLE.parts is not None
PARTS = WHOLE.parts
OWN = len(MODEL.head.template)
TEMPLATE = np.asarray(WHOLE.head.template, np.float64)
UNITS = np.asarray(WHOLE.head.expression_basis, np.float64)
LIFT = np.array([0, 0.003, 0])  # metres, from the tongue to the middle of the mouth
JAWS = ("upper_teeth", "upper_gums", "lower_teeth", "lower_gums")


def vertices_of(*names: str) -> Int64s:
    return np.unique(np.concatenate([WHOLE.faces[PARTS.faces_of(name)] for name in names]))


def unit(name: str) -> Float64s:
    return UNITS[WHOLE.expression_names.index(name)]


def test_the_whole_head_begins_with_the_head() -> None:
    for mine, its in (
        (MODEL.head.template, WHOLE.head.template),
        (MODEL.head.shape_basis[0], WHOLE.head.shape_basis[0]),
        (MODEL.head.expression_basis[50], WHOLE.head.expression_basis[50]),
        (MODEL.head.skin_weights, WHOLE.head.skin_weights),
        (MODEL.uv, WHOLE.uv),
    ):
        np.testing.assert_array_equal(mine, its[: len(mine)])
    assert WHOLE.expression_names == (*MODEL.expression_names, "tongueOut")
    assert len(set(WHOLE.expression_names)) == 52
    np.testing.assert_allclose(np.asarray(WHOLE.head.skin_weights).sum(axis=1), 1, atol=1e-5)


def test_units_that_no_learner_predicts_are_at_rest() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0, 0.3, (2, MODEL.layout.size)).astype(np.float32)
    head, coefficients = MODEL.complete(Coefficients(MODEL.layout, values))
    assert head is WHOLE
    assert not coefficients["expression"][:, 51].any()
    both = head.vertices(coefficients)[:, :OWN], MODEL.vertices(Coefficients(MODEL.layout, values))
    np.testing.assert_allclose(*both, atol=1e-6)


def test_a_file_of_format_1_still_opens_and_has_no_parts(tmp_path: Path) -> None:
    with np.load(packaged("openhead.npz")) as file:
        old = {name: file[name] for name in file if not name.startswith(("part", "face_parts", "more_", "caps"))}
    np.savez(tmp_path / "old.npz", **old | {"format": np.int32(1)})
    model = openhead.load(tmp_path / "old.npz")
    assert model.whole is None
    np.testing.assert_array_equal(model.head.template, MODEL.head.template)
    assert model.complete(model.zero())[0] is model


def test_every_triangle_has_a_part_and_only_neck_and_sockets_are_open() -> None:
    assert len(PARTS.of_faces) == len(WHOLE.faces)
    assert set(np.unique(PARTS.of_faces)) == set(range(len(PARTS.names)))
    same = np.unique(np.round(TEMPLATE, 7), axis=0, return_inverse=True)[1].ravel()  # the mouth's rim is there twice
    faces = same[WHOLE.faces[np.isin(PARTS.of_faces, [PARTS.names.index("skin"), PARTS.names.index("mouth")])]]
    edges = {(int(a), int(b)) for i, j in ((0, 1), (1, 2), (2, 0)) for a, b in faces[:, [i, j]]}
    place = np.zeros((same.max() + 1, 3))
    place[same] = TEMPLATE
    rim = place[[a for a, b in edges if (b, a) not in edges]]
    sockets = (np.abs(rim[:, 0]) > 0.015) & (np.abs(rim[:, 1]) < 0.03) & (rim[:, 2] > 0.02)
    assert ((rim[:, 1] < -0.1) | sockets).all()


def test_teeth_keep_their_size_whoever_has_them() -> None:
    shape = 3 * np.random.default_rng(1).normal(size=(20, 100)).astype(np.float32)
    teeth = np.asarray(WHOLE.head.neutral(shape), np.float64)[:, vertices_of(*JAWS)]
    centred = teeth - teeth.mean(axis=1, keepdims=True)
    template = TEMPLATE[vertices_of(*JAWS)]
    np.testing.assert_allclose(centred, np.broadcast_to(template - template.mean(axis=0), centred.shape), atol=2e-5)


def test_the_jaw_takes_teeth_and_tongue_along() -> None:
    for name in ("jawOpen", "jawForward", "jawLeft"):
        moved = {part: np.linalg.norm(unit(name)[vertices_of(part)], axis=1) for part in PARTS.names[3:8]}
        assert moved["upper_teeth"].max() < 1e-6
        assert min(moved["lower_teeth"].min(), moved["lower_gums"].min(), moved["tongue"].min()) > 0.005
    lower = vertices_of("lower_teeth")
    opened = TEMPLATE[lower] + unit("jawOpen")[lower]
    lengths = [np.linalg.norm(points - points[0], axis=1)[1:] for points in (TEMPLATE[lower], opened)]
    assert np.abs(lengths[1] / lengths[0] - 1).max() < 0.02, "the jaw turns as a whole"


def test_the_tongue_comes_out_between_the_lips() -> None:
    tongue = vertices_of("tongue")
    out = TEMPLATE + unit("tongueOut")
    lips = MODEL.landmarks68(out[:OWN])[60:68]
    tip = out[tongue[out[tongue, 2].argmax()]]
    assert TEMPLATE[tongue, 2].max() < lips[:, 2].max() - 0.005 < tip[2] - 0.01
    for lip, side in ((lips[2], 1), (lips[6], -1)):
        beside = out[tongue][np.abs(out[tongue, 2] - lip[2]) < 0.002]
        assert (side * (lip[1] - beside[:, 1]) > -0.002).all()


@pytest.mark.parametrize("name", ["eyeBlinkLeft", "eyeWideLeft", "eyeLookDownLeft", "eyeSquintLeft"])
def test_lashes_stay_on_the_lids(name: str) -> None:
    shape = np.random.default_rng(2).normal(size=100).astype(np.float32)
    neutral = np.asarray(WHOLE.head.neutral(shape), np.float64)
    roots = vertices_of("lashes").reshape(-1, 5)[:, :2].mean(axis=1).astype(int)
    for head in (neutral, neutral + unit(name)):
        anchors = head[PARTS.anchors[roots - OWN]]
        assert np.linalg.norm(head[roots] - anchors, axis=1).max() < 0.0045
    moving = roots[TEMPLATE[roots, 0] > 0]
    followed = unit(name)[moving] - unit(name)[PARTS.anchors[moving - OWN]]
    assert np.linalg.norm(followed, axis=1).mean() < 0.002


def crossings(points: Float64s, centre: Float64s, corners: Float64s) -> Int64s:
    """How often the way from each of points [P, 3] to the middle of the mouth goes through triangles [F, 3, 3]."""
    a, edge1, edge2 = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    ray = (centre - points)[:, None]
    p = np.cross(ray, edge2)
    determinant = (edge1 * p).sum(-1)
    s = points[:, None] - a
    with np.errstate(divide="ignore", invalid="ignore"):
        u = (s * p).sum(-1) / determinant
        q = np.cross(s, edge1)
        v, t = (ray * q).sum(-1) / determinant, (edge2 * q).sum(-1) / determinant
        return np.asarray(((u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0) & (t < 1)).sum(axis=1))


def test_teeth_never_come_through_the_skin() -> None:
    """Of 500 heads, a fifth with a component at 3 standard deviations, each neutral and with a unit at 1."""
    rng = np.random.default_rng(3)
    around = np.linalg.norm(TEMPLATE - [0, -0.075, 0.065], axis=1) < 0.04
    skin = WHOLE.faces[np.isin(PARTS.of_faces, [PARTS.names.index("skin"), PARTS.names.index("mouth")])]
    skin = skin[around[skin].all(axis=1)]
    teeth = vertices_of(*JAWS)
    teeth = teeth[TEMPLATE[teeth, 2] > TEMPLATE[teeth, 2].max() - 0.02]
    tongue = vertices_of("tongue")
    middle = tongue[np.argsort(np.abs(TEMPLATE[tongue, 2] - 0.035))[:8]]
    mouthy = np.flatnonzero((np.linalg.norm(UNITS[:, np.unique(skin)], axis=2) > 1e-3).any(axis=1))
    for number in range(500):
        shape = rng.normal(size=100).astype(np.float32)
        if number % 5 == 0:
            shape[rng.integers(12)] = 3 * rng.choice([-1, 1])
        neutral = np.asarray(WHOLE.head.neutral(shape), np.float64)
        for head in (neutral, neutral + UNITS[rng.choice(mouthy)]):
            points = head[rng.choice(teeth, 60, replace=False)]
            through = crossings(points, head[middle].mean(axis=0) + LIFT, head[skin])
            assert (through < 2).all()


def test_parts_have_places_of_their_own_in_the_texture() -> None:
    skin = texel_map(MODEL.uv, MODEL.uv_faces, 512)
    painted = painted_texels(MODEL, Atlas.of(MODEL, 512, halved=False))
    assert painted is not None
    inside = texel_map(WHOLE.uv, WHOLE.uv_faces[len(MODEL.faces) :], 512)
    assert not np.isin(inside.texels, skin.texels).any()
    assert not np.isin(painted.texels, skin.texels).any()
    assert WHOLE.uv.min() >= 0
    assert WHOLE.uv.max() <= 1


def test_a_file_has_a_primitive_and_a_material_for_each_part() -> None:
    texture = np.full((64, 64, 3), 128, np.uint8)
    hidden = np.linspace(0, 1, OWN, dtype=np.float32)
    data = glb_bytes(MODEL, MODEL.zero(), texture, values={"hidden": hidden})
    assert len(data) < 4e6
    file = Glb(data)
    assert file.mesh["extras"]["targetNames"] == list(WHOLE.expression_names)
    primitives = file.mesh["primitives"]
    assert [p["extras"]["part"] for p in primitives] == list(PARTS.names)
    assert [file["materials"][p["material"]]["name"] for p in primitives] == list(PARTS.names)
    assert all(len(p["targets"]) == 52 for p in primitives)
    counts = [len(file.array(p["indices"])) // 3 for p in primitives]
    assert counts == [len(PARTS.faces_of(name)) for name in PARTS.names]
    lashes = file.array(primitives[-1]["attributes"]["_HIDDEN"])
    assert set(np.unique(lashes)) <= set(hidden[PARTS.anchors].tolist())
