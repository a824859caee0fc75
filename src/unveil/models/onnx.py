"""A learner in an ONNX file: crops in, coefficients of a known layout out.

The contract of the file:

- Input ``images`` float32 [N, 3, S, S], RGB in [0, 1].
- Output ``coefficients`` float32 [N, M].
- Optional output ``deviations`` float32 [N, M], the standard deviation of each coefficient in its unit.
- Optional output ``occlusion`` float32 [N, 28, 28], the probability that an occluder covers the cell, row 0 on top.
- Optional output ``face`` float32 [N], the probability that the crop shows a face, however it is framed.
- Optional output ``classes`` float32 [N, 9, 56, 56], the probability that a cell shows each of
  `unveil.models.classes.CLASSES`.
- Metadata ``layout`` (JSON of a `CoefficientLayout`), ``input_size`` (S), ``name``, ``licence``, and optionally
  ``data``, what it was trained on.
- Metadata ``vertex_scale`` with deviations: one number, or float16 [2, V] in base64 (see `unveil.heads.uncertainty`).
- Metadata ``mirror_images``: ``learned``, if it was also trained on mirror images.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from unveil.assets.onnx_file import ONNX, read_onnx
from unveil.assets.store import data_folder
from unveil.errors import UnveilError, reason_of
from unveil.heads.layout import CoefficientLayout, Coefficients, LayoutError
from unveil.models.classes import CLASS_SIZE, CLASSES
from unveil.models.encoder import OCCLUSION_SIZE, Prediction, require_crops
from unveil.photos.framing import CANONICAL, Framing
from unveil.processes import thread_count
from unveil.storage.files import printable
from unveil.typing import Float32s, Floats, Image, Images

LARGEST_BATCH = 16  # crops per call of the network: bounds the memory of a photograph with many faces
LARGEST_INPUT = 1024  # pixels; a larger input_size is a mistake in the file
MIRROR_IMAGES, LEARNED = "mirror_images", "learned"  # in the metadata
LONGEST_LIST = 200  # letters of names in a message
PROBABILITIES = {"occlusion", "face", "classes"}  # outputs from 0 to 1
MOST_THREADS = 8  # more threads wait for each other at this network size


class CoefficientModel:
    """A learner loaded from an ONNX file, an `Encoder`; the session is kept, so the second call is fast.

    Attributes:
        path: the file.
        name, licence, data: what the maker wrote into the file.
        layout: the groups of the coefficients it gives.
        input_size: side S of the crops it takes, in pixels.
        vertex_scale: what the uncertainty of vertices is multiplied with, one number or two for each
            [2, V]; 1 where the file does not say.
        says_face: whether it gives the probability that a crop shows a face.
        looks_twice: whether it has learned from mirror images too, and so is asked about those of crops.

    Raises:
        UnveilError: the file is missing, is no ONNX file, or does not keep to the contract above.
    """

    framing: Framing = CANONICAL

    def __init__(self, path: str | Path, *, threads: int | None = None) -> None:
        self.path = Path(path)
        self._session = open_session(self.path, threads)
        metadata = dict(self._session.get_modelmeta().custom_metadata_map)
        self.layout = _read_layout(metadata, self.path)
        self.input_size = _read_input_size(metadata, self.path)
        self.name = metadata.get("name") or printable(self.path.stem)
        self.licence = metadata.get("licence", "")
        self.data = metadata.get("data", "")
        self.vertex_scale = _read_vertex_scale(metadata, self.path)
        self._outputs = self._checked_outputs()
        self.says_face = "face" in self._outputs
        self.looks_twice = metadata.get(MIRROR_IMAGES) == LEARNED

    def __repr__(self) -> str:
        return f"CoefficientModel({self.name!r}, input_size={self.input_size}, {self.layout!r})"

    def predict(self, crops: Images) -> Prediction:
        """Coefficients [N, M] (float32) of RGB crops [N, S, S, 3], and what else the file gives.

        A batch gives what its crops give one by one.
        """
        require_crops(crops, self.input_size)
        batches = [self._run(crops[start : start + LARGEST_BATCH]) for start in range(0, len(crops), LARGEST_BATCH)]
        joined = {
            name: np.concatenate([np.empty((0, *shape), np.float32), *(batch[name] for batch in batches)])
            for name, shape in self._outputs.items()
        }
        deviations = joined.get("deviations")
        return Prediction(
            Coefficients(self.layout, joined["coefficients"]),
            None if deviations is None else Coefficients(self.layout, deviations),
            joined.get("occlusion"),
            joined.get("face"),
            joined.get("classes"),
        )

    def _run(self, crops: Images) -> dict[str, Float32s]:
        images = np.ascontiguousarray(crops.transpose(0, 3, 1, 2), dtype=np.float32)  # [N, 3, S, S]
        images /= 255
        shapes = {name: (len(crops), *shape) for name, shape in self._outputs.items()}
        values = run_session(self._session, {"images": images}, shapes, self.path)
        if not all(np.isfinite(array).all() for array in values.values()):
            raise UnveilError(f"{printable(self.path)} gives numbers that are not finite: train or export it again")
        for name in PROBABILITIES & values.keys():
            if not ((values[name] >= 0) & (values[name] <= 1)).all():
                raise UnveilError(
                    f"{printable(self.path)} gives an output {name} that is no probability: export it again"
                )
        return {name: np.asarray(array, np.float32) for name, array in values.items()}

    def _checked_outputs(self) -> dict[str, tuple[int, ...]]:
        """Shape, without the batch, of each output of the contract that the file has."""
        inputs = {node.name: node.shape for node in self._session.get_inputs()}
        outputs = {node.name: node.shape for node in self._session.get_outputs()}
        if set(inputs) != {"images"} or "coefficients" not in outputs:
            raise UnveilError(
                f"{printable(self.path)} maps {_listed(inputs)} to {_listed(outputs)}, not images to coefficients: "
                "give a learner written by `unveil export`"
            )
        sides = inputs["images"][1:]
        if not _fits(sides, [3, self.input_size, self.input_size]):
            raise UnveilError(
                f"{printable(self.path)} takes images of shape {sides} but states an input_size of {self.input_size}: "
                "export it again"
            )
        size, cells = self.layout.size, OCCLUSION_SIZE
        known: dict[str, tuple[int, ...]] = {"coefficients": (size,), "deviations": (size,)}
        known |= {"occlusion": (cells, cells), "face": (), "classes": (len(CLASSES), CLASS_SIZE, CLASS_SIZE)}
        for name in known.keys() & outputs.keys():
            if not _fits(outputs[name][1:], list(known[name])):
                forms = {"occlusion": f"{cells} x {cells} cells", "face": "one number for each crop"}
                forms["classes"] = f"{len(CLASSES)} classes of {CLASS_SIZE} x {CLASS_SIZE} cells"
                wanted = forms.get(name, f"the layout {self.layout}")
                raise UnveilError(
                    f"{printable(self.path)} gives {name} of shape {outputs[name][1:]}, which is not {wanted}: "
                    "export it again"
                )
        return {name: shape for name, shape in known.items() if name in outputs}


class Session(ort.InferenceSession):  # type: ignore[misc]  # onnxruntime says nothing of its types
    """A session that can be sent to other processes: each opens the file itself."""

    opened: tuple[Path, int | None]  # what `open_session` was given

    def __reduce__(self) -> tuple[Any, ...]:
        return open_session, self.opened


def open_session(path: Path, threads: int | None = None) -> Session:
    """A session on the CPU, by default with as many threads as are of use; UnveilError for what is no ONNX file.

    The file may be a stranger's, unless the package carries it: `read_onnx` says what is not opened.
    """
    if not path.is_file():
        raise UnveilError(f"no model file at {printable(path)}: check the path given as the model")
    # The runtime keeps the bytes that it is given, but not those of a file that it reads itself.
    content = str(path) if path.parent == data_folder() else read_onnx(path)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or thread_count(MOST_THREADS)
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    # Threads that spin after their work take the cores from what follows: 2 cores then need 30 ms for 3 ms of geometry.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_mem_pattern = options.enable_cpu_mem_arena = False  # which keep 13 MB, and save no time
    options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")  # which saves another 4 MB
    options.add_session_config_entry("session.load_model_format", "ONNX")  # not the runtime's own, which is not checked
    options.log_severity_level = 4  # what is wrong with a file is said once, below
    try:
        session = Session(content, options, providers=["CPUExecutionProvider"], enable_fallback=0)  # which prints a box
        _require_text(session)
    except Exception as error:  # onnxruntime's exceptions share no base class
        what = _reason_of(error)
        raise ONNX.refused(path, what) from error
    session.opened = (path.absolute(), threads)
    return session


def _require_text(session: ort.InferenceSession) -> None:
    """Raise UnicodeDecodeError where names or metadata are no UTF-8; onnxruntime does when asked for them."""
    for node in (*session.get_inputs(), *session.get_outputs()):
        _ = node.name, node.shape
    _ = session.get_modelmeta().custom_metadata_map


def _reason_of(error: Exception) -> str:
    """The message of onnxruntime, without its codes."""
    return re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", reason_of(error)).rstrip(". ")


def run_session(
    session: ort.InferenceSession,
    inputs: Mapping[str, Float32s | Image],
    shapes: Mapping[str, tuple[int, ...]],
    path: Path,
) -> dict[str, Float32s]:
    """The outputs of a network that are named with their shapes; UnveilError where a file gives anything else."""
    try:
        values = dict(zip(shapes, session.run(list(shapes), dict(inputs)), strict=True))
    except Exception as error:  # onnxruntime's exceptions share no base class
        raise UnveilError(f"{printable(path)} cannot be run ({_reason_of(error)}): export it again") from error
    for name, shape in shapes.items():
        found = values[name]
        if not isinstance(found, np.ndarray) or found.shape != shape or found.dtype.kind != "f":
            what = f"{found.dtype} {found.shape}" if isinstance(found, np.ndarray) else type(found).__name__
            raise UnveilError(
                f"{printable(path)} gives {name} as {what} and not as numbers of {shape}: export it again"
            )
    return values


def _read_layout(metadata: Mapping[str, str], path: Path) -> CoefficientLayout:
    if "layout" not in metadata or "input_size" not in metadata:
        raise UnveilError(
            f"{printable(path)} does not say what its outputs mean (no layout and input_size in its metadata): "
            "give a learner written by `unveil export`"
        )
    try:
        return CoefficientLayout.from_json(metadata["layout"])
    except LayoutError as error:
        raise UnveilError(
            f"{printable(path)} has a damaged layout in its metadata ({error}): export it again"
        ) from error


def _read_input_size(metadata: Mapping[str, str], path: Path) -> int:
    text = metadata["input_size"]
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= LARGEST_INPUT:
        raise UnveilError(
            f"{printable(path)} states an input_size of {text[:20]!r}, which is no size in pixels: export it again"
        )
    return int(text)


def _read_vertex_scale(metadata: Mapping[str, str], path: Path) -> Float32s | float:
    text = metadata.get("vertex_scale", "1")
    try:
        if re.fullmatch(r"[\d.eE+-]+", text):
            scale = np.array(text, np.float32)
        else:
            scale = np.frombuffer(base64.b64decode(text, validate=True), "<f2").astype(np.float32).reshape(2, -1)
    except ValueError:
        scale = np.array(np.nan, np.float32)
    if not scale.size or not (np.isfinite(scale) & (scale > 0)).all():
        raise UnveilError(
            f"{printable(path)} states a vertex_scale of {text[:20]!r}, which is no positive number, nor a list of "
            "them: export it again"
        )
    return scale if scale.ndim else float(scale)


def vertex_scale_text(scale: Floats) -> str:
    """A ``vertex_scale`` [2, V] as a file's metadata hold it: float16 in base64."""
    return base64.b64encode(scale.astype("<f2").tobytes()).decode()


def _listed(names: Iterable[str]) -> str:
    """Names in a stranger's file, for a message."""
    return printable(", ".join(names)[:LONGEST_LIST])


def _fits(shape: list[int | str | None], expected: list[int]) -> bool:
    """Whether a shape of ONNX, where a name or None stands for any size, allows the expected one."""
    return len(shape) == len(expected) and all(
        not isinstance(side, int) or side == wanted for side, wanted in zip(shape, expected, strict=True)
    )
