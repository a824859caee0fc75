"""A made-up head model for tests: an egg with two balls for eyes, in openhead's layout.

It has what the code meets in openhead (UV seams, islands, mirror map, joints, 51 units of which one is empty) at a
sixth of the size, and needs no file.
"""

from functools import lru_cache

import numpy as np

from unveil.geometry.rasterize import rasterize
from unveil.heads.head import Head
from unveil.heads.landmarks import SlidingContour, SurfacePoints
from unveil.heads.model import MorphableModel
from unveil.heads.parts import HairCap
from unveil.models.openhead.head import GEOMETRY_LAYOUT
from unveil.typing import Float64s, Int64s

RADII = np.array([0.075, 0.110, 0.095])  # metres, of the egg
EYE_RADIUS = 0.014
EYES = np.array([[0.031, 0.025, 0.082], [-0.031, 0.025, 0.082]])  # left, right: they stick out of the egg
EXPRESSION_NAMES = ("jawOpen", *(f"unit{k:02d}" for k in range(1, 50)), "empty")


@lru_cache(maxsize=1)
def model() -> MorphableModel:
    """The egg-head; shared between tests, do not write into its arrays."""
    vertices, faces, uv, uv_faces, mirror = _mesh()
    rng = np.random.default_rng(7)
    joints = np.array([[0, 0, 0], [0, -0.08, -0.02], [0, -0.01, 0.0], *EYES])
    weights = _skin_weights(vertices)
    shape_basis = _waves(vertices, 100, rng) * np.linspace(1.0, 0.1, 100)[:, None, None]
    expression_basis = _waves(vertices, 51, rng) * _front(vertices)[:, None]
    expression_basis[-1] = 0
    head = Head(
        template=vertices.astype(np.float32),
        faces=faces,
        shape_basis=shape_basis.astype(np.float32),
        expression_basis=expression_basis.astype(np.float32),
        joint_names=("root", "neck", "jaw", "left_eye", "right_eye"),
        joint_parents=(-1, 0, 0, 0, 0),
        joint_template=joints.astype(np.float32),
        # The root stays at the origin, as openhead's does.
        joint_shape_basis=(rng.normal(0, 5e-4, (100, 5, 3)) * [[0], [1], [1], [1], [1]]).astype(np.float32),
        skin_weights=weights.astype(np.float32),
    )
    landmarks, contour = _landmarks(vertices, faces)
    return MorphableModel(
        name="made-up",
        layout=GEOMETRY_LAYOUT,
        head=head,
        expression_names=EXPRESSION_NAMES,
        landmarks68=landmarks,
        contour=contour,
        uv=uv.astype(np.float32),
        uv_faces=uv_faces,
        mirror_vertices=mirror,
    )


def _mesh() -> tuple[Float64s, Int64s, Float64s, Int64s, Int64s]:
    """Vertices, faces, uv, uv_faces and mirror map of the egg and the two balls."""
    parts = [
        (np.zeros(3), RADII, (24, 32), (0.02, 0.22, 0.96, 0.76)),
        (EYES[0], np.full(3, EYE_RADIUS), (8, 12), (0.52, 0.02, 0.46, 0.16)),
        (EYES[1], np.full(3, EYE_RADIUS), (8, 12), (0.02, 0.02, 0.46, 0.16)),
    ]
    vertices, faces, uv, uv_faces = [], [], [], []
    v = t = 0
    for centre, radii, grid, (left, bottom, width, height) in parts:
        part = _ball(*grid)
        vertices.append(part[0] * radii + centre)
        faces.append(part[1] + v)
        uv.append(part[2] * [width, height] + [left, bottom])
        uv_faces.append(part[3] + t)
        v, t = v + len(part[0]), t + len(part[2])
    positions = np.concatenate(vertices)
    return positions, np.concatenate(faces), np.concatenate(uv), np.concatenate(uv_faces), _mirror(positions)


def _ball(rings: int, columns: int) -> tuple[Float64s, Int64s, Float64s, Int64s]:
    """A unit sphere cut open along its back: vertices, outward faces, uv in [0, 1], uv_faces."""
    latitude = np.pi * np.arange(1, rings) / rings - np.pi / 2
    longitude = 2 * np.pi * np.arange(columns) / columns - np.pi  # -pi is the back, 0 is +z
    lat, lon = np.meshgrid(latitude, longitude, indexing="ij")
    around = np.stack([np.cos(lat) * np.sin(lon), np.sin(lat), np.cos(lat) * np.cos(lon)], axis=-1)
    vertices = np.concatenate([around.reshape(-1, 3), [[0, -1, 0], [0, 1, 0]]])
    south, north = len(vertices) - 2, len(vertices) - 1

    row, column = (a.ravel() for a in np.mgrid[: rings - 2, :columns])
    a, b = row * columns + column, row * columns + (column + 1) % columns
    j = np.arange(columns)
    last = (rings - 2) * columns
    following = (j + 1) % columns
    faces = np.concatenate(
        [
            np.stack([a, b, b + columns], axis=1),
            np.stack([a, b + columns, a + columns], axis=1),
            np.stack([np.full(columns, south), following, j], axis=1),
            np.stack([np.full(columns, north), last + j, last + following], axis=1),
        ]
    )
    # One more column of texture coordinates than of vertices, and one pole for each column.
    grid_u, grid_v = np.meshgrid(np.arange(columns + 1) / columns, (latitude / np.pi) + 0.5)
    poles = [np.stack([(j + 0.5) / columns, np.full(columns, v)], axis=1) for v in (0.0, 1.0)]
    uv = np.concatenate([np.stack([grid_u, grid_v], axis=-1).reshape(-1, 2), *poles])
    wide = columns + 1
    ua, base = row * wide + column, (rings - 1) * wide
    uv_faces = np.concatenate(
        [
            np.stack([ua, ua + 1, ua + wide + 1], axis=1),
            np.stack([ua, ua + wide + 1, ua + wide], axis=1),
            np.stack([base + j, j + 1, j], axis=1),
            np.stack([base + columns + j, (rings - 2) * wide + j, (rings - 2) * wide + j + 1], axis=1),
        ]
    )
    return vertices, faces, uv, uv_faces


