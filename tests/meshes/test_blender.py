"""Blender opens a head as it is: names, skin, units, hair and textures."""

from pathlib import Path

import numpy as np
import pytest

from unveil import Reconstruction, Reconstructor
from unveil.assets.store import packaged

bpy = pytest.importorskip("bpy", reason="needs Blender as a module: pip install bpy", exc_type=ImportError)


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> Reconstruction:
    """The bundled person, whose head Blender has open."""
    (found,) = Reconstructor().reconstruct(packaged("demo.jpg"))
    path: Path = tmp_path_factory.mktemp("blender") / "head.glb"
    found.save(path)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(path))
    return found


def test_the_head_has_all_units_and_stands_as_photographed(face: Reconstruction) -> None:
    head = bpy.data.objects["head"]
    unit, *names = [key.name for key in head.data.shape_keys.key_blocks]
    assert unit == "Basis"
    assert names[: len(face.expression_names)] == list(face.expression_names)
    assert names[len(face.expression_names) :] == ["tongueOut"]
    weights = [head.data.shape_keys.key_blocks[name].value for name in face.expression_names]
    np.testing.assert_allclose(weights, list(face.expression.values()), atol=1e-4)


def test_joints_move_head_and_hair(face: Reconstruction) -> None:
    armature = bpy.data.objects["Armature"]
    joints = ["root", "neck", "jaw", "left_eye", "right_eye"]
    assert [bone.name for bone in armature.data.bones] == joints
    for name in ("head", "hair"):
        part = bpy.data.objects[name]
        assert part.parent is armature
        assert [group.name for group in part.vertex_groups] == joints
        assert [modifier.type for modifier in part.modifiers] == ["ARMATURE"]
    # Blender's z is up, and the face looks along -y.
    top = max(vertex.co.z for vertex in bpy.data.objects["hair"].data.vertices)
    assert top > max(vertex.co.z for vertex in bpy.data.objects["head"].data.vertices)


def test_every_part_has_its_material_and_picture(face: Reconstruction) -> None:
    whole = face.morphable.whole
    assert whole is not None
    assert whole.parts is not None
    assert [material.name for material in bpy.data.objects["head"].data.materials] == list(whole.parts.names)
    assert [material.name for material in bpy.data.objects["hair"].data.materials] == ["hair", "hair ends"]
    for material in bpy.data.materials:
        (link,) = [link for link in material.node_tree.links if link.to_socket.name == "Base Color"]
        assert link.from_node.image.name == (material.name if material.name.startswith("hair") else "skin")
        assert link.from_node.image.size[0] > 0


def test_hidden_vertices_are_known(face: Reconstruction) -> None:
    for name in ("head", "hair"):
        values = [value.value for value in bpy.data.objects[name].data.attributes["_HIDDEN"].data]
        assert 0 <= min(values) < max(values) <= 1
