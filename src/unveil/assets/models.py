"""The files of research models, which users bring themselves: what each is, whose, and where it is found."""

from __future__ import annotations

from dataclasses import dataclass, field

from unveil.errors import UnveilError

FLAME_LICENCE = "FLAME's model licence, non-commercial research"
DECA_LICENCE = "DECA's licence, non-commercial research"
FLAME_PAGE = "https://flame.is.tue.mpg.de/download.php"
DECA_DATA = "https://github.com/yfeng95/DECA/tree/master/data"
TDDFA_RAW = "https://raw.githubusercontent.com/cleardusk/3DDFA_V2"
TDDFA_PAGE = "https://github.com/cleardusk/3DDFA_V2/tree/master"
TDDFA_COMMIT = "1b6c67601abffc1e9f248b291708aef0e43b55ae"
BFM_LICENCE = "the Basel Face Model's licence, academic use"
CONVERT = "unveil assets convert deca"
CONVERT_MGCNET = "unveil assets convert mgcnet"
MGCNET_PAGE = "https://github.com/jiaxiangshang/MGCNet"
MGCNET_LICENCE = "none stated in its repository; for research, as the Basel Face Model"
Shape = tuple[int | None, ...]  # the last dimensions; None: any length
BFM_ARRAYS: dict[str, Shape] = {"u": (1,), "w_shp": (None,), "w_exp": (None,), "keypoints": (204,)}


@dataclass(frozen=True)
class ModelFile:
    """One file of a research model.

    ``kind`` says how it is opened: ``pickle`` (a dictionary), ``pickle-array``, ``npy`` (an array), ``npy-dict`` (a
    pickled dictionary), ``npz``, ``torch`` (a checkpoint), ``obj``, ``picture``, ``onnx`` (an encoder),
    ``onnx-detail``, ``onnx-3ddfa``, ``safetensors``, ``tensorflow`` (the index of a checkpoint), ``hdf5``. ``arrays``
    are what it must hold, each with its last dimensions; ``""`` is the one array of an ``npy`` or a ``pickle-array``.
    """

    name: str
    what: str
    kind: str
    publisher: str
    licence: str
    page: str  # where the user finds it
    registration: bool = False
    required: bool = True
    or_else: tuple[str, ...] = ()  # files of which any one serves instead
    url: str = ""  # where `assets get` downloads it; empty where only the user may or can
    sha256: str = ""  # of the published file, where there is but one and it is known; always with a ``url``
    pattern: str = ""  # of other names; the file is taken that alone has one in its folder
    folders: tuple[str, ...] = ()  # where else its publisher leaves it, relative to the model's folder
    arrays: dict[str, Shape] = field(default_factory=dict)
    made_by: str = ""  # the command that makes it from the others
    mistaken: tuple[str, ...] = ()  # names of files that users have instead of it
    instead: str = ""  # what those are

    @property
    def how_to_get(self) -> str:
        """One clause that tells the user what to do."""
        if self.made_by:
            return f"run `{self.made_by}`"
        if self.url:
            return "run `unveil assets get`"
        return f"get it from {self.page}" + (" (registration needed)" if self.registration else "")


