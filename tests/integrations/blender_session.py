"""What the test of the extension does in Blender, in a process of its own: GLB and CSV in, JSON out."""

import json
import sys
from pathlib import Path

import bpy
import numpy as np


def main(extension: str, glb: str, csv: str, answer: str) -> None:
    sys.path.insert(0, extension)
    import unveil_heads

    bpy.ops.wm.read_factory_settings(use_empty=True)
    unveil_heads.register()
    told = {"imported": list(bpy.ops.import_scene.unveil_head(filepath=glb))}
    armature = next(one for one in bpy.data.objects if unveil_heads.KEY in one)
    meshes = {mesh.name: mesh for mesh in unveil_heads.meshes_of(armature)}
    head = meshes["head"]
    told |= {
        "model": armature[unveil_heads.KEY],
        "facts": [armature["hidden_share"], armature["doubtful"], armature["pose_degrees"]["yaw"]],
        "meshes": sorted(meshes),
        "materials": sorted(slot.material.name for slot in head.material_slots),
        "attributes": sorted(set(head.data.attributes.keys()) & {"hidden", "uncertainty_mm"}),
        "uncertainty": [value.value for value in head.data.attributes["uncertainty_mm"].data][:1],
        "smiling": head.data.shape_keys.key_blocks["mouthSmileLeft"].value,
        "size": list(head.dimensions),
    }
    armature.unveil_hair = False
    told["hair_hidden"] = [meshes["hair"].hide_get(), meshes["hair"].hide_render]
    told["before"] = middle_of(head)
    bpy.context.view_layer.objects.active = head
    bpy.context.scene.render.fps = 30
    told["taken"] = list(bpy.ops.import_anim.unveil_take(filepath=csv))
    bpy.context.scene.frame_set(16)  # half a second later
    told["jaw"] = head.data.shape_keys.key_blocks["jawOpen"].value
    told["after"] = middle_of(head)
    told["refused"] = refused(glb)
    unveil_heads.unregister()
    Path(answer).write_text(json.dumps(told))


def middle_of(head: bpy.types.Object) -> list[float]:
    """The middle of the face, which is the fifth of all vertices that is most to the front at rest."""
    rest = np.array([vertex.co[:] for vertex in head.data.vertices])
    front = rest[:, 1] < np.quantile(rest[:, 1], 0.2)
    posed = head.evaluated_get(bpy.context.evaluated_depsgraph_get())
    places = np.array([(posed.matrix_world @ vertex.co)[:] for vertex in posed.data.vertices])
    return places[front].mean(axis=0).tolist()


def refused(path: str) -> str:
    try:
        bpy.ops.import_anim.unveil_take(filepath=path)
    except RuntimeError as error:
        return str(error)
    return ""


if __name__ == "__main__":
    main(*sys.argv[1:])
