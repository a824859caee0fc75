import copy
import errno
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import training_folder
from child import finished
from extras import needs

torch = needs("torch")

from unveil.errors import UnveilError
from unveil.heads.layout import Coefficients
from unveil.models.classes import HAIR, SKIN
from unveil.models.learner import HEADS, Learner
from unveil.training.checkpoint import Position, load_checkpoint, load_learner, settle
from unveil.training.classes.maps import NOTE, maps_name
from unveil.training.config import PARTS, TrainConfig, preset
from unveil.training.crops.prepared import write_npy
from unveil.training.data import TrainingData
from unveil.training.initial_weights import start_from
from unveil.training.release.safetensors_file import read_state, write_state
from unveil.training.release.to_onnx import Statement
from unveil.training.synced_norm import SyncedBatchNorm, synchronise
from unveil.training.train import schedule, train, update_average

CONFIG = TrainConfig(
    depth=18,
    input_size=32,
    epochs=2,
    batch_size=4,
    threads=1,
    precision="32-true",
    feature_weight=0.1,  # batches of pairs, the harder case
    validation_samples=4,
    warmup=0.2,
    ema=0.9,
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    return training_folder.load(training_folder.write(tmp_path_factory.mktemp("data")))


def run(config: TrainConfig, data: TrainingData, folder: Path) -> Position:
    return train(config, data, folder)


def log(folder: Path) -> list[dict[str, float]]:
    lines = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        {k: v for k, v in json.loads(line).items() if k not in {"seconds", "images_per_second", "waiting"}}
        for line in lines
    ]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    state = load_checkpoint(folder)
    assert state is not None
    return {f"{part}.{name}": value for part in ("learner", "average") for name, value in state[part].items()}


def assert_same_weights(one: Path, other: Path) -> None:
    ours, theirs = weights(one), weights(other)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


SCRIPT = """
import pathlib, sys
import training_folder
from unveil.training.config import TrainConfig
from unveil.training.train import train

if __name__ == "__main__":
    config, folder, run = map(pathlib.Path, sys.argv[1:])
    train(TrainConfig.load(config), training_folder.load(folder), run)
"""


def command(config: TrainConfig, folder: Path, out: Path) -> list[str]:
    """What trains in a process of its own, as `run` does here."""
    out.with_suffix(".py").write_text(SCRIPT)
    out.with_suffix(".json").write_text(config.to_json())
    return [sys.executable, *(str(path) for path in (out.with_suffix(".py"), out.with_suffix(".json"), folder, out))]


