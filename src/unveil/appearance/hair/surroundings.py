"""What a photograph shows around a head: skin, hair, cloth, something in front, or what is behind.

A learner's class map ends a little above the brows, while hair goes on. So two more networks look at a wider crop. The
first, which is not ours, tells hair, skin, clothes and background apart. The second, a small one, corrects it. It is
also told where the reconstructed head lies in the crop, and what the learner takes for an occluder. The pixels it is
sure of show the colours of hair, skin, cloth and walls in this photograph; these colours explain the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from unveil.appearance.hair.explain import explain
from unveil.appearance.hair.frame import above_hairline
from unveil.appearance.hair.sighted import Sighted, inside, on_face
from unveil.appearance.hair.tone import EVEN, FEWEST, SURE, hair_tone
from unveil.appearance.hair.view import FARTHEST, HairView
from unveil.geometry.rasterize import Raster, interpolate, rasterize
from unveil.geometry.smooth_step import smooth_step
from unveil.heads.model import MorphableModel
from unveil.heads.surroundings import (
    BACKGROUND,
    CLOTH,
    HAIR,
    OCCLUDER,
    SEGMENTED_SIZE,
    SIZE,
    SKIN,
    SegmentationNetwork,
    SurroundingsNetworks,
)
from unveil.models.classes import OCCLUDER as OF_LEARNER
from unveil.photos.cielab import to_cielab
from unveil.photos.crop import Crop
from unveil.typing import Bools, Float32s, Float64s, Floats, Image

CHIN = 8  # iBUG-68
WIDER = 1.75  # side of the crop, in sides of the learner's crop
HIGHER = 0.06  # share of its side by which the crop is moved up, because hair is mostly above
# Places are fed to the network as a factor times metres plus an offset, clipped to 0 to 1.
ABOVE_LINE = (3.92, 0.502)  # factor and offset of the height above the usual hairline
ABOVE_CHIN = (1.96, 0.353)  # factor and offset of the height above the chin
AWAY = 5.88  # factor of the distance from the head

# Where skin is doubted. Places are in distances of the eyes, from the middle between them, down and across the face.
PLAIN = (0.35, 0.8)  # heights between which the face is bare skin, without beard or fringe
PLAIN_ACROSS = 0.75  # how far that part reaches to either side
BROWS_AT = -0.42  # above this height hair and hats may be taken for skin
BESIDE, BESIDE_TO = 0.95, 0.9  # and so may they farther to the side than this, down to this height
SAMPLES = 100  # pixels of skin that colours are compared with
FRAMES = 0.25  # share of these pixels, the darkest, that is left out: they may be frames of spectacles
WEIGHTS = np.array([0.5, 1, 1], np.float32)  # of CIELAB when colours are compared
UNLIKE = 9.5  # weighted CIELAB distance beyond which a colour is not that of skin
SHADES = 0.012  # metres around a hat where it shades and tints the skin

# Whether a head has hair.
LEAST_HAIR = 0.004  # share of the picture that must be hair if all of the scalp is seen; less is not worth drawing
LEAST_SHOWN = 0.2  # that share is in proportion to the scalp that is seen, and at least to this share of the scalp
LITTLE = 0.1  # if less of the scalp is seen, nothing tells whether it is bare
CLEARLY = 0.02  # metres above the usual hairline where scalp begins
BALD = 0.5  # share of the scalp that is bare at least if somebody is bald
CROWN = 0.03  # metres above the usual hairline; higher up bald heads have no hair
OUTLINE = 10  # pixels of hair that stand off the crown of somebody who is not bald
HIDES = (0.4, 0.7)  # probabilities of something in front between which it comes to hide what is behind it
PRESSES = 0.025  # metres around a hat where there would be hair if the hat did not press it flat
MOUTH = 0.045  # metres above the chin; lower down cloth may be taken for hair, so no colour of hair is taken there

# Hats, and things that are held before the face.
SELDOM = 0.2  # factor for the probability of hats where the pixels together show none
COVERS = 0.25  # share of the scalp seen that a hat covers at least
APART = 0.3  # share of the scalp seen that must lie apart from the thing held, or nothing tells of a hat
ANYTHING = 0.01  # added to probabilities, because the network may be wrong
TELLS = 2.0  # largest log odds that one pixel counts with
CLEARER = 0.4  # mean log odds that a hat needs if something is held before the face
BROWS = -0.03  # metres above the usual hairline; lower down is the face
GOES_ON = 0.05  # metres that a thing held may go on beyond what the learner sees of it
MAY_BE = 0.2  # probability of an occluder that it needs there

UNFORESEEN = 0.01  # share of pixels that may be anything, whatever the network finds
IN_COLOURS = 0.3  # how far colours are trusted beside the network
SURELY = 0.02  # probabilities are kept at least this far from 0 and 1


@dataclass(frozen=True, eq=False)
class HeadInPicture:
    """A picture around a head, and the input of the network."""

    picture: Image  # [W, W, 3]
    depth: Float32s  # [W, W] of the head, `FARTHEST` where it is not
    per_metre: float  # pixels of the picture
    # [CHANNELS, W, W]: red, green and blue from -0.5 to 0.5; which pixels are of the photograph; `_places`; what the
    # learner takes for an occluder, and which pixels it saw; and `segments`.
    channels: Float32s

    @property
    def known(self) -> Float32s:
        """Which pixels [W, W] are of the photograph."""
        return np.asarray(self.channels[3])

    @cached_property
    def lab(self) -> Float32s:
        """CIELAB [W, W, 3] of the picture."""
        return to_cielab(self.picture)

    @property
    def above_line(self) -> Float32s:
        """Metres [W, W] above the usual hairline, on the head, within the range that the network is given."""
        return np.asarray((self.channels[5] - ABOVE_LINE[1]) / ABOVE_LINE[0])

    @property
    def above_chin(self) -> Float32s:
        """Metres [W, W] above the chin, within the range that the network is given."""
        return np.asarray((self.channels[6] - ABOVE_CHIN[1]) / ABOVE_CHIN[0])

    @cached_property
    def scalp(self) -> Bools:
        """Which pixels [W, W] show the scalp, or what covers it, well above the usual hairline."""
        return np.asarray((self.depth < FARTHEST) & (self.above_line > CLEARLY))

    @cached_property
    def crown(self) -> Bools:
        """Which pixels [W, W] show the crown or what surrounds it, where a bald head has no hair."""
        on_head = self.depth < FARTHEST
        crown, height = on_head & (self.above_line > CROWN), self.above_chin
        return np.asarray(crown | (~on_head & (height > np.min(height[crown], initial=np.inf))))

    def within(self, metres: float, of: Bools) -> Bools:
        """Which pixels [W, W] are within ``metres`` of pixels ``of`` [W, W]."""
        side = 2 * round(metres * self.per_metre) + 1
        reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        return np.asarray(cv2.dilate(of.astype(np.uint8), reach) > 0)


@dataclass(frozen=True, eq=False)
class Around(HeadInPicture):
    """What is seen around a head, and where."""

    head: Sighted
    crop: Crop  # wider than the learner's
    to_image: Float64s  # [3, 4] model space of the neutral head to x, y, depth in pixels of the photograph

    @classmethod
    def of(cls, head: Sighted, model: MorphableModel, network: SegmentationNetwork) -> Around:
        """The picture around a head of a model; ``network`` finds its segments."""
        crop = _wider(head.crop)
        picture, known = crop.warp(head.photograph), inside(crop, head.photograph)
        raster = rasterize(head.in_crop(crop), model.faces, SIZE, SIZE)
        colours = np.moveaxis(picture.astype(np.float32) / 255 - np.float32(0.5), -1, 0) * known
        to_image = placement(head.projected, head.neutral, model)
        per_metre = float(np.linalg.norm(to_image[2, :3])) * crop.scale
        places = _places(head, crop, raster, to_image, per_metre, model)
        found = segments(crop.of_cells(SEGMENTED_SIZE).warp(head.photograph), network)
        channels = np.concatenate([colours, known[None], places, _learners(head, crop), found]).astype(np.float32)
        depth = np.where(raster.covered, raster.depth, FARTHEST).astype(np.float32)
        return cls(picture, depth, per_metre, channels, head, crop, to_image)


@dataclass(frozen=True, eq=False)
class Surroundings:
    """A head with what is around it."""

    around: Around
    probability: Float32s  # [5, W, W] of each of `unveil.heads.surroundings.SURROUNDINGS`

    @classmethod
    def of(cls, head: Sighted, model: MorphableModel, networks: SurroundingsNetworks) -> Surroundings:
        """What networks say is around a head of a model."""
        around = Around.of(head, model, networks.segmentation)
        return cls(around, explained(around, networks.surroundings(around.channels)))


def hair_view(surroundings: Surroundings, model: MorphableModel) -> HairView | None:
    """Where a photograph shows hair around a head of a model; None if the head has next to none."""
    around, probability = surroundings.around, surroundings.probability
    hair, on_head = probability[HAIR], around.depth < FARTHEST
    # Nothing is known of what is surely hidden. Where something may be in front, the odds of hair are those without it.
    front = probability[OCCLUDER] + probability[CLOTH] * on_head
    known = around.known * (1 - smooth_step(front, *HIDES))
    known[~on_head & around.within(PRESSES, around.scalp & (probability[OCCLUDER] > EVEN))] = 0
    if _is_bald(around, probability):
        hair = np.where(around.crown, 0, hair)
    if not _wears_some(around, hair, known):
        return None
    shown = hair * around.known * (around.above_chin > MOUTH)
    hair = np.clip(hair / np.maximum(1 - front, SURELY), SURELY, 1 - SURELY)
    return HairView(
        odds=np.log(hair / (1 - hair)),
        known=known.astype(np.float32),
        wall=probability[BACKGROUND],
        crop=around.crop,
        head=around.depth,
        tone=hair_tone(around.head, around.lab, shown, around.known),
        to_image=around.to_image,
    )


def explained(around: HeadInPicture, found: Float32s) -> Float32s:
    """Probabilities [5, W, W] around a head: those that a network found, and colours where the network is unsure."""
    (held, near), bald = _held(around), _is_bald(around, found)
    found = found.copy()
    covered = _under_hat(around, found, near) if held else _under_hat(around, found)
    likely = np.ones_like(around.depth)
    if not covered.any():
        likely[~near if held else around.scalp] = SELDOM
    found[HAIR] += (1 - likely) * found[OCCLUDER] * around.scalp
    found[OCCLUDER] = likely * found[OCCLUDER] + np.where(covered, found[HAIR], 0)
    found[HAIR][covered] = 0
    found /= found.sum(axis=0)
    foreseen = (1 - UNFORESEEN) * around.known  # beyond the photograph there may be anything
    prior = foreseen * found + (1 - foreseen) / len(found)
    typical = np.clip(2 * found - 1, 0, 1) * around.known
    probability, _ = explain(around.picture, prior.astype(np.float32), typical.astype(np.float32), trust=IN_COLOURS)
    if held and not bald:  # what looks like skin there is more of the thing or of the hand that holds it
        scalp = near & around.scalp
        probability[OCCLUDER] += np.where(scalp, probability[SKIN], 0)
        probability[SKIN] = np.where(scalp, 0, probability[SKIN])
    return probability


def _held(around: HeadInPicture) -> tuple[bool, Bools]:
    """Whether the learner sees something before a face, and where [W, W] that may go on beyond what the learner sees.

    Such a thing is no hat, but the network may take the hair above it for one.
    """
    occluder, saw = around.channels[8:10]
    on_face = (around.depth < FARTHEST) & (around.above_line < BROWS) & (occluder > EVEN)
    near = around.within(GOES_ON, occluder > EVEN) & ((occluder > MAY_BE) | (saw < EVEN))
    return bool(np.count_nonzero(on_face) >= FEWEST), np.asarray(near)


def _under_hat(around: HeadInPicture, found: Float32s, near: Bools | None = None) -> Bools:
    """Which pixels [W, W] of the scalp a hat covers: all above some height, or none if they rather show hair.

    The network may take parts of a hat for hair, and parts of hair for a hat. So no pixel decides alone: all above some
    height decide together, and the height is where they do so most clearly. If something is held before the face,
    pixels ``near`` it [W, W] have no say, enough of the scalp must lie apart from it, and a hat must be clearer.
    """
    scalp = around.scalp & (around.known > EVEN)
    asked, least = (scalp, 0.0) if near is None else (scalp & ~near, CLEARER)
    if np.count_nonzero(asked) < max(FEWEST, APART * np.count_nonzero(scalp)):
        return np.zeros_like(scalp)
    odds = np.log((found[OCCLUDER] + ANYTHING) / (found[HAIR] + found[SKIN] + ANYTHING))
    heights = around.above_line[asked]
    falling = np.argsort(-heights, kind="stable")
    told = np.cumsum(np.clip(odds[asked][falling], -TELLS, TELLS)) / len(falling)
    told[: int(COVERS * len(told))] = -TELLS
    most = int(told.argmax())
    return np.asarray(scalp & (around.above_line >= heights[falling[most]]) & (told[most] > least))


def _is_bald(around: HeadInPicture, probability: Float32s) -> bool:
    """Whether most of a scalp is bare and no hair stands off it, judged by the probabilities [5, W, W].

    A little hair at the edge of a bald crown is more likely its shadow, or the wall.
    """
    seen = around.scalp & (around.known > EVEN)
    stands_off = around.crown & (around.depth == FARTHEST) & (probability[HAIR] * around.known > EVEN)
    bare = np.count_nonzero(seen) >= FEWEST and (probability[SKIN][seen] > EVEN).mean() > BALD
    return bool(bare and np.count_nonzero(stands_off) < OUTLINE)


def _wears_some(around: HeadInPicture, hair: Float32s, known: Float32s) -> bool:
    """Whether a head has hair.

    If next to none is seen, the scalp that is seen is bare. If next to no scalp is seen, because it is beyond the edge
    of the photograph or under a hat, the head has hair, as most people do.

    Args:
        around: the head.
        hair: probability [W, W] that a pixel shows hair.
        known: how far [W, W] a pixel tells that.
    """
    scalp = around.scalp
    count = max(int(scalp.sum()), 1)
    shown, of_photograph = float(known[scalp].sum()) / count, float(around.known[scalp].sum()) / count
    seen = float(((hair > EVEN) * around.known).mean())
    return seen > LEAST_HAIR * max(of_photograph, LEAST_SHOWN) or shown < LITTLE


def not_skin(surroundings: Surroundings, crop: Crop, shape: tuple[int, ...], eyes: Floats) -> Bools:
    """Which pixels [H, W] of a photograph, above the brows and beside the eyes of a face, do not show skin.

    Learners now and then take hair and hats for skin there. A pixel is not skin either if it has another colour than
    the skin of the face: if a photograph shows only the rim of a hat, nothing else tells.

    Args:
        surroundings: of the face.
        crop: around its head, in the photograph or in the part of it that is used.
        shape: (H, W, ...) of the photograph or that part.
        eyes: [2, 2] centres of the eyes in its pixels, the subject's right one first.
    """
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float64)
    across, down = on_face(crop.to_image(np.stack([x, y], axis=-1)), eyes)
    asked = (down < BROWS_AT) | ((np.abs(across) > BESIDE) & (down < BESIDE_TO))
    plain = (np.abs(across) < PLAIN_ACROSS) & (down > PLAIN[0]) & (down < PLAIN[1])
    none = np.maximum(1 - surroundings.probability[SKIN], _unlike_skin(surroundings, plain))
    other = np.where(asked, none, 0) * surroundings.around.known
    other = np.asarray(cv2.dilate(other.astype(np.float32), np.ones((3, 3))))  # pixels beside it are mixtures
    worn = asked & (surroundings.probability[OCCLUDER] * surroundings.around.known > EVEN)
    other[surroundings.around.within(SHADES, worn)] = 1
    return np.asarray(crop.warp_back(other, shape) > 0.5)


def _unlike_skin(surroundings: Surroundings, plain: Bools) -> Float32s:
    """1 where pixels [W, W] have another colour than the skin in the ``plain`` part [W, W] of the face, elsewhere 0."""
    colours = surroundings.around.lab * WEIGHTS
    skin = colours[plain & (surroundings.probability[SKIN] * surroundings.around.known > SURE)]
    if len(skin) < FEWEST:
        return np.zeros(plain.shape, np.float32)
    skin = skin[skin[:, 0] > np.quantile(skin[:, 0], FRAMES)]
    some, others = skin[:: -(-len(skin) // SAMPLES)], colours.reshape(-1, 3)
    apart = ((some**2).sum(axis=1) - 2 * others @ some.T).min(axis=1) + (others**2).sum(axis=1)
    unlike = (apart.reshape(plain.shape) > UNLIKE**2).astype(np.float32)
    return np.asarray(cv2.morphologyEx(unlike, cv2.MORPH_OPEN, np.ones((3, 3))))  # without moles


def placement(projected: Floats, neutral: Floats, model: MorphableModel) -> Float64s:
    """The affine map [3, 4] from a neutral head [V, 3] to its vertices ``projected`` [V, 3] into the photograph.

    It is fitted to the skull, which no expression moves.
    """
    skull = above_hairline(np.asarray(model.head.template)) > -0.02
    points = np.column_stack([neutral[skull], np.ones(skull.sum())]).astype(np.float64)
    solution, *_ = np.linalg.lstsq(points, projected[skull].astype(np.float64), rcond=None)
    return np.asarray(solution.T)


def _wider(crop: Crop) -> Crop:
    """A wider crop around the same head, with most of the new room above."""
    scale = SIZE / (WIDER * crop.size)
    middle = np.array([SIZE / 2, (0.5 + HIGHER) * SIZE]) - 0.5
    shift = (crop.matrix[:, 2] - (crop.size - 1) / 2) * scale + middle
    return Crop(np.column_stack([crop.matrix[:, :2] * scale, shift]), SIZE)


def _places(
    head: Sighted, crop: Crop, raster: Raster, to_image: Float64s, per_metre: float, model: MorphableModel
) -> Float32s:
    """Places of the pixels [4, W, W]: whether on the head, above its hairline, above its chin, and away from it."""
    above = interpolate(raster, model.faces, above_hairline(np.asarray(model.head.template))[:, None])[..., 0]
    away = cv2.distanceTransform((~raster.covered).astype(np.uint8), cv2.DIST_L2, 3) / per_metre
    up = to_image[:2, 1] @ crop.matrix[:, :2].T
    chin = crop.to_crop(np.asarray(model.landmarks68(head.projected))[CHIN, :2])
    x, y = np.meshgrid(np.arange(SIZE) - chin[0], np.arange(SIZE) - chin[1])
    above_chin = (x * up[0] + y * up[1]) / max(float(np.hypot(*up)), 1e-9) / per_metre
    shares = (ABOVE_LINE[0] * above + ABOVE_LINE[1], ABOVE_CHIN[0] * above_chin + ABOVE_CHIN[1], AWAY * away)
    return np.stack([raster.covered, *(np.clip(share, 0, 1) for share in shares)]).astype(np.float32)


def _learners(head: Sighted, crop: Crop) -> Float32s:
    """Probability of an occluder by the learner, and which pixels the learner saw, in another crop: [2, W, W]."""
    cells = head.crop.of_cells(len(head.classes[0]))
    of_crop = Crop(crop.into(cells), cells.size)  # the learner's, as a crop of this one
    maps = (head.classes[OF_LEARNER], np.ones_like(head.classes[0]))
    occluder, saw = (of_crop.warp_back(one, (SIZE, SIZE)) for one in maps)
    return np.stack([occluder, saw > 0.5]).astype(np.float32)


def segments(picture: Image, network: SegmentationNetwork) -> Float32s:
    """The probability [5, W, W] of `unveil.heads.surroundings.SEGMENTS` but the background, of a picture [P, P, 3]."""
    return np.stack([cv2.resize(one, (SIZE, SIZE), interpolation=cv2.INTER_AREA) for one in network(picture)[1:]])
