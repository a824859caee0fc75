"""BlazeFace short range: the network, and what its numbers mean.

Bazarevsky et al., "BlazeFace: sub-millisecond neural face detection on mobile GPUs", 2019. It was made for 128 x 128
pixels and sees faces from about 20 to 100 of them. It is convolutional, so that other sizes work as well.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from unveil.assets.onnx_file import read_onnx, require_plain
from unveil.processes import thread_count
from unveil.typing import Float32s, Image, Images

STRIDES_AND_ANCHORS = ((8, 2), (16, 6))  # network pixels per cell, anchors per cell
GRID = 16  # height and width must be multiples of it
FACE_RANGE = (20, 100)  # side of the faces it sees, network pixels
REACH = 128  # network pixels to either side of an anchor that its answer depends on; a multiple of GRID
STRIP_PIXELS = 2**19  # a larger picture is run in strips of as many, and what they reach into
KEPT_PIXELS = 2**18  # the memory of larger runs is given back to the system: a pixel takes up to 170 bytes


class BlazeFace:
    """The network in an ONNX file that ``tools/convert_blazeface.py`` wrote, given as its path or its bytes."""

    def __init__(self, model: str | os.PathLike[str] | bytes, *, threads: int | None = None) -> None:
        self._made_of = (model if isinstance(model, bytes) else Path(model).absolute(), threads)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or thread_count(4)  # too small a network to feed more
        # Threads that spin between runs would hold the processor that the learner needs next.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.enable_mem_pattern = False  # one for each size of picture, which is kept
        self._giving_back = onnxruntime.RunOptions()
        self._giving_back.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        if isinstance(model, bytes):
            require_plain(model, "the detector's network")
        content = model if isinstance(model, bytes) else read_onnx(Path(model))
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what it was made of; another process opens a session of its own."""
        model, threads = self._made_of
        return partial(BlazeFace, model, threads=threads), ()

    def __call__(self, images: Images) -> tuple[Float32s, Float32s]:
        """Faces in RGB images [N, H, W, 3] as points [N, A, 8, 2] and scores [N, A], one for each anchor.

        The points are left top and right bottom of the box, then right eye, left eye, nose tip, mouth, right ear and
        left ear of the subject, in pixels of the image, centres at integers. H and W are multiples of 16.
        """
        boxes, logits = self._run(images)
        return decode(boxes, anchors(*images.shape[1:3])), _probability(logits)

    def in_strips(self, image: Image, least: float) -> Iterator[tuple[Float32s, Float32s]]:
        """Faces with a score above the least in one image [H, W, 3], however large: points [N, 8, 2] and scores [N].

        They come in parts: the image is cut across its longer side, and each strip is run with as much beside it as its
        answers depend on.
        """
        axis = int(image.shape[1] > image.shape[0])
        length = image.shape[axis]
        step = -(-length // (GRID * -(-image.shape[0] * image.shape[1] // STRIP_PIXELS))) * GRID
        for start in range(0, length, step):
            first = max(0, start - REACH)
            strip = np.moveaxis(np.moveaxis(image, axis, 0)[first : start + step + REACH], 0, axis)
            boxes, logits = (answers[0] for answers in self._run(strip[None]))
            worth = np.flatnonzero(logits > np.log(least / (1 - least)))
            centres = anchors(*strip.shape[:2])[worth]
            along = centres[:, 1 - axis] + first
            own = (start <= along) & (along < start + step)
            points = decode(boxes[worth[own]], centres[own])
            points[..., 1 - axis] += first
            yield points, _probability(logits[worth[own]])

    def _run(self, images: Images) -> tuple[Float32s, Float32s]:
        """The output of the network: boxes [N, A, 16] about the anchors, and logits [N, A]."""
        giving_back = images.size > 3 * KEPT_PIXELS
        boxes, logits = self._session.run(None, {"images": images}, self._giving_back if giving_back else None)
        return boxes, logits


def _probability(logits: Float32s) -> Float32s:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -80, 80))))  # float32 overflows at 88


@lru_cache(maxsize=32)
def anchors(height: int, width: int) -> Float32s:
    """Centres (x, y) [A, 2] that the network's answers refer to, in their order; pixel edges at integers.

    They are shared: do not write into them.
    """
    grids = []
    for stride, per_cell in STRIDES_AND_ANCHORS:
        y, x = np.mgrid[0 : height // stride, 0 : width // stride].astype(np.float32)
        centres = (np.stack([x, y], axis=-1) + np.float32(0.5)) * stride
        grids.append(np.repeat(centres.reshape(-1, 2), per_cell, axis=0))
    return np.concatenate(grids)


def decode(boxes: Float32s, centres: Float32s) -> Float32s:
    """Answers [..., A, 16] (centre, size, six keypoints) about anchors [A, 2] to points [..., A, 8, 2]."""
    values = boxes.reshape(*boxes.shape[:-1], 8, 2)
    middle, half = centres + values[..., 0, :], values[..., 1, :] / 2
    corners = np.stack([middle - half, middle + half], axis=-2)
    points = np.concatenate([corners, centres[:, None] + values[..., 2:, :]], axis=-2)
    return points - np.float32(0.5)
