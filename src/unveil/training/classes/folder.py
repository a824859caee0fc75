"""Making a folder of class maps, shard by shard; a run that was stopped goes on with the next one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from unveil.heads.layout import Coefficients
from unveil.models.classes import UNKNOWN
from unveil.processes import each_in_processes, no_longer_wanted
from unveil.storage.made_with import note_settings
from unveil.storage.outputs import alone_in
from unveil.training.classes.head_parts import HeadParts
from unveil.training.classes.label import label
from unveil.training.classes.maps import NOTE, maps_name
from unveil.training.crops.prepared import canonical_crop, write_npy
from unveil.training.data import TrainingData
from unveil.training.rerender.placing import as_photographed
from unveil.training.rerender.surface import Surface
from unveil.typing import UInt8s


def write_class_maps(data: TrainingData, folder: Path, processes: int = 1) -> Iterator[int]:
    """Write the class maps of the crops of training data; yields the crops of every shard that is done.

    Raises:
        UnveilError: the folder was begun with other crops or labels, is in use, cannot be written, or the head model
            has no eyes that turn.
    """
    parts = HeadParts.of(Surface.of(data.model))
    with alone_in(folder, "segment", first=NOTE):
        about = {"crops": data.folder.fingerprint, "labels": data.teacher, "points": data.given_points is not None}
        advice = "give the same, or name another folder"
        note_settings(folder / NOTE, about, what="was begun with other crops or labels", advice=advice)
        shards = range(len(data.folder.shards))
        missing = [shard for shard in shards if not (folder / maps_name(shard)).exists()]
        yield from (len(data.folder.shards[shard]) for shard in shards if shard not in set(missing))
        yield from each_in_processes(partial(label_shard, data, parts, folder), missing, processes)


def label_shard(data: TrainingData, parts: HeadParts, folder: Path, shard: int) -> int:
    """Write the class maps of a shard, unless the consumer has gone; the result is the number of its crops."""
    maps = np.full(data.folder.shards[shard].shape[:3], UNKNOWN, np.uint8)
    for index in np.flatnonzero(data.folder.shard[data.rows] == shard):
        if no_longer_wanted():
            return 0
        maps[data.folder.row[data.rows[index]]] = label_sample(data, parts, int(index))
    write_npy(folder / maps_name(shard), maps)
    return len(maps)


def label_sample(data: TrainingData, parts: HeadParts, index: int) -> UInt8s:
    """The classes [W, W] of the pixels of a sample's wide crop."""
    image = data.folder.crop(int(data.rows[index]))
    coefficients = Coefficients(data.layout, data.coefficients.values[index])
    pixels = as_photographed(data.model, coefficients, len(image)).pixels
    if data.given_points is not None:
        known = canonical_crop(len(image), 1, data.folder.widening).to_image(data.given_points[index])
        pixels = parts.moved(pixels, known)
    scale = float(data.model.placement.scale(coefficients)) / 2 * len(image) / data.folder.widening
    return label(image, pixels, parts, scale)
