"""The mean of the weights of a run and of one that started from it, as a run that `unveil export` takes.

    python -m tools.average_learners runs/learner runs/closed --share 0.6 -o runs/mean

It keeps most of what a short run on other pictures gained, and regains most of what that lost (Wortsman et al. 2022,
"Robust fine-tuning of zero-shot models").
"""

from __future__ import annotations

import argparse
import copy
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch

from unveil.errors import UnveilError, one_line_errors
from unveil.models.learner import Learner
from unveil.training.checkpoint import CONFIG_FILE, DATA_FILE, Position, TrainingState, load_learner
from unveil.training.initial_weights import start_from
from unveil.training.train import move_towards


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the run; UnveilError where a run is missing, of another network, or the new folder exists."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="folder of the run before")
    parser.add_argument("after", type=Path, help="folder of the run that started from it")
    parser.add_argument("--share", type=float, default=0.5, help="of the run after, from 0 to 1")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder of the new run")
    options = parser.parse_args(arguments)
    if not 0 <= options.share <= 1:
        raise UnveilError(f"--share {options.share:g} is no share: give a number from 0 to 1")
    learner = averaged(options.before, load_learner(options.after), options.share)
    if options.out.exists():
        raise UnveilError(f"{options.out} exists: name another folder with -o")
    options.out.mkdir(parents=True)
    for name in (CONFIG_FILE, DATA_FILE):
        shutil.copyfile(options.after / name, options.out / name)
    optimizer = torch.optim.SGD(learner.parameters(), 0.0)  # without a state: nothing is trained on from here
    TrainingState(learner, learner, optimizer, Position()).save(options.out)
    print(f"{options.out}: {options.share:.0%} of {options.after}, the rest of {options.before}")


@torch.no_grad()
def averaged(before: Path, after: Learner, share: float) -> Learner:
    """The learner whose weights lie between those of a run and of one that started from it, ``share`` of the latter."""
    mean = copy.deepcopy(after)
    # In the statistics of the coefficients that the other was trained with, so that both mean the same.
    start_from(mean, str(before), lambda: torch.zeros(0))
    move_towards(mean, after, share)
    return mean.eval()


if __name__ == "__main__":
    with one_line_errors():
        main()
