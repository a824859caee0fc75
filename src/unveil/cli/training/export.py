"""`unveil export`: a run's learner as a file that reconstruction reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unveil.cli.options import AssetsOption, ForceOption
from unveil.cli.printing import say
from unveil.errors import UnveilError

if TYPE_CHECKING:
    from unveil.training.release.export import Measured


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `unveil train` wrote.")],
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE.onnx", help="File to write, named .onnx, or .safetensors for --start-from."),
    ],
    *,
    licence: Annotated[
        str, typer.Option(metavar="TEXT", help="What the weights may be used for; written into the file.")
    ],
    data_statement: Annotated[
        str, typer.Option(metavar="TEXT", help="What the weights were trained on; written into the file.")
    ],
    name: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Name of the learner in results; the file's name if left out.")
    ] = None,
    prepared: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder that `unveil prepare` wrote, with people to calibrate on."),
    ] = None,
    codes: Annotated[Path | None, typer.Option(metavar="FILE.npz", help="The teacher's codes of that folder.")] = None,
    int8: Annotated[
        bool, typer.Option("--int8", help="Also write FILE_int8.onnx, which is smaller and faster.")
    ] = False,
    occluders: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder with pictures of occluders; those of the run if left out."),
    ] = None,
    assets: AssetsOption = None,
    force: ForceOption = False,
) -> None:
    """Write a trained learner as ONNX; with --prepared and --codes it is also calibrated and measured."""
    if file.suffix.lower() not in (".onnx", ".safetensors"):
        raise UnveilError(f"{file} does not end in .onnx or .safetensors: name the file so that others know what it is")
    if (prepared is None) != (codes is None) or (int8 and prepared is None):
        raise UnveilError("calibration and int8 need --prepared and --codes: give both, or neither and no --int8")
    from unveil.storage.outputs import result_file
    from unveil.training.checkpoint import CONFIG_FILE, load_learner
    from unveil.training.config import TrainConfig
    from unveil.training.data import TrainingData
    from unveil.training.release import export as releasing
    from unveil.training.release.safetensors_file import SUFFIX, write_state
    from unveil.training.release.to_onnx import Statement
    from unveil.training.release.to_onnx import export_onnx as write_onnx
    from unveil.training.sampler import Sampler, occluders_of

    with result_file(file, "export", force=force) as path:
        learner, config = load_learner(run), TrainConfig.load(run / CONFIG_FILE)
        statement = Statement(name or file.stem, licence, data_statement, mirror_images=config.flip > 0)
        if file.suffix.lower() == SUFFIX:
            write_state(learner, path, statement)
            lines = [f"{file}: {_megabytes(path)}; `unveil train --start-from {file}` goes on from it"]
        elif prepared is None or codes is None:
            write_onnx(learner, path, statement)
            lines = [f"{file}: {_megabytes(path)}; not measured, deviations not calibrated"]
        else:
            if occluders is not None:
                config = replace(config, occluders=str(occluders))
            sampler = Sampler(TrainingData.load(prepared, codes, assets), config, occluders_of(config))
            measured = releasing.export_measured(learner, path, statement, sampler, int8=int8)
            lines = list(_lines(measured, file.parent))
    say(*lines)


def _lines(measured: Measured, folder: Path) -> Iterator[str]:
    torch_nme = measured.files[0].nme_torch
    yield f"{measured.count} crops of people held out, half of them occluded: {torch_nme:.3f} % NME in torch"
    for file in measured.files:
        yield (
            f"{folder / file.path.name}: {_megabytes(file.path)}, {file.nme:.3f} % NME "
            f"({file.nme / torch_nme - 1:+.2%}), landmarks {file.moved:.3f} % from torch's, "
            f"{file.milliseconds:.1f} ms per crop"
        )
    if measured.calibration is None:
        return
    import numpy as np

    scale = np.median(measured.calibration.vertex_scale)
    yield f"deviations multiplied: {_listed(measured.calibration.factors)}; those of vertices {scale:.3f} (median)"
    if measured.calibration.face_shift:
        yield f"taken from the logit that there is a face: {measured.calibration.face_shift:.3f}"
    if measured.squared_z:
        yield f"squared errors in deviations, on the people of the test split: {_listed(measured.squared_z)}"


def _listed(numbers: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {number:.3f}" for name, number in numbers.items())


def _megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.1f} MB"
