"""The files of a photograph: what they hold, that they are whole or not there, and how a stopped run goes on."""

import errno
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import made_up
import numpy as np
import pytest
from constant_learner import fitting_coefficients
from PIL import Image

from unveil.appearance.colours import vertex_colours
from unveil.errors import UnveilError
from unveil.faces.reconstruction import Reconstruction
from unveil.geometry.camera import to_pixels
from unveil.heads.layout import CoefficientLayout, Coefficients
from unveil.meshes.ply import read_tables
from unveil.output.batch import name_targets, photos_in
from unveil.output.photo_files import Options, Target, write_photo
from unveil.photos.crop import Crop
from unveil.storage.folder_log import LOG
from unveil.storage.outputs import OutputError, Outputs, output_errors, results_in

MODEL = made_up.model()
OPTIONS = Options(model="constant", model_sha256="00")
RNG = np.random.default_rng(3)
IMAGE = RNG.integers(0, 256, (96, 128, 3), dtype=np.uint8)


def make_face(column: float = 64.0) -> Reconstruction:
    """The made-up head in the middle of IMAGE, or around another column of it."""
    coefficients = Coefficients(MODEL.layout, fitting_coefficients(MODEL))
    crop = Crop.from_square([column, 48.0], 80.0)
    vertices = MODEL.vertices(coefficients)
    in_crop = to_pixels(MODEL.project(vertices, coefficients), crop.size)
    projected = np.concatenate([crop.to_image(in_crop[:, :2]), in_crop[:, 2:] / crop.scale], axis=1)
    return Reconstruction(
        model="constant",
        coefficients=coefficients,
        expression_names=MODEL.expression_names,
        neutral_vertices=MODEL.neutral(coefficients),
        vertices=vertices,
        faces=MODEL.faces,
        landmarks3d=MODEL.landmarks68(vertices),
        landmarks2d=crop.to_image(MODEL.landmarks68(in_crop)[:, :2]),
        projected=projected,
        photographed=projected,
        pose_degrees=(1.0, 2.0, 3.0),
        crop=crop,
        box_ltrb=np.array([column - 30, 18, column + 30, 78]),
        confidence=0.9,
        timings={"detect": 5.0},
        morphable=MODEL,
        photograph=IMAGE,
    )


@pytest.fixture
def outputs(tmp_path: Path) -> Iterator[Outputs]:
    with results_in(tmp_path / "out", "reconstruct") as opened:
        yield opened


@pytest.fixture
def target(tmp_path: Path, outputs: Outputs) -> Target:
    photo = tmp_path / "photos" / "a.png"
    photo.parent.mkdir()
    Image.fromarray(IMAGE).save(photo)
    return Target(photo, outputs, "a")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {LOG}


def test_writes_every_format_and_the_record(target: Target) -> None:
    record = write_photo(target, [make_face(40), make_face(80)], OPTIONS)
    per_face = {"glb", "obj", "mtl", "texture", "ply", "npz", "overlay"}
    assert [set(face["files"]) for face in record["faces"]] == [per_face, per_face]
    endings = (".glb", ".obj", ".mtl", ".jpg", ".ply", ".npz", "_overlay.png")
    assert names(target.folder) == {"a.json"} | {f"a_{k}{ending}" for k in (0, 1) for ending in endings}
    assert {name for face in record["faces"] for name in face["files"].values()} | {"a.json"} == names(target.folder)
    assert json.loads(target.record_path.read_text()) == record
    assert record["image"] == {"width": 128, "height": 96}
    assert record["timings_ms"].keys() >= {"detect", "texture", "glb", "overlay"}
    assert record["faces"][1]["box_ltrb"] == [50, 18, 110, 78]


def test_obj_names_its_material_and_texture(target: Target) -> None:
    write_photo(target, [make_face()], OPTIONS)
    assert "mtllib a_0.mtl\n" in (target.folder / "a_0.obj").read_text()
    assert "map_Kd a_0.jpg\n" in (target.folder / "a_0.mtl").read_text()


