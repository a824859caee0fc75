"""A prepared folder of re-rendered photographs, with their codes in it: training takes it as any prepared folder.

It is made shard by shard, and a shard is there when its labels are. A run that was stopped goes on with the next one;
the same settings give the same samples, however many processes make them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from unveil.codes.file import Codes, write_codes
from unveil.heads.layout import Coefficients
from unveil.processes import each_in_processes, no_longer_wanted
from unveil.storage.arrays import read_array, read_arrays
from unveil.storage.file_kind import FileKind
from unveil.storage.files import atomic_path
from unveil.storage.made_with import note_settings
from unveil.storage.npz import write_npz
from unveil.storage.outputs import alone_in
from unveil.training.crops.prepared import MANIFEST, Samples, finish, write_shard
from unveil.training.data import TrainingData
from unveil.training.rerender.photographs import Photographs, require_usable
from unveil.training.rerender.priors import CarriedPrior, OwnPrior, Prior
from unveil.training.rerender.samples import Renderer, Sample
from unveil.training.rerender.surface import Surface

SETTINGS, TONES, CODES = "settings.json", "tones.npy", "codes.npz"
TEACHER = "re-rendering"
SHARD = 256  # samples
BEGUN = FileKind("usable part of a re-rendered folder", "remove it and run the command again", 2**31)


@dataclass(frozen=True)
class RerenderSettings:
    """The settings that decide which samples a folder gets."""

    count: int  # samples
    size: int = 160  # W
    seed: int = 0
    ict: str = ""  # npz of ICT-FaceKit, whose heads are half of all; empty: none
    shard: int = SHARD  # samples in one

    @property
    def shards(self) -> int:
        """How many shards there are."""
        return math.ceil(self.count / self.shard)

    def numbers(self, shard: int) -> range:
        """The samples of a shard."""
        return range(shard * self.shard, min((shard + 1) * self.shard, self.count))


def make_folder(data: TrainingData, folder: Path, settings: RerenderSettings, processes: int = 1) -> Iterator[int]:
    """Make the folder, going on where an earlier run was stopped; it is finished when the iterator is.

    Yields the number of samples of every shard that is done.

    Raises:
        UnveilError: the folder was begun with other settings or photographs, is in use, or cannot be written.
    """
    with alone_in(folder, "rerender", first=SETTINGS):
        yield from _make(data, folder, settings, processes)


def _make(data: TrainingData, folder: Path, settings: RerenderSettings, processes: int) -> Iterator[int]:
    require_usable(data)  # both first, so that wrong files leave no folder that is begun
    priors = _priors(data, settings)
    about = asdict(settings) | {"ict": Path(settings.ict).name, "photographs": data.fingerprint}
    advice = "give the same options, or name another folder"
    note_settings(folder / SETTINGS, about, what="was begun with other settings", advice=advice)
    renderer = new_renderer(data, settings, folder / TONES, priors)
    missing = [shard for shard in range(settings.shards) if not labels_path(folder, shard).exists()]
    yield from (len(settings.numbers(shard)) for shard in range(settings.shards) if shard not in set(missing))
    yield from each_in_processes(partial(make_shard, renderer, folder, settings), missing, processes)
    _finish(folder, data, settings)


def _priors(data: TrainingData, settings: RerenderSettings) -> list[Prior]:
    priors: list[Prior] = [OwnPrior(len(data.model.head.shape_basis))]
    if settings.ict:
        priors.append(CarriedPrior.load(Path(settings.ict), data.model))
    return priors


def new_renderer(
    data: TrainingData, settings: RerenderSettings, tones: Path | None = None, priors: Sequence[Prior] = ()
) -> Renderer:
    """The renderer of the samples; tones of skin are cached in the file ``tones`` if one is named."""
    surface = Surface.of(data.model)
    known = read_array(tones, BEGUN) if tones is not None and tones.exists() else None
    photographs = Photographs.of(data, surface, known)
    if tones is not None and known is None:
        with atomic_path(tones) as temporary, temporary.open("wb") as stream:
            np.save(stream, photographs.tones)
    return Renderer(surface, photographs, list(priors) or _priors(data, settings), settings.size, settings.seed)


def make_shard(renderer: Renderer, folder: Path, settings: RerenderSettings, shard: int) -> int:
    """Write a shard and then its labels, unless the consumer has gone; the result is the number of samples."""
    samples = []
    for number in settings.numbers(shard):
        if no_longer_wanted():
            return 0
        samples.append(renderer.sample(number))
    write_shard(folder, shard, np.stack([sample.image for sample in samples]))
    write_npz(labels_path(folder, shard), _labels(samples))
    return len(samples)


def labels_path(folder: Path, shard: int) -> Path:
    """The file with the labels of a shard."""
    return folder / f"labels-{shard:05d}.npz"


def _labels(samples: list[Sample]) -> dict[str, Any]:
    return {
        "coefficients": np.stack([sample.coefficients for sample in samples]),
        "points": np.stack([sample.points for sample in samples]),
        "shape_weight": np.array([sample.shape_weight for sample in samples], np.float32),
        "photograph": np.array([sample.photograph for sample in samples], np.int64),
        "split": np.array([sample.split for sample in samples], np.int8),
    }


def _finish(folder: Path, data: TrainingData, settings: RerenderSettings) -> None:
    """Write what makes the shards a prepared folder, and their codes."""
    if (folder / MANIFEST).exists():
        return
    parts = [read_arrays(labels_path(folder, shard), BEGUN) for shard in range(settings.shards)]
    shared = [name for name in parts[0] if all(name in part for part in parts)]  # old shards have no points
    all_labels = {name: np.concatenate([part[name] for part in parts]) for name in shared}
    rows = data.rows[all_labels["photograph"]]
    number = np.arange(settings.count, dtype=np.int32)
    names = np.array([f"{data.folder.names[row]}#{k}" for k, row in zip(number, rows, strict=True)])
    matrices = np.tile(np.eye(2, 3), (settings.count, 1, 1))
    shards, places = number // settings.shard, number % settings.shard
    samples = Samples(names, data.folder.person[rows], all_labels["split"], shards, places, matrices)
    codes = Codes(
        tuple(map(str, names)),
        Coefficients(data.layout, all_labels["coefficients"]),
        data.model.name,
        teacher=f"{TEACHER} of {data.teacher}, seed {settings.seed}",
        shape_weight=all_labels["shape_weight"],
        points=all_labels.get("points"),
    )
    write_codes(folder / CODES, codes)
    finish(folder, samples, [len(settings.numbers(shard)) for shard in range(settings.shards)], settings.size)
