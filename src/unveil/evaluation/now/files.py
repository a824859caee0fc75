"""The scans and predictions of the NoW benchmark, as they lie in its folders."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

import numpy as np

from unveil.errors import UnveilError
from unveil.evaluation.now.photos import IMAGE_LIST, NowImage, part_of, read_image_list
from unveil.meshes.mesh import Mesh
from unveil.meshes.read import MESH, read_mesh
from unveil.storage.arrays import read_array
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable
from unveil.storage.names import beside, files_named
from unveil.typing import Float64s

LANDMARKS = 7  # outer and inner corner of the right eye, inner and outer of the left, nose bottom, corners of the mouth
LANDMARK_POINTS = FileKind("usable file of landmarks", "check its path, or write it again", 2**20)
MESH_SUFFIXES, LANDMARK_SUFFIXES = (".obj", ".ply"), (".npy", ".txt")  # the first that is there is taken


@dataclass(frozen=True)
class Pair:
    """The two files of a mesh with its seven landmarks."""

    mesh: Path
    landmarks: Path

    def digest(self) -> str:
        """A hash of what is in the files."""
        digest = hashlib.sha256()
        for path in (self.mesh, self.landmarks):
            with MESH.opened(path) as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.hexdigest()

    def read(self) -> tuple[Mesh, Float64s]:
        """The mesh and its landmarks [7, 3]; UnveilError where one of them cannot be used."""
        return read_mesh(self.mesh), read_landmarks(self.landmarks)


@dataclass(frozen=True)
class NowDataset:
    """The folder of the benchmark: which photographs there are, and a scan of each subject."""

    scans: Path
    landmarks: Path
    images: tuple[NowImage, ...]

    @classmethod
    def open(cls, folder: Path, image_list: Path | None = None) -> NowDataset:
        """Find the parts in a folder; the list of images may be another than the one for validation.

        Raises:
            UnveilError: a part is missing, or the scan of a subject.
        """
        images = read_image_list(image_list or part_of(folder, IMAGE_LIST))
        dataset = cls(part_of(folder, "scans"), part_of(folder, "scans_lmks_onlypp"), images)
        for subject in dict.fromkeys(image.subject for image in images):
            dataset.scan(subject)
        return dataset

    def scan(self, subject: str) -> Pair:
        """The scan of a subject; UnveilError where there is not exactly one."""
        return Pair(_only(self.scans / subject, ".obj"), _only(self.landmarks / subject, ".pp"))


def find_prediction(folder: Path, image: NowImage) -> Pair | None:
    """The predicted mesh of an image and its landmarks, or None where one of them is missing."""
    mesh, landmarks = (
        next((path for suffix in suffixes if (path := beside(folder / image.path, suffix))), None)
        for suffixes in (MESH_SUFFIXES, LANDMARK_SUFFIXES)
    )
    return None if mesh is None or landmarks is None else Pair(mesh, landmarks)


def read_landmarks(path: Path) -> Float64s:
    """The seven landmarks [7, 3] of an .npy, a .txt or MeshLab's .pp; UnveilError where the file has no seven."""
    read = {".npy": _read_npy, ".txt": _read_text, ".pp": _read_picked}[path.suffix.lower()]
    points = read(path)
    if points.shape != (LANDMARKS, 3) or not np.isfinite(points).all():
        raise UnveilError(
            f"{printable(path)} holds {points.shape} numbers instead of 7 finite landmarks (7, 3): corners of the eyes "
            "from the subject's right to the left, nose bottom, right and left corner of the mouth"
        )
    return points


def _read_npy(path: Path) -> Float64s:
    points = read_array(path, LANDMARK_POINTS)
    with LANDMARK_POINTS.checking(path):
        return points.astype(np.float64)


def _read_text(path: Path) -> Float64s:
    with LANDMARK_POINTS.opened(path) as stream:
        lines = stream.read().decode("utf-8-sig").replace(",", " ").splitlines()
        return np.array([line.split() for line in lines if line.strip()], np.float64)


def _read_picked(path: Path) -> Float64s:
    """Points that were picked in MeshLab, an XML file; one that defines entities is refused."""
    points = list[list[float]]()

    def element(name: str, attributes: dict[str, str]) -> None:
        if name == "point":
            points.append([float(attributes.get(axis, "nan")) for axis in "xyz"])

    def entity(*_: object) -> None:
        raise ValueError("it defines entities, which such files have no need of")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EntityDeclHandler = element, entity
    with LANDMARK_POINTS.opened(path, "XML") as stream:
        try:
            parser.Parse(stream.read(), True)
        except expat.ExpatError as error:
            raise ValueError(str(error)) from error
    return np.array(points)


def _only(folder: Path, suffix: str) -> Path:
    found = files_named(folder, suffix)
    if len(found) != 1:
        raise UnveilError(
            f"{printable(folder)} has {len(found)} files {suffix} instead of one; copy the subject from NoW again"
        )
    return found[0]
