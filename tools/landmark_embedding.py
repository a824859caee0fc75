"""Place MediaPipe's 478 face-mesh points on openhead, from what MediaPipe marks in photographs.

    python tools/landmark_embedding.py landmarks/*.npz -o embedding478.npz

The wheel of MediaPipe 0.10.21 does not carry the canonical face mesh, so the mean of its own 3D points over neutral
frontal faces takes its place. A thin-plate spline carries that mean to the head by the points that correspond to
iBUG-68, and every point goes to the nearest place on the skin (the irises: on the eyeballs). Then heads are fitted to
many photographs, and where a point is off on average, in the frame of the head, it slides along the surface by that
much; after a few rounds the embedding marks what MediaPipe marks. Left and right are kept each other's mirror image.

The npz has ``triangles`` [478, 3] (vertex indices), ``barycentric`` [478, 3] and ``weights`` [478]: less than 1 for
points that stray from the fits more than most.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh
from scipy.interpolate import RBFInterpolator
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from unveil.assets.store import packaged
from unveil.errors import one_line_errors
from unveil.fitting.expression_prior import ExpressionPrior
from unveil.fitting.landmark_fit import FitSettings, LandmarkFitter
from unveil.fitting.points import PointPlacement
from unveil.geometry.rotation import axis_angle_to_matrix
from unveil.heads.landmarks import SurfacePoints
from unveil.heads.model import MorphableModel
from unveil.models.openhead import head as openhead
from unveil.storage.arrays import read_arrays
from unveil.storage.file_kind import FileKind
from unveil.storage.files import atomic_path

SIZE = 224  # pixels; landmarks are given to the fit as those of a crop of this size
LANDMARKS = FileKind("file of landmarks", "make it with mediapipe_landmarks.py", 2**34)
IRISES = slice(468, 478)
NEUTRAL = FitSettings(expression=ExpressionPrior(sparsity=10.0))  # expressions are not to explain what is left

# iBUG-68 index: MediaPipe index. The jaw line is left out but for the chin: iBUG's is the outline, MediaPipe's is not.
IBUG68_TO_MEDIAPIPE = {
    8: 152,
    **dict(zip(range(17, 27), (70, 63, 105, 66, 107, 336, 296, 334, 293, 300), strict=True)),
    **dict(zip(range(27, 31), (168, 197, 5, 4), strict=True)),
    **dict(zip(range(31, 36), (98, 97, 2, 326, 327), strict=True)),
    **dict(zip(range(36, 48), (33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380), strict=True)),
    **dict(zip(range(48, 60), (61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181), strict=True)),
    **dict(zip(range(60, 68), (78, 82, 13, 312, 308, 317, 14, 87), strict=True)),
}
UPPER_LIP = (
    *(185, 40, 39, 37, 0, 267, 269, 270, 409),
    *(184, 74, 73, 72, 11, 302, 303, 304, 408),
    *(183, 42, 41, 38, 12, 268, 271, 272, 407),
    *(191, 80, 81, 82, 13, 312, 311, 310, 415),
)
LOWER_LIP = (
    *(146, 91, 181, 84, 17, 314, 405, 321, 375),
    *(77, 90, 180, 85, 16, 315, 404, 320, 307),
    *(96, 89, 179, 86, 15, 316, 403, 319, 325),
    *(95, 88, 178, 87, 14, 317, 402, 318, 324),
)


@dataclass(frozen=True, eq=False)
class Surface:
    """The parts of a head's surface that points may lie on."""

    vertices: np.ndarray  # [V, 3] the template
    faces: np.ndarray  # [F, 3]
    allowed: dict[str, np.ndarray]  # per part, the faces [F] bool

    def nearest(self, points: np.ndarray, parts: np.ndarray) -> SurfacePoints:
        """The nearest places to points [P, 3], each on the part [P] named for it."""
        triangles = np.zeros((len(points), 3), np.int64)
        barycentric = np.zeros((len(points), 3))
        for part in np.unique(parts):
            mine = parts == part
            faces = self.faces[self.allowed[part]]
            triangles[mine], barycentric[mine] = nearest_on_triangles(points[mine], self.vertices, faces)
        return SurfacePoints(triangles, barycentric)


