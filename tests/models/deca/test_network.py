"""DECA's networks against the names and shapes of the published checkpoint; what they compute is tested in teachers."""

from collections.abc import Mapping

import pytest
from deca_reference import STAGES
from extras import needs

torch = needs("torch")

from unveil.models.deca.network import DecaNetworks


def names(module: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}


def normalisation(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    parts = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{part}": (channels,) for part in parts} | {f"{name}.num_batches_tracked": ()}


def published_encoder(size: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the published encoders: a ResNet-50 with torchvision's names and two linear layers."""
    shapes: dict[str, tuple[int, ...]] = {"conv1.weight": (64, 3, 7, 7)} | normalisation("bn1", 64)
    channels = 64
    for stage, (blocks, width) in enumerate(STAGES, 1):
        for block in range(blocks):
            name = f"layer{stage}.{block}"
            shapes |= {f"{name}.conv1.weight": (width, channels, 1, 1)} | normalisation(f"{name}.bn1", width)
            shapes |= {f"{name}.conv2.weight": (width, width, 3, 3)} | normalisation(f"{name}.bn2", width)
            shapes |= {f"{name}.conv3.weight": (4 * width, width, 1, 1)} | normalisation(f"{name}.bn3", 4 * width)
            if block == 0:
                shapes |= {f"{name}.downsample.0.weight": (4 * width, channels, 1, 1)}
                shapes |= normalisation(f"{name}.downsample.1", 4 * width)
            channels = 4 * width
    return {f"encoder.{name}": shape for name, shape in shapes.items()} | {
        "layers.0.weight": (1024, 2048),
        "layers.0.bias": (1024,),
        "layers.2.weight": (size, 1024),
        "layers.2.bias": (size,),
    }


PUBLISHED_DECODER: Mapping[str, tuple[int, ...]] = (
    {"l1.0.weight": (8192, 181), "l1.0.bias": (8192,)}
    | normalisation("conv_blocks.0", 128)
    | {"conv_blocks.2.weight": (128, 128, 3, 3), "conv_blocks.2.bias": (128,)}
    | normalisation("conv_blocks.3", 128)
    | {"conv_blocks.6.weight": (64, 128, 3, 3), "conv_blocks.6.bias": (64,)}
    | normalisation("conv_blocks.7", 64)
    | {"conv_blocks.10.weight": (64, 64, 3, 3), "conv_blocks.10.bias": (64,)}
    | normalisation("conv_blocks.11", 64)
    | {"conv_blocks.14.weight": (32, 64, 3, 3), "conv_blocks.14.bias": (32,)}
    | normalisation("conv_blocks.15", 32)
    | {"conv_blocks.18.weight": (16, 32, 3, 3), "conv_blocks.18.bias": (16,)}
    | normalisation("conv_blocks.19", 16)
    | {"conv_blocks.21.weight": (1, 16, 3, 3), "conv_blocks.21.bias": (1,)}
)


@pytest.fixture(scope="module")
def network() -> DecaNetworks:
    with torch.device("meta"):
        return DecaNetworks()


def test_encoders_have_the_published_names_and_shapes(network: DecaNetworks) -> None:
    assert names(network.E_flame) == published_encoder(236)
    assert names(network.E_detail) == published_encoder(128)


def test_decoder_has_the_published_names_and_shapes(network: DecaNetworks) -> None:
    assert names(network.D_detail) == PUBLISHED_DECODER


def test_there_is_nothing_else_in_the_checkpoint(network: DecaNetworks) -> None:
    assert {name for name, _ in network.named_children()} == {"E_flame", "E_detail", "D_detail"}


def test_normalisations_of_the_decoder_have_the_published_epsilons(network: DecaNetworks) -> None:
    layers = network.D_detail.conv_blocks
    found = {index: layer.eps for index, layer in enumerate(layers) if isinstance(layer, torch.nn.BatchNorm2d)}
    assert found == {0: 1e-5, 3: 0.8, 7: 0.8, 11: 0.8, 15: 0.8, 19: 0.8}
