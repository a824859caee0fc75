"""A page to look at: would a friend know whose head is whose?

24 people of the test split, each with a photograph and the neutral head in grey, from the front and turned. The
photographs are research data: look at the page, and do not hand it on.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import numpy as np

from tools.known_heads.asking import ask
from tools.known_heads.renders import SIZE
from unveil.drawing.contact_sheet import contact_sheet
from unveil.drawing.render import render_head
from unveil.geometry.rotation import euler_to_matrix
from unveil.photos.io import write_image
from unveil.training.crops.prepared import TEST
from unveil.training.data import TrainingData
from unveil.typing import Float64s, Image, Int64s

PEOPLE, ROWS, TILE = 24, 8, 180
ENLARGED = 1.55  # pictures of heads, of which a tile shows a part
DOWN, TURNED_ACROSS = 0.75, 0.95  # where in them the tile lies: 0.5 is the middle
THREE_QUARTER = np.radians([0.0, 40.0, 0.0])  # pitch, yaw, roll


def page(data: TrainingData, learner: str, out: Path, *, frames: int) -> None:
    """Draw the people; each head is the mean of what is seen in so many ``frames`` of the person."""
    tiles = []
    for name, indices in chosen(data):
        crops = np.stack([data.folder.canonical(int(row), SIZE) for row in data.rows[indices[:frames]]])
        shape = np.asarray(ask(learner, crops).coefficients["shape"], np.float64).mean(axis=0)
        tiles.append([(crops[0], name), *heads(data, np.asarray(data.model.head.neutral(shape)))])
    across = -(-len(tiles) // ROWS)
    rows = [list(chain(*tiles[k : k + across])) for k in range(0, len(tiles), across)]
    write_image(out, contact_sheet(rows, TILE))
    print(f"{out}: {len(tiles)} people")


def chosen(data: TrainingData) -> list[tuple[str, Int64s]]:
    """People spread over the test split, with their frames, the one most from the front first."""
    indices = data.indices(TEST)
    person = data.folder.person[data.rows[indices]]
    names = np.unique(person)
    found = []
    for number in np.linspace(0, len(names), min(PEOPLE, len(names)), endpoint=False).astype(int):
        theirs = indices[person == names[number]]
        turned = np.linalg.norm(data.coefficients["pose"][theirs, :3], axis=1)
        found.append((str(number), theirs[np.argsort(turned)]))
    return found


def heads(data: TrainingData, vertices: Float64s) -> list[tuple[Image, str]]:
    """A neutral head [V, 3] from the front and turned."""
    turn, tiles = np.asarray(euler_to_matrix(THREE_QUARTER)), []
    for rotation, across in ((None, 0.5), (turn, TURNED_ACROSS)):
        picture = render_head(vertices, data.model.faces, round(ENLARGED * TILE), rotation)
        top, left = (round(share * (len(picture) - TILE)) for share in (DOWN, across))
        tiles.append((picture[top : top + TILE, left : left + TILE], ""))
    return tiles
