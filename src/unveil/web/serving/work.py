"""The work of a worker process: from a photograph to the files of its faces. It does not depend on the web code."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from unveil.appearance.wrinkles.clear_skin import wrinkle_surface
from unveil.assets.store import packaged
from unveil.errors import UnveilError, unexpected
from unveil.faces.formats import FORMATS, NUMBERS
from unveil.faces.overlay import portrait
from unveil.faces.reconstruction import Reconstruction
from unveil.faces.wrinkled import wrinkled
from unveil.meshes.image_bytes import jpeg
from unveil.photos.decode import MAX_PIXELS, TooManyPixelsError, decode_rgb
from unveil.photos.io import PICTURE
from unveil.processes import become_worker
from unveil.reconstruct.pipeline import Reconstructor
from unveil.storage.files import write_bytes
from unveil.storage.text import read_bytes
from unveil.timing import StageTimes
from unveil.typing import Image
from unveil.web.serving.job import Task

SHOWN = 1280  # pixels of the longer side of the photograph as the page shows it
PHOTOGRAPH = "photograph.jpg"
OF_OBJ = ("obj", "mtl", "texture", "hair_texture")  # the OBJ, and what it shows of other files
NO_FACE = "no face found: give a photograph with a face at least 40 pixels wide that looks towards the camera"

Tell = Callable[[str], None]


def answer_tasks(connection: Connection, model: str, assets: Path | None) -> None:
    """Answer tasks until the other end closes.

    Answers are pairs: first ("ready", "") or ("broken", why); then for each task any number of ("stage", name) and one
    of ("done", result), ("large", why), ("refused", why) and ("failed", why).
    """
    reconstructor = opened(connection, model, assets)
    if reconstructor is None:
        return
    _warm_up(reconstructor)
    connection.send(("ready", ""))
    for task in tasks_of(connection):
        connection.send(_answer(reconstructor, task, lambda stage: connection.send(("stage", stage))))


def opened(connection: Connection, model: str, assets: Path | None) -> Reconstructor | None:
    """The reconstructor of this worker; None where it cannot be opened, after sending ("broken", why)."""
    become_worker()
    try:
        return Reconstructor(model, assets=assets)
    except UnveilError as error:
        connection.send(("broken", str(error)))
        return None


def tasks_of(connection: Connection) -> Iterator[Any]:
    """The tasks that come, until the other end closes."""
    while True:
        try:
            yield connection.recv()
        except EOFError:
            return


def reconstruct_files(reconstructor: Reconstructor, task: Task, tell: Tell) -> dict[str, Any]:
    """Write the files of all faces and give back what is known of the photograph, with the names of the files.

    Raises:
        TooManyPixelsError: the photograph is larger than the task allows.
        UnveilError: it is no photograph, or shows no face.
    """
    clock = StageTimes()
    with clock.stage("read"):
        image = decode_rgb(read_bytes(task.photo, PICTURE, "a picture"), "the file", task.pixels)
    tell("looking for faces")
    faces = reconstructor.reconstruct(image, max_faces=task.faces)
    if not faces:
        raise UnveilError(NO_FACE)
    if task.wrinkles and reconstructor.morphable.textured and not reconstructor.skin.has_details:
        tell("wrinkles")
        with clock.stage("wrinkles"):
            surface = wrinkle_surface(reconstructor.morphable)
            faces = [wrinkled(image, face, surface) for face in faces]
    _write_photograph(image, task.folder / PHOTOGRAPH)
    described = []
    for k, face in enumerate(faces):
        tell(f"texture of face {k + 1} of {len(faces)}")
        described.append({"index": k, **face.to_json(), "files": _write_face(task.folder / f"face_{k}", face, clock)})
    height, width = image.shape[:2]
    timings = {**faces[0].timings, **clock.milliseconds}
    return {
        "image": {"width": width, "height": height},
        "model": {"name": faces[0].model, "layout": faces[0].coefficients.layout.name},
        "timings_ms": {stage: round(duration, 1) for stage, duration in timings.items()},
        "photograph": PHOTOGRAPH,
        "faces": described,
    }


def _warm_up(reconstructor: Reconstructor) -> None:
    """Compile what is compiled on first use, so that no request waits for it."""
    with tempfile.TemporaryDirectory() as folder:
        task = Task(packaged("demo.jpg"), Path(folder), 1, MAX_PIXELS)
        reconstruct_files(reconstructor, task, lambda stage: None)


def _answer(reconstructor: Reconstructor, task: Task, tell: Tell) -> tuple[str, Any]:
    try:
        return "done", reconstruct_files(reconstructor, task, tell)
    except TooManyPixelsError as error:
        return "large", str(error)
    except UnveilError as error:
        return "refused", str(error)
    except Exception as error:  # a fault of ours; the worker goes on
        return "failed", unexpected(error)


def _write_face(stem: Path, face: Reconstruction, clock: StageTimes) -> dict[str, str]:
    """Write all files of a face, and the photograph around it; their names by kind."""
    names: dict[str, str] = {}
    with clock.stage("texture"):
        face.texture()
    for kind in (*FORMATS, NUMBERS):
        with clock.stage(kind):
            names |= face.write(stem, kind)
    together = stem.with_name(f"{stem.name}_obj.zip")
    with clock.stage("obj"), zipfile.ZipFile(together, "w") as archive:
        for name in (names[kind] for kind in OF_OBJ if kind in names):
            archive.write(stem.with_name(name), name)
    picture = stem.with_name(f"{stem.name}_picture.jpg")
    write_bytes(picture, jpeg(portrait(face.picture, face)))
    return names | {"obj_zip": together.name, "picture": picture.name}


def _write_photograph(image: Image, path: Path) -> None:
    """The photograph for the page: upright, and no larger than needed."""
    scale = min(1.0, SHOWN / max(image.shape[:2]))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image
    write_bytes(path, jpeg(small.astype(np.uint8, copy=False)))
