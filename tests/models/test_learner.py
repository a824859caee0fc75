import numpy as np
import pytest
from extras import needs

torch = needs("torch")

from unveil.heads.layout import CoefficientLayout, Group
from unveil.models.classes import CLASSES, OCCLUDER
from unveil.models.learner import HEADS, Learner, heads_in
from unveil.models.resnet import ResNet

LAYOUT = CoefficientLayout("tiny", (Group("shape", 4, "sd"), Group("camera", 3, "1/m, m")))


@pytest.mark.parametrize(
    ("depth", "parameters", "features"), [(18, 11_689_512, 512), (34, 21_797_672, 512), (50, 25_557_032, 2048)]
)
def test_resnets_are_those_of_the_paper(depth: int, parameters: int, features: int) -> None:
    network = ResNet(depth)
    own = sum(p.numel() for p in network.parameters())
    assert own + features * 1000 + 1000 == parameters  # the published counts include the classification layer
    network.eval()
    assert network(torch.zeros(2, 3, 64, 64)).shape == (2, features)


def test_parameter_names_are_torchvisions() -> None:
    names = set(ResNet(50).state_dict())
    for name in ("conv1.weight", "bn1.running_var", "layer1.0.downsample.1.bias", "layer4.2.conv3.weight"):
        assert name in names


def test_unknown_depth_is_refused() -> None:
    with pytest.raises(ValueError, match="depth 77"):
        ResNet(77)


def test_first_guess_is_the_mean_of_the_layout() -> None:
    mean, std = np.arange(7.0), np.full(7, 0.1)
    learner = Learner(18, LAYOUT.with_statistics(mean, std), 64).eval()
    with torch.no_grad():
        guess = learner(torch.rand(2, 3, 64, 64)).coefficients
    assert torch.allclose(guess, torch.arange(7.0).expand(2, 7), atol=0.05)


def test_coefficients_stay_float32_under_autocast() -> None:
    learner = Learner(18, LAYOUT, 64, heads=HEADS).eval()
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        told = learner(torch.rand(1, 3, 64, 64))
    assert {part.dtype for part in told if part is not None} == {torch.float32}


def test_one_by_one_equals_batch() -> None:
    torch.manual_seed(0)
    learner = Learner(18, LAYOUT, 64, heads=HEADS).eval()
    images = torch.rand(3, 3, 64, 64)
    with torch.no_grad():
        together = learner(images)
        for k, image in enumerate(images):
            for alone, part in zip(learner(image[None])[:4], together[:4], strict=True):
                assert torch.allclose(alone[0], part[k], atol=1e-5)


@pytest.mark.parametrize("size", [64, 112, 224])
def test_heads_tell_what_was_seen_and_how_sure(size: int) -> None:
    std = np.arange(1.0, 8.0)
    layout = LAYOUT.with_statistics(np.zeros(7), std)
    told = Learner(18, layout, size, heads=HEADS).eval()(torch.rand(2, 3, size, size))
    assert told.occlusion is not None
    assert told.deviations is not None
    assert told.occlusion.shape == (2, 28, 28)
    assert torch.allclose(told.deviations, torch.from_numpy(std).float().expand(2, 7))  # at first, the data's spread


def test_the_face_score_moves_the_features() -> None:
    learner = Learner(18, LAYOUT, 64, heads={"face"})
    told = learner(torch.rand(2, 3, 64, 64))
    assert told.face is not None
    assert told.face.shape == (2,)
    told.face.sum().backward()
    assert float(learner.backbone.conv1.weight.grad.abs().max()) > 0


@pytest.mark.parametrize("size", [64, 112, 224])
def test_the_class_map_holds_the_occlusion_map(size: int) -> None:
    torch.manual_seed(0)
    learner = Learner(18, LAYOUT, size, heads={"class"}).eval()
    told = learner(torch.rand(2, 3, size, size))
    assert told.classes is not None
    assert told.occlusion is not None
    assert told.classes.shape == (2, len(CLASSES), 56, 56)
    probability = torch.softmax(told.classes, dim=1)[:, OCCLUDER, 10:12, 20:22]
    odds = torch.log(probability / (1 - probability)).mean(dim=(1, 2))
    assert torch.allclose(told.occlusion[:, 5, 10], odds, atol=1e-5)
    assert heads_in(learner.state_dict()) == {"class"}


def test_without_heads_there_is_nothing_of_them() -> None:
    learner = Learner(18, LAYOUT, 64)
    told = learner.eval()(torch.rand(1, 3, 64, 64))
    assert told.occlusion is None
    assert told.deviations is None
    assert told.face is None
    assert not any("occlusion" in name or "deviation" in name for name in learner.state_dict())


def test_deviations_do_not_move_the_features() -> None:
    learner = Learner(18, LAYOUT, 64, heads={"deviation"})
    told = learner(torch.rand(2, 3, 64, 64))
    told.deviations.log().sum().backward()
    assert learner.backbone.conv1.weight.grad is None
    assert learner.deviation_head is not None
    assert learner.deviation_head.last.bias.grad is not None
