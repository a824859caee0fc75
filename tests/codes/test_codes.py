"""Crops to coefficients to geometry, through files."""

import errno
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import made_up
import numpy as np
import PIL.Image
import pytest
from constant_learner import fitting_coefficients, write_learner

import unveil
from unveil.codes.crops import open_crops, rescaled
from unveil.codes.decode import BATCH, Geometry, decode, narrow, write_geometry
from unveil.codes.encode import encode
from unveil.codes.file import Codes, read_codes, write_codes
from unveil.errors import UnveilError
from unveil.geometry.camera import to_pixels
from unveil.heads.layout import CoefficientLayout, Coefficients, Group, LayoutError
from unveil.heads.model import MorphableModel
from unveil.models.onnx import CoefficientModel
from unveil.models.openhead import head as openhead
from unveil.photos.crop import Crop
from unveil.typing import Float32s, Image

LAYOUT = CoefficientLayout("two", (Group("a", 1, "m"), Group("b", 2, "m")))


def picture(seed: int, side: int = 224) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def png(image: Image) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.parametrize("kind", ["folder", "tar", "npz", "npz with names"])
def test_folder_tar_and_npz_give_the_same_crops(tmp_path: Path, kind: str) -> None:
    images = [picture(k) for k in range(3)]
    names = [f"{k}.png" for k in range(3)]
    path = tmp_path / ("crops.tar" if kind == "tar" else "crops.npz")
    if kind == "folder":
        path = tmp_path
        for name, image in zip(names, images, strict=True):
            (tmp_path / name).write_bytes(png(image))
    elif kind == "tar":
        files = {name: png(image) for name, image in zip(names, images, strict=True)}
        write_tar(path, files | {"notes.txt": b"not a picture"})
    elif kind == "npz":
        np.savez(path, images=np.stack(images))
        names = ["0", "1", "2"]
    else:
        np.savez(path, images=np.stack(images), names=np.array(names))
    crops = open_crops(path)
    assert crops.names == tuple(names)
    for k in (2, 0, 1):
        np.testing.assert_array_equal(crops.read(k, 224), images[k])


