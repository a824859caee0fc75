"""The work of the process for webcams: from frames to moving heads. It does not depend on the web code."""

from __future__ import annotations

import base64
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from unveil.appearance.visibility import hidden_vertices, whole_hidden
from unveil.errors import UnveilError, unexpected
from unveil.faces.camera import head_to_image
from unveil.faces.whole import to_photograph
from unveil.geometry.camera import to_pixels
from unveil.heads.model import MorphableModel
from unveil.photos.decode import decode_rgb
from unveil.reconstruct.pipeline import Reconstructor
from unveil.video.live import LiveHead, LiveHeads
from unveil.web.serving.job import FRAME_PIXELS, LiveFrame
from unveil.web.serving.work import opened, tasks_of


def answer_frames(connection: Connection, model: str, assets: Path | None) -> None:
    """Answer frames until the other end closes: with ("done", heads), ("refused", why) or ("failed", why)."""
    reconstructor = opened(connection, model, assets)
    if reconstructor is None:
        return
    connection.send(("ready", ""))
    sessions: dict[str, LiveHeads] = {}
    for frame in tasks_of(connection):
        sessions = {name: heads for name, heads in sessions.items() if name in frame.others}
        connection.send(answer(reconstructor, sessions.setdefault(frame.session, LiveHeads(reconstructor)), frame))


def answer(reconstructor: Reconstructor, live: LiveHeads, frame: LiveFrame) -> tuple[str, Any]:
    """The answer of `answer_frames` to a frame."""
    try:
        image = decode_rgb(frame.picture, "the frame", FRAME_PIXELS)
        heads = [_described(head, reconstructor.morphable, image.shape) for head in live.see(image, frame.seconds)]
        return "done", {"image": {"width": image.shape[1], "height": image.shape[0]}, "heads": heads}
    except UnveilError as error:
        return "refused", str(error)
    except Exception as error:  # a fault of ours; the process goes on
        return "failed", unexpected(error)


def _described(head: LiveHead, model: MorphableModel, shape: tuple[int, ...]) -> dict[str, Any]:
    """What the page needs to move a head of the same model, seen in a frame of that shape [H, W, 3]."""
    units = np.asarray(head.coefficients["expression"], np.float64).round(4).tolist()
    described = {
        "person": head.person,
        "expression": dict(zip(model.unit_names, units, strict=True)),
        "head_to_image": head_to_image(head.coefficients, model, head.crop).round(4).tolist(),
        "hidden": None,
    }
    if head.seen.occlusion is not None:
        whole, coefficients = model.complete(head.coefficients)
        in_crop = to_pixels(whole.project(whole.vertices(coefficients), coefficients), head.crop.size)
        projected = to_photograph(np.asarray(in_crop), head.crop)
        occlusion = (head.seen.occlusion / 255).astype(np.float32)
        own = projected[: len(model.head.template)]
        hidden = hidden_vertices(occlusion, head.seen.crop, own, model.faces, shape)
        hidden = whole_hidden(hidden, occlusion, head.seen.crop, projected, whole.faces)
        described["hidden"] = base64.b64encode(np.rint(255 * hidden).astype(np.uint8).tobytes()).decode()
    return described
