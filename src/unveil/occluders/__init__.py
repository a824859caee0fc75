"""The occluders, one module per family; `load_pool` puts them together.

`arbitrary`: the paper's pixels. `masks`, `eyewear`, `goggles` (with `lenses`): on the head's mesh, `sheets` in space.
`hair`. `things`, `cutouts`: pictures, brought before the face by `placing`. `drawn`: flat masks and glasses, for faces
without a mesh. `light`: what all of them are lit and laid over the image with.
"""

from unveil.occluders.arbitrary import ArbitraryPixels
from unveil.occluders.cutouts import Cutouts, MaskTemplates
from unveil.occluders.drawn import DrawnGlasses, DrawnMask
from unveil.occluders.eyewear.glasses import WornGlasses
from unveil.occluders.masks import WornMask
from unveil.occluders.pool import load_pool

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