def environment() -> dict[str, str]:
    """Other processes find the tests' helpers and do not crowd the cores."""
    return os.environ | {"PYTHONPATH": str(Path(training_folder.__file__).parent), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def whole_run(data: TrainingData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    assert run(CONFIG, data, folder).step == 12  # 12 training samples, pairs of them in batches of 4, 2 epochs
    return folder


def test_a_killed_run_goes_on_exactly(data: TrainingData, whole_run: Path, tmp_path: Path) -> None:
    """Killed in mid-epoch, with a checkpoint after every step, it ends with the weights of a run that was not."""
    often, out = replace(CONFIG, checkpoint_minutes=0.0), tmp_path / "run"
    with subprocess.Popen(
        command(often, data.folder.path, out), env=environment(), stdout=subprocess.DEVNULL
    ) as process:
        while (state := load_checkpoint(out)) is None or state["position"].step < 2:
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.01)
        process.kill()
    state = load_checkpoint(out)
    assert state is not None
    assert 2 <= state["position"].step < 12
    assert not list(out.glob("*.pt.*"))  # nothing half-written is left where it would be read
    run(CONFIG, data, out)
    assert_same_weights(whole_run, out)
    first, last = log(whole_run), log(out)
    assert last[-1]["nme_occluded"] == first[-1]["nme_occluded"]


def test_workers_change_nothing(data: TrainingData, whole_run: Path, tmp_path: Path) -> None:
    run(replace(CONFIG, workers=1), data, tmp_path)
    assert log(tmp_path) == log(whole_run)
    assert_same_weights(whole_run, tmp_path)


def test_a_finished_run_stays_as_it_is(data: TrainingData, whole_run: Path) -> None:
    before = (whole_run / "checkpoint.pt").read_bytes()
    assert run(CONFIG, data, whole_run).epoch == 2
    assert (whole_run / "checkpoint.pt").read_bytes() == before


def test_other_settings_need_another_folder(data: TrainingData, whole_run: Path) -> None:
    with pytest.raises(UnveilError, match=r"with other settings \(learning_rate 0\.001, not 0\.1\); choose"):
        run(replace(CONFIG, learning_rate=0.1), data, whole_run)
    settle(whole_run, replace(CONFIG, workers=0, checkpoint_minutes=9.0), data.fingerprint)  # the result is the same
    with pytest.raises(UnveilError, match="labels of another"):
        settle(whole_run, CONFIG, replace(data, teacher="another").fingerprint)


def test_the_clock_ends_a_run(data: TrainingData, tmp_path: Path) -> None:
    position = run(replace(CONFIG, epochs=10_000, max_minutes=0.03), data, tmp_path)
    assert 0 < position.step < 3 * 10_000
    assert position.seconds >= 1.8
    assert load_learner(tmp_path).input_size == 32


def test_a_few_samples_are_learned_by_heart(data: TrainingData, tmp_path: Path) -> None:
    """Every batch is the same four crops, so that how far it gets hangs neither on their order nor on rounding."""
    few = np.arange(4)
    labels = Coefficients(data.layout, data.coefficients.values[few])
    same = replace(data, rows=few, coefficients=labels, weight=data.weight[few])
    still = preset("paper") | {"coefficient_loss": "standardised", "landmark_weight": 10.0, "vertex_weight": 0.1}
    config = replace(
        CONFIG, epochs=16, warmup=0.1, **(still | {"occluded": 0.0, "learning_rate": 1e-3, "gradient_norm": 5.0})
    )
    run(config, same, tmp_path)
    lines = log(tmp_path)
    assert lines[-1]["landmark"] < 0.7 * lines[0]["landmark"]
    assert lines[-1]["loss"] < 0.6 * lines[0]["loss"]


def no_images() -> torch.Tensor:
    raise AssertionError("only an exported learner needs them")


def test_a_run_starts_from_another(data: TrainingData, whole_run: Path, tmp_path: Path) -> None:
    old = load_learner(whole_run)
    other = data.layout.with_statistics(np.linspace(-1, 1, 160), np.linspace(0.5, 2, 160))
    learner = Learner(18, other, 32, heads={"occlusion"}).eval()
    start_from(learner, str(whole_run), no_images)
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        before, after = old(images), learner(images)
    assert torch.allclose(before.coefficients, after.coefficients, atol=1e-4)  # though the statistics differ
    assert torch.equal(before.occlusion, after.occlusion)
    with pytest.raises(UnveilError, match="ResNet-18, not a ResNet-34"):
        start_from(Learner(34, other, 32), str(whole_run), no_images)

    published = old.backbone.state_dict() | {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}
    torch.save(published, tmp_path / "resnet18.pth")
    learner = Learner(18, other, 32)
    start_from(learner, str(tmp_path / "resnet18.pth"), no_images)
    assert torch.equal(learner.backbone.conv1.weight, old.backbone.conv1.weight)
    del published["conv1.weight"]
    torch.save(published, tmp_path / "resnet18.pth")
    with pytest.raises(UnveilError, match=r"no state dict of a ResNet-18 .*conv1\.weight"):
        start_from(learner, str(tmp_path / "resnet18.pth"), no_images)
    with pytest.raises(UnveilError, match="does not exist"):
        start_from(learner, str(tmp_path / "absent.pth"), no_images)


def test_a_learner_that_finds_points_is_trained_kept_and_continued(data: TrainingData, tmp_path: Path) -> None:
    """Its run, its safetensors file and the learner that starts from it say the same of a crop."""
    config = replace(CONFIG, epochs=1, feature_weight=0.0, point_weight=20.0)
    run(config, data, tmp_path / "run")
    assert {"point", "map", "points_clear"} <= log(tmp_path / "run")[-1].keys()
    trained = load_learner(tmp_path / "run")
    assert trained.refinement is not None
    torch.nn.init.normal_(trained.refinement.linear.weight, std=0.05)
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    said = trained(images).coefficients

    write_state(trained, tmp_path / "state.safetensors", Statement("tiny", "Apache-2.0", "made-up heads"))
    scale = trained.std
    again = read_state(tmp_path / "state.safetensors")
    assert torch.allclose(again(images).coefficients / scale, said / scale, atol=0.05)

    statistics = np.linspace(-0.1, 0.1, 160), np.linspace(0.5, 2.0, 160)
    layout = trained.layout.with_statistics(*statistics)
    other = Learner(18, layout, 32, heads=HEADS, front=trained.refinement.front).eval()
    start_from(other, str(tmp_path / "state.safetensors"), lambda: images)
    assert torch.allclose(other(images).coefficients / scale, said / scale, atol=0.05)


def test_a_face_score_is_trained_kept_and_continued(data: TrainingData, tmp_path: Path) -> None:
    config = replace(CONFIG, epochs=1, feature_weight=0.0, beside=0.5, face_score_weight=0.5)
    run(config, data, tmp_path / "run")
    assert {"face_score", "face_clear", "face_occluded", "face_beside"} <= log(tmp_path / "run")[-1].keys()
    trained = load_learner(tmp_path / "run")
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    said = trained(images).face
    write_state(trained, tmp_path / "state.safetensors", Statement("tiny", "Apache-2.0", "made-up heads"))
    assert torch.allclose(read_state(tmp_path / "state.safetensors")(images).face, said, atol=0.02)
    other = Learner(18, trained.layout, 32, heads=HEADS).eval()
    start_from(other, str(tmp_path / "state.safetensors"), lambda: images)
    assert torch.allclose(other(images).face, said, atol=0.02)
    without = Learner(18, trained.layout, 32, heads={"occlusion"})
    start_from(without, str(tmp_path / "state.safetensors"), lambda: images)
    assert without(images).face is None


def class_maps(data: TrainingData, folder: Path) -> str:
    """Write class maps in which some columns of pixels are skin and the others are hair."""
    folder.mkdir()
    (folder / NOTE).write_text(json.dumps({"crops": data.folder.fingerprint}))
    for number, crops in enumerate(data.folder.shards):
        maps = np.full(crops.shape[:3], HAIR, np.uint8)
        maps[:, :, 30:50] = SKIN
        write_npy(folder / maps_name(number), maps)
    return str(folder)


def test_one_head_is_trained_beside_others_that_stay(data: TrainingData, whole_run: Path, tmp_path: Path) -> None:
    config = replace(CONFIG, feature_weight=0.0, class_weight=1.0, classes=class_maps(data, tmp_path / "maps"))
    config = replace(config, start_from=str(whole_run), train_only="class_head", learning_rate=1e-2, flip=0.0)
    run(config, data, tmp_path / "run")
    last = log(tmp_path / "run")[-1]
    assert {"class", "iou_skin_clear", "iou_occluder_occluded", "map_clear"} <= last.keys()
    assert "occlusion" not in last
    old, learner = load_learner(whole_run).state_dict(), load_learner(tmp_path / "run")
    for name, tensor in learner.state_dict().items():
        if name.startswith("backbone."):
            assert torch.equal(tensor, old[name]), name
    assert learner.occlusion_head is None
    write_state(learner, tmp_path / "state.safetensors", Statement("tiny", "Apache-2.0", "made-up heads"))
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    again = read_state(tmp_path / "state.safetensors")
    assert torch.allclose(again(images).classes, learner(images).classes, atol=0.05)
    fresh = Learner(18, learner.layout, 32, heads={"class"}).eval()
    start_from(fresh, str(tmp_path / "run"), no_images)
    assert torch.allclose(fresh(images).classes, learner(images).classes)


def test_what_cannot_be_trained_is_named(data: TrainingData, tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match="no class_head to train"):
        run(replace(CONFIG, train_only="class_head"), data, tmp_path / "none")
    config = replace(CONFIG, class_weight=1.0, classes=class_maps(data, tmp_path / "maps"))
    (tmp_path / "maps" / NOTE).write_text("{}")
    with pytest.raises(UnveilError, match="of other crops"):
        run(config, data, tmp_path / "other")
    assert not (tmp_path / "other").exists()
    assert {name for name, _ in Learner(18, data.layout, 32, heads=HEADS).named_children()} < {*PARTS}


def test_a_full_disk_is_one_line(data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bytes = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if path.suffix == ".pt":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write_bytes(path, content)  # settings still fit

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UnveilError, match=r"checkpoint\.pt.*No space left"):
        run(replace(CONFIG, max_steps=1), data, tmp_path / "run")
    assert not list((tmp_path / "run").glob("*.pt*"))


def test_no_learner_without_a_checkpoint(tmp_path: Path) -> None:
    settle(tmp_path, CONFIG, "data")
    with pytest.raises(UnveilError, match="train a learner first"):
        load_learner(tmp_path)
    (tmp_path / "checkpoint.pt").write_bytes(b"cut short")
    with pytest.raises(UnveilError, match="no usable checkpoint"):
        load_learner(tmp_path)


def test_too_few_samples_are_refused(data: TrainingData, tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match="12 training samples do not fill a batch of 13"):
        run(replace(CONFIG, batch_size=26), data, tmp_path)


def test_schedule_rises_and_falls() -> None:
    rates = [schedule(progress, 0.1) for progress in np.linspace(0, 1, 101)]
    assert np.argmax(rates) == 10
    assert rates[10] == pytest.approx(1)
    assert rates[5] == pytest.approx(0.5)
    assert rates[100] == pytest.approx(0, abs=1e-9)
    assert schedule(0.0, 0.0) == 1


def test_average_follows_the_weights() -> None:
    average, learner = torch.nn.BatchNorm1d(2), torch.nn.BatchNorm1d(2)
    with torch.no_grad():
        learner.weight.fill_(3.0)
    learner.num_batches_tracked += 5
    update_average(average, learner, 0.5, 1000)
    assert average.weight.tolist() == [2.0, 2.0]
    assert int(average.num_batches_tracked) == 5


def test_synced_normalisation_keeps_names_and_alone_changes_nothing() -> None:
    torch.manual_seed(0)
    plain = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    synced = copy.deepcopy(plain)
    synchronise(synced)
    assert isinstance(synced[1], SyncedBatchNorm)
    assert synced.state_dict().keys() == plain.state_dict().keys()
    images = torch.rand(5, 3, 8, 8)
    assert torch.equal(synced(images), plain(images))


def test_two_processes_learn_what_one_does(data: TrainingData, tmp_path: Path) -> None:
    """Real processes, each with half of every batch: gradients and normalisation are over both."""
    for processes in (1, 2):
        config, out = replace(CONFIG, batch_size=8, processes=processes), tmp_path / str(processes)
        ended = finished(command(config, data.folder.path, out), env=environment(), timeout=300)
        assert ended.stderr == ""
    ours, theirs = log(tmp_path / "1"), log(tmp_path / "2")
    assert [line["step"] for line in ours] == [3, 6]
    for one, other in zip(ours, theirs, strict=True):
        for name in ("loss", "coefficient", "landmark", "nme_clear", "nme_occluded", "map_occluded"):
            assert one[name] == pytest.approx(other[name], rel=2e-3)
    images = torch.rand(4, 3, 32, 32)
    one, other = (load_learner(tmp_path / processes) for processes in ("1", "2"))
    with torch.no_grad():
        difference = (one(images).coefficients - other(images).coefficients) / one.std
    assert difference.abs().max() < 0.02  # standard deviations


def normalise_a_half(rank: int, images: torch.Tensor, folder: Path) -> None:
    """What process ``rank`` of two makes of its half of the images [N, C, H, W]."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    own = images[rank::2].clone().requires_grad_()
    norm = SyncedBatchNorm(images.shape[1]).double()
    out = norm(own)
    out.pow(3).sum().backward()
    assert own.grad is not None
    torch.save([out.detach(), own.grad, norm.running_mean, norm.running_var], folder / f"{rank}.pt")
    torch.distributed.barrier()  # whoever leaves first would cut the other off
    torch.distributed.destroy_process_group()


def test_synced_normalisation_is_that_of_the_whole_batch(tmp_path: Path) -> None:
    images = torch.randn(6, 3, 4, 4, dtype=torch.float64) * torch.arange(1, 7)[:, None, None, None]
    torch.multiprocessing.spawn(normalise_a_half, (images, tmp_path), nprocs=2)
    whole, norm = images.clone().requires_grad_(), torch.nn.BatchNorm2d(3).double()
    out = norm(whole)
    out.pow(3).sum().backward()
    for rank in (0, 1):
        ours, gradient, mean, variance = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        assert torch.allclose(ours, out[rank::2], atol=1e-5)
        assert torch.allclose(gradient, whole.grad[rank::2], atol=1e-4)
        assert torch.allclose(mean, norm.running_mean, atol=1e-6)
        assert torch.allclose(variance, norm.running_var, atol=1e-5)
