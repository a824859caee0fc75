"""How well a network says what is around heads, in photographs of people held out and in these with changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tools.surroundings.changed import View, bald, before_another_wall, coarse, covered, recoloured
from tools.surroundings.labels import UNKNOWN, of_ours
from tools.surroundings.views import Views
from unveil import markdown
from unveil.appearance.hair.surroundings import explained
from unveil.heads.surroundings import HAIR, OCCLUDER, SEGMENTS, SKIN, SURROUNDINGS, SurroundingsNetworks
from unveil.photos.cielab import to_cielab
from unveil.typing import Float32s, Float64s

LIGHTNESSES = (45, 60)  # L* of skin in the photograph, that set groups of people apart
COVERED = 0.3  # share of a scalp that a hat covers at least
FEWEST = 30  # pixels of a scalp that are enough to judge it
MOSTLY, IN_PART = 0.5, 0.05  # shares
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
    true, found = view.classes[known], networks.surroundings(view.channels(networks.segmentation)).argmax(axis=0)[known]
    kinds = np.arange(len(SURROUNDINGS))[:, None]
    both, either = (true == kinds) & (found == kinds), (true == kinds) | (found == kinds)
    return np.stack([both.sum(axis=1), either.sum(axis=1), (true == kinds).sum(axis=1)]).astype(np.float64)


def table_of_heads(views: Views, networks: SurroundingsNetworks) -> Iterator[str]:
    """How well the scalps of people are told as reconstructions use it, by how light skin is in the photograph."""
    groups: list[list[_Scalp]] = [[] for _ in range(len(LIGHTNESSES) + 1)]
    for number in range(len(views)):
        view = View.of(views, number)
        skin = coarse(view.picture)[view.classes == SKIN]
        scalp = _scalp(view, networks)
        if scalp is not None and len(skin):
            groups[int(np.searchsorted(LIGHTNESSES, np.median(to_cielab(skin)[:, 0])))].append(scalp)
    yield from markdown.header(
        [
            "L* of skin",
            "hair: intersection over union",
            "hair taken for a hat",
            "hats found",
            "bald scalp that gets hair",
        ]
    )
    names = [f"up to {LIGHTNESSES[0]}", f"{LIGHTNESSES[0]} to {LIGHTNESSES[1]}", f"from {LIGHTNESSES[1]}", "all"]
    for name, scalps in zip(names, [*groups, [scalp for group in groups for scalp in group]], strict=True):
        yield markdown.row([name, *_told(scalps)])


def alone(networks: SurroundingsNetworks) -> SurroundingsNetworks:
    """What the larger network says, without the smaller one."""

    def surroundings(channels: Float32s) -> Float32s:
        found = channels[-len(SEGMENTS[1:]) :]
        return of_ours(np.concatenate([1 - found.sum(axis=0, keepdims=True), found]))

    return networks._replace(surroundings=surroundings)


def _told(scalps: Sequence[_Scalp]) -> list[str]:
    hats = [scalp.hat_found for scalp in scalps if scalp.covered > COVERED]
    hairy = [scalp for scalp in scalps if scalp.covered <= COVERED and scalp.hair >= FEWEST]
    both, either = np.sum([scalp.of_hair for scalp in hairy], axis=0) if hairy else (0, 0)
    errs = np.count_nonzero(np.array([scalp.hair_as_hat for scalp in hairy]) > IN_PART)
    bald = [scalp.skin_as_hair for scalp in scalps if scalp.bare > MOSTLY and scalp.hair < FEWEST]
    return [
        f"{both / max(either, 1):.3f}",
        f"{errs} of {len(hairy)}",
        f"{np.count_nonzero(np.array(hats) > MOSTLY)} of {len(hats)}",
        f"{100 * np.mean(bald):.0f} % of {len(bald)}" if bald else "",
    ]


class _Scalp(NamedTuple):
    """The scalp of somebody, as far as it is clear what is there; shares unless said otherwise."""

    covered: float  # by a hat or something else
    bare: float
    hair: int  # pixels
    hat_found: float  # of what covers it
    hair_as_hat: float
    skin_as_hair: float
    of_hair: tuple[int, int]  # pixels that both the labels and the networks, and that either takes for hair, anywhere


def _scalp(view: View, networks: SurroundingsNetworks) -> _Scalp | None:
    """How the scalp in a view is told; None if hardly any is clear."""
    seen, true = view.seen(networks.segmentation), view.classes
    found = explained(seen, networks.surroundings(seen.channels)).argmax(axis=0)
    known = true != UNKNOWN
    scalp = seen.scalp & known
    if np.count_nonzero(scalp) < FEWEST:
        return None

    def share(of: int, told: int | None = None) -> float:
        there = scalp & (true == of) if told is not None else scalp
        what = found == told if told is not None else true == of
        return float(np.mean(what[there])) if there.any() else 0.0

    hair, as_hair = (true == HAIR) & known, (found == HAIR) & known
    return _Scalp(
        share(OCCLUDER),
        share(SKIN),
        np.count_nonzero(scalp & hair),
        share(OCCLUDER, OCCLUDER),
        share(HAIR, OCCLUDER),
        share(SKIN, HAIR),
        (np.count_nonzero(hair & as_hair), np.count_nonzero(hair | as_hair)),
    )
