"""From MakeHuman's body to a head: which vertices and triangles are kept, a clean neck edge, texture coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

from tools.openhead.makehuman import MakeHuman
from unveil.geometry.mesh import face_normals
from unveil.geometry.rasterize import rasterize

# The neck is cut by a plane through this point of the mean adult, square to the neck's axis (metres).
NECK_POINT = np.array([0.0, 0.610, 0.020])
NECK_UP = np.array([0.0, 0.94, 0.34])
FACE_CENTRE = np.array([0.485, -0.86])  # between the eyes and the nose, in MakeHuman's square turned upright
FACE_POWER = 0.65  # below one enlarges what is near the centre
STRIP = 0.16  # height of the strip for the small islands
LID_REACH = 0.003  # metres between an eyeball's vertices and the lids' that touch it
SOCKET_REACH = 0.012  # metres around an eyeball in which a pocket is the eye's
OPEN_VIEWS = 4  # what fewer of the 36 views see is a pocket
POCKET_RINGS = 2  # rings of vertices kept behind what is visible, in nose, mouth and eyes


@dataclass(frozen=True)
class Selection:
    """The head as a part of the base mesh."""

    ids: np.ndarray  # [V] indices into the base mesh
    faces: np.ndarray  # [F, 3] into ids
    uv: np.ndarray  # [T, 2]
    uv_faces: np.ndarray  # [F, 3]
    mirror: np.ndarray  # [V]
    eyeballs: tuple[np.ndarray, np.ndarray]  # left and right: indices into ids
    lids: tuple[np.ndarray, np.ndarray]  # left and right: the skin that touches the eyeballs
    sockets: tuple[np.ndarray, np.ndarray]  # left and right: what lies hidden behind the lids
    pockets: np.ndarray  # [V] bool, hidden or seen from few sides: inside nose, lips, eyelids, ears
    neck_edge: np.ndarray  # indices of the vertices on the cut
    caps: np.ndarray  # [C, 3] more triangles, which close the mouth at the back


def select_head(source: MakeHuman) -> Selection:
    """Head, neck and eyeballs of the mean adult, without what lies deep inside nose, mouth and eye sockets."""
    base, adult = source.base, source.adult
    eye = np.isin(base.groups, ["helper-l-eye", "helper-r-eye"])
    body = base.groups == "body"
    above = (adult - NECK_POINT) @ NECK_UP > 0
    body &= above[base.quads].all(axis=1) & (adult[base.quads][..., 0].__abs__().max(axis=1) < 0.12)
    quads, uv_quads = base.quads[body | eye], base.uv_quads[body | eye]
    views = _views(adult, triangulate(quads))
    kept = (views > 0) | np.isin(np.arange(len(adult)), base.quads[eye])
    for _ in range(POCKET_RINGS):
        kept[quads[kept[quads].any(axis=1)]] = True
    inside = kept[quads].all(axis=1)
    quads, uv_quads = quads[inside], uv_quads[inside]

    ids = np.unique(quads)
    new = np.full(len(adult), -1)
    new[ids] = np.arange(len(ids))
    uv_ids = np.unique(uv_quads)
    new_uv = np.full(len(base.uv), -1)
    new_uv[uv_ids] = np.arange(len(uv_ids))
    left, right = (new[np.unique(base.quads[base.groups == f"helper-{side}-eye"])] for side in "lr")
    skin = np.setdiff1d(np.arange(len(ids)), np.concatenate([left, right]))
    pockets = (views[ids] < OPEN_VIEWS) & np.isin(np.arange(len(ids)), skin)
    reach = [cKDTree(adult[ids[ball]]).query(adult[ids])[0] for ball in (left, right)]
    lids = tuple(skin[distance[skin] < LID_REACH] for distance in reach)
    sockets = tuple(np.flatnonzero(pockets & (distance < SOCKET_REACH)) for distance in reach)
    # Both triangulations of the quads are mirror images, so that symmetric heads are shaded symmetrically.
    flip = adult[quads].mean(axis=1)[:, 0] < 0
    faces, uv_faces = triangulate(new[quads], flip), triangulate(new_uv[uv_quads], flip)
    mirror = new[source.mirror[ids]]
    loops = _boundary_loops(faces)
    neck = min(loops, key=lambda loop: float(((adult[ids[loop]] - NECK_POINT) @ NECK_UP).mean()))
    # Holes on the middle plane are the mouth's, those beside it the eyes'.
    caps = [_zip(loop, mirror) for loop in loops if loop is not neck and (mirror[loop] == loop).any()]
    return Selection(
        ids=ids,
        faces=faces,
        uv=base.uv[uv_ids],
        uv_faces=uv_faces,
        mirror=mirror,
        eyeballs=(left, right),
        lids=lids,
        sockets=sockets,
        pockets=pockets,
        neck_edge=neck,
        caps=np.concatenate(caps),
    )


def adjacency(faces: np.ndarray, count: int) -> sparse.csr_matrix:
    """Symmetric 0/1 matrix [V, V] of the edges of a triangle mesh."""
    a = np.concatenate([faces[:, [0, 1, 2]].ravel(), faces[:, [1, 2, 0]].ravel()])
    b = np.concatenate([faces[:, [1, 2, 0]].ravel(), faces[:, [0, 1, 2]].ravel()])
    matrix = sparse.coo_matrix((np.ones(len(a)), (a, b)), shape=(count, count)).tocsr()
    matrix.data[:] = 1.0
    return matrix


def cap_uv_faces(selection: Selection) -> np.ndarray:
    """Texture corners [C, 3] of the caps: one point in the mouth for each, as no photograph shows them."""
    corner_of = np.zeros(len(selection.ids), int)
    corner_of[selection.faces] = selection.uv_faces
    return np.repeat(corner_of[selection.caps[:, :1]], 3, axis=1)


def repack_uv(selection: Selection, vertices: np.ndarray) -> np.ndarray:
    """Texture coordinates [T, 2] that give the face most of the picture; MakeHuman's seams, another layout.

    MakeHuman packs a whole body into one square and lays the head on its side. The head's island is turned upright
    and enlarged about the face by a radial power; the small islands (throat, lips' inside, eyeballs) go into a strip
    above, each as wide as its surface of the head with ``vertices`` [V, 3] deserves.
    """
    uv, uv_faces = selection.uv, selection.uv_faces
    _, island = csgraph.connected_components(adjacency(uv_faces, len(uv)), directed=False)
    order = np.argsort(-np.bincount(island), kind="stable")
    packed = np.zeros_like(uv)
    skin = island == order[0]
    upright = np.stack([uv[skin, 1], -uv[skin, 0]], axis=1) - FACE_CENTRE
    radius = np.linalg.norm(upright, axis=1, keepdims=True)
    packed[skin] = _fit(upright * radius ** (FACE_POWER - 1), np.array([0.01, 0.01, 0.99, 1 - STRIP]))
    area = np.linalg.norm(face_normals(vertices, selection.faces), axis=1) / 2
    widths = np.sqrt(np.bincount(island[uv_faces[:, 0]], weights=area))[order[1:]]
    edges = 0.01 + 0.98 * np.concatenate([[0], np.cumsum(widths) / widths.sum()])
    for number, left, right in zip(order[1:], edges[:-1], edges[1:], strict=True):
        box = np.array([left + 0.005, 1 - STRIP + 0.02, right - 0.005, 0.99])
        packed[island == number] = _fit(uv[island == number], box, keep_aspect=True)
    return packed


def _fit(points: np.ndarray, box: np.ndarray, *, keep_aspect: bool = False) -> np.ndarray:
    """Scale and shift points [N, 2] into the box (left, bottom, right, top)."""
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    scale = (box[2:] - box[:2]) / extent
    if keep_aspect:
        scale[:] = scale.min()
    return (points - low) * scale + box[:2]


def triangulate(quads: np.ndarray, flip: np.ndarray | None = None) -> np.ndarray:
    """Two triangles a quad; flipped quads are cut along the other diagonal."""
    a, b, c, d = quads.T
    flip = np.zeros(len(quads), bool) if flip is None else flip
    first = np.where(flip[:, None], np.stack([a, b, d], axis=1), np.stack([a, b, c], axis=1))
    second = np.where(flip[:, None], np.stack([b, c, d], axis=1), np.stack([a, c, d], axis=1))
    return np.concatenate([first, second])


def _views(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """In how many of 36 pictures, taken all around, a triangle of each vertex [N] shows from its front."""
    used = np.unique(faces)
    centre = (vertices[used].max(axis=0) + vertices[used].min(axis=0)) / 2
    views = np.zeros(len(vertices), int)
    size = 900
    for yaw in np.radians(np.arange(-180, 180, 30)):
        for pitch in np.radians([-35, 0, 35]):
            turn_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
            turn_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
            turned = (vertices - centre) @ (turn_x @ turn_y).T * (size / 0.36)
            pixels = turned * [1, -1, -1] + [size / 2, size / 2, 0]
            triangles = rasterize(pixels, faces, size, size).triangle
            shown = np.unique(triangles[triangles >= 0])
            edge1, edge2 = (turned[faces[shown, i]] - turned[faces[shown, 0]] for i in (1, 2))
            front = np.cross(edge1, edge2)[:, 2] > 0  # an inside seen through the neck or the eyes does not count
            views[np.unique(faces[shown[front]])] += 1
    return views


def _boundary_loops(faces: np.ndarray) -> list[np.ndarray]:
    """The holes of the mesh, each as its vertices in the order in which the triangles around it run."""
    halves = {(int(a), int(b)) for i, j in ((0, 1), (1, 2), (2, 0)) for a, b in faces[:, [i, j]]}
    following = {a: b for a, b in sorted(halves) if (b, a) not in halves}
    loops = []
    while following:
        vertex = min(following)
        loop = []
        while vertex in following:
            loop.append(vertex)
            vertex = following.pop(vertex)
        loops.append(np.array(loop))
    return loops


def _zip(loop: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """Triangles [C, 3] that close a symmetric hole with strips from each vertex to its mirror image.

    Trimming leaves holes at the back of the mouth, through which an open mouth would show the inside of the skull.
    """
    middle = np.flatnonzero(mirror[loop] == loop)
    ordered = np.roll(loop, -middle[0])
    half = ordered[: int((middle[1] - middle[0]) % len(loop)) + 1]
    triangles = []
    for a, b in pairwise(half):
        # The hole's rim runs a to b in the triangles around it, so the cap runs b to a.
        triangles += [(b, a, mirror[b]), (mirror[b], a, mirror[a])]
    return np.array([t for t in triangles if len(set(t)) == 3])
