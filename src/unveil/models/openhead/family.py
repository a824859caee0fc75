"""The open family, whose files the package carries: the learner that ships, and its head model."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from unveil.assets.store import packaged
from unveil.heads.model import MorphableModel
from unveil.heads.surroundings import SurroundingsNetworks
from unveil.models.encoder import Encoder
from unveil.models.family import Family
from unveil.models.openhead import head, skin, variation
from unveil.models.openhead.networks import PackagedSegmentation, PackagedSurroundings
from unveil.models.variation import ShapeVariation

FLOAT = "openhead_learner.onnx"
LEARNERS = {"openhead": "openhead_learner_int8.onnx", "openhead-float32": FLOAT}  # files by the names that users give


class Openhead(Family):
    """openhead and its learner."""

    name = "openhead"
    networks = tuple(LEARNERS)
    layouts = (head.GEOMETRY_LAYOUT, head.LAYOUT)

    def open_encoder(self, network: str = "openhead", assets: Path | None = None) -> Encoder:
        """The packaged learner, in 8 bits unless its twin in single precision is asked for."""
        from unveil.models.onnx import CoefficientModel

        return CoefficientModel(packaged(LEARNERS[network]))

    def load_head(self, assets: Path | None = None) -> MorphableModel:
        """The packaged head model."""
        return packaged_head()

    def shape_variation(self) -> ShapeVariation:
        """As the packaged learner says shapes; others of openhead are taken to be like it."""
        return variation.load(packaged("openhead_people.npz"))


@lru_cache(maxsize=1)
def packaged_head() -> MorphableModel:
    """openhead with what is known of its skin, and of what is around heads; it is shared."""
    space = skin.load(packaged("openhead_skin.npz"), packaged("openhead_completion.onnx"))
    around = SurroundingsNetworks(
        PackagedSegmentation(packaged("selfie_multiclass.onnx")),
        PackagedSurroundings(packaged("openhead_surroundings.onnx")),
    )
    return replace(head.load(packaged("openhead.npz")), skin=space, surroundings=around)


def learner_path() -> Path:
    """The ONNX file of the packaged learner in single precision, which training goes on from."""
    return packaged(FLOAT)
