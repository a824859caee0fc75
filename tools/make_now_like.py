"""Make a small dataset like NoW, and predictions for it, whose scores are known without measuring anything.

    python tools/make_now_like.py out
    unveil evaluate now --dataset out/dataset --predictions out/predictions -o out/scores
    python tools/make_now_like.py out --check out/scores/summary.json

A prediction is a convex mesh, an ellipsoid with seven landmarks. Its scan is made of points of its triangles, each
once moved outwards along the triangle's normal and once inwards by the same length. These lengths are the distances:
outwards because the mesh is convex, inwards because only points are taken whose nearest side is their own triangle. And
no similarity brings the mesh closer, because the two points of a pair pull it in opposite directions. Scan and
prediction are then put into frames of their own: turned, moved, scaled, one prediction mirrored.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unveil.errors import one_line_errors
from unveil.evaluation.now.photos import CHALLENGES, IMAGE_LIST
from unveil.geometry.rotation import axis_angle_to_matrix
from unveil.meshes.ply import write_ply
from unveil.storage.file_kind import FileKind
from unveil.storage.text import read_json
from unveil.typing import Bools, Float64s, Int64s

RADII = np.array([75.0, 110.0, 95.0])  # mm
SEVEN = np.array([[-45, 25], [-17, 25], [17, 25], [45, 25], [0, -15], [-25, -45], [25, -45.0]])  # x, y of landmarks, mm
SUMMARY = FileKind("summary of scores", "score again", 2**24)
LANDMARK_ERROR = 1.0  # mm, so that landmarks alone do not align
CLEARLY = 0.1  # mm; where two triangles are as near, a small move could bring the mesh closer
AGREES = 1e-4
INSIDE, OUTSIDE = 0.94, 1.06  # of the radius of the part that counts; no point lies in between


@dataclass(frozen=True, eq=False)
class Subject:
    """A scan whose distances to a mesh are known, in the frame of the mesh, mm."""

    mesh: Float64s  # [V, 3]
    faces: Int64s  # [F, 3]
    landmarks: Float64s  # [7, 3] on the mesh
    scan: Float64s  # [N, 3]
    counts: Bools  # [N] whether a point of the scan is in the part that counts
    distances: Float64s  # [N]


def make_subject(rng: np.random.Generator, farthest: float, *, detail: int = 3, points: int = 8) -> Subject:
    """A subject with distances evenly from 0 to ``farthest`` mm.

    ``detail`` halves the triangles of the mesh so many times; each gets ``points`` squared points.
    """
    sphere, faces = _icosphere(detail)
    mesh = sphere * RADII * rng.uniform(0.95, 1.05, 3)
    landmarks = _on_ellipsoid(SEVEN, np.abs(mesh).max(axis=0))
    corners = mesh[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    weights = _inside_triangle(points)
    feet = np.einsum("pk,fkd->fpd", weights, corners).reshape(-1, 3)
    triangle = np.repeat(np.arange(len(faces)), len(weights))
    centre, radius = _part_that_counts(landmarks)
    away = np.linalg.norm(feet - centre, axis=1) / radius
    lengths = rng.permutation((np.arange(len(feet)) + 0.5) / len(feet)) * farthest
    keep = ((away < INSIDE) | (away > OUTSIDE)) & _nearest_to_own(feet, triangle, lengths, normals, corners[:, 0])
    feet, lengths, normals, away = feet[keep], lengths[keep], normals[triangle[keep]], away[keep]
    step = lengths[:, None] * normals
    scan = np.concatenate([feet + step, feet - step])
    return Subject(mesh, faces, landmarks, scan, np.tile(away < 1, 2), np.tile(lengths, 2))


def _part_that_counts(landmarks: Float64s) -> tuple[Float64s, float]:
    """Centre and radius of NoW's sphere around the face, written down here a second time on purpose."""
    bridge = landmarks[[1, 2]].mean(axis=0)
    length = np.linalg.norm(bridge - landmarks[4])
    return landmarks[4] * 0.7 + bridge * 0.3, float(0.7 * (np.linalg.norm(landmarks[0] - landmarks[3]) + length))


