"""Writes the demo photograph of the package from the copy that scikit-image carries.

The picture is a portrait of an astronaut from the Great Images in NASA collection, in the public domain.
scikit-image carries a 512 x 512 crop of it as ``skimage.data.astronaut()``; this script stores it as a JPEG of high
quality, so that the base install needs neither scikit-image nor a download. Run it from the checkout in an environment
with the ``dev`` extra:

    python tools/make_demo_photo.py
"""

from pathlib import Path

import skimage.data
from PIL import Image

DESTINATION = Path(__file__).parents[1] / "src" / "unveil" / "assets" / "data" / "demo.jpg"


def main() -> None:
    photograph = Image.fromarray(skimage.data.astronaut())  # RGB, 512 x 512
    # Full chroma resolution: the photograph becomes the head's texture, where blurred colour edges would show.
    photograph.save(DESTINATION, quality=95, subsampling=0, optimize=True)
    print(f"{DESTINATION}: {photograph.width} x {photograph.height}, {DESTINATION.stat().st_size} bytes")


if __name__ == "__main__":
    main()
