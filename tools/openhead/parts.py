"""The inside of the mouth, teeth, tongue and lashes for openhead, from MakeHuman's helper geometry.

They are appended to a head of format 1, whose own vertices, units and faces stay as they are. Teeth and tongue follow
the shape of a head as a whole, so that they keep their size; the lashes follow the skin of the lids that they stand on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from tools.openhead import lashes, mouth, teeth
from tools.openhead.makehuman import MakeHuman
from tools.openhead.quantise import in_255ths, quantised
from tools.openhead.register import similarity
from tools.openhead.strips import grid_of, sides_of
from tools.openhead.trim import Selection, triangulate
from unveil.models.openhead.head import read_model

INNER_LIPS = slice(60, 68)  # iBUG-68
MOUTH_REACH = 0.045  # metres around the lips, of the skin that tells where MakeHuman's mouth lies in openhead
LIPS_REACH = 0.010  # metres around the inner lips, of the skin that carries teeth and tongue along
BEHIND_LIPS, LOWER_BEHIND = 0.0098, 0.0025  # metres from where the lips meet to the upper incisors, and from there
EDGES = {"upper": (-0.0032, -0.0014), "lower": (-0.0018, -0.0018)}  # heights above where the lips meet: middle, back
LID_NEIGHBOURS = 6  # vertices of the skin that carry a vertex of a lash strip
UPPER_LASHES, LOWER_LASHES = 46, 26  # an eye
THICKNESS = 0.085  # of a lash, in columns of its strip: 0.2 to 0.3 mm
# Metres by which teeth, upper and lower, give way to lips that are rolled in, or do not go along to the full with a jaw
# that comes forward: lips become thin there, and nobody sees teeth behind them.
GIVE_WAY = {"mouthRollUpper": (0.002, 0.002), "mouthRollLower": (0.002, 0.002), "jawForward": (0.0, 0.0025)}
MOUTH_DARKENS = 0.016  # metres behind the lips over which the inside of the mouth darkens
THROAT = (70, 26, 26)  # RGB
TONGUE, TONGUE_DEEP, LASH = (196, 112, 110), (140, 66, 68), (38, 28, 24)  # RGB
LEAST_MOTION = 1e-6  # square metres over all vertices of the lids, below which a unit does not move them
TONGUE_OPENS = 0.45  # of jawOpen, in tongueOut: with the jaw shut the tongue would go through the teeth
TONGUE_SINKS = 0.28  # the same for the tongue, which lies over the lower lip
SQUARES = {  # left, bottom, right, top in the free corners of the texture
    "tooth": (0.015, 0.070, 0.148, 0.125),
    "gum": (0.015, 0.015, 0.148, 0.060),
    "tongue": (0.855, 0.015, 0.985, 0.115),
    "mouth": (0.230, 0.900, 0.320, 0.985),
    "lash": (0.195, 0.955, 0.215, 0.975),
}
ROUGHNESS = {  # of the parts' materials, in the order of their numbers
    "skin": 0.8,
    "eyes": 0.22,
    "mouth": 0.6,
    "upper_teeth": 0.35,
    "upper_gums": 0.55,
    "lower_teeth": 0.35,
    "lower_gums": 0.55,
    "tongue": 0.65,
    "lashes": 0.9,
}
NAMES = tuple(ROUGHNESS)


@dataclass(frozen=True)
class Part:
    """One part, as it is appended."""

    name: str
    vertices: np.ndarray  # [P, 3] metres
    faces: np.ndarray  # [F, 3]
    uv: np.ndarray  # [P, 2]
    colours: np.ndarray  # [P, 3] RGB
    shape: np.ndarray  # [S, P, 3]
    expression: np.ndarray  # [E + 1, P, 3]
    weights: np.ndarray  # [P, J]
    anchors: np.ndarray  # [P] the vertex of the skin that it belongs to
    mirror: np.ndarray  # [P] the vertex on the other side


class Builder:
    """Knows a head of format 1 and where MakeHuman's helpers lie in it."""

    def __init__(self, arrays: dict[str, np.ndarray], source: MakeHuman, selection: Selection) -> None:
        self.model = read_model(arrays)
        self.source, self.selection = source, selection
        self.template = np.asarray(self.model.head.template, np.float64)
        self.shape = np.asarray(self.model.head.shape_basis, np.float64)
        self.names, self.units = source.face_units()
        if list(self.model.expression_names) != self.names[: len(self.model.expression_names)]:
            raise SystemExit("the head's units are not MakeHuman's in MakeHuman's order; build it again")
        self.lips = self.model.landmarks68(self.template)[INNER_LIPS]
        self.meet = np.array([0.0, *(self.lips[2] + self.lips[6])[1:] / 2])
        near = np.linalg.norm(self.template - self.meet, axis=1) < MOUTH_REACH
        near[np.concatenate(selection.eyeballs)] = False
        self.scale, self.turn, self.shift = similarity(source.adult[selection.ids[near]], self.template[near])

    def placed(self, points: np.ndarray) -> np.ndarray:
        """Points [..., 3] of MakeHuman's adult where the mouth's similarity puts them."""
        return self.scale * points @ self.turn.T + self.shift

    def moved(self, displacements: np.ndarray) -> np.ndarray:
        """Displacements [..., 3] of MakeHuman's adult in openhead's frame."""
        return self.scale * displacements @ self.turn.T

    def helper(self, group: str) -> np.ndarray:
        """The quads of a helper group."""
        return self.source.base.quads[self.source.base.groups == f"helper-{group}"]

    def lid_factors(self) -> np.ndarray:
        """How much farther [E] the lids move in openhead than in MakeHuman: the blinks are scaled to close them."""
        lids = np.concatenate(self.selection.lids)
        theirs = self.moved(self.units[:-1][:, self.selection.ids[lids]])
        ours = np.asarray(self.model.head.expression_basis, np.float64)[:, lids]
        squares = (theirs**2).sum(axis=(1, 2))
        moving = squares > LEAST_MOTION
        return np.r_[np.where(moving, (theirs * ours).sum(axis=(1, 2)) / np.maximum(squares, LEAST_MOTION), 1), 1]

    def carried(self) -> tuple[np.ndarray, np.ndarray]:
        """How lips move with the shape, all together [S, 3], and the nearest skin of the mouth as anchors."""
        away = np.linalg.norm(self.template[:, None] - self.lips, axis=2).min(axis=1)
        around = np.flatnonzero(away < LIPS_REACH)
        return self.shape[:, around].mean(axis=1), around


