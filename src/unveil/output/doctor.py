"""Is this installation sound? Versions, packaged files, and one reconstruction from beginning to end."""

from __future__ import annotations

import hashlib
import platform
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from unveil.assets.registry import PACKAGED, PackagedFile
from unveil.assets.store import packaged
from unveil.errors import UnveilError, reason_of

LIBRARIES = ("numpy", "numba", "onnxruntime", "opencv-python-headless", "pillow")


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str

    def to_json(self) -> dict[str, Any]:
        """As it stands in the answer of ``unveil doctor --json``."""
        return asdict(self)


def examine() -> list[Check]:
    """Look at everything that a reconstruction needs; nothing is written outside a temporary folder."""
    checks = [_check("python", lambda: f"{platform.python_version()} on {platform.system()} {platform.machine()}")]
    checks += [_check(name, partial(version, name)) for name in ("unveil", *LIBRARIES)]
    checks.append(_check("onnxruntime providers", _providers))
    checks += [_check(file.name, partial(_packaged_file, file)) for file in PACKAGED.values()]
    checks.append(_check("self-test", _self_test))
    return checks


def _check(name: str, examine_one: Callable[[], str]) -> Check:
    try:
        return Check(name, ok=True, detail=examine_one())
    except PackageNotFoundError:
        return Check(name, ok=False, detail="is not installed: install unveil again")
    except Exception as error:  # whatever is broken in an installation is the answer here
        what = str(error) if isinstance(error, UnveilError) else f"{type(error).__name__}: {reason_of(error)}"
        return Check(name, ok=False, detail=what)


def _providers() -> str:
    import onnxruntime

    return ", ".join(onnxruntime.get_available_providers())


def _packaged_file(file: PackagedFile) -> str:
    path = packaged(file.name)
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != file.sha256:
        raise UnveilError(f"{path} has been changed (sha256 {digest[:12]}, not {file.sha256[:12]}): install again")
    return f"{file.what}, {path.stat().st_size / 1e6:.2f} MB, sha256 {digest[:12]}"


def _self_test() -> str:
    from unveil.output import batch
    from unveil.reconstruct.pipeline import Reconstructor
    from unveil.storage.outputs import results_in

    reconstructor = Reconstructor()
    options = batch.options_for(reconstructor, ("glb",), max_faces=None)
    with tempfile.TemporaryDirectory() as folder, results_in(Path(folder), "doctor") as outputs:
        targets = batch.name_targets([packaged("demo.jpg")], outputs)
        (outcome,) = batch.reconstruct_photos(targets, reconstructor, options)
        if outcome.record is None:
            raise UnveilError(outcome.error)
        (face,) = outcome.record["faces"]
        glb = Path(folder) / face["files"]["glb"]
        return (
            f"one face in demo.jpg, detector's score {face['confidence']:.2f}, GLB of {glb.stat().st_size / 1e6:.1f} MB"
        )
