"""What DECA's coefficients say beyond the shape of the head: wrinkles and the colour of the skin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unveil.assets.store import find, locate
from unveil.heads.albedo import AlbedoSpace
from unveil.heads.detail import Detail, DetailSurface
from unveil.heads.layout import Coefficients
from unveil.heads.model import MorphableModel
from unveil.models.deca import albedo_file, detail_files
from unveil.models.encoder import DetailEncoder, Encoder
from unveil.models.heads import head_files, head_name
from unveil.photos.io import read_image
from unveil.typing import Float32s, Floats

ALBEDO_FILES = ("FLAME_albedo_from_BFM.npz", "FLAME_texture.npz")  # the first that is there; it may be neither
DETAIL_FILES = ("fixed_displacement_256.npy", "uv_face_eye_mask.png", "uv_face_mask.png")
DENSE_FILE = "texture_data_256.npy"  # may be missing


@dataclass(frozen=True, eq=False)
class FineModel:
    """What of it a model's files allow."""

    encoder: DetailEncoder | None = None  # gives the displacement
    surface: DetailSurface | None = None
    albedo_space: AlbedoSpace | None = None
    files: tuple[Path, ...] = ()  # the user's files that heads are made with, those of the head model among them

    @property
    def has_details(self) -> bool:
        """Whether `details` gives any."""
        return self.encoder is not None and self.surface is not None

    def details(self, vertices: Floats, coefficients: Coefficients) -> list[Detail | None]:
        """The details of heads with posed ``vertices`` [N, V, 3] and coefficients [N, M]; None where none are known."""
        if self.encoder is None or self.surface is None:
            return [None] * len(vertices)
        maps = self.encoder.displacement(coefficients)
        return [_detail(self.surface, *face) for face in zip(vertices, maps, strict=True)]

    def albedos(self, coefficients: Coefficients) -> list[Float32s | None]:
        """The colours [256, 256, 3] of the skin of coefficients [N, M]; None where they are not known."""
        if self.albedo_space is None:
            return [None] * len(coefficients.values)
        return list(np.asarray(self.albedo_space.albedo(coefficients["texture"]), np.float32))


def load_fine(encoder: Encoder, model: MorphableModel, assets: Path | None = None) -> FineModel:
    """Everything fine that the encoder and the user's files give; none for other models than DECA.

    Raises:
        UnveilError: a file that the encoder's details need is missing, or a file is damaged.
    """
    name = head_name(encoder.layout)
    files = [*head_files(name, assets)]
    if name != "deca":
        return FineModel(files=tuple(files))
    albedo_path = next((path for path in (find("deca", name, assets) for name in ALBEDO_FILES) if path), None)
    albedo_space = albedo_file.load(albedo_path) if albedo_path else None
    files += [albedo_path] if albedo_path else []
    if not isinstance(encoder, DetailEncoder):
        return FineModel(albedo_space=albedo_space, files=tuple(files))
    fixed, eyes, face = (locate("deca", name, assets) for name in DETAIL_FILES)
    dense = find("deca", DENSE_FILE, assets)
    files += [fixed, eyes, face, *([dense] if dense else [])]
    surface = detail_files.load(model, fixed, read_image(eyes), read_image(face), dense)
    return FineModel(encoder, surface, albedo_space, tuple(files))


def _detail(surface: DetailSurface, vertices: Floats, decoded: Floats) -> Detail:
    return Detail(
        displacement=np.asarray(surface.displacement(decoded), np.float32),
        normals=surface.normal_map(vertices, decoded),
        normal_map=surface.tangent_normal_map(vertices, decoded),
        vertices=surface.vertices(vertices, decoded),
        faces=surface.mesh.faces,
        uv=surface.mesh.uv,
    )
