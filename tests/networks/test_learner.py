import numpy as np
import pytest
import torch

from unveil.morphable.layout import CoefficientLayout, Group
from unveil.networks.learner import Learner
from unveil.networks.resnet import ResNet

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
        guess = learner(torch.rand(2, 3, 64, 64))
    assert torch.allclose(guess, torch.arange(7.0).expand(2, 7), atol=0.05)


def test_coefficients_stay_float32_under_autocast() -> None:
    learner = Learner(18, LAYOUT, 64).eval()
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        assert learner(torch.rand(1, 3, 64, 64)).dtype == torch.float32


def test_one_by_one_equals_batch() -> None:
    torch.manual_seed(0)
    learner = Learner(18, LAYOUT, 64).eval()
    images = torch.rand(3, 3, 64, 64)
    with torch.no_grad():
        one_by_one = torch.cat([learner(image[None]) for image in images])
        assert torch.allclose(learner(images), one_by_one, atol=1e-5)
