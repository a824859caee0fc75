"""Expression transfer and moving heads from photographs, with a learner whose answers depend on the brightness."""

import json
from pathlib import Path

import numpy as np
import pytest
from constant_learner import fitting_coefficients, write_learner
from extras import needs
from glb_reader import Glb
from PIL import Image

import unveil
from unveil import cli
from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.faces.reconstruction import Reconstruction
from unveil.output import animate
from unveil.output.follow import Follower
from unveil.output.moving_head import of_face
from unveil.photos.io import read_image, write_image
from unveil.reconstruct.pipeline import Reconstructor

DEMO = packaged("demo.jpg")


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = unveil.load_openhead()
    values = fitting_coefficients(model)
    gain = np.zeros_like(values)
    gain[model.layout.slice_of("expression")] = np.linspace(0.2, 1, 51)
    gain[model.layout.slice_of("pose").start + 1] = 0.5
    gain[:3] = 1
    return write_learner(tmp_path_factory.mktemp("learner") / "brightness.onnx", model.layout, values, gain=gain)


@pytest.fixture(scope="module")
def reconstructor(learner: Path) -> Reconstructor:
    return Reconstructor(learner)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three frames: the face, darker, then no face."""
    folder = tmp_path_factory.mktemp("frames")
    image = read_image(DEMO)
    write_image(folder / "0.png", image)
    write_image(folder / "1.png", (image * 0.6).astype(np.uint8))
    write_image(folder / "2.png", np.full((96, 96, 3), 128, np.uint8))
    return folder


@pytest.fixture(scope="module")
def seen(reconstructor: Reconstructor) -> Reconstruction:
    return animate.see(reconstructor, DEMO)


def test_transfer_changes_the_expression_of_the_same_person(
    reconstructor: Reconstructor, photos: Path, seen: Reconstruction
) -> None:
    darker = animate.see(reconstructor, photos / "1.png")
    moved = animate.with_expression(reconstructor, seen, darker)
    np.testing.assert_array_equal(moved.coefficients["expression"], darker.coefficients["expression"])
    np.testing.assert_array_equal(moved.coefficients["shape"], seen.coefficients["shape"])
    assert np.abs(moved.coefficients["expression"] - seen.coefficients["expression"]).max() > 0.05
    np.testing.assert_array_equal(moved.photographed, seen.projected)


def test_frames_of_inner_folders_but_not_the_results(tmp_path: Path) -> None:
    for name in ("2.jpg", "10.jpg", "in/1.jpg", "out/head.gif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for recursive, names in ((False, ["2.jpg", "10.jpg"]), (True, ["2.jpg", "10.jpg", "in/1.jpg"])):
        frames = animate.driving_photos([tmp_path], tmp_path / "out", recursive=recursive)
        assert [frame.relative_to(tmp_path).as_posix() for frame in frames] == names


@pytest.mark.parametrize("head_pose", [False, True])
def test_following_holds_still_where_there_is_no_face(
    reconstructor: Reconstructor, photos: Path, seen: Reconstruction, head_pose: bool
) -> None:
    frames = [photos / "2.png", *animate.driving_photos([photos], photos / "out")]
    followed = Follower(reconstructor).follow(frames, 10)
    motion = animate.driven_motion(of_face(seen), followed, 10, head_pose=head_pose)
    first, second = (animate.see(reconstructor, photos / name).coefficients for name in ("0.png", "1.png"))
    expected = [first, first, second, second]
    np.testing.assert_allclose(motion.coefficients["expression"], [c["expression"] for c in expected], atol=1e-6)
    turns = [c["pose"] if head_pose else seen.coefficients["pose"] for c in expected]
    np.testing.assert_allclose(motion.coefficients["pose"], turns, atol=1e-6)


def test_nothing_to_follow(reconstructor: Reconstructor, photos: Path) -> None:
    with pytest.raises(UnveilError, match="no face found in any photograph to follow"):
        Follower(reconstructor).follow([photos / "2.png"], 10)
    with pytest.raises(UnveilError, match=r"no face found in .*2\.png"):
        animate.see(reconstructor, photos / "2.png")


def test_pictures_of_a_motion_keep_their_framing(reconstructor: Reconstructor, seen: Reconstruction) -> None:
    model = reconstructor.morphable
    motion = animate.own_motion(of_face(seen), 1)
    texture = np.full((64, 64, 3), [200, 60, 60], np.uint8)
    pictures = list(animate.render_motion(model, motion, texture, 80))
    assert len(pictures) == len(motion) == 3 + 5 * 2
    heads = [picture.min(axis=2) < 250 for picture in pictures]
    assert all(not (head[0].any() or head[-1].any() or head[:, 0].any() or head[:, -1].any()) for head in heads)
    assert max(head.any(axis=1).sum() for head in heads) > 0.75 * 80
    assert (heads[0] != heads[1]).sum() > 50


@pytest.mark.parametrize(("size", "pixels"), [((), (360, 720)), (("--size", "96"), (96, 96))])
def test_a_film_is_larger_than_a_gif_unless_a_size_is_named(
    tmp_path: Path, learner: Path, size: tuple[str, ...], pixels: tuple[int, int]
) -> None:
    needs("av")
    from unveil.video.clip import open_clip

    command = ["animate", str(DEMO), "--model", str(learner), "--expression", "blink", "--rate", "1", *size]
    assert cli.main([*command, "--formats", "gif,mp4", "-o", str(tmp_path)]) == 0
    with Image.open(tmp_path / "demo_blink.gif") as picture:
        assert picture.size == (pixels[0], pixels[0])
    with open_clip(tmp_path / "demo_blink.mp4") as clip:
        frames = [frame.image.shape for frame in clip.frames()]
    assert frames == [(pixels[1], pixels[1], 3)] * 2


def test_a_size_without_pictures_is_a_mistake(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["animate", str(DEMO), "--formats", "glb", "--size", "96", "-o", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("unveil: --size would do nothing")


def test_the_commands_write_what_they_say(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, learner: Path, photos: Path
) -> None:
    common = ["--model", str(learner), "-o", str(tmp_path)]
    expression = photos / "1.png"
    assert cli.main(["transfer", str(DEMO), str(expression), "--formats", "glb,npz,relit", *common]) == 0
    record = json.loads((tmp_path / "demo_as_1.json").read_text())
    (files,) = (face["files"] for face in record["faces"])
    assert set(files) == {"glb", "npz", "relit", "overlay"}
    assert all((tmp_path / name).is_file() for name in files.values())

    frames = ["--follow", str(photos / "0.png"), "--follow", str(expression), "--rate", "5"]
    assert cli.main(["animate", str(DEMO), *frames, *common]) == 0
    with Image.open(tmp_path / "demo_as_0_1.gif") as picture:
        assert (picture.n_frames, picture.info["duration"]) == (2, 200)
    scene = Glb(tmp_path / "demo_as_0_1.glb")
    (animation,) = scene["animations"]
    assert len(scene.array(animation["samplers"][0]["input"])) == 2
    out, err = capsys.readouterr()
    assert "demo_as_1.json: 4 files" in out
    assert "demo_as_0_1.gif: 2 frames" in out
    assert not err
    assert cli.main(["animate", str(DEMO), "--follow", str(photos), "--rate", "5", *common]) == 0
    out, err = capsys.readouterr()
    assert "not found in 1 frame of 3, the first is " in err
    assert f"demo_as_{photos.name}.gif: 3 frames" in out
    assert cli.main(["animate", str(DEMO), "--follow", str(photos), "--face", "1", *common]) == 2
    assert "there is no face 1 in " in capsys.readouterr().err


def test_transfer_writes_what_reconstruct_writes_with_the_same_options(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, learner: Path, photos: Path
) -> None:
    of_heads = ["--model", str(learner), "--wrinkles", "--no-hair", "--texture", "lit", "--json", "-o", str(tmp_path)]
    answers = []
    for command in (["reconstruct", str(DEMO)], ["transfer", str(DEMO), str(photos / "1.png")]):
        assert cli.main([*command, *of_heads]) == 0
        answers.append(json.loads(capsys.readouterr().out))
    of_one, of_other = ({photo["status"]: photo for photo in answer["photos"]} for answer in answers)
    assert of_one["done"].keys() == of_other["done"].keys()
    (alone,), (moved,) = of_one["done"]["faces"], of_other["done"]["faces"]
    assert alone["files"].keys() == moved["files"].keys() >= {"glb", "relit", "displacement"}
    records = [json.loads((tmp_path / name).read_text())["options"] for name in ("demo.json", "demo_as_1.json")]
    assert records[0] | {"max_faces": 1} == records[1]
    assert (records[1]["hair"], records[1]["wrinkles"], records[1]["texture"]) == (False, True, "lit")


def test_a_moving_head_has_the_look_that_options_say(tmp_path: Path) -> None:
    common = ["--expression", "blink", "--rate", "1", "--formats", "glb", "--no-hair"]
    textures = []
    for look in ("albedo", "lit"):
        out = tmp_path / look
        assert cli.main(["animate", str(DEMO), *common, "--texture", look, "-o", str(out)]) == 0
        scene = Glb(out / "demo_blink.glb")
        assert "hair" not in [node["name"] for node in scene["nodes"]]
        textures.append((out / "demo_blink.glb").read_bytes())
    assert textures[0] != textures[1]
    with_hair = [word for word in common if word != "--no-hair"]
    assert cli.main(["animate", str(DEMO), *with_hair, "-o", str(tmp_path / "hair")]) == 0
    assert "hair" in [node["name"] for node in Glb(tmp_path / "hair" / "demo_blink.glb")["nodes"]]


@pytest.mark.parametrize("formats", ["detail", "glb,maps"])
def test_details_that_the_model_does_not_have(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, learner: Path, formats: str
) -> None:
    command = ["reconstruct", str(DEMO), "--model", str(learner), "--formats", formats, "-o", str(tmp_path)]
    assert cli.main(command) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "gives no details of the skin" in err