def test_crops_of_inner_folders_are_named_by_their_place(tmp_path: Path) -> None:
    for name in ("b.png", "in/a.png", "in/deep/a.PNG"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(png(picture(0)))
    said: list[str] = []
    assert open_crops(tmp_path, said.append).names == ("b.png",)
    assert said == [f"left out of {tmp_path}: 1 folder (--recursive looks inside)"]
    assert open_crops(tmp_path, recursive=True).names == ("b.png", "in/a.png", "in/deep/a.PNG")


@pytest.mark.parametrize("kind", ["folder", "tar", "npz"])
def test_another_picture_or_name_is_another_fingerprint(tmp_path: Path, kind: str) -> None:
    def fingerprint(names: list[str], seed: int) -> str:
        path = tmp_path / f"{'-'.join(names)}{seed}.{kind}"
        images = [picture(seed + k) // (1 + seed) for k in range(2)]  # darker ones are smaller files
        if kind == "npz":
            np.savez(path, images=np.stack(images), names=np.array(names))
        elif kind == "tar":
            write_tar(path, {name: png(image) for name, image in zip(names, images, strict=True)})
        else:
            path.mkdir()
            for name, image in zip(names, images, strict=True):
                (path / name).write_bytes(png(image))
        assert open_crops(path).fingerprint == open_crops(path).fingerprint
        return open_crops(path).fingerprint

    prints = [
        fingerprint(["a.png", "b.png"], 0),
        fingerprint(["a.png", "c.png"], 0),
        fingerprint(["a.png", "b.png"], 9),
    ]
    assert len(set(prints)) == 3


def test_crops_of_another_size_keep_their_framing(tmp_path: Path) -> None:
    """A blob at (x, y) of a crop twice as large is at half of it in the 224 crop, by the project's convention."""
    y, x = np.mgrid[:448, :448]
    blob = 255 * np.exp(-((x - 300) ** 2 + (y - 120) ** 2) / (2 * 20.0**2))
    (tmp_path / "large.png").write_bytes(png(np.repeat(blob[..., None], 3, axis=2).astype(np.uint8)))
    crop = open_crops(tmp_path).read(0, 224)
    weights = crop[..., 0].astype(float)
    rows, columns = np.mgrid[:224, :224]
    centre = [(weights * a).sum() / weights.sum() for a in (columns, rows)]
    np.testing.assert_allclose(centre, Crop(np.eye(2, 3), 448).resized(224).to_crop([300, 120]), atol=0.05)
    assert rescaled(crop, 112).shape == (112, 112, 3)


@pytest.mark.parametrize("kind", ["folder", "tar"])
def test_a_bad_picture_comes_with_its_error_and_the_rest_goes_on(tmp_path: Path, kind: str) -> None:
    files = {"a.png": png(picture(0)), "b.jpg": b"text", "c.png": png(picture(0)[:100]), "d.png": b""}
    folder = tmp_path / "crops"
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    crops = open_crops(folder if kind == "folder" else write_tar(tmp_path / "crops.tar", files))
    assert crops.names == tuple(files)
    learner = CoefficientModel(write_learner(tmp_path / "l.onnx", LAYOUT, np.arange(3, dtype=np.float32)))
    (batch,) = encode(crops, learner)
    assert (batch.start, batch.stop, batch.values.tolist()) == (0, 4, [[0, 1, 2]])
    assert list(batch.errors) == [1, 2, 3]
    assert "b.jpg" in batch.errors[1]
    assert "224 x 100 pixels and no square crop" in batch.errors[2]
    assert all("\n" not in error for error in batch.errors.values())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.tar", None, "does not exist"),
        ("text.tar", b"text", "is no folder or tar"),
        ("text.npz", b"text", "no npz file"),
    ],
)
def test_what_holds_no_crops_is_one_line(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UnveilError, match=message) as raised:
        open_crops(tmp_path / name)
    assert name in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_tar_that_is_cut_short_and_an_npz_of_something_else(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "crops.tar", {f"{k}.png": png(picture(k)) for k in range(3)})
    path.write_bytes(path.read_bytes()[:250_000])
    with pytest.raises(UnveilError, match="cut short"):
        open_crops(path)
    np.savez(tmp_path / "other.npz", faces=np.zeros(3))
    with pytest.raises(UnveilError, match="no array 'images'; it has faces"):
        open_crops(tmp_path / "other.npz")
    np.savez(tmp_path / "small.npz", images=np.zeros((2, 112, 112, 3), np.uint8))
    with pytest.raises(UnveilError, match=r"uint8 \(2, 112, 112, 3\), not uint8 \(2, 224, 224, 3\)"):
        open_crops(tmp_path / "small.npz")
    np.savez(tmp_path / "object.npz", images=np.array([{"a": 1}], dtype=object))
    with pytest.raises(UnveilError, match="Python objects"):
        open_crops(tmp_path / "object.npz")


@pytest.mark.parametrize("size", [224, 64])
def test_codes_are_those_of_the_network_in_order(tmp_path: Path, size: int) -> None:
    gain = np.array([1.0, 2.0, -1.0], np.float32)
    learner = CoefficientModel(write_learner(tmp_path / "l.onnx", LAYOUT, gain * 0, gain=gain, size=size))
    images = np.stack([np.full((224, 224, 3), 6 * k, np.uint8) for k in range(40)])  # more than two batches
    np.savez(tmp_path / "crops.npz", images=images)
    batches = list(encode(open_crops(tmp_path / "crops.npz"), learner, start=3))
    assert [(batch.start, batch.stop) for batch in batches] == [(3, 19), (19, 35), (35, 40)]
    values = np.concatenate([batch.values for batch in batches])
    np.testing.assert_allclose(values, np.arange(3, 40)[:, None] * gain * 6 / 255, rtol=1e-3)


