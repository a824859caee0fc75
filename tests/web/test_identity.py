"""What the page knows of shapes is what the head model says."""

import base64

import numpy as np
import pytest
from glb_reader import Glb

import unveil
from unveil.meshes.glb import glb_bytes
from unveil.web.identity import COMPONENTS, identities

HEAD = unveil.load_openhead()
IDENTITY = identities(["openhead", "flame"])["openhead"]


def numbers(packed: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed), kind)


def test_shapes_are_those_of_files() -> None:
    shape = np.zeros(100, np.float32)
    shape[:COMPONENTS] = np.random.default_rng(0).normal(size=COMPONENTS)
    file = Glb(glb_bytes(HEAD, HEAD.zero().replace(shape=shape)))
    assert file["extras"]["shape"] == pytest.approx(shape, abs=1e-4)
    steps = np.array(IDENTITY["steps"])
    components = numbers(IDENTITY["data"], "<i2").reshape(1 + COMPONENTS, -1, 3) * steps[:, None, None]
    whole = components[0] + np.tensordot(shape[:COMPONENTS], components[1:], axes=1)
    assert len(whole) == IDENTITY["vertices"] + len(IDENTITY["joints"])
    for primitive in file.mesh["primitives"]:
        vertices = numbers(IDENTITY["parts"][primitive["extras"]["part"]], "<u2")
        positions = file.array(primitive["attributes"]["POSITION"])
        np.testing.assert_allclose(whole[vertices], positions, atol=2e-5)  # metres
    inverse = file.array(file["skins"][0]["inverseBindMatrices"]).reshape(-1, 4, 4)
    np.testing.assert_allclose(whole[IDENTITY["vertices"] :], -inverse[:, 3, :3], atol=2e-5)


def test_of_other_models_nothing_is_known() -> None:
    assert identities(["flame"]) == {}