def test_npz_gives_back_the_reconstruction(target: Target) -> None:
    face = make_face()
    write_photo(target, [face], OPTIONS)
    with np.load(target.folder / "a_0.npz", allow_pickle=False) as data:
        layout = CoefficientLayout.from_json(str(data["layout"]))
        assert layout == face.coefficients.layout
        np.testing.assert_array_equal(data["coefficients"], face.coefficients.values)
        np.testing.assert_array_equal(data["coefficients_camera"], face.coefficients["camera"])
        np.testing.assert_array_equal(data["vertices"], face.vertices)
        np.testing.assert_array_equal(data["faces"], face.faces)
        np.testing.assert_allclose(Crop(data["crop_matrix"], int(data["crop_size"])).matrix, face.crop.matrix)
        assert data["landmarks2d"].shape == (68, 2)
        assert data["landmarks3d"].shape == (68, 3)
        assert tuple(data["expression_names"]) == face.expression_names


def test_only_the_wanted_formats(target: Target) -> None:
    write_photo(target, [make_face()], Options("constant", "00", ("ply",)))
    assert names(target.folder) == {"a.json", "a_0.ply", "a_0_overlay.png"}


def test_a_ply_has_the_colours_of_the_texture_between_its_vertices(tmp_path: Path) -> None:
    face = make_face()
    tables = read_tables(face.save(tmp_path / "head.ply")[0].read_bytes())
    points = np.stack([tables["vertex"][axis] for axis in "xyz"], axis=1)
    np.testing.assert_allclose(points[: len(face.vertices)], face.vertices, atol=1e-6)
    triangles = tables["face"]["vertex_indices"]
    assert len(triangles) == 4 * len(face.faces)
    inner = triangles.reshape(-1, 4, 3)[:, 3]  # between the middles of the edges
    corners, uv = face.vertices[face.faces], MODEL.uv[MODEL.uv_faces]
    texture = face.texture().astype(int)
    colours = np.stack([tables["vertex"][name] for name in ("red", "green", "blue")], axis=1).astype(int)
    for k, n in ((0, 1), (1, 2), (2, 0)):
        at = np.argmin(np.linalg.norm(points[inner] - (corners[:, k] + corners[:, n])[:, None] / 2, axis=-1), axis=1)
        middle = np.take_along_axis(inner, at[:, None], axis=1)[:, 0]
        column, row = ((uv[:, k] + uv[:, n]) / 2 * [1, -1] * len(texture) + [0, len(texture)]).astype(int).T
        assert (np.abs(colours[middle] - texture[row, column]).max(axis=1) < 40).mean() > 0.95


def test_vertex_colours_come_from_the_texture() -> None:
    height, width = 40, 80
    u, v = np.meshgrid((np.arange(width) + 0.5) / width, 1 - (np.arange(height) + 0.5) / height)
    texture = np.stack([255 * u, 255 * v, 0 * u], axis=-1).astype(np.uint8)
    colours = vertex_colours(texture, MODEL)
    expected = np.zeros((len(colours), 2))
    expected[MODEL.faces] = MODEL.uv[MODEL.uv_faces]
    np.testing.assert_allclose(colours[:, :2] / 255, expected, atol=1 / height)