def nearest_on_triangles(points: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest triangle [P, 3] (vertex indices) and barycentric coordinates [P, 3] for points [P, 3]."""
    corners = vertices[faces]  # [F, 3, 3]
    candidates = cKDTree(corners.mean(axis=1)).query(points, k=min(48, len(faces)))[1]  # [P, K]
    flat = corners[candidates].reshape(-1, 3, 3)
    repeated = np.repeat(points, candidates.shape[1], axis=0)
    places = trimesh.triangles.closest_point(flat, repeated).reshape(*candidates.shape, 3)
    best = np.linalg.norm(places - points[:, None], axis=-1).argmin(axis=1)
    rows = np.arange(len(points))
    chosen = candidates[rows, best]
    return faces[chosen], trimesh.triangles.points_to_barycentric(corners[chosen], places[rows, best]).clip(0, 1)


def surface_of(model: MorphableModel) -> tuple[Surface, np.ndarray]:
    """Where on openhead points may lie, and the part [478] of every MediaPipe point.

    Eyeballs are what the eye joints move; lips are told apart by whether the jaw takes them along.
    """
    head, faces = model.head, model.faces
    eye_joints = [j for j, name in enumerate(head.joint_names) if "eye" in name]
    eyeball = (head.skin_weights[:, eye_joints].sum(axis=1) > 0.5)[faces].all(axis=1)
    jaw = np.linalg.norm(head.expression_basis[model.expression_names.index("jawOpen")], axis=-1)  # [V]
    chin = model.landmarks68(jaw[:, None].repeat(3, axis=1))[8, 0]
    follows = (jaw / chin)[faces].mean(axis=1)  # [F]
    upper, lower = ~eyeball & (follows < 0.3), ~eyeball & (follows > 0.5)
    allowed = {"skin": ~eyeball, "eyeball": eyeball, "upper": upper, "lower": lower}
    parts = np.full(478, "skin", dtype="<U8")
    parts[list(UPPER_LIP)], parts[list(LOWER_LIP)], parts[IRISES] = "upper", "lower", "eyeball"
    return Surface(np.asarray(head.template, np.float64), faces, allowed), parts


def neutral_faces(points: np.ndarray) -> np.ndarray:
    """Which faces [N] bool out of points [N, 478, 3] in pixels are roughly frontal, with closed mouth and open eyes."""
    width = np.linalg.norm(points[:, 263] - points[:, 33], axis=-1)
    mouth = np.linalg.norm(points[:, 13] - points[:, 14], axis=-1) / width
    eyes = sum(np.linalg.norm(points[:, a] - points[:, b], axis=-1) for a, b in ((159, 145), (386, 374))) / width
    turn = np.abs(points[:, 234, 2] - points[:, 454, 2]) / width
    return (mouth < np.quantile(mouth, 0.4)) & (turn < np.quantile(turn, 0.5)) & (eyes > np.quantile(eyes, 0.3))


def mean_shape(points: np.ndarray) -> np.ndarray:
    """Mean [478, 3] of faces with points [N, 478, 3] in pixels, up to a similarity; y up, z towards the viewer."""
    faces = points * (1.0, -1.0, -1.0)
    mean = faces[0] - faces[0].mean(axis=0)
    size = np.linalg.norm(mean)
    for _ in range(5):
        mean = np.median([similarity(face, mean) for face in faces], axis=0)
        mean *= size / np.linalg.norm(mean)
    return mean


def similarity(source: np.ndarray, target: np.ndarray, chosen: np.ndarray | None = None) -> np.ndarray:
    """Move points [P, 3] by the similarity that takes their rows ``chosen`` [Q] to ``target`` [Q, 3] (Umeyama 1991)."""
    own = source if chosen is None else source[chosen]
    centre, goal = own.mean(axis=0), target.mean(axis=0)
    u, stretch, vt = np.linalg.svd((target - goal).T @ (own - centre))
    flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    scale = (stretch * np.diag(flip)).sum() / ((own - centre) ** 2).sum()
    return scale * (source - centre) @ (u @ flip @ vt).T + goal


def mirror_of(mean: np.ndarray) -> np.ndarray:
    """The index [478] of every point's mirrored point: the mean and its reflection are matched in turns (ICP)."""
    reflected = mean * (-1, 1, 1)
    moved = reflected - reflected.mean(axis=0) + mean.mean(axis=0)
    for _ in range(20):
        mirror = linear_sum_assignment(np.linalg.norm(moved[:, None] - mean[None], axis=-1))[1]
        moved = similarity(reflected, mean[mirror])
    if not np.array_equal(mirror[mirror], np.arange(len(mean))):
        raise SystemExit("the mean of the landmarks is not symmetric; give more photographs")
    return mirror


def symmetric(points: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """The mean of points [478, 3] and their mirror image about x = 0."""
    return (points + points[mirror] * (-1, 1, 1)) / 2


def register(mean: np.ndarray, model: MorphableModel, mirror: np.ndarray) -> SurfacePoints:
    """First embedding: carry the mean to the template by a thin-plate spline through the iBUG-68 correspondences."""
    surface, parts = surface_of(model)
    chosen = np.array(list(IBUG68_TO_MEDIAPIPE.values()))
    goal = model.landmarks68(surface.vertices)[list(IBUG68_TO_MEDIAPIPE)]
    rigid = symmetric(similarity(mean, goal, chosen), mirror)
    spline = RBFInterpolator(rigid[chosen], goal - rigid[chosen], kernel="thin_plate_spline", smoothing=1e-6)
    moved = symmetric(rigid + spline(rigid), mirror)
    moved[IRISES] = iris_guess(model, moved, surface)
    return surface.nearest(moved, parts)


def iris_guess(model: MorphableModel, moved: np.ndarray, surface: Surface) -> np.ndarray:
    """Irises straight in front of the eyeballs' centres, with their measured size: [10, 3]."""
    balls = surface.vertices[np.unique(surface.faces[surface.allowed["eyeball"]])]
    guess = moved[IRISES].copy()
    for rows in (slice(0, 5), slice(5, 10)):
        side = np.sign(guess[rows, 0].mean())
        ball = balls[np.sign(balls[:, 0]) == side]
        centre = (ball.min(axis=0) + ball.max(axis=0)) / 2
        radius = np.ptp(ball, axis=0).max() / 2
        guess[rows] += centre - guess[rows].mean(axis=0) + (0, 0, radius)
    return guess


def refine(
    model: MorphableModel, placement: SurfacePoints, points: np.ndarray, mirror: np.ndarray, rounds: int
) -> tuple[SurfacePoints, np.ndarray]:
    """Slide the points to where they are on average in photographs with points [N, 478, 2]; and their stray [478].

    The stray is the root mean square of what is left, in metres.
    """
    surface, parts = surface_of(model)
    for turn in range(rounds):
        fitter = LandmarkFitter(model, [PointPlacement(placement, np.ones(len(parts)))], NEUTRAL)
        fit = fitter.fit([points], SIZE)
        axes = axis_angle_to_matrix(fit.coefficients["pose"][:, :3].astype(np.float64))[:, :2]  # [N, 2, 3]
        length = np.linalg.norm(fit.residuals[0], axis=-1)  # [N, 478]
        trust = np.minimum(1.0, 4e-3 / np.maximum(length, 1e-6))
        normal = np.einsum("np,nai,naj->pij", trust, axes, axes, optimize=True)
        right = np.einsum("np,nai,npa->pi", trust, axes, fit.residuals[0], optimize=True)
        offset = np.linalg.solve(normal + 0.02 * len(points) * np.eye(3), right[..., None])[..., 0]  # [478, 3]
        here = placement(surface.vertices)
        placement = surface.nearest(symmetric(here + offset, mirror), parts)
        stray = np.sqrt((length**2).mean(axis=0))
        print(
            f"round {turn + 1}: mean residual {1e3 * length.mean():.2f} mm, "
            f"mean systematic part {1e3 * np.linalg.norm(offset, axis=1).mean():.2f} mm",
            flush=True,
        )
    return placement, stray


def read_landmarks(paths: list[Path], doubt: float = 0.02) -> np.ndarray:
    """Points [N, 478, 3] in pixels that `mediapipe_landmarks.py` found without doubt."""
    parts = []
    for path in paths:
        arrays = read_arrays(path, LANDMARKS)
        parts.append(arrays["landmarks478"][arrays["found"] & (arrays["spread"] < doubt)])
    return np.concatenate(parts).astype(np.float64)


def main() -> None:
    """Read the command line, place the points and write them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("landmarks", nargs="+", type=Path, help="npz files of mediapipe_landmarks.py")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the npz to write")
    parser.add_argument("--model", type=Path, default=packaged("openhead.npz"), help="openhead, if not the packaged")
    parser.add_argument("--rounds", type=int, default=4, help="times that the points slide")
    parser.add_argument("--faces", type=int, default=1000, help="neutral faces to learn from")
    arguments = parser.parse_args()
    model = openhead.load(arguments.model)
    points = read_landmarks(arguments.landmarks)
    points = points[neutral_faces(points)]
    points = points[:: max(1, len(points) // arguments.faces)]
    mean = mean_shape(points)
    mirror = mirror_of(mean)
    placement, stray = refine(model, register(mean, model, mirror), points[..., :2], mirror, arguments.rounds)
    stray = (stray + stray[mirror]) / 2
    weights = np.minimum(1.0, (np.median(stray) / stray) ** 2)
    with atomic_path(arguments.output) as temporary, temporary.open("wb") as file:
        np.savez(file, triangles=placement.triangles, barycentric=placement.barycentric, weights=weights)


if __name__ == "__main__":
    with one_line_errors():
        main()
