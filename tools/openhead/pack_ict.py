"""Packs the published OBJ files of ICT-FaceKit Light (MIT licence) into the npz that ``tools.openhead.build`` reads.

    git clone --depth 1 https://github.com/USC-ICT/ICT-FaceKit
    python -m tools.openhead.pack_ict ICT-FaceKit/FaceXModel -o ict_facekit_light.npz

What is kept, and the indices of the 68 landmarks, are the tables of the model's README: the skin from face to eye
sockets and the eyeballs, without gums, tongue, teeth, lashes and the like. Every ``identityNNN.obj`` is a whole mesh,
the neutral one moved by one mode; the model's own scripts weigh the modes with standard normal numbers. No unit is
published; the size of the head says centimetres.

``ict.read`` compares the pack with the one that openhead was released from. That one was made before this script
was written, and the script was not run on a whole clone. Checked against the published files were: names, tables and
counts, the first polygons, and the first vertices of the neutral mesh, of the left eyeball, of the first identity
and of the last. Early revisions of the repository order the vertices differently and are refused.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from unveil.storage.files import atomic_path

MULTI_PIE_68 = """
    1225 1888 1052 367 1719 1722 2199 1447 966 3661 4390 3927 3924 2608 3272 4088 3443
    268 493 1914 2044 1401 3615 4240 4114 2734 2509 978 4527 4942 4857 1140 2075 1147 4269 3360
    1507 1542 1537 1528 1518 1511 3742 3751 3756 3721 3725 3732
    5708 5695 2081 0 4275 6200 6213 6346 6461 5518 5957 5841 5702 5711 5533 6216 6207 6470 5517 5966
"""


@dataclass(frozen=True)
class Published:
    """The expected sizes of the OBJ files."""

    vertices: int = 26719
    modes: int = 100
    kept: tuple[range, ...] = (range(14062), range(21451, 24591))  # face to eye sockets; both eyeballs
    landmarks68: tuple[int, ...] = tuple(int(index) for index in MULTI_PIE_68.split())


def main() -> None:
    """Read the folder and write the pack."""
    parser = argparse.ArgumentParser(description="Pack the OBJ files of ICT-FaceKit Light.")
    parser.add_argument("folder", type=Path, help="FaceXModel of a clone of USC-ICT/ICT-FaceKit")
    parser.add_argument("-o", "--output", type=Path, default=Path("ict_facekit_light.npz"))
    options = parser.parse_args()
    arrays = pack(options.folder)
    with atomic_path(options.output) as temporary:
        np.savez_compressed(temporary, **arrays)
    print(f"{options.output}: {len(arrays['neutral'])} vertices, {len(arrays['identity'])} modes")


def pack(folder: Path, published: Published | None = None) -> dict[str, np.ndarray]:
    """The arrays that ``ict.read`` names; ``identity`` in float16, which is good to 0.005 mm."""
    published = published or Published()
    kept = np.concatenate(published.kept)
    neutral_file = folder / "generic_neutral_mesh.obj"
    neutral = _vertices(neutral_file, published)[kept]
    identity = np.empty((published.modes, len(kept), 3), np.float16)
    for mode in range(published.modes):
        identity[mode] = _vertices(folder / f"identity{mode:03d}.obj", published)[kept] - neutral
    new_index = np.full(published.vertices, -1)
    new_index[kept] = np.arange(len(kept))
    faces = new_index[_triangles(neutral_file)]
    return {
        "neutral": neutral.astype(np.float32),
        "identity": identity,
        "faces": faces[(faces >= 0).all(axis=1)].astype(np.int32),
        "landmarks68": new_index[list(published.landmarks68)].astype(np.int32),
    }


def _vertices(path: Path, published: Published) -> np.ndarray:
    """Positions [V, 3] in file order."""
    positions = np.array([words[:3] for words in _lines(path, "v")], np.float64)
    if len(positions) != published.vertices:
        raise SystemExit(f"{path} has {len(positions)} vertices, not the {published.vertices} of the published model")
    return positions


def _triangles(path: Path) -> np.ndarray:
    """Vertex indices [F, 3] from 0; a polygon becomes the fan about its first corner."""
    triangles = []
    for words in _lines(path, "f"):
        first, *others = (int(word.split("/")[0]) - 1 for word in words)
        triangles += [(first, *pair) for pair in pairwise(others)]
    return np.array(triangles)


def _lines(path: Path, keyword: str) -> Iterator[list[str]]:
    """The words after the keyword on every line of an OBJ file that begins with it."""
    if not path.is_file():
        raise SystemExit(f"{path} is missing: give the folder FaceXModel of ICT-FaceKit")
    with path.open(encoding="ascii", errors="replace") as file:
        for line in file:
            words = line.split()
            if words and words[0] == keyword:
                yield words[1:]


if __name__ == "__main__":
    main()
