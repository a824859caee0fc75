"""The commands; see the package's docstring."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tools.skin_space.folds import folds
from tools.skin_space.learn import arrays, mean_skin
from tools.skin_space.measure import Rendered, Score, held_out, measure, section, with_section
from tools.skin_space.occluded import OccludedFaces, occluded_faces
from tools.skin_space.samples import collect
from tools.skin_space.vary import variation
from unveil.assets.store import packaged
from unveil.errors import UnveilError, one_line_errors
from unveil.models.openhead.family import packaged_head
from unveil.storage.files import write_text
from unveil.storage.npz import write_npz
from unveil.training.crops.prepared import PreparedFolder


def parser() -> argparse.ArgumentParser:
    """The command line."""
    whole = argparse.ArgumentParser(prog="python -m tools.skin_space", description=__doc__)
    commands = whole.add_subparsers(required=True, dest="command")
    learn = commands.add_parser("learn", help="write openhead_skin.npz")
    learn.add_argument("--count", type=int, default=3600, help="photographs of training people")
    learn.add_argument("--seed", type=int, default=5)
    vary = commands.add_parser("vary", help="write openhead_skin.npz with how faces differ in photographs")
    vary.add_argument("--count", type=int, default=25000, help="photographs of training people")
    vary.add_argument("--seed", type=int, default=5)
    fold = commands.add_parser("folds", help="write openhead_skin.npz with the folds that expressions make")
    lay = commands.add_parser("occlude", help="gather occluded faces for the network that completes hidden skin")
    lay.add_argument("--occluders", type=Path, help="folder with pictures; without it they are drawn")
    lay.add_argument("--seed", type=int, default=5)
    complete = commands.add_parser("complete", help="train that network and write openhead_completion.onnx")
    complete.add_argument("faces", type=Path, help="what `occlude` wrote")
    complete.add_argument("--kept", type=Path, required=True, help="file that an interrupted run goes on from")
    complete.add_argument("--steps", type=int, default=7000)
    complete.add_argument("--seed", type=int, default=0)
    complete.add_argument("-o", "--out", type=Path, required=True)
    score = commands.add_parser("measure", help="how well hidden skin is completed")
    score.add_argument("--count", type=int, default=120, help="photographs of people held out")
    score.add_argument("--occluders", type=Path, help="folder with pictures; without it they are drawn")
    score.add_argument("--seed", type=int, default=1)
    for command in (learn, vary, fold, lay, score):
        command.add_argument("prepared", type=Path, help="what `unveil prepare` made of photographs")
        command.add_argument("-o", "--out", type=Path, required=True)
    return whole


def main(arguments: Sequence[str] | None = None) -> None:
    """Learn or measure as the command line says."""
    options = parser().parse_args(arguments)
    if options.command == "complete":
        from tools.skin_space.complete import export, train  # which need torch
        from tools.small_networks import RESEARCH

        network = train(packaged_head(), OccludedFaces.read(options.faces), options.kept, options.steps, options.seed)
        export(network, options.out, RESEARCH)
        return
    folder = PreparedFolder.open(options.prepared)
    if options.command == "occlude":
        occluded_faces(packaged_head(), folder, options.occluders, options.seed).write(options.out)
        return
    if options.command == "learn":
        samples = collect(packaged_head(), folder, options.count, options.seed)
        print(f"{len(samples)} photographs")
        write_npz(options.out, arrays(samples, mean_skin(samples)))
        return
    if options.command in ("vary", "folds"):
        replaced = "variation_" if options.command == "vary" else "folds_"
        with np.load(packaged("openhead_skin.npz")) as file:
            kept = {name: file[name] for name in file.files if not name.startswith(replaced)}
        model = packaged_head()
        if options.command == "vary":
            kept |= variation(model, folder, options.count, options.seed)
        else:
            kept |= folds(folder, model)
        write_npz(options.out, kept)
        return
    found = list(measure(folder, held_out(folder, options.count), options.occluders, options.seed))
    scores = [one for one in found if isinstance(one, Score)]
    if not scores:
        raise UnveilError(f"no photograph of people held out in {options.prepared} can be used")
    page = options.out.read_text(encoding="utf-8") if options.out.is_file() else ""
    write_text(options.out, with_section(page, section(scores, [one for one in found if isinstance(one, Rendered)])))


if __name__ == "__main__":
    with one_line_errors():
        main()