def test_done_until_something_changes(target: Target) -> None:
    assert target.done(OPTIONS) is None
    record = write_photo(target, [make_face()], OPTIONS)
    assert target.done(OPTIONS) == record
    assert target.done(Options("constant", "00", max_faces=1)) is None
    assert target.done(Options("constant", "11")) is None
    status = target.photo.stat()
    os.utime(target.photo, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
    assert target.done(OPTIONS) is None
    os.utime(target.photo, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert target.done(OPTIONS) == record
    (target.folder / "a_0.glb").unlink()
    assert target.done(OPTIONS) is None


def test_writing_other_formats_keeps_what_is_there(target: Target) -> None:
    write_photo(target, [make_face(40), make_face(80)], Options("constant", "00", ("glb",)))
    before = {name: (target.folder / name).read_bytes() for name in ("a_0.glb", "a_1.glb")}
    record = write_photo(target, [make_face(40), make_face(80)], Options("constant", "00", ("ply",)))
    assert {name: (target.folder / name).read_bytes() for name in before} == before
    assert [set(face["files"]) for face in record["faces"]] == [{"glb", "ply", "overlay"}] * 2
    assert record["options"]["formats"] == ["glb", "ply"]
    for formats in (("glb",), ("ply",), ("glb", "ply")):
        assert target.done(Options("constant", "00", formats)) == record
    assert target.done(Options("constant", "00", ("glb", "npz"))) is None


def test_what_other_options_gave_stays_but_is_not_listed(target: Target) -> None:
    write_photo(target, [make_face(40), make_face(80)], Options("constant", "00", ("glb",)))
    record = write_photo(target, [make_face(40)], Options("constant", "00", ("npz",), max_faces=1))
    assert [set(face["files"]) for face in record["faces"]] == [{"npz", "overlay"}]
    ends = (".glb", "_overlay.png")
    assert names(target.folder) == {"a.json", "a_0.npz"} | {f"a_{k}{end}" for k in (0, 1) for end in ends}


def test_a_changed_result_is_not_written_again(target: Target) -> None:
    write_photo(target, [make_face(40)], OPTIONS)
    (target.folder / "a_0.glb").write_bytes(b"sculpted")
    before = {path: path.read_bytes() for path in target.folder.iterdir() if path.name != LOG}
    with pytest.raises(UnveilError, match=r"a_0\.glb was changed since unveil wrote it; .* --force$"):
        write_photo(target, [make_face(80)], OPTIONS)
    assert {path: path.read_bytes() for path in target.folder.iterdir() if path.name != LOG} == before
    write_photo(target, [make_face(80)], Options("constant", "00", ("npz",)))  # not asked for, not in the way
    assert (target.folder / "a_0.glb").read_bytes() == b"sculpted"


def test_a_record_cannot_make_it_touch_other_files(target: Target) -> None:
    record = write_photo(target, [make_face()], Options("constant", "00", ("ply",)))
    stranger = target.folder / "mine.txt"
    stranger.write_text("keep")
    record["faces"][0]["files"] = {"x": "../photos/a.png", "y": "mine.txt", "z": "a_0.ply"}
    target.record_path.write_text(json.dumps(record))
    with pytest.raises(UnveilError, match=r"a\.json was changed"):
        write_photo(target, [make_face()], Options("constant", "00", ("npz",)))
    assert target.photo.exists()
    assert stranger.read_text() == "keep"
    assert (target.folder / "a_0.ply").exists()


class DiskFullAfter:
    """Stands for `Path.replace`: renames so many files, then the disk is full."""

    def __init__(self, count: int, error: BaseException) -> None:
        self.left, self.error = count, error
        self.replace = Path.replace

    def __get__(self, path: Path, owner: type) -> object:
        def rename(destination: Path) -> Path:
            self.left -= 1
            if self.left < 0:
                raise self.error
            return self.replace(path, destination)

        return rename


def write_again_and_again(target: Target) -> None:
    for _ in range(3):  # about 15 renames each: most files once into the hidden folder and once out of it
        write_photo(target, [make_face()], OPTIONS)


@pytest.mark.parametrize("count", range(0, 20, 3))
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), KeyboardInterrupt()])
def test_nothing_is_left_of_a_run_that_stops(
    target: Target, monkeypatch: pytest.MonkeyPatch, count: int, error: BaseException
) -> None:
    expected = OutputError if isinstance(error, OSError) else KeyboardInterrupt
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", DiskFullAfter(count, error))
        with pytest.raises(expected) as caught:
            write_again_and_again(target)
    if expected is OutputError:
        assert "No space left on device; free some space" in str(caught.value)
        assert "\n" not in str(caught.value)
    left = names(target.folder)
    assert left == set() or target.done(OPTIONS) is not None
    write_photo(target, [make_face()], OPTIONS)
    assert target.done(OPTIONS) is not None


def test_full_disk_while_writing(target: Target) -> None:
    full = Path("/dev/full")
    if not full.is_char_device():
        pytest.skip("this system has no /dev/full")
    with (
        pytest.raises(OutputError, match="free some space"),
        output_errors(target.folder),
        full.open("wb") as disk,
    ):
        np.save(io.BufferedWriter(disk), np.zeros(10_000))


