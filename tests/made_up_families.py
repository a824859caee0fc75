"""Every family with small made-up files, and made-up heads of it, for what is to hold for all of them."""

import atexit
import shutil
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp

import made_up_flame
import made_up_tddfa
import numpy as np

from unveil.geometry.rotation import axis_angle_to_matrix
from unveil.heads.layout import CoefficientLayout, Coefficients
from unveil.heads.model import MorphableModel
from unveil.models.registry import FAMILIES

NAMES = tuple(FAMILIES)


@lru_cache
def assets(name: str, *, networks: bool = True) -> Path | None:
    """A folder with what the family's head and, with torch, its networks are read from; do not write into it."""
    folder = Path(mkdtemp(prefix=f"unveil-{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # 136 MB of a family with networks
    if name == "deca":
        return made_up_flame.write_data_folder(folder, checkpoint=networks)
    if name == "3ddfa":
        return made_up_tddfa.write_folder(folder, *(["mb05"] if networks else []))
    if name == "mgcnet":
        import made_up_mgcnet  # needs safetensors

        return made_up_mgcnet.write_converted(folder)
    return None


@lru_cache
def model(name: str) -> MorphableModel:
    """The head model; shared, do not write into its arrays."""
    return FAMILIES[name].load_head(assets(name, networks=False))


def heads(model: MorphableModel, count: int, layout: CoefficientLayout | None = None) -> Coefficients:
    """People who are turned every way, with open jaws, away from the middle of the crop, in float64."""
    rng = np.random.default_rng(count)
    layout = layout or model.layout
    values = Coefficients(layout, rng.normal(0, 1, (count, layout.size)))
    turns = axis_angle_to_matrix(rng.normal(0, 0.5, (count, 3)))
    if model.name == "3ddfa":
        linear = rng.uniform(2e-4, 5e-4, (count, 1, 1)) * turns + rng.normal(0, 1e-5, (count, 3, 3))
        matrix = np.concatenate([linear, rng.normal([60, 60, 0], 10, (count, 3))[..., None]], axis=2)
        return values.replace(pose=matrix.reshape(count, 12), shape=1e4 * values["shape"])
    if model.name == "mgcnet":
        return values.replace(pose=rng.normal(0, 1, (count, 6)) * [0.3, 0.5, 0.3, 10, 10, 200])
    camera = np.stack([rng.uniform(4, 10, count), *rng.normal(0, 0.05, (2, count))], axis=1)
    return values.replace(pose=rng.normal(0, 0.5, (count, 6)), camera=camera)
