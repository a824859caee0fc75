"""Draws the picture of heads in the documentation, as a real viewer shows their GLB files.

    python -m tools.heads_picture [-o docs/images/heads.jpg]

The bundled photograph, clear and behind things of several kinds, and that of an officer in a cap, which matplotlib
brings: all views and expressions of `tools.view_sheets`.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import PIL.Image
from matplotlib.cbook import get_sample_data

from tools.readme_picture import photographs
from tools.view_sheets import CAPTION, EXPRESSIONS, VIEWS, Look, sheet_of, shots_of
from unveil import Reconstructor, read_image
from unveil.assets.store import packaged
from unveil.faces.overlay import in_panel

COVERS = (
    ("mask", 0.4, 3),
    ("mask", 0.45, 8),
    ("glasses", 0.25, 6),
    ("drawn-hand", 0.35, 4),
    ("object", 0.35, 2),
    ("hair", 0.3, 5),
    ("piece", 0.4, 7),
)  # kind, share of the face, seed
SIZE = 230  # pixels a side of each picture


def main() -> None:
    """Reconstruct, write GLB files, draw them, and put the photographs in front."""
    parser = argparse.ArgumentParser(description="Draw the picture of heads in the documentation.")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parents[1] / "docs/images/heads.jpg")
    options = parser.parse_args()
    reconstructor, photos, glbs = Reconstructor(), [], []
    with tempfile.TemporaryDirectory() as folder:
        images = photographs(read_image(packaged("demo.jpg")), COVERS)
        images.append(read_image(get_sample_data("grace_hopper.jpg", asfileobj=False)))
        names = ["clear", *(kind for kind, *_ in COVERS), "cap"]
        for number, (name, image) in enumerate(zip(names, images, strict=True)):
            (face,) = reconstructor.reconstruct(image, max_faces=1)
            photos.append(PIL.Image.fromarray(in_panel(image, face)[1]).resize((SIZE, SIZE)))
            glbs += face.save(Path(folder) / f"{number} {name}.glb")
        columns = shots_of(VIEWS.split(","), EXPRESSIONS.split(","))
        heads = sheet_of(glbs, columns, Look(SIZE))
    sheet = PIL.Image.new("RGB", (heads.width + SIZE, heads.height), Look(SIZE).background)
    sheet.paste(heads, (SIZE, 0))
    for number, photo in enumerate(photos):
        sheet.paste(photo, (0, CAPTION + number * (SIZE + CAPTION)))
    PIL.Image.fromarray(np.asarray(sheet)).save(options.output, quality=88, optimize=True)


if __name__ == "__main__":
    main()
