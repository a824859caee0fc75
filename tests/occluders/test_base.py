import os
import sys
from pathlib import Path

import made_up_face
import numpy as np
import pytest
from child import finished
from made_up_face import SIZE, demo_face, digests, landmarks, photo

from unveil.occluders import DrawnMask
from unveil.occluders.base import Face, Pool, composite, fill_polygon, hidden_share, sample_generator, size_for
from unveil.occluders.drawn import mask_outline


def test_polygon_covers_its_area() -> None:
    square = np.array([[20.0, 30], [60, 30], [60, 50], [20, 50]])
    assert fill_polygon(square, (SIZE, SIZE)).sum() == pytest.approx(41 * 21, rel=0.04)
    assert mask_outline(landmarks()).shape == (16, 2)


def test_composite_mixes_by_opacity() -> None:
    alpha = np.zeros((SIZE, SIZE), np.float32)
    alpha[10:20, 10:20] = 0.25
    result = composite(np.zeros((SIZE, SIZE, 3), np.uint8), (200, 100, 40), alpha, "test")
    assert result.image[15, 15].tolist() == [50, 25, 10]
    assert not result.mask.any()


def test_pool_draws_by_odds() -> None:
    pool = Pool((DrawnMask(colour=(1, 1, 1)), DrawnMask(colour=(250, 250, 250))), (1.0, 3.0), second=0.0)
    face, rng = Face.of(landmarks()), np.random.default_rng(0)
    bright = sum(pool.apply(photo(), face, rng).image[80, 64, 0] == 250 for _ in range(400))
    assert 260 < bright < 340
    with pytest.raises(ValueError, match="odds"):
        Pool((DrawnMask(),), (1.0, 2.0))


def test_a_second_occluder_adds_to_the_mask_and_the_kind() -> None:
    pool = Pool((DrawnMask(), DrawnMask(colour=(0, 0, 0))), (1.0, 1.0), second=1.0)
    face = Face.of(landmarks())
    result = pool.apply(photo(), face, np.random.default_rng(0))
    plain = DrawnMask(colour=(0, 0, 0)).apply(photo(), face, np.random.default_rng(0))
    assert result.kind == "mask+mask"
    assert (result.mask | plain.mask).sum() < 1.2 * result.mask.sum()
    assert pool.apply(photo(), face, np.random.default_rng(0), 0.3).kind == "mask"  # a wanted share: one is enough


def test_hidden_share_is_of_the_face_with_its_forehead() -> None:
    face = Face.of(landmarks())
    everything = np.ones((SIZE, SIZE), bool)
    assert hidden_share(everything, face) == 1
    assert hidden_share(~everything, face) == 0
    forehead = everything.copy()
    forehead[int(landmarks()[17:27, 1].min()) - 1 :] = False
    assert 0.1 < hidden_share(forehead, face) < 0.35
    beside = everything.copy()
    beside[:, int(landmarks()[:, 0].min()) : int(landmarks()[:, 0].max()) + 2] = False
    assert hidden_share(beside, face) == 0


def test_the_mesh_gives_the_face_where_there_is_one() -> None:
    with_mesh = demo_face()
    without = Face.of(with_mesh.landmarks68)
    regions = [fill_polygon(face.outline, (160, 160)) > 0.5 for face in (with_mesh, without)]
    overlap = (regions[0] & regions[1]).sum() / (regions[0] | regions[1]).sum()
    assert overlap > 0.85


def test_scaled_faces_keep_pixel_centres() -> None:
    face = demo_face()
    half = face.scaled(0.5)
    np.testing.assert_allclose(half.landmarks68, (face.landmarks68 + 0.5) / 2 - 0.5)
    assert half.mesh is not None
    assert face.mesh is not None
    np.testing.assert_allclose(half.mesh.points[..., :2], (face.mesh.points[..., :2] + 0.5) / 2 - 0.5)
    np.testing.assert_allclose(half.mesh.points[..., 2], face.mesh.points[..., 2] / 2)


def test_size_is_searched_by_what_it_hides() -> None:
    face = Face.of(landmarks())
    box = np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])

    def cover(face: Face, shape: tuple[int, ...], size: float) -> np.ndarray:
        return fill_polygon(box * size * face.side + face.centre, shape)

    for wanted in (0.05, 0.3, 0.8):
        size = size_for(wanted, cover, face, (SIZE, SIZE), (0.0, 3.0))
        assert hidden_share(cover(face, (SIZE, SIZE), size) > 0.5, face) == pytest.approx(wanted, abs=0.03)


def test_samples_are_told_apart_by_seed_name_and_epoch_alone() -> None:
    draws = {
        key: int(sample_generator(*key).integers(2**62))
        for key in ((0, "a.jpg", 0), (1, "a.jpg", 0), (0, "b.jpg", 0), (0, "a.jpg", 1), (0, "Zo\u00eb.jpg", 0))
    }
    assert len(set(draws.values())) == len(draws)
    # The same on any machine: NumPy promises the streams of its seed sequence and generator.
    assert draws[0, "a.jpg", 0] == 2340557434615505463
    assert sample_generator(0, "half \udce4 name", 0).random() < 1  # names of files need not be text


def test_pixels_depend_on_neither_order_nor_process() -> None:
    names = [f"{k}.jpg" for k in range(12)]
    here = digests(names)
    assert digests(names[::-1]) == here
    code = "import sys, made_up_face; print(made_up_face.digests(sys.argv[1:]))"
    environment = {**os.environ, "PYTHONHASHSEED": "77", "PYTHONPATH": str(Path(made_up_face.__file__).parent)}
    run = finished([sys.executable, "-c", code, *names], env=environment)
    assert run.stdout.strip() == str(here)
