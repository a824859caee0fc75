"""The network of MGCNet against TF-slim's, computed in float64 from its facts."""

import numpy as np
import pytest
import slim_reference
from extras import needs

torch = needs("torch")

from unveil.models.mgcnet.convert import network_parameters
from unveil.models.mgcnet.network import SlimResNet50


def filled(variables: dict[str, np.ndarray]) -> SlimResNet50:
    parameters = {name: torch.from_numpy(a) for name, a in network_parameters(variables.items()).items()}
    like = SlimResNet50.shaped_like(parameters)
    assert {parameter.device.type for parameter in like.parameters()} == {"meta"}
    network = SlimResNet50(
        len(like.logits.convolution.weight), like.conv1.convolution.out_channels, batch_norm=like.batch_norm
    )
    missing, unexpected = network.load_state_dict(parameters, strict=False)
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)
    return network.eval()


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("side", [64, 112])
def test_outputs_are_those_of_slim(side: int, batch_norm: bool) -> None:
    variables = slim_reference.variables(6, 9, batch_norm=batch_norm)
    images = np.random.default_rng(1).uniform(0, 1, (2, side, side, 3)).astype(np.float32)
    expected = slim_reference.network(variables, images.astype(np.float64), slim_reference.NumpyOperations())
    with torch.no_grad():
        found = filled(variables)(torch.from_numpy(images).permute(0, 3, 1, 2)).numpy()
    assert found.shape == expected.shape == (2, 9)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
    assert np.abs(expected[0] - expected[1]).max() > 1e-2 * np.abs(expected).max()  # the image matters


def test_the_published_shapes() -> None:
    with torch.device("meta"):
        network = SlimResNet50(257)
    shapes = {name: tuple(parameter.shape) for name, parameter in network.state_dict().items()}
    variables = slim_reference.variables(1, 1, batch_norm=False)
    assert set(shapes) == set(network_parameters(variables.items()))
    assert shapes["conv1.convolution.weight"] == (64, 3, 7, 7)
    assert shapes["block1.unit_1.shortcut.convolution.weight"] == (256, 64, 1, 1)
    assert shapes["block4.unit_3.conv2.convolution.weight"] == (512, 512, 3, 3)
    assert shapes["logits.convolution.weight"] == (257, 2048, 1, 1)
    assert sum(np.prod(shape) for shape in shapes.values()) == 24_008_065  # as TF-slim counts its own
