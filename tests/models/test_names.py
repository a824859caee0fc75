"""Every model by its name: the library opens what the command line opens, and sends it to other processes."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from extras import needs

needs("torch")
needs("safetensors")

from made_up_flame import write_data_folder
from made_up_mgcnet import write_converted
from made_up_tddfa import write_folder

from unveil.models.deca.convert import export_deca
from unveil.models.registry import NETWORKS, open_encoder
from unveil.models.tddfa.convert import export_tddfa
from unveil.reconstruct.pipeline import Reconstructor

# Names, and whether the networks lie there as ONNX files.
MODELS = [("openhead", True), ("deca", False), ("deca", True), ("3ddfa", False), ("3ddfa", True), ("mgcnet", False)]


@pytest.fixture(scope="module", params=MODELS, ids=lambda model: f"{model[0]}-{'onnx' if model[1] else 'torch'}")
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A name and the folder with its made-up files."""
    name, as_onnx = request.param
    folder = tmp_path_factory.mktemp(name)
    if name == "deca":
        write_data_folder(folder)
        _ = as_onnx and list(export_deca(folder / "deca_model.tar", folder))
    elif name == "3ddfa":
        write_folder(folder, "mb05")
        _ = as_onnx and export_tddfa(folder / "mb05_120x120.pth")
    elif name == "mgcnet":
        write_converted(folder)
    return name, folder


def test_a_network_in_another_process_says_the_same(model: tuple[str, Path]) -> None:
    name, folder = model
    encoder = open_encoder(name, folder)
    again = pickle.loads(pickle.dumps(encoder))  # noqa: S301 - written in this line
    crops = np.random.default_rng(1).integers(0, 256, (2, encoder.input_size, encoder.input_size, 3), np.uint8)
    here, there = (one.layout.split(one.values) for one in (e.predict(crops).coefficients for e in (encoder, again)))
    assert here.keys() == there.keys()
    for group, values in here.items():  # rounding differs with how a busy machine shares out sums to threads
        np.testing.assert_allclose(there[group], values, rtol=0, atol=1e-4 * np.abs(values).max())
    assert (again.name, again.layout, again.framing) == (encoder.name, encoder.layout, encoder.framing)


def test_a_reconstructor_of_every_name_is_small_to_send(
    model: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    name, folder = model
    assert name in NETWORKS
    monkeypatch.chdir(folder.parent)
    reconstructor = Reconstructor(name, assets=folder.name)
    sent = pickle.dumps(reconstructor)
    assert len(sent) < 1000  # bytes: its name, not its weights
    monkeypatch.chdir(folder)  # a worker's folder
    again = pickle.loads(sent)  # noqa: S301 - written above
    assert repr(again) == repr(reconstructor)
    assert max(map(len, map(repr, (again, again.morphable)))) < 200
    assert again.encoder.path.samefile(folder.parent / reconstructor.encoder.path)