@pytest.mark.parametrize("weight", [None, np.array([1, 0.5], np.float32)])
def test_a_codes_file_reads_back(tmp_path: Path, weight: Float32s | None) -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    codes = Codes(("a", "b"), Coefficients(LAYOUT, values), "head", "teacher 0a1b", "c0ffee", weight)
    write_codes(tmp_path / "codes.npz", codes)
    read = read_codes(tmp_path / "codes.npz")
    for name in ("names", "model", "teacher", "crops"):
        assert getattr(read, name) == getattr(codes, name)
    assert read.coefficients.layout == LAYOUT
    assert read.coefficients.values.dtype == np.float32
    np.testing.assert_array_equal(read.coefficients.values, values)
    np.testing.assert_array_equal(read.weight, weight)


def test_a_codes_file_of_old_names_no_teacher(tmp_path: Path) -> None:
    arrays = {"names": ["a"], "coefficients": np.zeros((1, 3)), "layout": LAYOUT.to_json(), "model": "head"}
    np.savez(tmp_path / "codes.npz", **arrays)
    codes = read_codes(tmp_path / "codes.npz")
    assert (codes.names, codes.teacher, codes.crops, codes.weight) == (("a",), "", "", None)


@pytest.mark.parametrize(
    "damage", ["missing", "text", "another npz", "too few", "none", "not finite", "layout", "flat", "weight"]
)
def test_a_file_that_holds_no_codes_is_one_line(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "codes.npz"
    content = {
        "names": np.array(["a", "b"]),
        "coefficients": np.zeros((2, 3), np.float32),
        "layout": np.array(LAYOUT.to_json()),
        "model": np.array("head"),
    }
    if damage == "text":
        path.write_bytes(b"text")
    elif damage != "missing":
        if damage == "another npz":
            del content["names"]
        elif damage == "too few":
            content["coefficients"] = np.zeros((2, 2))
        elif damage == "none":
            content |= {"names": np.array([], dtype=str), "coefficients": np.zeros((0, 3))}
        elif damage == "not finite":
            content["coefficients"] = np.full((2, 3), np.nan)
        elif damage == "flat":
            content["coefficients"] = np.array(1.0)
        elif damage == "weight":
            content["weight"] = np.ones(3)
        else:
            content["layout"] = np.array("{}")
        np.savez(path, **content)
    with pytest.raises(UnveilError) as raised:
        read_codes(path)
    assert "\n" not in str(raised.value)
    assert "unveil" in str(raised.value)


def decoded(*arguments: Any, **options: Any) -> dict[str, Float32s]:
    batches = list(decode(*arguments, **options))
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def some_heads(model: MorphableModel, count: int) -> Coefficients:
    values = np.random.default_rng(0).normal(0, 0.1, (count, model.layout.size)).astype(np.float32)
    values[:, model.layout.slice_of("camera").start] = 5
    return Coefficients(model.layout, values)


def test_geometry_is_the_models() -> None:
    model = made_up.model()
    heads = some_heads(model, BATCH + 3)
    geometry = decoded(model, heads)
    for k in (0, BATCH, BATCH + 2):  # both batches
        one = heads.row(k)
        vertices = model.vertices(one)
        contour = model.contour68(vertices, one)
        np.testing.assert_allclose(geometry["vertices"][k], vertices, atol=1e-6)
        np.testing.assert_allclose(geometry["landmarks68"][k], model.landmarks68(vertices), atol=1e-6)
        np.testing.assert_allclose(geometry["landmarks68_contour"][k], contour, atol=1e-6)
        np.testing.assert_allclose(geometry["projected"][k], model.project(vertices, one), atol=1e-5)
        pixels = to_pixels(model.project(contour, one), 224)
        np.testing.assert_allclose(geometry["landmarks2d"][k], pixels[:, :2], atol=1e-3)
    assert "displacement" not in geometry


def test_landmarks_alone_are_the_same() -> None:
    model = made_up.model()
    heads = some_heads(model, BATCH + 3)
    whole, landmarks = decoded(model, heads), decoded(model, heads, landmarks_only=True)
    assert list(landmarks) == ["landmarks68", "landmarks68_contour", "landmarks2d"]
    for name, array in landmarks.items():
        np.testing.assert_allclose(array, whole[name], rtol=1e-5, atol=1e-6)


def test_geometry_is_written_batch_by_batch(tmp_path: Path) -> None:
    model = made_up.model()
    heads = some_heads(model, 2 * BATCH + 3)
    names = np.array([str(k) for k in range(len(heads.values))])
    write_geometry(
        tmp_path / "new" / "geometry.npz", model, decode(model, heads), {"names": names, "faces": model.faces}
    )
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["geometry.npz"]
    expected = decoded(model, heads)
    with np.load(tmp_path / "new" / "geometry.npz", allow_pickle=False) as file:
        assert set(file.files) == {"names", "faces", *expected}
        np.testing.assert_array_equal(file["names"], names)
        np.testing.assert_array_equal(file["faces"], model.faces)
        for name, array in expected.items():
            assert file[name].dtype == np.float32
            np.testing.assert_array_equal(file[name], array)


def test_a_disk_that_fills_up_leaves_nothing(tmp_path: Path) -> None:
    model = made_up.model()

    def batches() -> Iterator[Geometry]:
        yield from decode(model, some_heads(model, 3))
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(UnveilError, match="No space left on device; free some space"):
        write_geometry(tmp_path / "geometry.npz", model, batches(), {})
    assert not list(tmp_path.iterdir())


def test_a_larger_layout_is_narrowed_by_name() -> None:
    values = np.arange(openhead.LAYOUT.size, dtype=np.float32)
    whole = Coefficients(openhead.LAYOUT, values)
    geometry = narrow(whole, openhead.GEOMETRY_LAYOUT)
    for name in ("shape", "expression", "pose", "camera"):
        np.testing.assert_array_equal(geometry[name], whole[name])
    with pytest.raises(LayoutError, match="texture"):
        narrow(geometry, openhead.LAYOUT)


def test_the_displacement_is_given_all_coefficients() -> None:
    model = made_up.model()
    layout = CoefficientLayout("more", (Group("detail", 1, "m"), *model.layout.groups))
    values = np.concatenate([np.arange(BATCH + 1.0)[:, None], np.tile(model.zero().values, (BATCH + 1, 1))], axis=1)

    def displacement(coefficients: Coefficients) -> Float32s:
        return np.broadcast_to(coefficients["detail"][:, :, None], (len(coefficients.values), 2, 2))

    geometry = decoded(model, Coefficients(layout, values.astype(np.float32)), displacement)
    np.testing.assert_array_equal(geometry["displacement"][:, 1, 1], np.arange(BATCH + 1))
    assert geometry["vertices"].shape[0] == BATCH + 1


def test_openheads_landmarks_fall_on_the_crop(tmp_path: Path) -> None:
    model = unveil.load_openhead()
    codes = Codes(("a",), Coefficients(model.layout, fitting_coefficients(model)[None]), "openhead")
    geometry = decoded(model, codes.coefficients)
    landmarks = geometry["landmarks2d"][0].astype(np.float64)
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    np.testing.assert_allclose((low + high) / 2, [112, 112], atol=1)
    assert cv2.contourArea(landmarks[:17].astype(np.float32)) > 5000  # the jaw line encloses a face
    assert landmarks[8, 1] > landmarks[27, 1]  # the chin is below the nose: y goes down
    assert landmarks[16, 0] > landmarks[0, 0]  # the subject's left ear is on the right of the picture
