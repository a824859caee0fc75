"""What is known of the parts of a whole face that the learner's head does not have."""

from dataclasses import replace

import numpy as np
import pytest

from unveil import load_openhead
from unveil.assets.store import packaged
from unveil.faces.files import vertex_values
from unveil.faces.reconstruction import Reconstruction
from unveil.faces.whole import whole_hidden
from unveil.heads.layout import Coefficients
from unveil.reconstruct.pipeline import Reconstructor


def hidden_teeth(face: Reconstruction) -> float:
    """The share of the upper teeth's vertices that was hidden."""
    model = replace(face.morphable, hair=None)
    parts = model.whole.parts
    teeth = np.unique(model.whole.faces[parts.faces_of("upper_teeth")])
    return float((whole_hidden(face, model)[teeth] > 0.5).mean())


def test_a_smile_shows_teeth_and_closed_lips_hide_them() -> None:
    (face,) = Reconstructor().reconstruct(packaged("demo.jpg"), max_faces=1)
    values = face.coefficients.values.copy()
    values[face.coefficients.layout.slice_of("expression")] = 0
    closed = replace(face, coefficients=Coefficients(face.coefficients.layout, values))
    assert hidden_teeth(face) < 0.8  # hidden are backs, and teeth at the sides
    assert hidden_teeth(closed) > 0.9
    before_all = replace(face, occlusion=np.ones_like(face.occlusion))
    assert hidden_teeth(before_all) == 1


def test_every_vertex_of_a_file_has_its_number() -> None:
    (face,) = Reconstructor().reconstruct(packaged("demo.jpg"), max_faces=1)
    known = vertex_values(face, face.wearing)
    count = len(face.wearing.complete(face.coefficients)[0].head.template)
    assert {name: len(values) for name, values in known.items()} == {"hidden": count, "uncertainty": count}
    hair = face.wearing.hair
    assert hair is not None
    np.testing.assert_array_equal(known["hidden"][-len(hair.hidden) :], hair.hidden)
    np.testing.assert_array_equal(known["hidden"][: len(face.hidden)], face.hidden)


def test_numbers_of_some_other_head_are_refused() -> None:
    model = load_openhead()
    own, whole = len(model.head.template), len(model.whole.head.template)
    assert len(model.extended(np.zeros(own))) == len(model.extended(np.zeros(whole))) == whole
    for count in (own - 1, own + 1, whole + 1):
        with pytest.raises(ValueError, match=f"got {count}"):
            model.extended(np.zeros(count))
