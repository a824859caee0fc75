"""How well a network says what is around heads, in photographs of people held out and in these with changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from tools.surroundings.changed import View, bald, before_another_wall, covered, person_in, recoloured
from tools.surroundings.labels import UNKNOWN
from tools.surroundings.views import Views
from unveil import markdown
from unveil.heads.surroundings import BACKGROUND, SKIN, SURROUNDINGS, PersonNetwork, SurroundingsNetworks
from unveil.photos.cielab import to_cielab
from unveil.typing import Float64s

LIGHTNESSES = (45, 60)  # L* of skin in the photograph, that set groups of people apart
Change = Callable[[View, Views, int, np.random.Generator], View]


def _without_hair(view: View, views: Views, number: int, rng: np.random.Generator) -> View:
    hairless = bald(view, views.bald[number], rng)
    return before_another_wall(hairless, _another(views, rng), rng)


def _another(views: Views, rng: np.random.Generator) -> View:
    return View.of(views, int(rng.integers(len(views))))


CHANGES: dict[str, Change] = {
    "as photographed": lambda view, *_: view,
    "hair of another colour": lambda view, _views, _number, rng: recoloured(view, rng),
    "before another wall": lambda view, views, _, rng: before_another_wall(view, _another(views, rng), rng),
    "bald, before another wall": _without_hair,
    "with a hat or another occluder": covered,
}


def table(views: Views, networks: SurroundingsNetworks, seed: int) -> Iterator[str]:
    """Intersection over union of each class, over all that is known, with every change."""
    yield from markdown.header(["", *SURROUNDINGS])
    for name, change in CHANGES.items():
        both, either, there = np.zeros((3, len(SURROUNDINGS)))
        for number in range(len(views)):
            rng = np.random.default_rng((seed, number))
            found = _counts(change(View.of(views, number), views, number, rng), networks)
            both, either, there = both + found[0], either + found[1], there + found[2]
        shares = both / np.maximum(either, 1)
        cells = (f"{share:.2f}" if some else "" for share, some in zip(shares, there, strict=True))
        yield markdown.row([name, *cells])


def _counts(view: View, networks: SurroundingsNetworks) -> Float64s:
    """Pixels of each class [3, 5] that both say, that either says, and that there are."""
    known = view.classes != UNKNOWN
    true, found = view.classes[known], networks.surroundings(view.channels(networks.person)).argmax(axis=0)[known]
    kinds = np.arange(len(SURROUNDINGS))[:, None]
    both, either = (true == kinds) & (found == kinds), (true == kinds) | (found == kinds)
    return np.stack([both.sum(axis=1), either.sum(axis=1), (true == kinds).sum(axis=1)]).astype(np.float64)


def table_of_people(views: Views, network: PersonNetwork) -> Iterator[str]:
    """How well a network tells people from what is behind, by how light their skin is in the photograph."""
    counts = np.zeros((len(LIGHTNESSES) + 1, 4))
    for picture, classes in zip(views.picture, views.classes, strict=True):
        known, skin = classes != UNKNOWN, classes == SKIN
        if not skin.any():
            continue
        true, found = (classes != BACKGROUND)[known], (person_in(picture, network) > 0.5)[known]
        group = int(np.searchsorted(LIGHTNESSES, np.median(to_cielab(picture)[skin][:, 0])))
        counts[group] += [1, (true & found).sum(), (true | found).sum(), (true & ~found).sum() / max(true.sum(), 1)]
    yield from markdown.header(["L* of skin", "photographs", "intersection over union", "of the person missed"])
    names = [f"up to {LIGHTNESSES[0]}", f"{LIGHTNESSES[0]} to {LIGHTNESSES[1]}", f"from {LIGHTNESSES[1]}"]
    for name, (count, both, either, missed) in zip(names, counts, strict=True):
        yield markdown.row(
            [name, f"{count:.0f}", f"{both / max(either, 1):.3f}", f"{100 * missed / max(count, 1):.1f} %"]
        )
