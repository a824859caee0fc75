"""The files of DECA and FLAME: what each is, whose, and where it is found."""

from __future__ import annotations

from functools import partial

from unveil.assets.model_file import ModelFile

NAME = "deca"  # of the family
FLAME_LICENCE = "FLAME's model licence, non-commercial research"
DECA_LICENCE = "DECA's licence, non-commercial research"
FLAME_PAGE = "https://flame.is.tue.mpg.de/download.php"
DECA_DATA = "https://github.com/yfeng95/DECA/tree/master/data"
CONVERT = "unveil assets convert deca"

_from_repository = partial(ModelFile, family=NAME, publisher="DECA's repository", licence=DECA_LICENCE, page=DECA_DATA)
_converted = partial(
    ModelFile,
    family=NAME,
    publisher="made by the user from deca_model.tar",
    licence=DECA_LICENCE,
    page="docs/deca.md",
    required=False,
    made_by=CONVERT,
)

MODEL = ModelFile(
    family=NAME,
    name="generic_model.pkl",
    what="the FLAME 2020 head model",
    publisher="Max Planck Institute for Intelligent Systems",
    licence=FLAME_LICENCE,
    page=FLAME_PAGE,
    registration=True,
    folders=("FLAME2020",),
    mistaken=tuple(
        f"{folder}{name}.pkl"
        for folder in ("", "FLAME2023/")
        for name in ("flame2023", "flame2023_no_jaw", "flame2023_Open")
    ),
    instead="FLAME 2023",
)
CHECKPOINT = ModelFile(
    family=NAME,
    name="deca_model.tar",
    what="DECA's trained networks",
    publisher="Max Planck Institute for Intelligent Systems",
    licence=DECA_LICENCE,
    page="https://github.com/yfeng95/DECA (its fetch_data.sh names the download)",
)
LANDMARKS = _from_repository(
    name="landmark_embedding.npy",
    what="where the 68 landmarks lie on FLAME",
)
TEMPLATE = _from_repository(
    name="head_template.obj",
    what="FLAME's template with texture coordinates",
)
FIXED_DISPLACEMENT = _from_repository(
    name="fixed_displacement_256.npy",
    what="the displacement that is the same for everybody",
)
DETAIL_MASK = _from_repository(
    name="uv_face_eye_mask.png",
    what="the texels that details move",
)
FACE_MASK = _from_repository(
    name="uv_face_mask.png",
    what="the texels of the face",
)
DENSE_MESH = ModelFile(
    family=NAME,
    name="texture_data_256.npy",
    what="DECA's dense mesh for details; without it the template's texture coordinates give one",
    publisher="DECA's authors",
    licence=DECA_LICENCE,
    page="https://github.com/yfeng95/DECA",
    required=False,
)
ALBEDO_FROM_BFM = ModelFile(
    family=NAME,
    name="FLAME_albedo_from_BFM.npz",
    what="the albedo space converted from the Basel Face Model",
    publisher="made by the user with BFM_to_FLAME from the Basel Face Model 2017",
    licence="the Basel Face Model's licence, non-commercial research",
    page="https://github.com/TimoBolkart/BFM_to_FLAME",
    registration=True,
    required=False,
)
ALBEDO = ModelFile(
    family=NAME,
    name="FLAME_texture.npz",
    what="FLAME's own albedo space",
    publisher="Max Planck Institute for Intelligent Systems",
    licence="FLAME's texture space licence (CC BY-NC-SA 4.0)",
    page=FLAME_PAGE,
    registration=True,
    required=False,
)
ENCODERS = _converted(
    name="deca_encoders.onnx",
    what="DECA's encoders for use without torch",
)
DETAIL_DECODER = _converted(
    name="deca_detail_decoder.onnx",
    what="DECA's detail decoder for use without torch",
)
FILES = (
    MODEL,
    CHECKPOINT,
    LANDMARKS,
    TEMPLATE,
    FIXED_DISPLACEMENT,
    DETAIL_MASK,
    FACE_MASK,
    DENSE_MESH,
    ALBEDO_FROM_BFM,
    ALBEDO,
    ENCODERS,
    DETAIL_DECODER,
)

GEOMETRY = (MODEL, LANDMARKS, TEMPLATE)  # what the head is read from
DETAILS = (FIXED_DISPLACEMENT, DETAIL_MASK, FACE_MASK)  # what the skin needs besides
ALBEDO_SPACES = (ALBEDO_FROM_BFM, ALBEDO)  # the first that is there is taken; it may be neither
NETWORKS = ("E_flame", "E_detail", "D_detail")  # in the checkpoint; what else it holds is not used
