"""The commands; see the package's docstring."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tools.surroundings.measure import alone, table, table_of_heads
from tools.surroundings.views import Views, gather
from unveil.errors import one_line_errors
from unveil.models.openhead.family import packaged_head
from unveil.training.crops.prepared import PreparedFolder
from unveil.training.crops.sources import find_photos


def parser() -> argparse.ArgumentParser:
    """The command line."""
    whole = argparse.ArgumentParser(prog="python -m tools.surroundings", description=__doc__)
    commands = whole.add_subparsers(required=True, dest="command")
    look = commands.add_parser("gather", help="gather photographs with what is around heads in them")
    look.add_argument("photographs", type=Path, help="what `unveil prepare` was given")
    look.add_argument("prepared", type=Path, help="what it made of them; it says who is held out")
    look.add_argument("--occluders", type=Path, help="folder with pictures; without it they are drawn")
    look.add_argument("--held-out", action="store_true", help="of people that nothing is learned from")
    look.add_argument("--part", type=int, nargs=2, default=(0, 1), metavar=("K", "N"), help="the K-th of N, from 0")
    look.add_argument("--seed", type=int, default=4)
    learn = commands.add_parser("train", help="train the network and write openhead_surroundings.onnx")
    learn.add_argument("views", type=Path, nargs="+", help="what `gather` wrote")
    learn.add_argument("--kept", type=Path, required=True, help="file that an interrupted run goes on from")
    learn.add_argument("--learned", type=Path, help="packaged network to go on from")
    learn.add_argument("--steps", type=int, default=11000)
    learn.add_argument("--seed", type=int, default=1)
    score = commands.add_parser("measure", help="print how well the packaged networks do")
    score.add_argument("views", type=Path, help="what `gather --held-out` wrote")
    score.add_argument("--seed", type=int, default=0)
    for command in (look, learn):
        command.add_argument("-o", "--out", type=Path, required=True)
    return whole


def main(arguments: Sequence[str] | None = None) -> None:
    """Gather or train as the command line says."""
    options = parser().parse_args(arguments)
    if options.command == "gather":
        folder = PreparedFolder.open(options.prepared)
        photos = find_photos(options.photographs)
        part = tuple(options.part)
        views = gather(photos, folder, options.occluders, options.seed, held_out=options.held_out, part=part)
        views.write(options.out)
        return
    networks = packaged_head().surroundings
    assert networks is not None
    if options.command == "measure":
        views = Views.read(options.views)
        print(*table(views, networks, options.seed), "", sep="\n")
        print(*table_of_heads(views, networks), "", *table_of_heads(views, alone(networks)), sep="\n")
        return
    from tools.small_networks import RESEARCH  # which needs torch, as does what follows
    from tools.surroundings.train import export, train

    views = [Views.read(path) for path in options.views]
    network = train(views, networks.segmentation, options.kept, options.steps, options.seed, learned=options.learned)
    export(network, options.out, RESEARCH)


if __name__ == "__main__":
    with one_line_errors():
        main()
