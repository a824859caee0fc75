"""What a photograph shows around a head: skin, hair, cloth, something in front, or what is behind.

A learner's class map ends soon above the brows, while hair goes on. So a second, small network looks at a wider crop.
It sees where the head of the reconstruction is in it, and what the learner takes for an occluder. What it is sure of
says what hair, skin, cloth and walls look like in this photograph, and by these colours the rest is explained.
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
    PERSON_SIZE,
    SIZE,
    SKIN,
    PersonNetwork,
    SurroundingsNetworks,
)
from unveil.models.classes import OCCLUDER as OF_LEARNER
from unveil.photos.cielab import to_cielab
from unveil.photos.crop import Crop
from unveil.typing import Bools, Float32s, Float64s, Floats, Image

WIDER, HIGHER = 1.75, 0.06  # sides of the crop that it is as wide as, and that it reaches farther up than down
CHIN = 8  # iBUG-68
# In distances of the eyes from the middle between them, down the face and across: where it is skin without beard or
# fringe; and above and beside what hair and hats may be taken for skin, and how far down that is.
PLAIN, PLAIN_ACROSS, BROWS_AT, BESIDE, BESIDE_TO = (0.35, 0.8), 0.75, -0.42, 0.95, 0.9
# What is unlike skin: the pixels of skin that are compared, the share of the darkest that may be frames of spectacles,
# the weights of CIELAB, and the distance in it from which on nothing is skin.
SAMPLES, FRAMES, WEIGHTS, UNLIKE = 100, 0.25, np.array([0.5, 1, 1], np.float32), 9.5
# Share of the picture that is hair, where it shows all of the scalp, or the head has none that could be drawn; and the
# share of the scalp that counts as seen in any case.
LEAST_HAIR, LEAST_SHOWN = 0.004, 0.2
HIDES = (0.4, 0.7)  # probabilities of something in front between which it hides what is behind
PRESSES = 0.025  # metres around a hat in which there would be hair without it
CLEARLY = 0.02  # metres above the usual hairline from which on there is scalp
MOUTH = 0.045  # metres above the chin, below which cloth may be taken for hair, whose colour is not to count
# Share of the scalp that is bare if somebody is bald, and pixels of hair beside the crown, of fewer there is none; and
# metres above the usual hairline where there is no hair then.
BALD, OUTLINE, CROWN = 0.5, 10, 0.03
LITTLE = 0.1  # of the scalp, that is seen at most where nothing tells whether it is bare
# How many times as likely things are as the network finds: hats, since it learned from more heads without; hats where
# something is held before the face, or where there is none as a whole; and bare scalps if nobody is bald.
HATS, SELDOM, BARE = 1.5, 0.2, 0.6
# Of a scalp that is seen, what a hat covers at least, and what must lie apart from something that is held before the
# face; the share of anything that may be there all the same; and, in mean log odds, how far a pixel can tell, and what
# a hat needs if something is held.
COVERS, APART, ANYTHING, TELLS, CLEARER = 0.25, 0.3, 0.01, 2.0, 0.4
SHADES = 0.012  # metres that a hat shades and tints the skin around it
# Metres above the usual hairline up to which the face is; metres that what is held before it goes on beyond what the
# learner sees, and the least probability of that there.
BROWS, GOES_ON, MAY_BE = -0.03, 0.05, 0.2
UNFORESEEN, IN_COLOURS = 0.01, 0.3  # share of what the network does not foresee; how far colours are trusted beside it
SURELY = 0.02  # of probabilities: nothing is surer
# What the network sees of places, of 1 from zero on: metres above the hairline, above the chin, and from the head.
ABOVE_LINE, ABOVE_CHIN, AWAY = (3.92, 0.502), (1.96, 0.353), 5.88


@dataclass(frozen=True, eq=False)
class Around:
    """A picture around a head, and what the network sees of it."""

    head: Sighted
    crop: Crop  # wider than the learner's
    picture: Image  # [W, W, 3]
    depth: Float32s  # [W, W] of the head, `FARTHEST` where it is not
    to_image: Float64s  # [3, 4] model space of the neutral head to x, y, depth in pixels of the photograph
    # [CHANNELS, W, W]: red, green and blue from -0.5 to 0.5; which pixels are of the photograph; `_places`; what the
    # learner takes for an occluder, and which pixels it saw; and the probability of a person.
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
        """Metres [W, W] above the usual hairline, on the head, as far as the network sees that."""
        return np.asarray((self.channels[5] - ABOVE_LINE[1]) / ABOVE_LINE[0])

    @property
    def above_chin(self) -> Float32s:
        """Metres [W, W] above the chin, as far as the network sees that."""
        return np.asarray((self.channels[6] - ABOVE_CHIN[1]) / ABOVE_CHIN[0])

    @cached_property
    def scalp(self) -> Bools:
        """Which pixels [W, W] show the scalp, or what is on it, of anybody who is not half bald."""
        return np.asarray((self.depth < FARTHEST) & (self.above_line > CLEARLY))

    @cached_property
    def crown(self) -> Bools:
        """Which pixels [W, W] show the crown, or what is beside it, where a bald head has no hair."""
        on_head = self.depth < FARTHEST
        crown, height = on_head & (self.above_line > CROWN), self.above_chin
        return np.asarray(crown | (~on_head & (height > np.min(height[crown], initial=np.inf))))

    def within(self, metres: float, of: Bools) -> Bools:
        """Which pixels [W, W] are within so many metres of some [W, W]."""
        side = 2 * round(metres * self.per_metre) + 1
        reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        return np.asarray(cv2.dilate(of.astype(np.uint8), reach) > 0)

    @property
    def per_metre(self) -> float:
        """Pixels of the picture per metre."""
        return _per_metre(self.to_image, self.crop)

    @classmethod
    def of(cls, head: Sighted, model: MorphableModel, network: PersonNetwork) -> Around:
        """What is around a head of a model, with the person that a network sees."""
        crop = _wider(head.crop)
        picture, known = crop.warp(head.photograph), inside(crop, head.photograph)
        raster = rasterize(head.in_crop(crop), model.faces, SIZE, SIZE)
        colours = np.moveaxis(picture.astype(np.float32) / 255 - np.float32(0.5), -1, 0) * known
        to_image = placement(head.projected, head.neutral, model)
        places = _places(head, crop, raster, to_image, model)
        channels = np.concatenate([colours, known[None], places, _learners(head, crop), _person(head, crop, network)])
        depth = np.where(raster.covered, raster.depth, FARTHEST).astype(np.float32)
        return cls(head, crop, picture, depth, to_image, channels.astype(np.float32))


@dataclass(frozen=True, eq=False)
class Surroundings:
    """A head with what is around it."""

    around: Around
    probability: Float32s  # [5, W, W] of each of `unveil.heads.surroundings.SURROUNDINGS`

    @classmethod
    def of(cls, head: Sighted, model: MorphableModel, networks: SurroundingsNetworks) -> Surroundings:
        """What networks say is around a head of a model."""
        around = Around.of(head, model, networks.person)
        return cls(around, _explained(around, networks.surroundings(around.channels)))


def hair_view(surroundings: Surroundings, model: MorphableModel) -> HairView | None:
    """Where a photograph shows hair around a head of a model; None where it shows next to none."""
    around, probability = surroundings.around, surroundings.probability
    hair, on_head = probability[HAIR], around.depth < FARTHEST
    # Of what something hides, nothing is known; what it may hide is hair or not as if it were not there.
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


def _explained(around: Around, found: Float32s) -> Float32s:
    """What a network finds around a head [5, W, W], where it is unsure by the colours of this photograph."""
    (held, near), bald = _held(around), _is_bald(around, found)
    found = found.copy()
    found[SKIN] *= np.where(around.scalp & (not bald), BARE, 1)
    covered = _under_hat(around, found, near) if held else _under_hat(around, found)
    likelier = np.full(near.shape, HATS)
    if not covered.any():
        likelier = np.where(near, 1, SELDOM) if held else np.where(around.scalp, SELDOM, HATS)
    found[HAIR] += np.maximum(1 - likelier, 0) * found[OCCLUDER] * around.scalp
    found[OCCLUDER] = likelier * found[OCCLUDER] + np.where(covered, found[HAIR], 0)
    found[HAIR][covered] = 0
    found /= found.sum(axis=0)
    foreseen = (1 - UNFORESEEN) * around.known  # beyond the photograph anything may be
    prior = foreseen * found + (1 - foreseen) / len(found)
    typical = np.clip(2 * found - 1, 0, 1) * around.known
    probability, _ = explain(around.picture, prior.astype(np.float32), typical.astype(np.float32), trust=IN_COLOURS)
    if held and not bald:  # more of it may look like skin
        scalp = near & around.scalp
        probability[OCCLUDER] += np.where(scalp, probability[SKIN], 0)
        probability[SKIN] = np.where(scalp, 0, probability[SKIN])
    return probability


def _held(around: Around) -> tuple[bool, Bools]:
    """Whether the learner sees something before a face, and where that may go on [W, W]; it does not see all.

    Such a thing is no hat, but hair above it may look like one to the network.
    """
    occluder, saw = around.channels[8:10]
    on_face = (around.depth < FARTHEST) & (around.above_line < BROWS) & (occluder > EVEN)
    near = around.within(GOES_ON, occluder > EVEN) & ((occluder > MAY_BE) | (saw < EVEN))
    return bool(np.count_nonzero(on_face) >= FEWEST), np.asarray(near)


def _under_hat(around: Around, found: Float32s, near: Bools | None = None) -> Bools:
    """What a hat covers of the scalp that is seen [W, W], all above some height; nothing if it rather shows hair.

    Some of a hat may look like hair to the network, and some hair like a hat, but neither is one in part: the pixels
    above a height tell together, and the height is where they tell most clearly. If something is held before the face,
    nothing ``near`` it [W, W] tells, and hats must be clearer, and some of the scalp apart from that.
    """
    scalp = around.scalp & (around.known > EVEN)
    asked, likelier, least = (scalp, HATS, 0.0) if near is None else (scalp & ~near, 1.0, CLEARER)
    if np.count_nonzero(asked) < max(FEWEST, APART * np.count_nonzero(scalp)):
        return np.zeros_like(scalp)
    odds = np.log((likelier * found[OCCLUDER] + ANYTHING) / (found[HAIR] + found[SKIN] + ANYTHING))
    heights = around.above_line[asked]
    falling = np.argsort(-heights, kind="stable")
    told = np.cumsum(np.clip(odds[asked][falling], -TELLS, TELLS)) / len(falling)
    told[: int(COVERS * len(told))] = -TELLS
    most = int(told.argmax())
    return np.asarray(scalp & (around.above_line >= heights[falling[most]]) & (told[most] > least))


def _is_bald(around: Around, probability: Float32s) -> bool:
    """Whether most of a scalp is bare and no hair stands off it, by the probability [5, W, W] of what is shown.

    Short hair at the edge of a bald crown is rather its shadow, or the wall.
    """
    seen = around.scalp & (around.known > EVEN)
    stands_off = around.crown & (around.depth == FARTHEST) & (probability[HAIR] * around.known > EVEN)
    bare = np.count_nonzero(seen) >= FEWEST and (probability[SKIN][seen] > EVEN).mean() > BALD
    return bool(bare and np.count_nonzero(stands_off) < OUTLINE)


def _wears_some(around: Around, hair: Float32s, known: Float32s) -> bool:
    """Whether a head has hair, by the probability [W, W] that pixels show some, and how far they are known [W, W].

    Where next to none is seen, the scalp that is seen is bare. Where next to no scalp is seen, which is beyond the edge
    of a photograph or under a hat, it has some, as most people have.
    """
    scalp = around.scalp
    count = max(int(scalp.sum()), 1)
    shown, of_photograph = float(known[scalp].sum()) / count, float(around.known[scalp].sum()) / count
    seen = float(((hair > EVEN) * around.known).mean())
    return seen > LEAST_HAIR * max(of_photograph, LEAST_SHOWN) or shown < LITTLE


def not_skin(surroundings: Surroundings, crop: Crop, shape: tuple[int, ...], eyes: Floats) -> Bools:
    """Which pixels [H, W] of a photograph, above the brows and beside the eyes of a face, show no skin.

    There learners call hair and hats skin now and then. What has not the colour of the face's skin is none, either: of
    a hat that a photograph shows but the rim of, nothing else tells.

    Args:
        surroundings: of the face.
        crop: around its head, in the photograph or the part of it that is looked at.
        shape: of that.
        eyes: [2, 2] their middles, the right one first, in pixels of that.
    """
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float64)
    across, down = on_face(crop.to_image(np.stack([x, y], axis=-1)), eyes)
    asked = (down < BROWS_AT) | ((np.abs(across) > BESIDE) & (down < BESIDE_TO))
    plain = (np.abs(across) < PLAIN_ACROSS) & (down > PLAIN[0]) & (down < PLAIN[1])
    none = np.maximum(1 - surroundings.probability[SKIN], _unlike_skin(surroundings, plain))
    other = np.where(asked, none, 0) * surroundings.around.known
    other = np.asarray(cv2.dilate(other.astype(np.float32), np.ones((3, 3))))  # nor what is mixed with it
    worn = asked & (surroundings.probability[OCCLUDER] * surroundings.around.known > EVEN)
    other[surroundings.around.within(SHADES, worn)] = 1
    return np.asarray(crop.warp_back(other, shape) > 0.5)


def _unlike_skin(surroundings: Surroundings, plain: Bools) -> Float32s:
    """1 where pixels [W, W] have another colour than the skin of a ``plain`` part [W, W] of the face, elsewhere 0."""
    colours = surroundings.around.lab * WEIGHTS
    skin = colours[plain & (surroundings.probability[SKIN] * surroundings.around.known > SURE)]
    if len(skin) < FEWEST:
        return np.zeros(plain.shape, np.float32)
    skin = skin[skin[:, 0] > np.quantile(skin[:, 0], FRAMES)]
    some, others = skin[:: -(-len(skin) // SAMPLES)], colours.reshape(-1, 3)
    apart = ((some**2).sum(axis=1) - 2 * others @ some.T).min(axis=1) + (others**2).sum(axis=1)
    unlike = (apart.reshape(plain.shape) > UNLIKE**2).astype(np.float32)
    return np.asarray(cv2.morphologyEx(unlike, cv2.MORPH_OPEN, np.ones((3, 3))))  # no moles


def placement(projected: Floats, neutral: Floats, model: MorphableModel) -> Float64s:
    """The affine map [3, 4] from a neutral head [V, 3] to the photograph that shows it at ``projected`` [V, 3].

    It is that of the skull, which no expression moves.
    """
    skull = above_hairline(np.asarray(model.head.template)) > -0.02
    points = np.column_stack([neutral[skull], np.ones(skull.sum())]).astype(np.float64)
    solution, *_ = np.linalg.lstsq(points, projected[skull].astype(np.float64), rcond=None)
    return np.asarray(solution.T)


def _wider(crop: Crop) -> Crop:
    """The crop with more around it, most of all above."""
    scale = SIZE / (WIDER * crop.size)
    middle = np.array([SIZE / 2, (0.5 + HIGHER) * SIZE]) - 0.5
    shift = (crop.matrix[:, 2] - (crop.size - 1) / 2) * scale + middle
    return Crop(np.column_stack([crop.matrix[:, :2] * scale, shift]), SIZE)


def _per_metre(to_image: Float64s, crop: Crop) -> float:
    return float(np.linalg.norm(to_image[2, :3])) * crop.scale


def _places(head: Sighted, crop: Crop, raster: Raster, to_image: Float64s, model: MorphableModel) -> Float32s:
    """Where pixels lie [4, W, W]: on the head, how far above its hairline, above its chin, and away from it."""
    per_metre = _per_metre(to_image, crop)
    above = interpolate(raster, model.faces, above_hairline(np.asarray(model.head.template))[:, None])[..., 0]
    away = cv2.distanceTransform((~raster.covered).astype(np.uint8), cv2.DIST_L2, 3) / per_metre
    up = to_image[:2, 1] @ crop.matrix[:, :2].T
    chin = crop.to_crop(np.asarray(model.landmarks68(head.projected))[CHIN, :2])
    x, y = np.meshgrid(np.arange(SIZE) - chin[0], np.arange(SIZE) - chin[1])
    above_chin = (x * up[0] + y * up[1]) / max(float(np.hypot(*up)), 1e-9) / per_metre
    shares = (ABOVE_LINE[0] * above + ABOVE_LINE[1], ABOVE_CHIN[0] * above_chin + ABOVE_CHIN[1], AWAY * away)
    return np.stack([raster.covered, *(np.clip(share, 0, 1) for share in shares)]).astype(np.float32)


def _learners(head: Sighted, crop: Crop) -> Float32s:
    """What the learner takes for an occluder in another crop, and what it saw of that [2, W, W]."""
    cells = head.crop.of_cells(len(head.classes[0]))
    of_crop = Crop(crop.into(cells), cells.size)  # the learner's, as a crop of this one
    maps = (head.classes[OF_LEARNER], np.ones_like(head.classes[0]))
    occluder, saw = (of_crop.warp_back(one, (SIZE, SIZE)) for one in maps)
    return np.stack([occluder, saw > 0.5]).astype(np.float32)


def _person(head: Sighted, crop: Crop, network: PersonNetwork) -> Float32s:
    """The probability of a person [1, W, W]."""
    person = network(crop.of_cells(PERSON_SIZE).warp(head.photograph))
    return np.asarray(cv2.resize(person, (SIZE, SIZE), interpolation=cv2.INTER_AREA), np.float32)[None]