@pytest.mark.parametrize("parent", ["file", "proc"])
def test_unwritable_output_is_one_line(tmp_path: Path, parent: str) -> None:
    (tmp_path / "file").write_text("not a folder")
    folder = tmp_path / "file" / "out" if parent == "file" else Path("/proc/unveil-out")
    if parent == "proc" and not Path("/proc/self").exists():
        pytest.skip("this system has no /proc")
    with pytest.raises(OutputError, match="choose another folder with -o") as caught:
        results_in(folder, "reconstruct").__enter__()
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(IMAGE).save(path)
    return path


def test_photographs_of_one_stem_get_different_names(tmp_path: Path, outputs: Outputs) -> None:
    photos = [picture(tmp_path / name) for name in ("a.jpg", "a.png", "A.bmp", "b/a.jpg", "c/a.jpg", "b/b.jpg")]
    targets = name_targets(photos, outputs)
    assert [target.name for target in targets] == ["a", "a_png", "A_bmp", "a_jpg", "a_jpg_2", "b"]


def test_names_hold_over_several_runs(target: Target) -> None:
    write_photo(target, [make_face()], OPTIONS)
    other = picture(target.photo.with_suffix(".jpg"))
    (second,) = name_targets([other], target.outputs)
    assert second.name == "a_jpg"
    write_photo(second, [make_face()], OPTIONS)
    both = name_targets([other, target.photo], target.outputs)
    assert {t.photo: t.name for t in both} == {target.photo: "a", other: "a_jpg"}
    assert all(t.done(OPTIONS) for t in both)


def test_a_moved_folder_is_still_done(target: Target) -> None:
    write_photo(target, [make_face()], OPTIONS)
    moved = target.photo.parent.rename(target.photo.parent.with_name("moved")) / target.photo.name
    (again,) = name_targets([moved], target.outputs)
    assert again.name == "a"
    assert again.done(OPTIONS) is not None


@pytest.mark.parametrize("name", ["a.json", "a_0.jpg", "a_0_overlay.png"])
def test_files_of_the_user_keep_their_names(target: Target, name: str) -> None:
    (target.folder / name).write_bytes(b"[1, 2]")
    (chosen,) = name_targets([target.photo], target.outputs)
    assert chosen.name == "a_png"
    write_photo(chosen, [make_face()], OPTIONS)
    assert (target.folder / name).read_bytes() == b"[1, 2]"


@pytest.mark.skipif(os.name == "nt", reason="names on Windows are Unicode")
def test_a_name_that_is_not_utf8(target: Target) -> None:
    photo = target.photo.with_name(os.fsdecode(b"caf\xe9\n1.png"))
    try:
        target.photo.rename(photo)
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    (odd,) = name_targets([photo], target.outputs)
    record = write_photo(odd, [make_face()], OPTIONS)
    record_text = odd.record_path.read_bytes().decode("utf-8")
    assert json.loads(record_text) == record
    assert all(name.isascii() and name.isprintable() for name in names(target.folder))
    assert odd.done(OPTIONS) == record


def test_finds_photographs_and_says_what_has_none(tmp_path: Path) -> None:
    first, second = picture(tmp_path / "in" / "b.png"), picture(tmp_path / "in" / "a.jpg")
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    (tmp_path / "empty").mkdir()
    inputs = [tmp_path / "empty", tmp_path / "in", first, tmp_path / "none.jpg"]
    photos, failures = photos_in(inputs, tmp_path / "out")
    assert photos == [second, first]
    assert [(failure.photo, failure.status) for failure in failures] == [(inputs[0], "failed"), (inputs[3], "failed")]
    assert all("\n" not in failure.error for failure in failures)


def test_does_not_take_its_own_results_for_photographs(tmp_path: Path) -> None:
    photo = picture(tmp_path / "in" / "a.png")
    picture(tmp_path / "in" / "out" / "a_0_overlay.png")
    assert photos_in([tmp_path / "in"], tmp_path / "in" / "out")[0] == [photo]
    photos, (failure,) = photos_in([tmp_path / "in"], tmp_path / "in")
    assert photos == []
    assert "both input and output" in failure.error
