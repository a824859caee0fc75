"""A head does not depend on how the photograph is held, and its pose is that in the photograph."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unveil.assets.store import packaged
from unveil.faces.reconstruction import Reconstruction
from unveil.photos.io import read_image
from unveil.reconstruct.pipeline import Reconstructor
from unveil.training.crops.cutter import Cutter
from unveil.training.crops.photo import Photo


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return read_image(packaged("demo.jpg"))


@pytest.fixture(scope="module")
def reconstructor() -> Reconstructor:
    return Reconstructor()


@pytest.fixture(scope="module")
def upright(reconstructor: Reconstructor, photo: np.ndarray) -> Reconstruction:
    (face,) = reconstructor.reconstruct(photo)
    return face


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_the_same_head_in_another_pose(
    reconstructor: Reconstructor, photo: np.ndarray, upright: Reconstruction, quarters: int
) -> None:
    (face,) = reconstructor.reconstruct(np.ascontiguousarray(np.rot90(photo, quarters)), max_faces=1)
    apart = np.linalg.norm(face.neutral_vertices - upright.neutral_vertices, axis=1)
    assert apart @ upright.face_area < 0.001  # metres
    turned = face.pose_degrees[2] - upright.pose_degrees[2]  # rot90 tilts to the subject's right
    assert (turned - 90 * quarters + 180) % 360 - 180 == pytest.approx(0, abs=4)
    size = photo.shape[0] - 1
    back = face.landmarks2d
    for _ in range(quarters):
        back = np.stack([size - back[:, 1], back[:, 0]], axis=1)
    apart = np.linalg.norm(back - upright.landmarks2d, axis=1)
    assert apart.mean() < 0.03 * (upright.box_ltrb[2] - upright.box_ltrb[0])


def test_an_upright_crop_is_not_turned_at_all(upright: Reconstruction) -> None:
    assert upright.crop.matrix[0, 1] == upright.crop.matrix[1, 0] == 0


def test_training_crops_are_turned_upright(tmp_path: Path, photo: np.ndarray) -> None:
    cutter = Cutter(96, 40)

    def cut(image: np.ndarray) -> np.ndarray:
        stream = BytesIO()
        Image.fromarray(image).save(stream, "PNG")
        path = tmp_path / "photo.png"
        path.write_bytes(stream.getvalue())
        return cutter.cut(Photo("photo", path, 0, path.stat().st_size)).crop.astype(float)

    middle = slice(24, 72)
    difference = np.abs(cut(np.rot90(photo, 2)) - cut(photo))[middle, middle].mean()
    assert difference < 20  # levels; that of the face to one on its head is 60
