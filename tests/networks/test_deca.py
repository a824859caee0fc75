"""DECA's networks against the published names and a plain float64 evaluation of what they are said to compute."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from made_up_deca import STAGES, decode_reference, encode_reference, made_up_state
from torch import nn

from unveil.networks.deca import DecaEncoder, DetailDecoder

RNG = np.random.default_rng(0)


def names(module: nn.Module) -> dict[str, tuple[int, ...]]:
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


@pytest.mark.parametrize("size", [236, 128])
def test_encoders_have_the_published_names_and_shapes(size: int) -> None:
    assert names(DecaEncoder(size)) == published_encoder(size)


def test_decoder_has_the_published_names_and_shapes() -> None:
    assert names(DetailDecoder()) == PUBLISHED_DECODER


def relative_error(values: torch.Tensor, expected: np.ndarray) -> float:
    return float(np.abs(values.numpy() - expected).max() / np.abs(expected).max())


def test_encoder_equals_the_plain_evaluation() -> None:
    state = made_up_state(DecaEncoder(236), seed=3)
    encoder = DecaEncoder(236).eval()
    encoder.load_state_dict(state)
    images = RNG.random((2, 3, 224, 224), np.float32)
    with torch.no_grad():
        codes = encoder(torch.from_numpy(images))
    assert relative_error(codes, encode_reference(state, images)) < 1e-4


def decoder_inputs(count: int) -> list[np.ndarray]:
    return [RNG.normal(size=(count, size)).astype(np.float32) for size in (3, 50, 128)]


def test_decoder_equals_the_plain_evaluation() -> None:
    state = made_up_state(DetailDecoder(), seed=4)
    decoder = DetailDecoder().eval()
    decoder.load_state_dict(state)
    inputs = decoder_inputs(2)
    with torch.no_grad():
        displacement = decoder(*map(torch.from_numpy, inputs))
    expected = decode_reference(state, *inputs)
    assert displacement.shape == (2, 256, 256)
    assert relative_error(displacement, expected) < 1e-4
    assert np.abs(expected).std() > 1e-4  # the maps are not flat, nor all at tanh's ends


def test_displacement_stays_within_a_centimetre() -> None:
    decoder = DetailDecoder().eval()
    decoder.load_state_dict(made_up_state(decoder, seed=5))
    with torch.no_grad():
        displacement = decoder(*(100 * torch.from_numpy(part) for part in decoder_inputs(3)))
    assert 0.005 < displacement.abs().max() <= 0.01
