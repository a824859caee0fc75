"""Views made harder, in ways that leave known what they show.

Colours are RGB up to 255, in pictures [F, F, 3], twice as fine as all else that is known of their pixels [S, S].
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from tools.surroundings.labels import UNKNOWN
from tools.surroundings.views import CHIN, FINE, PALEST, Views
from unveil.appearance.hair.surroundings import ABOVE_CHIN, ABOVE_LINE, HeadInPicture, segments
from unveil.appearance.hair.view import FARTHEST
from unveil.heads.surroundings import BACKGROUND, CLOTH, HAIR, OCCLUDER, SEGMENTED_SIZE, SIZE, SKIN, SegmentationNetwork
from unveil.photos.cielab import to_cielab, to_srgb
from unveil.typing import Bools, Float32s, Floats, Image, UInt8s

# How often hair gets another colour, all or a part of it is taken off, the wall is another (always behind bald heads),
# that is coloured like hair or skin, something is laid on, and that is coloured like hair or nearly black.
RECOLOURED, BALD, IN_PART, WALL, LIKE_HEAD, COVERED, DYED = 0.55, 0.1, 0.55, 0.4, 0.32, 0.3, 0.2
# Of other walls: those of few colours, up to here those of another photograph, and up to here pieces of one, enlarged;
# the rest are whole ones, with the people in them.
FLAT, OF_ANOTHER, PIECE = 0.3, 0.65, 0.85
WHOLE = 0.6  # of views before another wall, those that go on beyond the photograph
STUBBLE = 0.75  # how dark a shaven scalp is at least
TIGHT, SMALL, NOISY, GREY, NOT_SAID = 0.45, 0.35, 0.3, 0.06, 0.3  # how often photographs are that
DRAWN_HATS = 0.15  # how much seldomer than other occluders hats are laid on, since there are real ones
UNEVEN = 0.15  # how far light varies over a picture, in its logarithm
FEW = 3  # pixels of a head at an edge that do not count
DARK, LIKE_HAIR = 25, 0.3  # L* up to which a hat may have any colour; how often it has that of the hair below it


@dataclass(frozen=True, eq=False)
class View:
    """One view, as it is changed."""

    picture: Float32s  # [F, F, 3]
    known: Float32s  # [S, S]
    places: Float32s  # [4, S, S] of 1
    occluder: Float32s  # [2, S, S] of 1
    classes: UInt8s  # [S, S]

    @classmethod
    def of(cls, views: Views, number: int) -> View:
        """As the photograph shows it."""
        known, places, occluder = (
            values[number].astype(np.float32) / 255 for values in (views.known, views.places, views.occluder)
        )
        return cls(views.picture[number].astype(np.float32), known, places, occluder, views.classes[number].copy())

    @property
    def on_head(self) -> Bools:
        """Where the skin of the head would be [S, S]."""
        return np.asarray(self.places[0] > 0.5)

    def share(self, kind: int) -> Float32s:
        """How far pixels [S, S] show a class."""
        return np.asarray(cv2.GaussianBlur((self.classes == kind).astype(np.float32), (3, 3), 0.7))

    def channels(self, network: SegmentationNetwork) -> Float32s:
        """`unveil.appearance.hair.surroundings.Around.channels`, with the segments that a network finds."""
        picture = np.clip(self.picture, 0, 255)
        colours = (np.moveaxis(coarse(picture), -1, 0) / 255 - 0.5) * self.known
        found = segments_in(picture, network)
        return np.concatenate([colours, self.known[None], self.places, self.occluder, found]).astype(np.float32)

    def seen(self, network: SegmentationNetwork) -> HeadInPicture:
        """What is seen in it, with the segments that a network finds."""
        channels, picture = self.channels(network), coarse(np.clip(self.picture, 0, 255)).astype(np.uint8)
        depth = np.where(self.on_head, 0, FARTHEST).astype(np.float32)
        rising = np.hypot(*np.gradient(self.places[2]))  # with the height above the chin
        per_metre = ABOVE_CHIN[0] / float(np.median(rising[(self.places[2] > 0) & (self.places[2] < 1)]))
        return HeadInPicture(picture, depth, per_metre, channels)


def coarse(picture: Float32s) -> Float32s:
    """A picture [F, F, 3] at the size [S, S, 3] of all else."""
    return np.asarray(cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA))


def finer(values: Any) -> Any:
    """Values [S, S] at the pixels [F, F] of a picture."""
    return values.repeat(FINE // SIZE, axis=0).repeat(FINE // SIZE, axis=1)


def segments_in(picture: Image | Float32s, network: SegmentationNetwork) -> Float32s:
    """What `unveil.appearance.hair.surroundings.segments` finds in a picture [F, F, 3] of a view."""
    size = (SEGMENTED_SIZE, SEGMENTED_SIZE)
    return segments(cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8), network)


def changed(views: Views, number: int, rng: np.random.Generator) -> View:
    """A view with some of the changes, drawn at random."""
    view = View.of(views, number)
    if rng.random() < RECOLOURED:
        view = recoloured(view, rng)
    if rng.random() < RECOLOURED:
        view = with_another_hat(view, rng)
    hairless = rng.random() < BALD
    if hairless:
        view = bald(view, views.bald[number], rng)
    if hairless or rng.random() < WALL:
        view = before_another_wall(view, View.of(views, int(rng.integers(len(views)))), rng)
    if rng.random() < COVERED * (DRAWN_HATS if _of_hat(views, number) else 1):
        view = covered(view, views, number, rng)
    return _as_taken(view, rng)


def recoloured(view: View, rng: np.random.Generator) -> View:
    """With hair from black to white, blond, red or brown."""
    share = view.share(HAIR)
    if share.sum() < PALEST:
        return view
    lab = to_cielab(view.picture)
    light = rng.choice([rng.uniform(5, 25), rng.uniform(20, 60), rng.uniform(50, 88)])
    chroma, hue = 32 * rng.random() ** 2.5, np.radians(rng.uniform(40, 85))
    wanted = np.array([light, chroma * np.cos(hue), chroma * np.sin(hue)])
    return replace(view, picture=_mixed(view.picture, _dyed(lab, finer(share > 0.5), wanted), share))


def with_another_hat(view: View, rng: np.random.Generator) -> View:
    """With the hat that somebody wears, if any, in another colour."""
    share = view.share(OCCLUDER)
    if share.sum() < PALEST:
        return view
    lab = to_cielab(view.picture)
    light, a, b = rng.uniform(5, 85), *rng.normal(0, rng.choice([4, 25]), 2)
    wanted = np.array([light, a, b if light < DARK else -abs(b)])  # light hats are seldom as brown or blond as hair
    hair = view.classes == HAIR
    if rng.random() < LIKE_HAIR and np.count_nonzero(hair) > PALEST:
        wanted = lab[finer(hair)].mean(axis=0) + rng.normal(0, 4, 3)
    return replace(view, picture=_mixed(view.picture, _dyed(lab, finer(share > 0.5), wanted), share))


def _dyed(lab: Float32s, where: Bools, wanted: Floats) -> Float32s:
    """Colours of CIELAB [F, F, 3] such that their mean in some place [F, F] is the one that is wanted [3], as RGB."""
    mean = lab[where].mean(axis=0)
    contrast = np.clip((wanted[0] + 12) / (mean[0] + 12), 0.4, 2.0)
    return _rgb((lab - mean) * np.array([contrast, 0.8, 0.8]) + wanted)


def bald(view: View, head: UInt8s, rng: np.random.Generator) -> View:
    """Without hair, or without it on top; ``head`` [F, F, 3] has none. What was behind it is not yet there."""
    bare = np.ones((SIZE, SIZE), np.float32)
    above = (view.places[1] - ABOVE_LINE[1]) / ABOVE_LINE[0]
    if rng.random() < IN_PART:
        line = rng.uniform(0.005, 0.055) + 0.012 * _smooth(rng, 6, 1, SIZE)[..., 0]
        top = view.on_head & (above > line)
        bare = 1 / (1 + np.exp(-np.clip((above - line) / 0.004, -30, 30)))
        height = np.percentile(view.places[2][top], rng.uniform(20, 70)) if top.any() else 0.0
        bare = np.where(view.on_head, bare, view.places[2] > height)
    hair = cv2.dilate((view.classes == HAIR).astype(np.float32), np.ones((3, 3)))
    hair *= (view.classes != CLOTH) | view.on_head
    gone = np.asarray(cv2.GaussianBlur(hair, (3, 3), 0.6) * bare, np.float32)
    skin = head * np.float32(rng.uniform(STUBBLE, 1) if rng.random() < 0.4 else 1)
    classes = view.classes.copy()
    classes[(gone > 0.2) & (classes != SKIN)] = UNKNOWN
    classes[(gone > 0.8) & view.on_head] = SKIN
    classes[(gone > 0.8) & ~view.on_head] = BACKGROUND
    return replace(view, picture=_mixed(view.picture, skin, gone * view.on_head), classes=classes)


def before_another_wall(view: View, other: View, rng: np.random.Generator) -> View:
    """Before a wall of few colours, that of another view, a piece of that, enlarged, or people."""
    kind = rng.random()
    if rng.random() < WHOLE:
        view = continued(view)
    if kind < FLAT:
        wall = _smooth(rng, int(rng.integers(2, 5)), 3) * rng.uniform(2, 25)
        wall = wall + rng.uniform(0, 255) + rng.normal(0, 25, 3)
    elif kind < OF_ANOTHER:
        other = continued(other)
        behind = ((other.classes == BACKGROUND) & (other.known > 0.5)).astype(np.float32)
        around = cv2.GaussianBlur(coarse(other.picture) * behind[..., None], (0, 0), 9)
        around /= np.maximum(cv2.GaussianBlur(behind, (0, 0), 9), 1e-3)[..., None]
        around = cv2.resize(around, (FINE, FINE))
        wall = np.where(finer(behind)[..., None] > 0, other.picture, around)
    elif kind < PIECE:
        side = int(rng.integers(28, 60))
        row, column = rng.integers(0, FINE - side, 2)
        wall = cv2.resize(other.picture[row : row + side, column : column + side], (FINE, FINE))
    else:
        rows, columns = (_extent(finer(other.known), axis) for axis in (1, 0))
        whole, (row, column) = other.picture[rows, columns], rng.integers(0, FINE, 2)
        beside = np.pad(whole, [(FINE, FINE), (FINE, FINE), (0, 0)], mode="symmetric")
        wall = beside[row : row + FINE, column : column + FINE]
    if rng.random() < LIKE_HEAD:
        like = view.picture[finer(view.classes == (HAIR if rng.random() < 0.5 else SKIN))]
        if len(like) > PALEST:
            wall = wall - wall.mean(axis=(0, 1)) + like.mean(axis=0) + rng.normal(0, 8, 3)
    wall = np.clip(wall + rng.normal(0, 1.5, wall.shape), 0, 255)
    share = view.share(BACKGROUND)
    # What is not known beside the head would stay of the former wall.
    unclear = (view.classes == UNKNOWN) & ~view.on_head
    share = np.maximum(share, cv2.GaussianBlur(unclear.astype(np.float32), (3, 3), 0.7) * (share > 0))
    picture = _mixed(view.picture, wall.astype(np.float32), share)
    return replace(view, picture=picture * finer(view.known)[..., None])  # the former wall is still around it


def continued(view: View) -> View:
    """With the edges of the photograph continued beyond it, on each side where no head is cut off."""
    rows, columns = (_extent(view.known, axis) for axis in (1, 0))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return view
    cut = np.isin(view.classes, (SKIN, HAIR, UNKNOWN)) & (view.places[2] > CHIN)
    inner = cut[rows, columns]
    edges = [inner[0], inner[-1], inner[:, 0], inner[:, -1]]
    more = [rows.start, SIZE - rows.stop, columns.start, SIZE - columns.stop]
    top, bottom, left, right = (0 if edge.sum() > FEW else size for edge, size in zip(edges, more, strict=True))
    kept = np.array([(top, bottom), (left, right), (0, 0)])
    rest = np.array([(more[0] - top, more[1] - bottom), (more[2] - left, more[3] - right), (0, 0)])

    def grown(values: Any, beyond: int) -> Any:
        per, axes = len(values) // SIZE, values.ndim
        there = values[per * rows.start : per * rows.stop, per * columns.start : per * columns.stop]
        return np.pad(np.pad(there, per * kept[:axes], mode="edge"), per * rest[:axes], constant_values=beyond)

    return replace(
        view,
        picture=grown(view.picture, 0),
        known=grown(view.known, 0),
        classes=grown(view.classes, UNKNOWN),
    )


def _extent(known: Float32s, axis: int) -> slice:
    """The rows or columns in which a photograph is known [S, S]."""
    there = np.flatnonzero((known > 0.5).any(axis=axis))
    return slice(int(there[0]), int(there[-1]) + 1) if len(there) else slice(0, 0)


def covered(view: View, views: Views, number: int, rng: np.random.Generator) -> View:
    """With a hat or another occluder, in some colour."""
    share, drawn = views.cover[number].astype(np.float32) / 255, views.covered[number].astype(np.float32)
    where, hair = share > 0.5, view.classes == HAIR
    if rng.random() < DYED and where.any():
        wanted = np.array([rng.uniform(3, 22), rng.normal(0, 3), rng.normal(0, 4)])
        if rng.random() < 0.5 and np.count_nonzero(hair) > PALEST:
            wanted = to_cielab(view.picture)[finer(hair)].mean(axis=0) + rng.normal(0, 4, 3)
        drawn = _dyed(to_cielab(drawn), finer(where), wanted)
    classes = view.classes.copy()
    classes[share > 0.2] = UNKNOWN
    classes[share > 0.8] = OCCLUDER
    learners = views.covered_occluder[number].astype(np.float32) / 255
    occluder = np.stack([np.maximum(view.occluder[0], learners), view.occluder[1]])
    return replace(view, picture=_mixed(view.picture, drawn, share), classes=classes, occluder=occluder)


def _of_hat(views: Views, number: int) -> bool:
    """Whether what may be laid on a view is above the hairline for the most part."""
    laid, above = views.cover[number] > 127, views.places[number, 1] > 255 * ABOVE_LINE[1]
    on_head = laid & (views.places[number, 0] > 127)
    return bool(np.count_nonzero(on_head & above) > 0.5 * np.count_nonzero(on_head))


def _as_taken(view: View, rng: np.random.Generator) -> View:
    """Cut, small, grey, noisy, in other light, mirrored, or with a learner that says nothing of occluders."""
    picture, known, occluder = view.picture, view.known, view.occluder.copy()
    kept = np.ones_like(known)
    if rng.random() < NOT_SAID:
        occluder[0] *= 0 if rng.random() < 0.7 else rng.random()
    if rng.random() < TIGHT:
        left, right = int(rng.integers(0, 28)), int(rng.integers(SIZE - 28, SIZE + 1))
        top, bottom = int(rng.integers(0, 40)), int(rng.integers(SIZE - 26, SIZE + 1))
        kept[:] = 0
        kept[top:bottom, left:right] = 1
        known = known * kept
    gain = np.exp(rng.normal(0, 0.18) + rng.normal(0, 0.06, 3) + UNEVEN * _smooth(rng, 3, 1))
    picture = 255 * np.clip(picture / 255 * gain, 0, 1) ** np.exp(rng.normal(0, 0.15))
    if rng.random() < GREY:
        picture = np.repeat(picture.mean(axis=-1, keepdims=True), 3, axis=-1)
    if rng.random() < SMALL:
        side = int(np.exp(rng.uniform(np.log(24), np.log(FINE))))
        small = cv2.resize(picture.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
        picture = cv2.resize(small, (FINE, FINE))
    if rng.random() < NOISY:
        picture = picture + rng.normal(0, rng.uniform(1, 7), picture.shape)
    picture = picture * finer(kept)[..., None]
    classes = np.where(known > 0.5, view.classes, UNKNOWN)
    if rng.random() < 0.5:
        picture, known, classes = picture[:, ::-1], known[:, ::-1], classes[:, ::-1]
        return View(picture, known, view.places[..., ::-1], occluder[..., ::-1], classes)
    return View(picture, known, view.places, occluder, classes)


def _mixed(picture: Float32s, other: Float32s, share: Float32s) -> Float32s:
    """Between two pictures [F, F, 3], by the share [S, S] of the other."""
    soft = cv2.resize(np.asarray(share, np.float32), (FINE, FINE))
    return np.asarray(picture + (other - picture) * soft[..., None], np.float32)


def _rgb(lab: Floats) -> Float32s:
    return np.asarray(np.clip(to_srgb(np.asarray(lab, np.float32)), 0, 255), np.float32)


def _smooth(rng: np.random.Generator, cells: int, channels: int, size: int = FINE) -> Float32s:
    """Random values [size, size, C] that are smooth over so many cells a side."""
    few = rng.normal(size=(cells, cells, channels)).astype(np.float32)
    return np.asarray(cv2.resize(few, (size, size), interpolation=cv2.INTER_CUBIC)).reshape(size, size, channels)
