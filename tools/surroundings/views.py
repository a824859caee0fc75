"""Photographs with what is around a head in them, as far as that is clear, and what they are changed with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np

from tools.surroundings.labels import Worn, both_ways, labels, worn_in
from unveil.appearance.hair.sighted import Sighted
from unveil.appearance.hair.surroundings import Around
from unveil.appearance.texture import bake_texture
from unveil.appearance.visibility import occluded_pixels
from unveil.drawing.render import texels
from unveil.errors import UnveilError
from unveil.evaluation.occluded_faces import FaceFinder
from unveil.faces.hair import sighted
from unveil.faces.reconstruction import Reconstruction
from unveil.geometry.rasterize import rasterize
from unveil.heads.surroundings import HAIR, SIZE, SKIN
from unveil.models.openhead.family import packaged_head
from unveil.models.registry import open_encoder
from unveil.occluders.base import Occlusion, sample_generator
from unveil.occluders.pool import load_pool
from unveil.photos.cielab import to_cielab
from unveil.photos.decode import decode_rgb
from unveil.reconstruct.pipeline import Reconstructor
from unveil.storage.npz import write_npz
from unveil.training.crops.photo import Photo
from unveil.training.crops.prepared import TRAIN, PreparedFolder
from unveil.typing import Float32s, UInt8s

FINE = 2 * SIZE  # pixels a side of pictures
TEXTURE = 256  # texels a side of the skin of bald heads
CHIN = 0.353  # of `Around.channels`, of 1
OF_PERSON, OF_SOURCE = 4, 2000  # photographs
HATS, HAIR_BEFORE = 0.57, 0.19  # of what is laid on; the rest is of all other kinds
PALEST = 30  # pixels of a colour that are enough to know it
TRIES = 4  # to lay on hair of another colour
ANOTHERS = 20.0  # of CIELAB, from which on hair before a face has another colour than a person's own


@dataclass(frozen=True, eq=False)
class Views:
    """N heads, each in the middle of a picture; what is known of its pixels is half as fine."""

    picture: UInt8s  # [N, F, F, 3]
    known: UInt8s  # [N, S, S] 255 where it is of the photograph
    places: UInt8s  # [N, 4, S, S] those of `unveil.appearance.hair.surroundings.Around.channels`, of 255
    occluder: UInt8s  # [N, 2, S, S] what the learner takes for one, and what it saw, of 255
    classes: UInt8s  # [N, S, S] of `unveil.heads.surroundings.SURROUNDINGS`, or `tools.surroundings.labels.UNKNOWN`
    bald: UInt8s  # [N, F, F, 3] the head without hair, black around it
    covered: UInt8s  # [N, F, F, 3] with a hat or another occluder
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
    def __init__(self, occluders: Path | None, seed: int) -> None:
        self.model, self.seed = packaged_head(), seed
        networks = self.model.surroundings
        assert networks is not None
        self.network, self.labeller = networks.segmentation, both_ways(networks.segmentation)
        self.reconstructor, self.encoder, self.finder = Reconstructor(), open_encoder("openhead"), FaceFinder()
        kinds = {occluder.kind for occluder in load_pool(occluders).occluders}
        self.hats, self.hair, self.others = (
            load_pool(occluders, kinds=some) for some in ({"hat"}, {"hair"}, kinds - {"hat", "hair"})
        )

    def views(self, photo: Photo) -> Iterator[tuple[UInt8s, ...]]:
        """The fields of a view of each head in a photograph."""
        image = decode_rgb(photo.read(), photo.name)
        for face in self.reconstructor.reconstruct(image, max_faces=1):
            head = sighted(image, face)
            assert head is not None
            around = Around.of(head, self.model, self.network)
            shown = labels(around, self.labeller, worn_in(photo.name))
            known, places, occluder, _ = map(_of_255, np.split(around.channels[3:], [1, 5, 7]))
            yield (
                around.crop.of_cells(FINE).warp(image),
                known[0],
                places,
                occluder,
                shown,
                self._bald(face, around, shown),
                *self._covered(face, around, shown, photo.name),
            )

    def _bald(self, face: Reconstruction, around: Around, shown: UInt8s) -> UInt8s:
        """The head [F, F, 3] without hair, black around it, from what surely shows skin."""
        assert face.occlusion is not None
        image, model = around.head.photograph, self.model
        other = np.asarray(cv2.dilate((shown != SKIN).astype(np.float32), np.ones((3, 3))), np.float32)
        hidden = around.crop.warp_back(other, image.shape, beyond=1) > 0.5
        hidden |= occluded_pixels(face.occlusion, face.crop, image.shape)
        skin = bake_texture(image, around.head.projected, model, TEXTURE, np.asarray(hidden)).lit
        raster = rasterize(around.head.in_crop(around.crop.of_cells(FINE)), model.faces, FINE, FINE)
        drawn = np.asarray(texels(raster, skin, model.uv, model.uv_faces)).reshape(FINE, FINE, 3)
        return np.asarray(np.where(raster.covered[..., None], drawn, 0), np.uint8)

    def _covered(self, face: Reconstruction, around: Around, shown: UInt8s, name: str) -> tuple[UInt8s, UInt8s, UInt8s]:
        """The picture with a hat or another occluder, where that is, and what the learner takes for one then."""
        crop = around.crop
        laid = self._laid(face, around, shown, name)
        mask = crop.warp(np.repeat(laid.mask[..., None] * np.uint8(255), 3, axis=2))[..., 0]
        asked = self.encoder.predict(face.crop.resized(self.encoder.input_size).warp(laid.image)[None])
        assert asked.classes is not None
        head = Sighted(laid.image, around.head.projected, around.head.neutral, asked.classes[0], face.crop)
        then = Around.of(head, self.model, self.network)
        return crop.of_cells(FINE).warp(laid.image), mask, _of_255(then.channels[8])

    def _laid(self, face: Reconstruction, around: Around, shown: UInt8s, name: str) -> Occlusion:
        """The photograph with a hat or another occluder.

        Hair before a face is one only where their own is seen to have another colour; else it may be theirs.
        """
        rng = sample_generator(self.seed, name, 0)
        image = around.head.photograph
        found = self.finder.face(image, face.landmarks2d)
        kind, own = rng.random(), around.lab[shown == HAIR]
        if kind < HATS:
            return self.hats.apply(image, found, rng)
        tries = TRIES if kind < HATS + HAIR_BEFORE and len(own) >= PALEST else 0
        for _ in range(tries):
            laid = self.hair.apply(image, found, rng)
            there = to_cielab(laid.image[laid.mask])
            if len(there) and np.linalg.norm(own.mean(axis=0) - there.mean(axis=0)) > ANOTHERS:
                return laid
        return self.others.apply(image, found, rng)


def gather(
    photos: Sequence[Photo],
    folder: PreparedFolder,
    occluders: Path | None,
    seed: int,
    *,
    held_out: bool = False,
    part: tuple[int, int] = (0, 1),
    note: Callable[[str], None] = print,
) -> Views:
    """Views of photographs that a folder trains on, few of each person and source; or of those ``held_out``.

    Of all of them it takes one ``part`` of so many, so that several processes can share the work.
    """
    gatherer = _Gatherer(occluders, seed)
    wanted = chosen(photos, folder, seed, held_out=held_out)[part[0] :: part[1]]
    found: list[tuple[UInt8s, ...]] = []
    for number, photo in enumerate(wanted):
        if number % 500 == 0:
            note(f"{number} of {len(wanted)} photographs")
        try:
            found += gatherer.views(photo)
        except UnveilError as error:
            note(str(error))
    if not found:
        raise UnveilError("no photograph shows a head: give others")
    note(f"{len(found)} photographs are kept")
    return Views(*(np.stack(values) for values in zip(*found, strict=True)))


def chosen(photos: Sequence[Photo], folder: PreparedFolder, seed: int, *, held_out: bool = False) -> list[Photo]:
    """The photographs that a folder trains on, or those that it holds out: few of each person, and of each source.

    Of hats and bald heads that somebody saw they are all.
    """
    named, counts, kept = {photo.name: photo for photo in photos}, dict[str, int](), list[Photo]()
    for row in np.random.default_rng(seed).permutation(np.flatnonzero((folder.split != TRAIN) == held_out)):
        name, person = str(folder.names[row]), str(folder.person[row])
        rare = worn_in(name) in (Worn.HAT, Worn.BALD)
        limits = {} if rare else {name.split("/", maxsplit=1)[0]: OF_SOURCE}
        limits |= {f"person {person}": OF_PERSON} if person else {}
        if name in named and all(counts.get(key, 0) < most for key, most in limits.items()):
            counts |= {key: counts.get(key, 0) + 1 for key in limits}
            kept.append(named[name])
    return kept


def _of_255(values: Float32s) -> UInt8s:
    return np.clip(255 * values + 0.5, 0, 255).astype(np.uint8)
