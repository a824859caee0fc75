"""The GLB file: read back, put through the Khronos validator, and posed by glTF's own rules."""

from pathlib import Path
from typing import Any

import made_up
import numpy as np
import pytest
from glb_reader import Glb
from khronos import validator_report

from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.geometry.mesh import vertex_normals
from unveil.heads.layout import Coefficients
from unveil.meshes.glb import glb_bytes, write_glb
from unveil.meshes.glb_head import SMALLEST_SHIFT
from unveil.meshes.seams import split_at_seams
from unveil.models.openhead import head as openhead
from unveil.storage.files import write_bytes
from unveil.typing import Float64s, Image

MODEL = made_up.model()
SPLIT = split_at_seams(MODEL.faces, MODEL.uv_faces)


def someone(*, jaw: bool = False) -> Coefficients:
    rng = np.random.default_rng(3)
    return MODEL.zero().replace(
        shape=rng.normal(0, 1, 100).astype(np.float32),
        expression=rng.uniform(0, 1, 51).astype(np.float32),
        pose=np.array([0.1, 0.4, -0.2, 0.3 if jaw else 0, 0, 0], dtype=np.float32),
    )


def a_texture() -> Image:
    return np.full((32, 32, 3), [200, 150, 120], dtype=np.uint8)


def posed(file: Glb) -> Float64s:
    """Vertices as a viewer shows them: morph targets by their default weights, then the skin."""
    positions = file.attribute("POSITION").astype(np.float64)
    for target, weight in zip(file.primitive["targets"], file.mesh["weights"], strict=True):
        positions = positions + weight * file.array(target["POSITION"])
    world: dict[int, Float64s] = {}

    def place(node: int, parent: Float64s) -> None:
        world[node] = parent @ local_matrix(file["nodes"][node])
        for child in file["nodes"][node].get("children", ()):
            place(child, world[node])

    for node in file["scenes"][0]["nodes"]:
        place(node, np.eye(4))
    (skin,) = file["skins"]
    inverse = file.array(skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
    joints = np.stack([world[n] @ m for n, m in zip(skin["joints"], inverse, strict=True)])
    matrices = (file.attribute("WEIGHTS_0")[..., None, None] * joints[file.attribute("JOINTS_0")]).sum(1)
    homogeneous = np.concatenate([positions, np.ones((len(positions), 1))], axis=1)
    return np.asarray((matrices @ homogeneous[..., None])[:, :3, 0])


def local_matrix(node: dict[str, Any]) -> Float64s:
    x, y, z, w = node.get("rotation", [0, 0, 0, 1])
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, 3] = node.get("translation", [0, 0, 0])
    return matrix


@pytest.fixture(scope="module")
def read() -> Glb:
    return Glb(glb_bytes(MODEL, someone(), a_texture()))


def test_positions_are_the_neutral_head(read: Glb) -> None:
    positions = read.attribute("POSITION")
    np.testing.assert_array_equal(positions, MODEL.neutral(someone())[SPLIT.vertex])
    np.testing.assert_array_equal(read.array(read.primitive["indices"]).reshape(-1, 3), SPLIT.faces)


def test_morph_targets_are_the_expression_units(read: Glb) -> None:
    assert read.mesh["extras"]["targetNames"] == list(MODEL.expression_names)
    assert len(read.primitive["targets"]) == 51
    for target, unit in zip(read.primitive["targets"], MODEL.head.expression_basis, strict=True):
        np.testing.assert_allclose(read.array(target["POSITION"]), unit[SPLIT.vertex], atol=SMALLEST_SHIFT)
    np.testing.assert_allclose(read.mesh["weights"], someone()["expression"], rtol=1e-6)


def test_morphed_normals_are_close_to_the_normals_of_the_morphed_head(read: Glb) -> None:
    neutral = MODEL.neutral(someone())
    normals = read.attribute("NORMAL")
    for k in (0, 7, 50):
        morphed = normals + read.array(read.primitive["targets"][k]["NORMAL"])
        exact = vertex_normals(neutral + MODEL.head.expression_basis[k], MODEL.faces)[SPLIT.vertex]
        assert np.abs(morphed - exact).max() < 0.03
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)


def test_bounds_are_those_of_the_data(read: Glb) -> None:
    for target in read.primitive["targets"]:
        accessor, values = read["accessors"][target["POSITION"]], read.array(target["POSITION"])
        np.testing.assert_array_equal(accessor["min"], values.min(axis=0))
        np.testing.assert_array_equal(accessor["max"], values.max(axis=0))


