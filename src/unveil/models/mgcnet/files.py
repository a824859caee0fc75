"""The files of MGCNet: what each is, whose, and where it is found."""

from __future__ import annotations

from unveil.assets.model_file import BFM_LICENCE, ModelFile

NAME = "mgcnet"  # of the family
MGCNET_PAGE = "https://github.com/jiaxiangshang/MGCNet"
MGCNET_LICENCE = "none stated in its repository; for research, as the Basel Face Model"
CONVERT = "unveil assets convert mgcnet"

WEIGHTS = ModelFile(
    family=NAME,
    name="mgcnet.safetensors",
    what="MGCNet's network",
    publisher="made by the user from the checkpoint",
    licence=MGCNET_LICENCE,
    page="docs/mgcnet.md",
    folders=("model",),
    made_by=CONVERT,
)
MODEL = ModelFile(
    family=NAME,
    name="mgcnet_bfm09.npz",
    what="MGCNet's Basel Face Model",
    publisher="made by the user from bfm09_trim_exp_uv_presplit.h5",
    licence=BFM_LICENCE,
    page="docs/mgcnet.md",
    folders=("model",),
    made_by=CONVERT,
)
CHECKPOINT = ModelFile(
    family=NAME,
    name="model-400000.index",
    what="MGCNet's trained network, a TensorFlow checkpoint, with the .data file beside it; only to convert",
    publisher="MGCNet's authors",
    licence=MGCNET_LICENCE,
    page=f"{MGCNET_PAGE} (its README names the download)",
    required=False,
    folders=("model",),
    pattern="*.index",
)
PUBLISHED_MODEL = ModelFile(
    family=NAME,
    name="bfm09_trim_exp_uv_presplit.h5",
    what="the Basel Face Model 2009 with expressions, as MGCNet was trained with it; only to convert",
    publisher="MGCNet's authors, from the Basel Face Model 2009",
    licence=BFM_LICENCE,
    page=f"{MGCNET_PAGE} (its README names the download)",
    required=False,
    folders=("model",),
)
FILES = (WEIGHTS, MODEL, CHECKPOINT, PUBLISHED_MODEL)