DECA = (
    ModelFile(
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
    ),
    ModelFile(
        name="deca_model.tar",
        what="DECA's trained networks",
        kind="torch",
        publisher="Max Planck Institute for Intelligent Systems",
        licence=DECA_LICENCE,
        page="https://github.com/yfeng95/DECA (its fetch_data.sh names the download)",
        arrays={"E_flame": (), "E_detail": (), "D_detail": ()},
    ),
    ModelFile(
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
    ),
    ModelFile(
        name="head_template.obj",
        what="FLAME's template with texture coordinates",
        kind="obj",
        publisher="DECA's repository",
        licence=DECA_LICENCE,
        page=DECA_DATA,
    ),
    ModelFile(
        name="fixed_displacement_256.npy",
        what="the displacement that is the same for everybody",
        kind="npy",
        publisher="DECA's repository",
        licence=DECA_LICENCE,
        page=DECA_DATA,
        arrays={"": (256, 256)},
    ),
    ModelFile(
        name="uv_face_eye_mask.png",
        what="the texels that details move",
        kind="picture",
        publisher="DECA's repository",
        licence=DECA_LICENCE,
        page=DECA_DATA,
    ),
    ModelFile(
        name="uv_face_mask.png",
        what="the texels of the face",
        kind="picture",
        publisher="DECA's repository",
        licence=DECA_LICENCE,
        page=DECA_DATA,
    ),
    ModelFile(
        name="texture_data_256.npy",
        what="DECA's dense mesh for details; without it the template's texture coordinates give one",
        kind="npy-dict",
        publisher="DECA's authors",
        licence=DECA_LICENCE,
        page="https://github.com/yfeng95/DECA",
        required=False,
    ),
    ModelFile(
        name="FLAME_albedo_from_BFM.npz",
        what="the albedo space converted from the Basel Face Model",
        kind="npz",
        publisher="made by the user with BFM_to_FLAME from the Basel Face Model 2017",
        licence="the Basel Face Model's licence, non-commercial research",
        page="https://github.com/TimoBolkart/BFM_to_FLAME",
        registration=True,
        required=False,
        arrays={"MU": (), "PC": (199,)},
    ),
    ModelFile(
        name="FLAME_texture.npz",
        what="FLAME's own albedo space",
        kind="npz",
        publisher="Max Planck Institute for Intelligent Systems",
        licence="FLAME's texture space licence (CC BY-NC-SA 4.0)",
        page=FLAME_PAGE,
        registration=True,
        required=False,
        arrays={"mean": (None, None, 3), "tex_dir": (None, None, 3, 200)},
    ),
    ModelFile(
        name="deca_encoders.onnx",
        what="DECA's encoders for use without torch",
        kind="onnx",
        publisher="made by the user from deca_model.tar",
        licence=DECA_LICENCE,
        page="docs/deca.md",
        required=False,
        made_by=CONVERT,
    ),
    ModelFile(
        name="deca_detail_decoder.onnx",
        what="DECA's detail decoder for use without torch",
        kind="onnx-detail",
        publisher="made by the user from deca_model.tar",
        licence=DECA_LICENCE,
        page="docs/deca.md",
        required=False,
        made_by=CONVERT,
    ),
)
TDDFA = (
    ModelFile(
        name="mb05_120x120.pth",
        what="3DDFA_V2's network, MobileNet-V1 at half width",
        kind="torch",
        publisher="3DDFA_V2's repository",
        licence="MIT",
        page=f"{TDDFA_PAGE}/weights",
        url=f"{TDDFA_RAW}/dc9d1ba5051e391a173d9e5969e2cb5f549f649f/weights/mb05_120x120.pth",
        sha256="f93ed7f1c4c0382b16d7c18480a5f67473c1917a47475a9823924f38aeb27280",
        folders=("weights",),
        arrays={"state_dict": ()},
        or_else=("mb1_120x120.pth", "mb1_120x120.onnx", "mb05_120x120.onnx"),
    ),
    ModelFile(
        name="mb1_120x120.pth",
        what="3DDFA_V2's network, MobileNet-V1 at full width, which is taken where it is there",
        kind="torch",
        publisher="3DDFA_V2's repository",
        licence="MIT",
        page=f"{TDDFA_PAGE}/weights",
        url=f"{TDDFA_RAW}/{TDDFA_COMMIT}/weights/mb1_120x120.pth",
        sha256="a45a946c6e9b16f8d3cf2e69376da9560a7cf9afae671bebceb7e437a405ea79",
        required=False,
        folders=("weights",),
        arrays={"state_dict": ()},
    ),
    *(
        ModelFile(
            name=f"{name}_120x120.onnx",
            what=f"3DDFA_V2's network, MobileNet-V1 at {width} width, for use without torch",
            kind="onnx-3ddfa",
            publisher="3DDFA_V2's repository",
            licence="MIT",
            page=f"{TDDFA_PAGE}/weights (its readme.md names the downloads)",
            required=False,
            folders=("weights",),
            made_by="unveil assets convert 3ddfa",
        )
        for name, width in (("mb1", "full"), ("mb05", "half"))
    ),
    ModelFile(
        name="param_mean_std_62d_120x120.pkl",
        what="mean and standard deviation of 3DDFA_V2's 62 parameters",
        kind="pickle",
        publisher="3DDFA_V2's repository",
        licence="MIT",
        page=f"{TDDFA_PAGE}/configs",
        url=f"{TDDFA_RAW}/42b3abd1f1a4bbee26673d51cbd9085b798ad677/configs/param_mean_std_62d_120x120.pkl",
        sha256="090d7150f77cb66c29ddae21e4508fbde59123dcd1dea7facc24a7ed06d1c795",
        folders=("configs",),
        arrays={"mean": (62,), "std": (62,)},
    ),
    ModelFile(
        name="bfm_noneck_v3.pkl",
        what="the Basel Face Model without ears and neck",
        kind="pickle",
        publisher="3DDFA_V2's repository, from the Basel Face Model 2009",
        licence=BFM_LICENCE,
        page=f"{TDDFA_PAGE}/configs",
        sha256="89ac96480eddc331120f2c8401737c55a5fcc97b10f8a64574e63976c3d246ca",
        folders=("configs",),
        arrays=BFM_ARRAYS,
        or_else=("bfm_noneck_v3_slim.pkl",),
    ),
    ModelFile(
        name="tri.pkl",
        what="the triangles of bfm_noneck_v3.pkl, whose own are of another mesh",
        kind="pickle-array",
        publisher="3DDFA_V2's repository",
        licence="MIT",
        page=f"{TDDFA_PAGE}/configs",
        url=f"{TDDFA_RAW}/{TDDFA_COMMIT}/configs/tri.pkl",
        sha256="0562a594d8369f7d1c86306522ff76fd3a2c81cf90ba9443893c1191ad0abbb8",
        folders=("configs",),
        arrays={"": (3, None)},
        or_else=("bfm_noneck_v3_slim.pkl",),
    ),
    ModelFile(
        name="bfm_noneck_v3_slim.pkl",
        what="the same face model with fewer vertices, taken where bfm_noneck_v3.pkl is not there",
        kind="pickle",
        publisher="3DDFA_V2's repository, from the Basel Face Model 2009",
        licence=BFM_LICENCE,
        page=f"{TDDFA_PAGE}/configs (its readme.md names the download)",
        required=False,
        folders=("configs",),
        arrays=BFM_ARRAYS | {"tri": (3, None)},
    ),
)
MGCNET = (
    ModelFile(
        name="mgcnet.safetensors",
        what="MGCNet's network",
        kind="safetensors",
        publisher="made by the user from the checkpoint",
        licence=MGCNET_LICENCE,
        page="docs/mgcnet.md",
        folders=("model",),
        arrays={"conv1.convolution.weight": (3, 7, 7), "logits.convolution.weight": (257, None, 1, 1)},
        made_by=CONVERT_MGCNET,
    ),
    ModelFile(
        name="mgcnet_bfm09.npz",
        what="MGCNet's Basel Face Model",
        kind="npz",
        publisher="made by the user from bfm09_trim_exp_uv_presplit.h5",
        licence=BFM_LICENCE,
        page="docs/mgcnet.md",
        folders=("model",),
        arrays={
            "template": (None, 3),
            "shape": (80, None, 3),
            "expression": (64, None, 3),
            "colour_basis": (80, None, 3),
            "landmarks68": (68,),
        },
        made_by=CONVERT_MGCNET,
    ),
    ModelFile(
        name="model-400000.index",
        what="MGCNet's trained network, a TensorFlow checkpoint, with the .data file beside it; only to convert",
        kind="tensorflow",
        publisher="MGCNet's authors",
        licence=MGCNET_LICENCE,
        page=f"{MGCNET_PAGE} (its README names the download)",
        required=False,
        folders=("model",),
        pattern="*.index",
    ),
    ModelFile(
        name="bfm09_trim_exp_uv_presplit.h5",
        what="the Basel Face Model 2009 with expressions, as MGCNet was trained with it; only to convert",
        kind="hdf5",
        publisher="MGCNet's authors, from the Basel Face Model 2009",
        licence=BFM_LICENCE,
        page=f"{MGCNET_PAGE} (its README names the download)",
        required=False,
        folders=("model",),
    ),
)
FAMILIES: dict[str, tuple[ModelFile, ...]] = {"deca": DECA, "3ddfa": TDDFA, "mgcnet": MGCNET}


def family(name: str) -> tuple[ModelFile, ...]:
    """The files of a model family; UnveilError, naming the families, where there is none of this name."""
    if name not in FAMILIES:
        raise UnveilError(f"unknown model {name!r}; choose {' or '.join(FAMILIES)}")
    return FAMILIES[name]