def test_texture_coordinates_have_v_down_and_the_texture_is_inside(read: Glb) -> None:
    uv = read.attribute("TEXCOORD_0")
    np.testing.assert_allclose(uv[SPLIT.faces] * [1, -1] + [0, 1], MODEL.uv[MODEL.uv_faces], atol=1e-6)
    assert read.view(read["images"][0]["bufferView"]).startswith(b"\xff\xd8\xff")


def test_values_of_vertices_are_attributes_of_the_primitive(read: Glb) -> None:
    hidden = np.linspace(0, 1, len(MODEL.head.template))
    marked = Glb(glb_bytes(MODEL, someone(), a_texture(), values={"hidden": hidden}))
    values = marked.attribute("_HIDDEN")
    np.testing.assert_array_equal(values[:, 0], hidden[SPLIT.vertex].astype(np.float32))
    assert "_HIDDEN" not in read.primitive["attributes"]


@pytest.mark.parametrize("jaw", [False, True])
def test_a_viewer_shows_the_expression_with_the_head_upright(jaw: bool) -> None:
    coefficients = someone(jaw=jaw)
    upright = coefficients.replace(pose=coefficients["pose"] * np.array([0, 0, 0, 1, 1, 1], np.float32))
    shown = posed(Glb(glb_bytes(MODEL, coefficients)))
    np.testing.assert_allclose(shown, MODEL.vertices(upright)[SPLIT.vertex], atol=51 * SMALLEST_SHIFT)


def test_joints_are_named_and_where_the_shape_puts_them(read: Glb) -> None:
    names = [read["nodes"][j]["name"] for j in read["skins"][0]["joints"]]
    assert names == list(MODEL.head.joint_names)
    inverse = read.array(read["skins"][0]["inverseBindMatrices"]).reshape(-1, 4, 4)
    expected = MODEL.head.joint_positions(someone()["shape"])
    np.testing.assert_allclose(-inverse[:, 3, :3], expected, atol=1e-6)
    weights = read.attribute("WEIGHTS_0")
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)


def test_a_glb_file_has_a_name_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match=r"head.obj as a GLB file; end the name in .glb"):
        write_glb(tmp_path / "head.obj", MODEL, MODEL.zero())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("textured", [False, True])
def test_khronos_validator_finds_nothing(tmp_path: Path, textured: bool) -> None:
    write_glb(tmp_path / "head.glb", MODEL, someone(jaw=True), a_texture() if textured else None)
    report = validator_report(tmp_path / "head.glb")
    assert [report[kind] for kind in ("numErrors", "numWarnings")] == [0, 0], report["messages"]
    # Without a texture the validator remarks that nothing uses the texture coordinates; artists will.
    assert {m["code"] for m in report["messages"]} == (set() if textured else {"UNUSED_OBJECT"})


def test_openhead_passes_the_khronos_validator_with_arkits_names(tmp_path: Path) -> None:
    model = openhead.load(packaged("openhead.npz"))
    hidden = np.linspace(0, 1, len(model.head.template), dtype=np.float32)
    values = {"hidden": hidden, "uncertainty": 3 * hidden}
    write_bytes(tmp_path / "head.glb", glb_bytes(model, model.zero(), a_texture(), values=values))
    names = Glb(tmp_path / "head.glb").mesh["extras"]["targetNames"]
    assert len(set(names)) == 52
    assert {"tongueOut", "jawOpen", "eyeBlinkLeft", "mouthSmileRight", "eyeLookInLeft", "browInnerUp"} <= set(names)
    assert validator_report(tmp_path / "head.glb")["messages"] == []


@pytest.mark.parametrize(
    ("texture", "what"),
    [
        (np.zeros((4, 4, 3)), r"float64 \[4, 4, 3\]"),
        (np.zeros((4, 4), np.uint8), r"uint8 \[4, 4\]"),
        (np.zeros((0, 4, 3), np.uint8), r"uint8 \[0, 4, 3\]"),
        ("skin.jpg", "str"),
    ],
)
def test_what_is_no_texture(tmp_path: Path, texture: Any, what: str) -> None:
    with pytest.raises(TypeError, match=rf"^the texture of {MODEL.name} is RGB uint8 \[H, W, 3\], not {what}$"):
        write_glb(tmp_path / "a.glb", MODEL, MODEL.zero(), texture)
    assert not list(tmp_path.iterdir())
