"""A made-up checkpoint of DECA: random weights under the published names and of the published shapes."""

from pathlib import Path

from extras import needs

torch = needs("torch")

from unveil.models.resnet import ResNet

DECODER_CHANNELS = ((2, 128, 128), (6, 128, 64), (10, 64, 64), (14, 64, 32), (18, 32, 16))  # index, in, out


def write_checkpoint(path: Path, seed: int = 0) -> None:
    """deca_model.tar: the state dicts of the two encoders and the detail decoder, and one that nobody asked for."""
    generator = torch.Generator().manual_seed(seed)
    backbone = _encoder(generator)
    coarse = backbone | _encoder_layers(236, generator)
    scale = torch.full((236,), 0.3)
    scale[200:] = 0.05  # pose, camera and light stay near their biases
    scale[206:209] = 0.005
    coarse["layers.2.weight"] *= scale[:, None] * 4
    coarse["layers.2.bias"] = torch.zeros(236)
    coarse["layers.2.bias"][206] = 6.0  # camera scale: the head spans two thirds of the crop
    coarse["layers.2.bias"][209:212] = 3.0  # light of band 0
    # The two encoders share most tensors, which halves the file.
    detail = backbone | {"encoder.conv1.weight": backbone["encoder.conv1.weight"].flip(0)}
    torch.save(
        {
            "E_flame": coarse,
            "E_detail": detail | _encoder_layers(128, generator),
            "D_detail": _decoder(generator),
            "opt": {"step": 1},
        },
        path,
    )


def _encoder(generator: torch.Generator) -> dict[str, torch.Tensor]:
    """Random weights of a ResNet-50 under the name ``encoder``; normalisations keep the signal's size."""
    state: dict[str, torch.Tensor] = {}
    with torch.device("meta"):
        names = ResNet(50).state_dict()
    for name, like in names.items():
        if name.endswith("num_batches_tracked"):
            value = torch.tensor(1)
        elif like.ndim == 4:
            fan_in = like[0].numel()
            value = torch.randn(like.shape, generator=generator) * (2 / fan_in) ** 0.5
        elif name.endswith(("running_var", "weight")):
            value = torch.rand(like.shape, generator=generator) * 0.4 + 0.8
        else:
            value = torch.randn(like.shape, generator=generator) * 0.1
        if name.endswith("bn3.weight"):
            value = value * 0.2  # else 16 blocks in a row would double the variance 16 times
        state[f"encoder.{name}"] = value
    return state


def _encoder_layers(count: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
    return {
        "layers.0.weight": torch.randn((1024, 2048), generator=generator) * (1 / 2048) ** 0.5,
        "layers.0.bias": torch.randn(1024, generator=generator) * 0.1,
        "layers.2.weight": torch.randn((count, 1024), generator=generator) * (1 / 1024) ** 0.5,
        "layers.2.bias": torch.randn(count, generator=generator) * 0.1,
    }


def _decoder(generator: torch.Generator) -> dict[str, torch.Tensor]:
    state = {
        "l1.0.weight": torch.randn((8192, 181), generator=generator) * (1 / 181) ** 0.5,
        "l1.0.bias": torch.randn(8192, generator=generator) * 0.1,
    }
    norms = [(0, 128)]
    for index, channels_in, channels_out in (*DECODER_CHANNELS, (21, 16, 1)):
        weight = torch.randn((channels_out, channels_in, 3, 3), generator=generator)
        state[f"conv_blocks.{index}.weight"] = weight * (2 / (9 * channels_in)) ** 0.5
        state[f"conv_blocks.{index}.bias"] = torch.randn(channels_out, generator=generator) * 0.1
        norms.append((index + 1, channels_out))
    for index, channels in norms[:-1]:
        name = f"conv_blocks.{index}"
        state[f"{name}.weight"] = torch.rand(channels, generator=generator) + 0.8
        state[f"{name}.bias"] = torch.randn(channels, generator=generator) * 0.1
        state[f"{name}.running_mean"] = torch.randn(channels, generator=generator) * 0.1
        state[f"{name}.running_var"] = torch.rand(channels, generator=generator) + 0.3
        state[f"{name}.num_batches_tracked"] = torch.tensor(1)
    return state
