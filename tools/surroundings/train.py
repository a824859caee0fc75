"""Training of the network that says what is around a head, and its file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tools.small_networks import Course, fit
from tools.surroundings.changed import changed
from tools.surroundings.further import mean_of, normalised, of_file
from tools.surroundings.labels import UNKNOWN
from tools.surroundings.network import SurroundingsNetwork
from tools.surroundings.views import Views
from unveil.heads.surroundings import CHANNELS, OCCLUDER, SIZE, SegmentationNetwork
from unveil.models.onnx_graph import store_in_half_precision, trace, write
from unveil.typing import Float64s

BATCH = 32
COURSE = Course(rate=3e-3, warm=0.02, decay=0.02, averaged=0.998)
SMOOTHED = 0.02  # of what is known, that is taken for any class
FEWEST = 200  # known pixels of a view that count as many in any case, and of a hat
OF_HATS = 1.5  # times as often as others, views of real hats are drawn
# Of a network that goes on from another: the rate, the batches by which it is normalised, and its share of their mean.
CAREFUL, LOOKS, SHARE = 2e-3, 12, 0.75


def train(
    views: Sequence[Views],
    segmentation: SegmentationNetwork,
    kept: Path,
    steps: int,
    seed: int,
    note: Callable[[str], None] = print,
    *,
    learned: Path | None = None,
) -> SurroundingsNetwork:
    """The network, its weights averaged over steps; goes on from the file ``kept`` where an earlier run ended.

    With the file of a network that has ``learned`` before, it starts from that one, carefully, and the mean of both is
    returned.
    """
    draw = partial(_batch, views, [_weights(some) for some in views], segmentation)
    if learned is None:
        return fit(SurroundingsNetwork, draw, _loss, COURSE, kept, steps=steps, seed=seed, note=note)
    rng = np.random.default_rng(seed)
    pictures, careful = [draw(rng)[0] for _ in range(LOOKS)], COURSE._replace(rate=CAREFUL)
    further = fit(
        lambda: normalised(of_file(learned), pictures), draw, _loss, careful, kept, steps=steps, seed=seed, note=note
    )
    return mean_of(of_file(learned), further, SHARE)


def export(network: SurroundingsNetwork, path: Path, metadata: dict[str, str]) -> None:
    """Write the network as ONNX: ``picture`` float32 [N, CHANNELS, S, S] in, ``probability`` [N, 5, S, S] out."""
    whole = nn.Sequential(network, nn.Softmax(dim=1))
    example = torch.zeros(2, CHANNELS, SIZE, SIZE)
    write(store_in_half_precision(trace(whole, example, "picture", "probability")), path, metadata)


def _batch(
    views: Sequence[Views], weights: Sequence[Float64s], segmentation: SegmentationNetwork, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Pictures [B, CHANNELS, S, S] and the classes [B, S, S] of their pixels."""
    sizes = np.array([weight.sum() for weight in weights])
    drawn = []
    for _ in range(BATCH):
        some = int(rng.choice(len(views), p=sizes / sizes.sum()))
        drawn.append(changed(views[some], int(rng.choice(len(weights[some]), p=weights[some] / sizes[some])), rng))
    pictures = torch.from_numpy(np.stack([view.channels(segmentation) for view in drawn]))
    classes = torch.from_numpy(np.stack([view.classes for view in drawn]).astype(np.int64))
    return pictures.to(memory_format=torch.channels_last), classes


def _weights(views: Views) -> Float64s:
    """How often views [N] are drawn: those of hats more often."""
    hats = np.count_nonzero(views.classes == OCCLUDER, axis=(1, 2)) > FEWEST
    return np.where(hats, OF_HATS, 1.0)


def _loss(network: SurroundingsNetwork, batch: tuple[Tensor, Tensor]) -> Tensor:
    """The mean over views of the cross entropy of what is known of each."""
    pictures, classes = batch
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(pictures)
    each = functional.cross_entropy(
        logits.float(), classes, ignore_index=UNKNOWN, reduction="none", label_smoothing=SMOOTHED
    ).sum(dim=(1, 2))
    return (each / (classes != UNKNOWN).sum(dim=(1, 2)).clamp(min=FEWEST)).mean()
