"""Learners as safetensors files: the same weights but for half precision, and training goes on from them."""

from pathlib import Path

import pytest
from extras import needs

torch = needs("torch")

from unveil.errors import UnveilError
from unveil.models.learner import HEADS, Learner
from unveil.models.openhead.head import GEOMETRY_LAYOUT
from unveil.training.initial_weights import start_from
from unveil.training.release.safetensors_file import read_state, write_state
from unveil.training.release.to_onnx import Statement

STATEMENT = Statement("tiny", "Apache-2.0", "made-up heads")


def learner(seed: int) -> Learner:
    """A small learner whose numbers are drawn."""
    torch.manual_seed(seed)
    made = Learner(18, GEOMETRY_LAYOUT, 32, heads=HEADS)
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return made.eval()


def test_a_learner_comes_back_in_half_precision(tmp_path: Path) -> None:
    path, made = tmp_path / "state.safetensors", learner(0)
    write_state(made, path, STATEMENT)
    again = read_state(path)
    assert (again.depth, again.input_size, again.layout) == (18, 32, GEOMETRY_LAYOUT)
    for name, tensor in made.state_dict().items():
        limit = 1e-3 * float(tensor.abs().max()) if tensor.ndim > 1 else 0.0
        assert float((again.state_dict()[name] - tensor).abs().max()) <= limit
    assert path.stat().st_size < 0.6 * 4 * sum(tensor.numel() for tensor in made.state_dict().values())


def test_training_goes_on_from_it(tmp_path: Path) -> None:
    path, made, other = tmp_path / "state.safetensors", learner(0), learner(1)
    write_state(made, path, STATEMENT)
    start_from(other, str(path), lambda: torch.zeros(1))
    weight = made.backbone.conv1.weight
    assert torch.allclose(other.backbone.conv1.weight, weight, atol=1e-3 * float(weight.detach().abs().max()))


@pytest.mark.parametrize("content", [b"", b"\xff" * 40, (10).to_bytes(8, "little") + b'{"a": {}} '])
def test_other_files_are_an_error_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(content)
    with pytest.raises(UnveilError, match=r"^[^\n]*is no learner to start from[^\n]*$"):
        read_state(path)


def test_a_file_cut_short_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    write_state(learner(0), path, STATEMENT)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(UnveilError, match="no learner to start from"):
        read_state(path)