def _mirror(vertices: Float64s) -> Int64s:
    distance = np.linalg.norm(vertices[:, None] * [-1, 1, 1] - vertices[None], axis=2)
    return np.asarray(distance.argmin(axis=1), dtype=np.int64)


def _front(vertices: Float64s) -> Float64s:
    """1 in the face, 0 at the back of the head: [V]."""
    return np.clip(vertices[:, 2] / RADII[2], 0, 1)


def _skin_weights(vertices: Float64s) -> Float64s:
    """[V, 5] for root, neck, jaw and the two eyes."""
    weights = np.zeros((len(vertices), 5))
    below = np.clip(-vertices[:, 1] / RADII[1], 0, 1)
    weights[:, 2] = below * _front(vertices)
    weights[:, 1] = below * (1 - _front(vertices))
    weights[:, 0] = 1 - weights[:, 1] - weights[:, 2]
    for joint, centre in zip((3, 4), EYES, strict=True):
        ball = np.abs(np.linalg.norm(vertices - centre, axis=1) - EYE_RADIUS) < 1e-6
        weights[ball] = 0
        weights[ball, joint] = 1
    return weights


def _waves(vertices: Float64s, count: int, rng: np.random.Generator) -> Float64s:
    """Smooth displacements [count, V, 3] of about a millimetre."""
    frequency = rng.normal(0, 20, (count, 3))
    phase = rng.uniform(0, 2 * np.pi, count)
    direction = rng.normal(0, 1e-3, (count, 1, 3))
    return np.asarray(np.sin(vertices @ frequency.T + phase).T[..., None] * direction)


def _landmarks(vertices: Float64s, faces: Int64s) -> tuple[SurfacePoints, SlidingContour]:
    """iBUG-68 where they would be drawn on an egg, found by looking at it from the front."""
    scale, half = 2000.0, 250  # pixels per metre
    raster = rasterize(vertices * [scale, -scale, -scale] + [half, half, 0], faces, 2 * half, 2 * half)

    def on_surface(xy: Float64s) -> tuple[Int64s, Float64s]:
        column, row = np.round(xy * [scale, -scale] + half).astype(int).T
        assert raster.covered[row, column].all()
        return faces[raster.triangle[row, column]], raster.barycentric[row, column]

    triangles, barycentric = on_surface(_drawn_landmarks())
    rows = [on_surface(_drawn_landmarks()[:17] * [1 + 0.002 * degree, 1]) for degree in range(-10, 11)]
    contour = SlidingContour(-10, *(np.stack(a) for a in zip(*rows, strict=True)))
    return SurfacePoints(triangles, barycentric), contour


def _drawn_landmarks() -> Float64s:
    """[68, 2] metres, x to the subject's left, in iBUG-68 order (the subject's right side first)."""

    def arc(centre: tuple[float, float], radii: tuple[float, float], start: float, end: float, n: int) -> Float64s:
        angle = np.radians(np.linspace(start, end, n))
        return np.stack([centre[0] + radii[0] * np.cos(angle), centre[1] + radii[1] * np.sin(angle)], axis=1)

    def ring(centre: tuple[float, float], radii: tuple[float, float], n: int) -> Float64s:
        return arc(centre, radii, 180, -180, n + 1)[:-1]

    return np.concatenate(
        [
            arc((0, 0.01), (0.068, 0.095), 180, 360, 17),
            arc((-0.031, 0.045), (0.018, 0.008), 180, 0, 5),
            arc((0.031, 0.045), (0.018, 0.008), 180, 0, 5),
            np.stack([np.zeros(4), np.linspace(0.025, -0.005, 4)], axis=1),
            arc((0, -0.015), (0.012, 0.004), 180, 360, 5),
            ring((-0.031, 0.025), (0.012, 0.005), 6),
            ring((0.031, 0.025), (0.012, 0.005), 6),
            ring((0, -0.045), (0.022, 0.010), 12),
            ring((0, -0.045), (0.015, 0.004), 8),
        ]
    )


def a_hat() -> HairCap:
    """A box on the top of the head, where hair would be."""
    corners = np.array([[x, y, z] for x in (-0.08, 0.08) for y in (0.1, 0.2) for z in (-0.1, 0.06)], np.float32)
    faces = np.array([[0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3], [0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5]], np.int64)
    return HairCap(
        vertices=corners,
        faces=faces,
        uv=np.zeros((8, 2), np.float32),
        uv_faces=faces,
        picture=np.full((8, 8, 3), 60, np.uint8),
        hidden=np.zeros(8, np.float32),
        anchors=np.zeros(8, np.int64),
    )
