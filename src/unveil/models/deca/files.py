"""The files of DECA and FLAME: what each is, whose, and where it is found."""

from __future__ import annotations

from unveil.assets.model_file import ModelFile

NAME = "deca"  # of the family
FLAME_LICENCE = "FLAME's model licence, non-commercial research"
DECA_LICENCE = "DECA's licence, non-commercial research"
FLAME_PAGE = "https://flame.is.tue.mpg.de/download.php"
DECA_DATA = "https://github.com/yfeng95/DECA/tree/master/data"
CONVERT = "unveil assets convert deca"

MODEL = ModelFile(
    family=NAME,
    name="generic_model.pkl",
    what="the FLAME 2020 head model",
    kind="pickle",
    publisher="Max Planck Institute for Intelligent Systems",
    licence=FLAME_LICENCE,
    page=FLAME_PAGE,
    registration=True,
    folders=("FLAME2020",),
    arrays={
        "v_template": (None, 3),
        "shapedirs": (None, 3, 400),
        "posedirs": (None, 3, 36),
        "J_regressor": (5, None),
        "kintree_table": (2, 5),
        "weights": (None, 5),
        "f": (None, 3),
    },
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
    kind="torch",
    publisher="Max Planck Institute for Intelligent Systems",
    licence=DECA_LICENCE,
    page="https://github.com/yfeng95/DECA (its fetch_data.sh names the download)",
    arrays={"E_flame": (), "E_detail": (), "D_detail": ()},
)
LANDMARKS = ModelFile(
    family=NAME,
    name="landmark_embedding.npy",
    what="where the 68 landmarks lie on FLAME",
    kind="npy-dict",
    publisher="DECA's repository",
    licence=DECA_LICENCE,
    page=DECA_DATA,
    arrays={
        "static_lmk_faces_idx": (51,),
        "static_lmk_bary_coords": (51, 3),
        "dynamic_lmk_faces_idx": (79, 17),
        "dynamic_lmk_bary_coords": (79, 17, 3),
        "full_lmk_faces_idx": (68,),
        "full_lmk_bary_coords": (68, 3),
    },
)
TEMPLATE = ModelFile(
    family=NAME,
    name="head_template.obj",
    what="FLAME's template with texture coordinates",
    kind="obj",
    publisher="DECA's repository",
    licence=DECA_LICENCE,
    page=DECA_DATA,
)
FIXED_DISPLACEMENT = ModelFile(
    family=NAME,
    name="fixed_displacement_256.npy",
    what="the displacement that is the same for everybody",
    kind="npy",
    publisher="DECA's repository",
    licence=DECA_LICENCE,
    page=DECA_DATA,
    arrays={"": (256, 256)},
)
DETAIL_MASK = ModelFile(
    family=NAME,
    name="uv_face_eye_mask.png",
    what="the texels that details move",
    kind="picture",
    publisher="DECA's repository",
    licence=DECA_LICENCE,
    page=DECA_DATA,
)
FACE_MASK = ModelFile(
    family=NAME,
    name="uv_face_mask.png",
    what="the texels of the face",
    kind="picture",
    publisher="DECA's repository",
    licence=DECA_LICENCE,
    page=DECA_DATA,
)
DENSE_MESH = ModelFile(
    family=NAME,
    name="texture_data_256.npy",
    what="DECA's dense mesh for details; without it the template's texture coordinates give one",
    kind="npy-dict",
    publisher="DECA's authors",
    licence=DECA_LICENCE,
    page="https://github.com/yfeng95/DECA",
    required=False,
)
ALBEDO_FROM_BFM = ModelFile(
    family=NAME,
    name="FLAME_albedo_from_BFM.npz",
    what="the albedo space converted from the Basel Face Model",
    kind="npz",
    publisher="made by the user with BFM_to_FLAME from the Basel Face Model 2017",
    licence="the Basel Face Model's licence, non-commercial research",
    page="https://github.com/TimoBolkart/BFM_to_FLAME",
    registration=True,
    required=False,
    arrays={"MU": (), "PC": (199,)},
)
ALBEDO = ModelFile(
    family=NAME,
    name="FLAME_texture.npz",
    what="FLAME's own albedo space",
    kind="npz",
    publisher="Max Planck Institute for Intelligent Systems",
    licence="FLAME's texture space licence (CC BY-NC-SA 4.0)",
    page=FLAME_PAGE,
    registration=True,
    required=False,
    arrays={"mean": (None, None, 3), "tex_dir": (None, None, 3, 200)},
)
ENCODERS = ModelFile(
    family=NAME,
    name="deca_encoders.onnx",
    what="DECA's encoders for use without torch",
    kind="onnx",
    publisher="made by the user from deca_model.tar",
    licence=DECA_LICENCE,
    page="docs/deca.md",
    required=False,
    made_by=CONVERT,
)
DETAIL_DECODER = ModelFile(
    family=NAME,
    name="deca_detail_decoder.onnx",
    what="DECA's detail decoder for use without torch",
    kind="onnx-detail",
    publisher="made by the user from deca_model.tar",
    licence=DECA_LICENCE,
    page="docs/deca.md",
    required=False,
    made_by=CONVERT,
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
