"""Whether units are seen: photographs with heads that frown, blink, ... against others that do anything else.

Each photograph is rendered twice with a random head and a random expression: once with the unit strong, once without
it. The table gives the probability that a learner gives more of the unit to the first kind than to the second (area
under the ROC curve; one half is chance). ``at rest`` lists the units that it gives to photographs that are rendered
without any expression, where all should be 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tools.known_heads.asking import ask
from tools.known_heads.renders import canonical, photographs_of, renderer_of, spread
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
STRONG = (0.5, 1.0)
WORTH_SAYING = 0.02  # of a unit at rest


def expressions(data: TrainingData, learners: Sequence[str], *, count: int, seed: int) -> None:
    """Print how well units are seen on ``count`` photographs, each with and without every unit."""
    renderer = renderer_of(data, seed=seed)
    photographs = spread(photographs_of(renderer, TEST), count)
    names = data.model.expression_names
    pictures = {word: pictures_with(renderer, photographs, sides(names, unit)) for word, unit in UNITS.items()}
    resting = rendered(renderer, photographs, np.zeros((count, len(names))))
    print(f"{count} photographs, each with and without a unit; area under the ROC curve")
    print_header("learner", *UNITS)
    at_rest = []
    for learner in learners:
        areas = []
        for word, (strong, others) in pictures.items():
            given = [
                unit_of(ask(learner, crops).coefficients["expression"], sides(names, UNITS[word]))
                for crops in (strong, others)
            ]
            areas.append(f"{area_under_curve(*given):.2f}")
        print_row(learner, *areas)
        at_rest.append((learner, ask(learner, resting).coefficients["expression"].mean(axis=0)))
    print()
    print_header("learner", "sum of units at rest", "which")
    for learner, means in at_rest:
        print_row(learner, f"{means.sum():.2f}", said_at_rest(names, means))


def sides(names: Sequence[str], unit: str) -> list[int]:
    """Where a unit is among names: left and right, or itself."""
    return [k for k, name in enumerate(names) if name.removesuffix("Left").removesuffix("Right") == unit]


def unit_of(expression: Floats, places: Sequence[int]) -> Floats:
    """The mean [N] of some units of expressions [N, E]."""
    return np.asarray(np.asarray(expression)[:, list(places)].mean(axis=1))


def pictures_with(renderer: Renderer, photographs: Int64s, places: Sequence[int]) -> tuple[Images, Images]:
    """Crops [N, S, S, 3] of photographs with units strong, and without them; other units by lot."""
    rng = np.random.default_rng((renderer.seed, *places))
    units = np.stack(
        [
            draw_expression(renderer.surface.model.expression_names, renderer.photographs.expressions, rng)
            for _ in range(2 * len(photographs))
        ]
    )
    units[:, list(places)] = 0
    units[: len(photographs), list(places)] = rng.uniform(*STRONG, (len(photographs), 1))
    return rendered(renderer, photographs, units[: len(photographs)]), rendered(
        renderer, photographs, units[len(photographs) :]
    )


def rendered(renderer: Renderer, photographs: Int64s, expressions: Floats) -> Images:
    """Canonical crops [N, S, S, 3] of photographs with heads by lot and expressions [N, E]."""
    crops = []
    for number, (index, expression) in enumerate(zip(photographs, expressions, strict=True)):
        rng = np.random.default_rng((renderer.seed, number))
        head = renderer.priors[0].draw(rng)
        sample = renderer.with_head(int(index), head, rng, far_turns=0.0, expression=expression)
        crops.append(canonical(sample))
    return np.stack(crops)


def said_at_rest(names: Sequence[str], means: Floats) -> str:
    """The units [E] that are given to faces at rest, the largest first, left and right together."""
    kinds = sorted({name.removesuffix("Left").removesuffix("Right") for name in names})
    levels = {kind: float(np.mean([means[k] for k in sides(names, kind)])) for kind in kinds}
    told = sorted((item for item in levels.items() if item[1] >= WORTH_SAYING), key=lambda item: -item[1])
    return ", ".join(f"{kind} {level:.2f}" for kind, level in told)
