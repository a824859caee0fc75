"""A photograph of 100 megapixels, with and without a face, fits into 1.5 GB with everything that is loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from child import finished
from peak_memory import needs_peak_memory, run_command
from PIL import Image

from unveil.assets.store import packaged

MOST = 1.5e9  # bytes
SIDE = 10_000
PROGRAM = """
from unveil.photos.io import read_image
from unveil.reconstruct.pipeline import Reconstructor
faces = Reconstructor().reconstruct(read_image(sys.argv[1]))
colours = [face.texture() for face in faces]
print(sum(not face.doubtful for face in faces), peak_memory())
"""


@needs_peak_memory
@pytest.mark.parametrize(("kind", "faces"), [("face.jpg", 1), ("wall.jpg", 0), ("cut-out.png", 1)])
def test_a_hundred_megapixels(tmp_path: Path, kind: str, faces: int) -> None:
    path = tmp_path / kind
    picture = Image.new("RGB", (SIDE, SIDE), (90, 110, 130))
    if faces:
        with Image.open(packaged("demo.jpg")) as demo:
            picture.paste(demo.resize((3000, 3000)), (4000, 5000))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    if path.suffix == ".png":
        picture.putalpha(Image.fromarray(np.full((SIDE, SIDE), 255, np.uint8)))
    picture.save(path, exif=exif, compress_level=1)
    run = finished([*run_command(PROGRAM), path])
    found, peak = map(int, run.stdout.split())
    assert found == faces
    assert peak < MOST
