"""The occluders, one module per family; `load_pool` puts them together.

`arbitrary`: the paper's pixels. `masks`, `eyewear`, `goggles` (with `lenses`): on the head's mesh, `sheets` in space.
`hair`. `things`, `cutouts`: pictures, brought before the face by `placing`. `drawn`: flat masks and glasses, for faces
without a mesh. `light`: what all of them are lit and laid over the image with.
"""

from unveil.imaging.occluders.arbitrary import ArbitraryPixels
from unveil.imaging.occluders.cutouts import Cutouts, MaskTemplates
from unveil.imaging.occluders.drawn import DrawnGlasses, DrawnMask
from unveil.imaging.occluders.eyewear import WornGlasses
from unveil.imaging.occluders.masks import WornMask
from unveil.imaging.occluders.pool import load_pool

__all__ = [
    "ArbitraryPixels",
    "Cutouts",
    "DrawnGlasses",
    "DrawnMask",
    "MaskTemplates",
    "WornGlasses",
    "WornMask",
    "load_pool",
]
