"""The files of 3DDFA_V2: what each is, whose, and where it is found."""

from __future__ import annotations

from functools import partial

from unveil.assets.model_file import BFM_LICENCE, ModelFile

NAME = "3ddfa"  # of the family
TDDFA_RAW = "https://raw.githubusercontent.com/cleardusk/3DDFA_V2"
TDDFA_PAGE = "https://github.com/cleardusk/3DDFA_V2/tree/master"
TDDFA_COMMIT = "1b6c67601abffc1e9f248b291708aef0e43b55ae"

_under_mit = partial(ModelFile, family=NAME, publisher="3DDFA_V2's repository", licence="MIT")

HALF_CHECKPOINT = _under_mit(
    name="mb05_120x120.pth",
    what="3DDFA_V2's network, MobileNet-V1 at half width",
    page=f"{TDDFA_PAGE}/weights",
    url=f"{TDDFA_RAW}/dc9d1ba5051e391a173d9e5969e2cb5f549f649f/weights/mb05_120x120.pth",
    sha256="f93ed7f1c4c0382b16d7c18480a5f67473c1917a47475a9823924f38aeb27280",
    folders=("weights",),
    or_else=("mb1_120x120.pth", "mb1_120x120.onnx", "mb05_120x120.onnx"),
)
FULL_CHECKPOINT = _under_mit(
    name="mb1_120x120.pth",
    what="3DDFA_V2's network, MobileNet-V1 at full width, which is taken where it is there",
    page=f"{TDDFA_PAGE}/weights",
    url=f"{TDDFA_RAW}/{TDDFA_COMMIT}/weights/mb1_120x120.pth",
    sha256="a45a946c6e9b16f8d3cf2e69376da9560a7cf9afae671bebceb7e437a405ea79",
    required=False,
    folders=("weights",),
)
FULL_ONNX = _under_mit(
    name="mb1_120x120.onnx",
    what="3DDFA_V2's network, MobileNet-V1 at full width, for use without torch",
    page=f"{TDDFA_PAGE}/weights (its readme.md names the downloads)",
    required=False,
    folders=("weights",),
    made_by="unveil assets convert 3ddfa",
)
HALF_ONNX = _under_mit(
    name="mb05_120x120.onnx",
    what="3DDFA_V2's network, MobileNet-V1 at half width, for use without torch",
    page=f"{TDDFA_PAGE}/weights (its readme.md names the downloads)",
    required=False,
    folders=("weights",),
    made_by="unveil assets convert 3ddfa",
)
STATISTICS = _under_mit(
    name="param_mean_std_62d_120x120.pkl",
    what="mean and standard deviation of 3DDFA_V2's 62 parameters",
    page=f"{TDDFA_PAGE}/configs",
    url=f"{TDDFA_RAW}/42b3abd1f1a4bbee26673d51cbd9085b798ad677/configs/param_mean_std_62d_120x120.pkl",
    sha256="090d7150f77cb66c29ddae21e4508fbde59123dcd1dea7facc24a7ed06d1c795",
    folders=("configs",),
)
MODEL = ModelFile(
    family=NAME,
    name="bfm_noneck_v3.pkl",
    what="the Basel Face Model without ears and neck",
    publisher="3DDFA_V2's repository, from the Basel Face Model 2009",
    licence=BFM_LICENCE,
    page=f"{TDDFA_PAGE}/configs",
    sha256="89ac96480eddc331120f2c8401737c55a5fcc97b10f8a64574e63976c3d246ca",
    folders=("configs",),
    or_else=("bfm_noneck_v3_slim.pkl",),
)
TRIANGLES = _under_mit(
    name="tri.pkl",
    what="the triangles of bfm_noneck_v3.pkl, whose own are of another mesh",
    page=f"{TDDFA_PAGE}/configs",
    url=f"{TDDFA_RAW}/{TDDFA_COMMIT}/configs/tri.pkl",
    sha256="0562a594d8369f7d1c86306522ff76fd3a2c81cf90ba9443893c1191ad0abbb8",
    folders=("configs",),
    or_else=("bfm_noneck_v3_slim.pkl",),
)
SLIM_MODEL = ModelFile(
    family=NAME,
    name="bfm_noneck_v3_slim.pkl",
    what="the same face model with fewer vertices, taken where bfm_noneck_v3.pkl is not there",
    publisher="3DDFA_V2's repository, from the Basel Face Model 2009",
    licence=BFM_LICENCE,
    page=f"{TDDFA_PAGE}/configs (its readme.md names the download)",
    required=False,
    folders=("configs",),
)
FILES = (HALF_CHECKPOINT, FULL_CHECKPOINT, FULL_ONNX, HALF_ONNX, STATISTICS, MODEL, TRIANGLES, SLIM_MODEL)