def parts(builder: Builder, jaws: dict[str, tuple[teeth.Arch, float]]) -> list[Part]:
    """All parts, in the order in which they are appended."""
    rows = [part for jaw in jaws for part in _teeth(builder, jaw, *jaws[jaw])]
    return [_mouth(builder), *rows, _tongue(builder, jaws["lower"][1]), _lashes(builder)]


def _arch(builder: Builder, jaw: str) -> tuple[teeth.Arch, float]:
    """The arch of a jaw behind the lips, and how much smaller than the helper's it is."""
    quads = builder.helper(f"{jaw}-teeth")
    long = max(len(side) for side in sides_of(quads))
    adult = builder.source.adult
    outer = max((side for side in sides_of(quads) if len(side) == long), key=lambda s: adult[s[long // 2], 2])
    outline = builder.placed(adult[grid_of(quads, outer)[:, 1]])
    crowns = teeth.UPPER_CROWNS if jaw == "upper" else teeth.LOWER_CROWNS
    size = sum(width for width, _ in crowns) / 1000 / teeth.arch_length(outline)
    front = builder.meet - [0, 0, BEHIND_LIPS + LOWER_BEHIND * (jaw == "lower")]
    outline = (outline - outline[long // 2]) * size + front
    edges = tuple(builder.meet[1] + height for height in EDGES[jaw])
    return teeth.arch_of(outline, edges, -1 if jaw == "upper" else 1), size


def _mouth(builder: Builder) -> Part:
    """The inside of the mouth, whose rim are copies of the skin's vertices."""
    source, ids = builder.source, builder.selection.ids
    quads = mouth.inner_quads(source.base.quads[source.base.groups == "body"], builder.selection)
    used, corners = np.unique(quads, return_inverse=True)
    corners = corners.reshape(quads.shape)
    row = np.full(len(source.adult), -1)
    row[ids] = np.arange(len(ids))
    skin, own = row[used], row[used] < 0
    model = builder.model.head
    vertices = np.where(own[:, None], builder.placed(source.adult[used]), builder.template[skin])
    rim = np.flatnonzero(~own)
    nearest = rim[cKDTree(vertices[rim]).query(vertices)[1]]
    anchors = skin[nearest]
    units = builder.moved(builder.units[:, used])
    units[:-1, ~own] = np.asarray(model.expression_basis)[:, skin[~own]]
    units[-1] = TONGUE_OPENS * units[builder.names.index("jawOpen")]
    depth = np.clip((builder.meet[2] - 0.002 - vertices[:, 2]) / MOUTH_DARKENS, 0, 1)
    flat = np.stack([vertices[:, 0] / 0.06 + 0.5, 1 - depth], axis=1)
    share = depth[:, None]
    return Part(
        name="mouth",
        vertices=vertices,
        faces=triangulate(corners, vertices[corners].mean(axis=1)[:, 0] < 0),
        uv=_into("mouth", flat),
        colours=(1 - share) * np.array(TONGUE) + share * np.array(THROAT),
        shape=mouth.membrane(corners, own, builder.shape[:, anchors]),
        expression=units,
        weights=np.asarray(model.skin_weights)[anchors],
        anchors=anchors,
        mirror=_mirrored(vertices),
    )


def _teeth(builder: Builder, jaw: str, arch: teeth.Arch, size: float) -> list[Part]:
    """The teeth of a jaw and its gums."""
    quads = builder.helper(f"{jaw}-teeth")
    made = []
    for tissue, surface, square in (("teeth", teeth.teeth(arch), "tooth"), ("gums", teeth.gums(arch), "gum")):
        shape = replace(surface, uv=_into(square, surface.uv))
        made.append(_rigid(builder, f"{jaw}_{tissue}", quads, shape, size))
    return made


def _tongue(builder: Builder, size: float) -> Part:
    quads = builder.helper("tongue")
    used, corners = np.unique(quads, return_inverse=True)
    helper = builder.placed(builder.source.adult[used])
    gums = builder.placed(builder.source.adult[np.unique(builder.helper("lower-teeth"))])
    front = np.array([0, gums[:, 1].max(), gums[:, 2].max()])
    goal = builder.meet + np.array([0, EDGES["lower"][0], -BEHIND_LIPS - LOWER_BEHIND])
    vertices = (helper - front) * size + goal
    vertices += vertices[_mirrored(vertices)] * [-1, 1, 1]
    vertices /= 2
    faces = triangulate(corners.reshape(quads.shape), helper[corners.reshape(quads.shape)].mean(axis=1)[:, 0] < 0)
    flat = (vertices[:, [0, 2]] - vertices[:, [0, 2]].min(axis=0)) / np.ptp(vertices[:, [0, 2]], axis=0)
    depth = (vertices[:, 2].max() - vertices[:, 2]) / np.ptp(vertices[:, 2])
    groove = np.exp(-((vertices[:, 0] / 0.002) ** 2)) * 0.35
    share = np.clip(0.9 * depth + groove, 0, 1)[:, None]
    colours = (1 - share) * np.array(TONGUE) + share * np.array(TONGUE_DEEP)
    return _rigid(builder, "tongue", quads, teeth.Surface(vertices, faces, _into("tongue", flat), colours), size)


def _into(square: str, uv: np.ndarray) -> np.ndarray:
    """Texture coordinates [P, 2] of the unit square in one of `SQUARES`."""
    left, bottom, right, top = SQUARES[square]
    return np.array([left, bottom]) + uv * [right - left, top - bottom]


def _rigid(builder: Builder, name: str, quads: np.ndarray, surface: teeth.Surface, size: float) -> Part:
    """A part that the lips carry along and that moves as the helper of these quads moves."""
    used, vertices = np.unique(quads), surface.vertices
    helper = builder.placed(builder.source.adult[used])
    units = builder.moved(builder.units[:, used])  # [E, U, 3]
    carried, around = builder.carried()
    anchors = around[cKDTree(builder.template[around]).query(vertices)[1]]
    upper = name.startswith("upper")
    weights = np.zeros((len(vertices), len(builder.model.head.joint_names)))
    weights[:, builder.model.head.joint_names.index("neck" if upper else "jaw")] = 1
    expression = np.stack([_field(helper, unit, vertices, size, own=name == "tongue") for unit in units])
    for unit, shifts in GIVE_WAY.items():
        expression[builder.names.index(unit), :, 2] -= shifts[0 if upper else 1]
    if not upper:
        opens = TONGUE_SINKS if name == "tongue" else TONGUE_OPENS
        expression[-1] += opens * expression[builder.names.index("jawOpen")]
    return Part(
        name=name,
        vertices=vertices,
        faces=surface.faces,
        uv=surface.uv,
        colours=surface.colours,
        shape=np.broadcast_to(carried[:, None], (len(carried), *vertices.shape)),
        expression=expression,
        weights=weights,
        anchors=anchors,
        mirror=_mirrored(vertices),
    )


def _field(helper: np.ndarray, unit: np.ndarray, vertices: np.ndarray, size: float, *, own: bool) -> np.ndarray:
    """Displacements of vertices [P, 3] by an affine field, in least squares that of the helper's vertices [U, 3].

    What of a displacement is no affine field bends the part; it is kept, in its size, where the vertices are the
    helper's ``own``.
    """
    if np.abs(unit).max() < 2e-4:
        return np.zeros_like(vertices)
    rows = np.column_stack([helper, np.ones(len(helper))])
    field, *_ = np.linalg.lstsq(rows, unit, rcond=None)
    moved = np.column_stack([vertices, np.ones(len(vertices))]) @ field
    return moved + size * (unit - rows @ field) if own else moved


def _lashes(builder: Builder) -> Part:
    """The lashes of both eyes, the right ones mirror images of the left."""
    left = [
        (_lash_grid(builder, builder.helper(strip)), count)
        for strip, count in (("l-eyelashes-2", UPPER_LASHES), ("l-eyelashes-1", LOWER_LASHES))
    ]
    right = [(builder.source.mirror[grid], count) for grid, count in left]
    made = [_strip(builder, *strip, flip=side is right) for side in (left, right) for strip in side]
    counts = [len(strip.vertices) for strip in made]
    starts = np.cumsum([0, *counts])
    half, total = int(starts[2]), int(starts[4])
    return Part(
        name="lashes",
        vertices=np.concatenate([strip.vertices for strip in made]),
        faces=np.concatenate([strip.faces + start for strip, start in zip(made, starts, strict=False)]),
        uv=np.concatenate([strip.uv for strip in made]),
        colours=np.concatenate([strip.colours for strip in made]),
        shape=np.concatenate([strip.shape for strip in made], axis=1),
        expression=np.concatenate([strip.expression for strip in made], axis=1),
        weights=np.concatenate([strip.weights for strip in made]),
        anchors=np.concatenate([strip.anchors for strip in made]),
        mirror=np.roll(np.arange(total), -half),
    )


def _lash_grid(builder: Builder, quads: np.ndarray) -> np.ndarray:
    """A strip as a grid [C, R] from its root, the long side that is deeper in the head, to its tip."""
    long = sorted(sides_of(quads), key=len)[-2:]
    return grid_of(quads, min(long, key=lambda side: float(builder.source.adult[side, 2].mean())))


def _strip(builder: Builder, grid: np.ndarray, count: int, *, flip: bool) -> Part:
    """The lashes of one strip, on the skin that lies around it."""
    adult, template, selection = builder.source.adult, builder.template, builder.selection
    skin = np.setdiff1d(np.arange(len(template)), np.concatenate(selection.eyeballs))
    used = grid.ravel()
    away, near = cKDTree(adult[selection.ids[skin]]).query(adult[used], k=LID_NEIGHBOURS)
    share, near = 1 / (away + 1e-4) ** 2, skin[near]  # [U, K]
    share /= share.sum(axis=1, keepdims=True)
    offset = builder.moved(adult[used][:, None] - adult[selection.ids[near]])
    places = ((template[near] + offset) * share[..., None]).sum(axis=1)
    units = builder.moved(builder.units[:, used]) * builder.lid_factors()[:, None, None]
    shape = (builder.shape[:, near] * share[..., None]).sum(axis=2)
    carry = (np.asarray(builder.model.head.skin_weights, np.float64)[near] * share[..., None]).sum(axis=1)
    blades, triangles = lashes.blades(grid, count, THICKNESS)
    corners = np.array([(0, 0), (1, 0), (0, 0.6), (1, 0.6), (0.5, 1)])
    return Part(
        name="lashes",
        vertices=blades @ places,
        faces=triangles[:, ::-1] if flip else triangles,
        uv=np.tile(_into("lash", corners), (count, 1)),
        colours=np.tile(np.array(LASH, float), (len(blades), 1)),
        shape=np.einsum("pu,sux->spx", blades, shape),
        expression=np.einsum("pu,eux->epx", blades, units),
        weights=blades @ carry,
        anchors=near[blades.argmax(axis=1), 0],
        mirror=np.arange(len(blades)),
    )


def _mirrored(vertices: np.ndarray) -> np.ndarray:
    """The vertex [P] that lies nearest to each one's mirror image."""
    return np.asarray(cKDTree(vertices).query(vertices * [-1, 1, 1])[1])


def append(arrays: dict[str, np.ndarray], source: MakeHuman, selection: Selection) -> dict[str, np.ndarray]:
    """The arrays of a head of format 1 and its parts: those of format 2."""
    builder = Builder(arrays, source, selection)
    jaws = {jaw: _arch(builder, jaw) for jaw in ("upper", "lower")}
    made = parts(builder, jaws)
    first = np.cumsum([len(builder.template), *(len(part.vertices) for part in made[:-1])])
    first_uv = np.cumsum([len(arrays["uv"]), *(len(part.uv) for part in made[:-1])])
    kept = arrays["faces"][: -len(selection.caps)]
    eyes = np.isin(kept, np.concatenate(selection.eyeballs)).all(axis=1)
    labels = [eyes.astype(np.uint8), *(np.full(len(p.faces), NAMES.index(p.name), np.uint8) for p in made)]
    jaw = np.asarray(builder.model.head.expression_basis)[builder.names.index("jawOpen")]
    return {
        **arrays,
        "format": np.int32(2),
        "part_names": np.array(NAMES),
        "part_roughness": np.array(list(ROUGHNESS.values()), np.float32),
        "caps": np.int32(len(selection.caps)),
        "face_parts": np.concatenate(labels),
        "more_units": np.array(builder.names[-1:]),
        **quantised("more_expression", TONGUE_OPENS * jaw[None]),
        "parts_template": np.concatenate([part.vertices for part in made]).astype(np.float32),
        "parts_faces": np.concatenate([p.faces + k for p, k in zip(made, first, strict=True)]).astype(np.uint16),
        "parts_uv": np.concatenate([part.uv for part in made]).astype(np.float32),
        "parts_uv_faces": np.concatenate([p.faces + k for p, k in zip(made, first_uv, strict=True)]).astype(np.uint16),
        **quantised("parts_shape", np.concatenate([part.shape for part in made], axis=1)),
        **quantised("parts_expression", np.concatenate([part.expression for part in made], axis=1)),
        "parts_skin_weights": in_255ths(np.concatenate([part.weights for part in made])),
        "parts_mirror_vertices": np.concatenate([p.mirror + k for p, k in zip(made, first, strict=True)]).astype(
            np.uint16
        ),
        "parts_anchors": np.concatenate([part.anchors for part in made]).astype(np.uint16),
        "parts_colours": np.round(np.concatenate([part.colours for part in made])).astype(np.uint8),
    }
