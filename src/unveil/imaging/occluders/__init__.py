"""The occluders, one module per family.

`arbitrary` pixels, `masks` and `eyewear` on the head's mesh, `hair`, pictures as `cutouts` and of drawn `things`, and
what is `drawn` flat where there is no mesh. `load_pool` puts them together.
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
