"""Photographs with what is around a head in them, as far as that is clear, and what they are changed with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np

from tools.surroundings.hats import UNKNOWN, with_hat
from unveil.appearance.hair.sighted import Sighted
from unveil.appearance.hair.surroundings import ABOVE_LINE, Around
from unveil.appearance.hair.tone import spread_of
from unveil.appearance.hair.view import FARTHEST
from unveil.appearance.texture import bake_texture
from unveil.appearance.visibility import occluded_pixels
from unveil.drawing.render import texels
from unveil.errors import UnveilError
from unveil.evaluation.occluded_faces import FaceFinder
from unveil.faces.hair import sighted
from unveil.faces.reconstruction import Reconstruction
from unveil.geometry.rasterize import rasterize
from unveil.heads.surroundings import BACKGROUND, CLOTH, HAIR, SKIN
from unveil.models import classes
from unveil.models.openhead.family import packaged_head
from unveil.models.registry import open_encoder
from unveil.occluders.base import sample_generator
from unveil.occluders.pool import load_pool
from unveil.photos.cielab import to_cielab
from unveil.photos.decode import decode_rgb
from unveil.reconstruct.pipeline import Reconstructor
from unveil.storage.npz import write_npz
from unveil.training.classes.head_parts import HeadParts
from unveil.training.classes.label import label
from unveil.training.crops.photo import Photo
from unveil.training.crops.prepared import TRAIN, PreparedFolder
from unveil.training.rerender.surface import Surface
from unveil.typing import Bools, Float32s, Image, UInt8s

FINER = 2  # times as many pixels a side are labelled
TEXTURE = 256  # texels a side of the skin of bald heads
INSIDE = 7  # pixels a side around one that are all of the photograph, or it is blended with black
# Probability of an occluder from which on nothing is clear; such pixels above the brows up to which there is no hat.
OCCLUDED, WORN = 0.25, 25
# Of `Around.channels`, of 1: the brows; the chin, and above it where there is no cloth; and away from the head, where
# there is the wall.
BROWS, CHIN, NO_CLOTH, AWAY = 0.385, 0.353, 0.392, 0.41
LIKE, INDISTINCT = 2.0, 0.2  # spreads of hair's colour, and the share of a wall
FEWEST = 20  # pixels of hair and of a wall that are compared
LESS = 0.6  # times the distance from the colour of hair or skin, at which it clearly is that and not the other
OF_PERSON, OF_SOURCE = 6, 4000  # photographs
# Pixels around a head, above its chin, below which a photograph shows little, and how many of these are kept.
LITTLE, KEPT_OF_LITTLE = 700, 0.25
HATS = 0.7  # of what is laid on
OF_LEARNERS = {
    classes.BACKGROUND: BACKGROUND,
    **dict.fromkeys((classes.SKIN, classes.BROWS, classes.EYES, classes.LIPS, classes.MOUTH), SKIN),
    classes.HAIR: HAIR,
    classes.CLOTH: CLOTH,
}


@dataclass(frozen=True, eq=False)
class Views:
    """N heads, each in the middle of a picture of SIZE pixels a side."""

    picture: UInt8s  # [N, S, S, 3]
    known: UInt8s  # [N, S, S] 255 where it is of the photograph
    places: UInt8s  # [N, 4, S, S] `unveil.appearance.hair.surroundings.places_in`, of 255
    occluder: UInt8s  # [N, 2, S, S] what the learner takes for one, and what it saw, of 255
    classes: UInt8s  # [N, S, S] of `unveil.heads.surroundings.SURROUNDINGS`, or `UNKNOWN`
    bald: UInt8s  # [N, S, S, 3] the head without hair, black around it
    covered: UInt8s  # [N, S, S, 3] with a hat or another occluder
    cover: UInt8s  # [N, S, S] where that is, of 255
    covered_occluder: UInt8s  # [N, S, S] what the learner takes for one then

    def __len__(self) -> int:
        return len(self.picture)

    def write(self, path: Path) -> None:
        """Keep them in a file."""
        write_npz(path, vars(self))

    @classmethod
    def read(cls, path: Path) -> Views:
        """Those of a file."""
        with np.load(path) as file:
            return cls(*(file[field.name] for field in fields(cls)))


class _Gatherer:
    def __init__(self, occluders: Path | None, hats: Mapping[str, bool], seed: int) -> None:
        self.looked_at = hats
        self.model, self.seed, self.rng = packaged_head(), seed, np.random.default_rng(seed)
        networks = self.model.surroundings
        assert networks is not None
        self.person = networks.person
        self.parts = HeadParts.of(Surface.of(self.model))
        self.reconstructor, self.encoder, self.finder = Reconstructor(), open_encoder("openhead"), FaceFinder()
        kinds = {occluder.kind for occluder in load_pool(occluders).occluders}
        self.hats, self.others = (load_pool(occluders, kinds=some) for some in ({"hat"}, kinds - {"hat", "hair"}))

    def views(self, photo: Photo) -> Iterator[tuple[UInt8s, ...]]:
        """The fields of a view of the photograph, if it shows a head without a hat, or somebody looked at the hat."""
        image = decode_rgb(photo.read(), photo.name)
        for face in self.reconstructor.reconstruct(image, max_faces=1):
            head = sighted(image, face)
            assert head is not None
            around = Around.of(head, self.model, self.person)
            beside = (around.known > 0) & (around.depth == FARTHEST) & (around.channels[6] > CHIN)
            if np.count_nonzero(beside) < LITTLE and self.rng.random() > KEPT_OF_LITTLE:
                continue
            hat = self.looked_at.get(photo.name)
            shown = self._clear(around, occluded=hat is not False)  # without one, what the learner takes for it is none
            if hat:
                shown = with_hat(around, shown)
            if hat is not None or not _with_hat(around, shown):
                known, places, occluder, _ = map(_of_255, np.split(around.channels[3:], [1, 5, 7]))
                yield (
                    around.picture,
                    known[0],
                    places,
                    occluder,
                    shown,
                    self._bald(face, around, shown),
                    *self._covered(face, around, photo.name),
                )

    def _clear(self, around: Around, *, occluded: bool = True) -> UInt8s:
        """What is clear [S, S] around a head that may be ``occluded``, of `SURROUNDINGS`; else `UNKNOWN`."""
        crop = around.crop.resized(FINER * around.crop.size)
        scale = crop.scale * around.per_metre / around.crop.scale
        fine = label(crop.warp(around.head.photograph), around.head.in_crop(crop), self.parts, scale)
        found = np.full(around.known.shape, UNKNOWN, np.uint8)
        for theirs, ours in OF_LEARNERS.items():
            share = cv2.resize(np.isin(fine, theirs).astype(np.float32), found.shape, interpolation=cv2.INTER_AREA)
            found[share > 0.5] = ours
        above_line, above_chin, away = around.channels[5:8]
        on_head = around.depth < FARTHEST
        unclear = cv2.erode(around.known, np.ones((INSIDE, INSIDE))) < 1
        unclear |= occluded & (around.channels[8] > OCCLUDED)
        unclear |= (found == CLOTH) & (above_chin > NO_CLOTH)
        unclear |= (found == BACKGROUND) & on_head
        hair = (found == HAIR).astype(np.uint8)
        _, pieces = cv2.connectedComponents(hair, connectivity=4)
        unclear |= (hair > 0) & ~np.isin(pieces, np.unique(pieces[on_head & (hair > 0)]))
        wall = (found == BACKGROUND) & (away > AWAY) & (above_chin > NO_CLOTH) & ~unclear
        if _alike(around.picture, (hair > 0) & ~unclear, wall):
            unclear |= ~on_head & np.isin(found, (HAIR, BACKGROUND))
        found[unclear] = UNKNOWN
        forehead = on_head & (above_line > BROWS) & (above_line < ABOVE_LINE[1])
        return _to_edges(_with_fringe(around.picture, found, forehead), around.known)

    def _bald(self, face: Reconstruction, around: Around, shown: UInt8s) -> UInt8s:
        """The head [S, S, 3] without hair, black around it, from what surely shows skin."""
        assert face.occlusion is not None
        image, model = around.head.photograph, self.model
        other = np.asarray(cv2.dilate((shown != SKIN).astype(np.float32), np.ones((3, 3))), np.float32)
        hidden = around.crop.warp_back(other, image.shape, beyond=1) > 0.5
        hidden |= occluded_pixels(face.occlusion, face.crop, image.shape)
        skin = bake_texture(image, around.head.projected, model, TEXTURE, np.asarray(hidden)).lit
        raster = rasterize(around.head.in_crop(around.crop), model.faces, *around.known.shape)
        drawn = np.asarray(texels(raster, skin, model.uv, model.uv_faces)).reshape(around.picture.shape)
        return np.asarray(np.where(raster.covered[..., None], drawn, 0), np.uint8)

    def _covered(self, face: Reconstruction, around: Around, name: str) -> tuple[UInt8s, UInt8s, UInt8s]:
        """The picture with a hat or another occluder, where that is, and what the learner takes for one then."""
        image, crop = around.head.photograph, around.crop
        rng = sample_generator(self.seed, name, 0)
        pool = self.hats if rng.random() < HATS else self.others
        laid = pool.apply(image, self.finder.face(image, face.landmarks2d), rng)
        mask = crop.warp(np.repeat(laid.mask[..., None] * np.uint8(255), 3, axis=2))[..., 0]
        asked = self.encoder.predict(face.crop.resized(self.encoder.input_size).warp(laid.image)[None])
        assert asked.classes is not None
        head = Sighted(laid.image, around.head.projected, around.head.neutral, asked.classes[0], face.crop)
        then = Around.of(head, self.model, self.person)
        return then.picture, mask, _of_255(then.channels[8])


def gather(
    photos: Sequence[Photo],
    folder: PreparedFolder,
    occluders: Path | None,
    seed: int,
    *,
    hats: Mapping[str, bool],
    held_out: bool = False,
    note: Callable[[str], None] = print,
) -> Views:
    """Views of photographs that a folder trains on, few of each person and source; or of those ``held_out``.

    Where a photograph may show a hat, it is kept only if somebody has looked at it: ``hats`` says for the names of
    those whether there is one.
    """
    gatherer, wanted = _Gatherer(occluders, hats, seed), chosen(photos, folder, seed, held_out=held_out)
    found: list[tuple[UInt8s, ...]] = []
    for number, photo in enumerate(wanted):
        if number % 500 == 0:
            note(f"{number} of {len(wanted)} photographs")
        try:
            found += gatherer.views(photo)
        except UnveilError as error:
            note(str(error))
    if not found:
        raise UnveilError("no photograph shows a head without a hat: give others")
    note(f"{len(found)} photographs are kept")
    return Views(*(np.stack(values) for values in zip(*found, strict=True)))


def chosen(photos: Sequence[Photo], folder: PreparedFolder, seed: int, *, held_out: bool = False) -> list[Photo]:
    """The photographs that a folder trains on, or those that it holds out: few of each person, and of each source."""
    named, counts, kept = {photo.name: photo for photo in photos}, dict[str, int](), list[Photo]()
    for row in np.random.default_rng(seed).permutation(np.flatnonzero((folder.split != TRAIN) == held_out)):
        name, person = str(folder.names[row]), str(folder.person[row])
        limits = {name.split("/", maxsplit=1)[0]: OF_SOURCE} | ({f"person {person}": OF_PERSON} if person else {})
        if name in named and all(counts.get(key, 0) < most for key, most in limits.items()):
            counts |= {key: counts.get(key, 0) + 1 for key in limits}
            kept.append(named[name])
    return kept


def _with_hat(around: Around, shown: UInt8s) -> bool:
    """Whether somebody may wear a hat, which a learner or the colour says."""
    above_brows = (around.depth < FARTHEST) & (around.channels[5] > BROWS)
    occluder = (around.channels[8] > 0.5) & above_brows
    return bool(np.count_nonzero(occluder) > WORN or np.count_nonzero((shown == CLOTH) & above_brows) > WORN)


def _alike(picture: Image, hair: Bools, wall: Bools) -> bool:
    """Whether so much of a wall [S, S] has the colour of hair [S, S] that nothing tells where hair ends."""
    lab = to_cielab(picture)
    if min(np.count_nonzero(hair), np.count_nonzero(wall)) < FEWEST:
        return False
    middle = np.median(lab[hair], axis=0)
    return bool((np.abs(lab[wall] - middle) < LIKE * spread_of(lab[hair], middle)).all(axis=1).mean() > INDISTINCT)


def _with_fringe(picture: Image, shown: UInt8s, forehead: Bools) -> UInt8s:
    """What is shown [S, S], with hair on a forehead [S, S] that is coloured like it, and nothing where that is unclear.

    Labels have skin there unless it looks like none.
    """
    lab, skin, hair = to_cielab(picture), (shown == SKIN) & ~forehead, (shown == HAIR) & ~forehead
    if not skin.any() or not hair.any():
        return shown
    to_skin, to_hair = (np.linalg.norm(lab - np.median(lab[one], axis=0), axis=-1) for one in (skin, hair))
    fringe, result = (shown == SKIN) & forehead, shown.copy()
    result[fringe & (to_skin > LESS * to_hair)] = UNKNOWN
    result[fringe & (to_hair < LESS * to_skin)] = HAIR
    return result


def _to_edges(shown: UInt8s, known: Float32s) -> UInt8s:
    """What is shown [S, S], with the same at the edges of a photograph as a little farther inside."""
    inner, away = cv2.erode(known, np.ones((INSIDE, INSIDE))) > 0, INSIDE // 2
    rows, columns = np.flatnonzero(inner.any(axis=1)), np.flatnonzero(inner.any(axis=0))
    result = shown.copy()
    if len(rows):
        clear = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        wider = np.pad(shown[clear], away, mode="edge")
        whole = np.pad(np.full_like(shown, UNKNOWN), away)
        whole[clear[0].start : clear[0].stop + 2 * away, clear[1].start : clear[1].stop + 2 * away] = wider
        result = np.where(known > 0, whole[away:-away, away:-away], UNKNOWN).astype(np.uint8)
    return result


def _of_255(values: Float32s) -> UInt8s:
    return np.clip(255 * values + 0.5, 0, 255).astype(np.uint8)
