"""Hair in a glTF file: a node, a mesh, a material and a picture of its own, carried by a joint of the head."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from unveil.geometry.mesh import vertex_normals
from unveil.heads.parts import HAIR, HAIR_ROUGHNESS, HairCap, HairEnds
from unveil.meshes.glb_head import INFLUENCES, unit_normals, v_down
from unveil.meshes.gltf_buffer import ARRAY_BUFFER, TRIANGLES, GltfBuffer, Json
from unveil.meshes.seams import split_at_seams

ENDS = "hair ends"  # the name of their part and of their material


class Picture(NamedTuple):
    """A picture that another thread may still be encoding."""

    kind: str  # such as "png"
    content: Callable[[], bytes]  # of its file; waits for it

    def added(self, buffer: GltfBuffer, name: str) -> Json:
        """Put the picture into the buffer and return its entry for the document's images."""
        return {"mimeType": f"image/{self.kind}", "bufferView": buffer.view(self.content()), "name": name}


Pictures = Mapping[str, Picture]  # by name


def add_hair(buffer: GltfBuffer, document: Json, hair: HairCap, joint: int, pictures: Pictures) -> None:
    """Add hair to a document whose first mesh, node and skin are a head's. Without a picture it is grey.

    Its loose ends are a primitive of their own, because viewers draw transparent primitives last. Grey hair has none.
    """
    primitives = [_primitive(buffer, hair, joint, len(document["materials"])) | {"extras": {"part": HAIR}}]
    document["materials"].append(_material(buffer, document, HAIR, pictures))
    if hair.ends is not None and ENDS in pictures:
        primitives.append(_primitive(buffer, hair.ends, joint, len(document["materials"])) | {"extras": {"part": ENDS}})
        document["materials"].append(_material(buffer, document, ENDS, pictures) | {"alphaMode": "BLEND"})
    document["meshes"].append({"primitives": primitives, "name": HAIR})
    document["scenes"][0]["nodes"].append(len(document["nodes"]))
    document["nodes"].append({"mesh": len(document["meshes"]) - 1, "skin": 0, "name": HAIR})


def _material(buffer: GltfBuffer, document: Json, name: str, pictures: Pictures) -> Json:
    """The material of hair or of its ends; its picture goes into the document."""
    material: Json = document["materials"][0] | {"name": name}
    material.pop("normalTexture", None)  # of the skin
    surface = material["pbrMetallicRoughness"] | {"roughnessFactor": HAIR_ROUGHNESS}
    if name in pictures:
        document["images"].append(pictures[name].added(buffer, name))
        document["textures"].append({"sampler": 0, "source": len(document["images"]) - 1})
        surface |= {"baseColorTexture": {"index": len(document["textures"]) - 1, "texCoord": 0}}
    return material | {"pbrMetallicRoughness": surface}


def _primitive(buffer: GltfBuffer, hair: HairCap | HairEnds, joint: int, material: int) -> Json:
    """The mesh of hair or of its ends, all of it carried by one joint."""
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
    return {"attributes": attributes, "indices": indices, "mode": TRIANGLES, "material": material}
