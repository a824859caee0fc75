"""Whether units are seen: photographs with heads that frown, blink, ... against others that do anything else.

Each photograph is rendered twice with a random head and a random expression: once with the unit strong, once without
it, both without what works against it (nobody closes and widens an eye at once). The table gives the probability that a
learner gives more of the unit to the first kind than to the second (area under the ROC curve; one half is chance), and
in brackets how much more, in shares of the unit: a timid learner may rank faces well and still hardly move them. The
second table lists the units that it gives to faces at rest: means over photographs that are rendered without any
expression, and medians over the same photographs as they are. All should be nearly 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tools.known_heads.asking import ask
from tools.known_heads.renders import SIZE, canonical, photographs_of, renderer_of, spread
from tools.known_heads.roc import area_under_curve
from tools.known_heads.tables import print_header, print_row
from unveil.training.crops.prepared import TEST
from unveil.training.data import TrainingData
from unveil.training.rerender.draw import draw_expression
from unveil.training.rerender.samples import Renderer
from unveil.typing import Floats, Images, Int64s

UNITS = {  # the words of the table, and openhead's units without their sides
    "frown (mouth)": "mouthFrown",
    "frown (brows)": "browDown",
    "blink": "eyeBlink",
    "wide": "eyeWide",
    "pucker": "mouthPucker",
    "smile": "mouthSmile",
}
AGAINST = {  # what cannot be done together with a unit
    "mouthFrown": ("mouthSmile",),
    "browDown": ("browInnerUp", "browOuterUp"),
    "eyeBlink": ("eyeWide",),
    "eyeWide": ("eyeBlink", "eyeSquint"),
    "mouthPucker": ("mouthSmile", "mouthStretch"),
    "mouthSmile": ("mouthFrown", "mouthPucker"),
}
SIDEWAYS = ("jaw", "mouth")  # their Left and Right are directions, not sides
STRONG = (0.5, 1.0)
WORTH_SAYING = 0.05  # of a unit at rest


def expressions(data: TrainingData, learners: Sequence[str], *, count: int, seed: int) -> None:
    """Print how well units are seen on ``count`` photographs, each with and without every unit."""
    renderer = renderer_of(data, seed=seed)
    photographs = spread(photographs_of(renderer, TEST), count)
    names = data.model.expression_names
    pictures = {word: pictures_with(renderer, photographs, unit) for word, unit in UNITS.items()}
    resting, real = rendered(renderer, photographs, np.zeros((count, len(names)))), as_they_are(data, photographs)
    print(f"{count} photographs, each with and without a unit; area under the ROC curve (share of the unit predicted)")
    print_header("learner", *UNITS)
    for learner in learners:
        predicted = [told_apart(learner, names, unit, *pictures[word]) for word, unit in UNITS.items()]
        print_row(learner, *(f"{area:.2f} ({share:.0%})" for area, share in predicted))
    print()
    print_header("learner", "faces", "sum of units", "which")
    for learner in learners:
        units = [np.asarray(ask(learner, crops).coefficients["expression"]) for crops in (resting, real)]
        levels_of = {
            "rendered at rest, mean": units[0].mean(axis=0),
            "photographs, median": np.median(units[1], axis=0),
        }
        for label, levels in levels_of.items():
            print_row(learner, label, f"{levels.sum():.2f}", said_at_rest(names, levels))


def told_apart(learner: str, names: Sequence[str], unit: str, strong: Images, others: Images) -> tuple[float, float]:
    """How well a learner separates strong pictures [N, S, S, 3] from others, and the share of the unit given."""
    answers = (np.asarray(ask(learner, crops).coefficients["expression"]) for crops in (strong, others))
    more, less = (units[:, sides(names, unit)].mean(axis=1) for units in answers)
    return area_under_curve(more, less), float((more.mean() - less.mean()) / np.mean(STRONG))


def as_they_are(data: TrainingData, photographs: Int64s) -> Images:
    """Canonical crops [N, S, S, 3] of photographs."""
    return np.stack([data.folder.canonical(int(row), SIZE) for row in data.rows[photographs]])


def kind(name: str) -> str:
    """A unit without its side."""
    whole = name.removesuffix("Left").removesuffix("Right")
    return name if whole in SIDEWAYS else whole


def sides(names: Sequence[str], unit: str) -> list[int]:
    """Where a unit is among names: left and right, or itself."""
    return [k for k, name in enumerate(names) if kind(name) == unit]


def pictures_with(renderer: Renderer, photographs: Int64s, unit: str) -> tuple[Images, Images]:
    """Crops [N, S, S, 3] of photographs with a unit strong, and without it; other units are random."""
    names, others = renderer.surface.model.expression_names, renderer.photographs.expressions
    rng = np.random.default_rng((renderer.seed, *map(ord, unit)))
    strong, without = (
        np.stack([draw_expression(names, others, rng) for _ in photographs]) for _ in ("strong", "without")
    )
    for none in (unit, *AGAINST[unit]):
        strong[:, sides(names, none)] = without[:, sides(names, none)] = 0
    strong[:, sides(names, unit)] = rng.uniform(*STRONG, (len(photographs), 1))
    return rendered(renderer, photographs, strong), rendered(renderer, photographs, without)


def rendered(renderer: Renderer, photographs: Int64s, expressions: Floats) -> Images:
    """Canonical crops [N, S, S, 3] of photographs with random heads and expressions [N, E]."""
    crops = []
    for number, (index, expression) in enumerate(zip(photographs, expressions, strict=True)):
        rng = np.random.default_rng((renderer.seed, number))
        head = renderer.priors[0].draw(rng)
        sample = renderer.with_head(int(index), head, rng, far_turns=0.0, expression=expression)
        crops.append(canonical(sample))
    return np.stack(crops)


def said_at_rest(names: Sequence[str], levels: Floats) -> str:
    """The units [E] that faces at rest are given, the largest first, left and right together."""
    means = {unit: float(levels[sides(names, unit)].mean()) for unit in {kind(name) for name in names}}
    predicted = sorted(
        (item for item in means.items() if item[1] >= WORTH_SAYING), key=lambda item: (-item[1], item[0])
    )
    return ", ".join(f"{unit} {level:.2f}" for unit, level in predicted)
