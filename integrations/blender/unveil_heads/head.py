"""A head of unveil in Blender: imported by Blender's own glTF importer, with what its files say beside it.

Blender's z is up and its -y is before a face; glTF's y is up and its z before it. Lengths are metres in both.
"""

import json
from pathlib import Path

import bpy
from mathutils import Matrix

HAIR = "hair"  # the object that is a head's hair
GLTF_TO_BLENDER = Matrix(((1, 0, 0), (0, 0, -1), (0, 1, 0)))
NAMES = {"_HIDDEN": "hidden", "_UNCERTAINTY": "uncertainty_mm"}  # of the file's attributes, and what they become
# Of a face's JSON, kept as properties.
FACTS = ("hidden_share", "occluded_share", "pose_degrees", "uncertainty_mm", "doubtful")
KEY = "unveil_model"  # property by which a head is known


def import_head(path: Path) -> bpy.types.Object:
    """Import a GLB file; gives back its armature, which has the meshes as children."""
    before = set(bpy.data.objects)
    bpy.ops.import_scene.gltf(filepath=str(path))
    made = [one for one in bpy.data.objects if one not in before]
    armature = next((one for one in made if one.type == "ARMATURE"), None)
    if armature is None:
        raise ValueError("the file has no head with joints")
    armature.name = path.stem
    armature[KEY] = _model_of(path)
    for mesh in meshes_of(armature):
        for name, better in NAMES.items():
            if name in mesh.data.attributes:
                mesh.data.attributes[name].name = better
    for name, value in _facts(path).items():
        armature[name] = value  # numbers, which drivers can use, or numbers by name
    return armature


def meshes_of(armature: bpy.types.Object) -> list[bpy.types.Object]:
    return [child for child in armature.children if child.type == "MESH"]


def is_hair(mesh: bpy.types.Object) -> bool:
    return mesh.name.partition(".")[0] == HAIR


def show_hair(armature: bpy.types.Object, shown: bool) -> None:
    """Show or hide the hair, also in renders."""
    for mesh in filter(is_hair, meshes_of(armature)):
        mesh.hide_render = not shown
        mesh.hide_set(not shown)


def shape_keys_of(armature: bpy.types.Object) -> dict[str, bpy.types.ShapeKey]:
    """The units of a head by their names in small letters."""
    blocks = (mesh.data.shape_keys.key_blocks for mesh in meshes_of(armature) if mesh.data.shape_keys)
    return {block.name.casefold(): block for keys in blocks for block in keys}


def _model_of(path: Path) -> str:
    """The head model that the extras of the file name."""
    with path.open("rb") as stream:
        header = stream.read(20)
        document = json.loads(stream.read(int.from_bytes(header[12:16], "little")))
    extras = document.get("extras")
    return str(extras.get("model", "")) if isinstance(extras, dict) else ""


def _facts(path: Path) -> dict[str, object]:
    """What the photograph's JSON beside the file says of the face; empty without one."""
    try:
        record = json.loads(path.with_name(f"{path.stem.rpartition('_')[0]}.json").read_text(encoding="utf-8"))
        face = next(face for face in record["faces"] if path.name in face["files"].values())
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return {}
    return {name: face[name] for name in FACTS if face.get(name) is not None}