def _nearest_to_own(feet: Float64s, triangle: Int64s, lengths: Float64s, normals: Float64s, origins: Float64s) -> Bools:
    """Whether a point moved inwards is clearly nearer to the plane of its own triangle than to any other [N]."""
    keep = np.empty(len(feet), bool)
    for part in np.array_split(np.arange(len(feet)), max(1, len(feet) // 2000)):
        inner = feet[part] - lengths[part, None] * normals[triangle[part]]
        depth = (origins * normals).sum(axis=1) - inner @ normals.T  # [n, F] below each plane
        depth[np.arange(len(part)), triangle[part]] = np.inf
        keep[part] = depth.min(axis=1) > lengths[part] + CLEARLY
    return keep


def _on_ellipsoid(front: Float64s, radii: Float64s) -> Float64s:
    """Points [L, 3] of the ellipsoid's front with these x and y [L, 2]."""
    z = radii[2] * np.sqrt(1 - ((front / radii[:2]) ** 2).sum(axis=1))
    return np.concatenate([front, z[:, None]], axis=1)


def _inside_triangle(count: int) -> Float64s:
    """Barycentric coordinates [count squared, 3] of the centres of the parts of a triangle with its sides divided."""
    up = [(i + 1 / 3, j + 1 / 3) for i in range(count) for j in range(count - i)]
    down = [(i + 2 / 3, j + 2 / 3) for i in range(count - 1) for j in range(count - 1 - i)]
    first = np.array(up + down) / count
    return np.concatenate([first, 1 - first.sum(axis=1, keepdims=True)], axis=1)


def _icosphere(detail: int) -> tuple[Float64s, Int64s]:
    """A unit sphere of triangles: an icosahedron whose triangles are divided into four ``detail`` times."""
    golden = (1 + np.sqrt(5)) / 2
    first = np.array([[0, a, b * golden] for a in (-1, 1) for b in (-1, 1)])
    vertices = np.concatenate([first, np.roll(first, 1, axis=1), np.roll(first, 2, axis=1)])
    distance = np.linalg.norm(vertices[:, None] - vertices, axis=2)
    near = (distance > 0) & (distance < 2.1)  # edges have length 2
    faces = np.array(
        [[i, j, k] for i in range(12) for j in range(i) for k in range(j) if near[i, j] & near[j, k] & near[i, k]]
    )
    inwards = np.linalg.det(vertices[faces]) < 0
    faces[inwards] = faces[inwards][:, ::-1]
    for _ in range(detail):
        edges = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
        unique, index = np.unique(edges, axis=0, return_inverse=True)
        a, b, c = (index.reshape(-1, 3) + len(vertices)).T
        i, j, k = faces.T
        vertices = np.concatenate([vertices, vertices[unique].mean(axis=1)])
        faces = np.concatenate([np.stack(t, axis=1) for t in ((i, a, c), (a, j, b), (c, b, k), (a, b, c))])
    return vertices / np.linalg.norm(vertices, axis=1, keepdims=True), faces


def write_dataset(folder: Path, *, subjects: int = 2, detail: int = 3, points: int = 8, seed: int = 0) -> None:
    """Write ``dataset``, ``predictions`` and ``answer.json`` into a folder.

    Each subject has an image of each challenge, with the same mesh in other frames. The last image has no prediction.
    """
    rng = np.random.default_rng(seed)
    listed, known = [], dict[str, list[Float64s]]()
    for s in range(subjects):
        subject = make_subject(rng, 1.5 + s % 2, detail=detail, points=points)
        name = f"subject{s}"
        _write_scan(folder / "dataset", name, subject, rng)
        for k, challenge in enumerate(CHALLENGES):
            listed.append(f"{name}/{challenge}/IMG_{k:04}.jpg")
            if s + 1 < subjects or k + 1 < len(CHALLENGES):
                stem = (folder / "predictions" / listed[-1]).with_suffix("")
                _write_prediction(stem, subject, rng, mirrored=k == 1, as_text=k % 2 == 1)
                known.setdefault(challenge, []).append(subject.distances[subject.counts])
    (folder / "dataset" / IMAGE_LIST).write_text("\n".join(listed) + "\n", "utf-8")
    (folder / "answer.json").write_text(json.dumps(dict(_answer(known, listed[-1])), indent=1) + "\n", "utf-8")


def _answer(known: dict[str, list[Float64s]], missing: str) -> Iterator[tuple[str, dict[str, object]]]:
    """The results that `unveil evaluate now` is to find."""
    everything = {"all": [one for part in known.values() for one in part]} | {c: known.get(c, []) for c in CHALLENGES}
    for name, parts in everything.items():
        pooled = np.concatenate([np.zeros(0), *parts])
        lost = [missing] if name in {"all", missing.split("/")[1]} else []
        numbers = {"median": np.median(pooled), "mean": pooled.mean(), "std": pooled.std()} if parts else {}
        counts = {"points": len(pooled), "images": len(parts), "missing": len(lost), "missing_images": lost}
        yield name, {**dict.fromkeys(("median", "mean", "std")), **numbers, **counts}


def _write_scan(dataset: Path, name: str, subject: Subject, rng: np.random.Generator) -> None:
    rotation, translation = axis_angle_to_matrix(rng.normal(0, 1, 3)), rng.normal(0, 300, 3)
    scan, landmarks = (points @ rotation.T + translation for points in (subject.scan, subject.landmarks))
    path = dataset / "scans" / name / "scan.obj"
    path.parent.mkdir(parents=True, exist_ok=True)
    faces = np.arange(len(scan) // 3 * 3).reshape(-1, 3)
    path.write_text(_obj(scan, faces))
    picked = "".join(
        f' <point x="{x!r}" y="{y!r}" z="{z!r}" active="1" name="{k}"/>\n'
        for k, (x, y, z) in enumerate(landmarks.tolist())
    )
    path = dataset / "scans_lmks_onlypp" / name / "scan_picked_points.pp"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<!DOCTYPE PickedPoints>\n<PickedPoints>\n{picked}</PickedPoints>\n")


def _write_prediction(stem: Path, subject: Subject, rng: np.random.Generator, *, mirrored: bool, as_text: bool) -> None:
    """The mesh in metres or so, as OBJ with .txt or as PLY with .npy."""
    rotation = axis_angle_to_matrix(rng.normal(0, 1, 3)) * (np.array([-1, 1, 1]) if mirrored else 1)
    scale, translation = rng.uniform(0.5, 2) / 1000, rng.normal(0, 0.1, 3)
    noisy = subject.landmarks + rng.normal(0, LANDMARK_ERROR, (7, 3))
    vertices, landmarks = (scale * points @ rotation.T + translation for points in (subject.mesh, noisy))
    stem.parent.mkdir(parents=True, exist_ok=True)
    if as_text:
        stem.with_suffix(".obj").write_text(_obj(vertices, subject.faces))
        np.savetxt(stem.with_suffix(".txt"), landmarks)
    else:
        write_ply(stem.with_suffix(".ply"), vertices, subject.faces)
        np.save(stem.with_suffix(".npy"), landmarks)


def _obj(vertices: Float64s, faces: Int64s) -> str:
    lines = [f"v {x!r} {y!r} {z!r}\n" for x, y, z in vertices.tolist()]
    return "".join([*lines, *(f"f {i} {j} {k}\n" for i, j, k in (faces + 1).tolist())])


def check(answer: Path, summary: Path) -> float:
    """The largest difference between two summaries, in parts of the number; infinite where counts differ."""
    known, found = (read_json(path, SUMMARY) for path in (answer, summary))
    worst = 0.0
    for part, row in known.items():
        for key, value in row.items():
            same = found.get(part, {}).get(key)
            numbers = isinstance(value, float) and isinstance(same, float)
            worst = max(worst, abs(same - value) / value if numbers else 0.0 if same == value else np.inf)
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--subjects", type=int, default=2)
    parser.add_argument(
        "--check", type=Path, metavar="SUMMARY", help="compare scores with the answer of an earlier run"
    )
    arguments = parser.parse_args()
    if arguments.check is None:
        write_dataset(arguments.out, subjects=arguments.subjects)
        print(f"{arguments.out}: dataset, predictions and answer.json")
        return
    worst = check(arguments.out / "answer.json", arguments.check)
    print(f"largest difference from the known answer: {worst:.1e} of the number")
    raise SystemExit(worst > AGREES)


if __name__ == "__main__":
    with one_line_errors():
        main()
