"""The occluders, one module per family; `load_pool` puts them together.

`arbitrary`: the paper's pixels. `masks`, `eyewear`: on the head's mesh, `sheets` in space; `headwear`: around the whole
head. `hair`. `things`, `cutouts`: pictures, brought before the face by `placing`. `drawn`: flat ones, for faces
without a mesh. `light`: what all of them are lit and laid over the image with.
"""

from unveil.occluders.arbitrary import ArbitraryPixels
from unveil.occluders.cutouts import Cutouts, MaskTemplates
from unveil.occluders.drawn import DrawnGlasses, DrawnMask
from unveil.occluders.eyewear.glasses import WornGlasses
from unveil.occluders.headwear.hats import Hat
from unveil.occluders.masks import WornMask
from unveil.occluders.pool import load_pool

__all__ = [
    "ArbitraryPixels",
    "Cutouts",
    "DrawnGlasses",
    "DrawnMask",
    "Hat",
    "MaskTemplates",
    "WornGlasses",
    "WornMask",
    "load_pool",
]
