"""Hair in a glTF file: a node, a mesh, a material and a picture of its own, carried by a joint of the head."""

from __future__ import annotations

import numpy as np

from unveil.geometry.mesh import vertex_normals
from unveil.heads.head import HAIR, ROUGHNESS, HairCap
from unveil.meshes.glb_head import INFLUENCES, unit_normals, v_down
from unveil.meshes.gltf_buffer import ARRAY_BUFFER, TRIANGLES, GltfBuffer, Json
from unveil.meshes.image_bytes import jpeg
from unveil.meshes.seams import split_at_seams


def add_hair(buffer: GltfBuffer, document: Json, hair: HairCap, joint: int, *, grey: bool) -> None:
    """Add hair to a document that has a head as its first mesh, node and skin; ``grey`` hair has no picture."""
    document["meshes"].append(
        {"primitives": [_primitive(buffer, hair, joint, len(document["materials"]))], "name": HAIR}
    )
    document["materials"].append(
        document["materials"][0] | {"name": HAIR} | _surface(buffer, document, hair, grey=grey)
    )
    document["materials"][-1].pop("normalTexture", None)  # of the skin
    document["scenes"][0]["nodes"].append(len(document["nodes"]))
    document["nodes"].append({"mesh": len(document["meshes"]) - 1, "skin": 0, "name": HAIR})


def _surface(buffer: GltfBuffer, document: Json, hair: HairCap, *, grey: bool) -> Json:
    """How light falls back from it; the picture goes into the document."""
    surface = document["materials"][0]["pbrMetallicRoughness"] | {"roughnessFactor": ROUGHNESS}
    if not grey:
        picture = {"mimeType": "image/jpeg", "bufferView": buffer.view(jpeg(hair.picture)), "name": HAIR}
        document["images"].append(picture)
        document["textures"].append({"sampler": 0, "source": len(document["images"]) - 1})
        surface |= {"baseColorTexture": {"index": len(document["textures"]) - 1, "texCoord": 0}}
    return {"pbrMetallicRoughness": surface}


def _primitive(buffer: GltfBuffer, hair: HairCap, joint: int, material: int) -> Json:
    """The mesh, all of which one joint carries."""
    split = split_at_seams(hair.faces, hair.uv_faces)
    normals = unit_normals(vertex_normals(hair.vertices, hair.faces)[split.vertex])
    joints, weights = np.zeros((2, len(split.vertex), INFLUENCES), np.float32)
    joints[:, 0], weights[:, 0] = joint, 1
    attributes = {
        "POSITION": buffer.vectors(hair.vertices[split.vertex]),
        "NORMAL": buffer.vectors(normals),
        "TEXCOORD_0": buffer.accessor(v_down(hair.uv[split.uv]), "VEC2", ARRAY_BUFFER),
        "JOINTS_0": buffer.accessor(joints.astype(np.uint8), "VEC4", ARRAY_BUFFER),
        "WEIGHTS_0": buffer.accessor(weights, "VEC4", ARRAY_BUFFER),
        "_HIDDEN": buffer.accessor(hair.hidden[split.vertex, None], "SCALAR", ARRAY_BUFFER),
    }
    indices = buffer.indices(split.faces)
    extras = {"part": HAIR}
    return {"attributes": attributes, "indices": indices, "mode": TRIANGLES, "material": material, "extras": extras}
