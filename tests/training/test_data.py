from dataclasses import replace
from pathlib import Path

import cv2
import made_up
import numpy as np
import pytest
import training_folder

from unveil.codes.file import read_codes, write_codes
from unveil.errors import UnveilError
from unveil.heads.face_points import face_points
from unveil.heads.layout import CoefficientLayout, Coefficients, Group
from unveil.heads.mirror import mirror_matrix
from unveil.occluders.base import Face, Occlusion, Pool
from unveil.occluders.pool import load_pool
from unveil.training.config import TrainConfig
from unveil.training.crops.prepared import TRAIN, VALIDATION, PreparedFolder
from unveil.training.data import TrainingData
from unveil.training.sampler import Sampler
from unveil.training.views.photometry import compress, disturb, lower_resolution, recolour, surround

CONFIG = TrainConfig(input_size=64, occluded=0.5, flip=0.5, feature_weight=0.0, severity_epochs=0.0)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    return training_folder.load(training_folder.write(tmp_path_factory.mktemp("data")))


def test_labels_move_with_the_pixels(data: TrainingData) -> None:
    """Landmarks of the moved coefficients are the moved landmarks, and image content goes with them."""
    sampler = Sampler(data, replace(CONFIG, occluded=0.0, colour=0.0), load_pool())
    indices = data.indices(TRAIN)
    flips, moves = sampler._draw_moves([sampler._generator(3, i) for i in indices])
    moved = Coefficients(data.layout, sampler.move_labels(indices, flips, moves))
    small = data.model.landmark_model()
    contour = small.project(small.contour68(small.vertices(moved), moved), moved)[..., :2]
    expected = sampler.move_landmarks(indices, flips, moves)
    inner = slice(17, None)  # the jaw line follows whole degrees of yaw, and turning the picture may pass one
    np.testing.assert_allclose(((contour + 1) * CONFIG.input_size / 2)[:, inner], expected[:, inner], atol=0.02)
    image, _ = sampler.crops.warp(int(indices[0]), moves[0], flip=False)
    x, y = np.rint(expected[0, 30]).astype(int)
    assert np.abs(image[y, x].astype(int) - (90, 165, 128)).max() < 60  # the colour of blot 30


def test_flipped_landmarks_are_mirrored_pixels(data: TrainingData) -> None:
    sampler = Sampler(data, CONFIG, load_pool())
    index, still = data.indices(TRAIN)[:1], np.eye(2, 3)[None]
    straight = sampler.move_landmarks(index, np.array([False]), still)[0]
    flipped = sampler.move_landmarks(index, np.array([True]), still)[0]
    np.testing.assert_allclose(flipped[30], [CONFIG.input_size, 0] + straight[30] * (-1, 1))
    np.testing.assert_allclose(flipped[36], [CONFIG.input_size, 0] + straight[45] * (-1, 1))
    image, _ = sampler.crops.warp(int(index[0]), still[0], flip=True)
    x, y = np.rint(flipped[30]).astype(int)
    assert np.abs(image[y, x].astype(int) - (90, 165, 128)).max() < 60


def test_points_move_with_the_labels(data: TrainingData) -> None:
    """Face points of the moved coefficients are the moved points; in a mirrored crop the sides change places."""
    sampler = Sampler(data, replace(CONFIG, point_weight=1.0), load_pool())
    indices = data.indices(TRAIN)
    flips, moves = sampler._draw_moves([sampler._generator(3, i) for i in indices])
    moved = Coefficients(data.layout, sampler.move_labels(indices, flips, moves))
    vertices = data.model.vertices(moved)[:, face_points(data.model).vertices]
    expected = data.model.project(vertices, moved)[..., :2]
    np.testing.assert_allclose(sampler.move_points(indices, flips, moves), expected, atol=1e-3)
    still = np.repeat(np.eye(2, 3)[None], len(indices), axis=0)
    straight, mirrored = (sampler.move_points(indices, np.full(len(indices), flip), still) for flip in (False, True))
    np.testing.assert_allclose(mirrored, straight[:, face_points(data.model).mirror] * (-1, 1), atol=1e-6)


def test_points_that_are_given_are_taken(data: TrainingData, tmp_path: Path) -> None:
    codes = read_codes(data.folder.path / training_folder.CODES)
    given = np.random.default_rng(0).random((len(codes.names), len(face_points(data.model).vertices), 2))
    write_codes(tmp_path / "codes.npz", replace(codes, points=given.astype(np.float32)))
    joined = TrainingData.join(data.folder, read_codes(tmp_path / "codes.npz"), data.model)
    np.testing.assert_array_equal(joined.points, given.astype(np.float32))
    with pytest.raises(UnveilError, match="3 face points, not those of made-up"):
        TrainingData.join(data.folder, replace(codes, points=given[:, :3].astype(np.float32)), data.model)


def test_borders_of_the_photograph_give_nothing_away() -> None:
    crop = np.full((80, 80, 3), 200, np.uint8)
    crop[:, :20] = 0
    crop[50:] = 0
    results = [surround(crop, np.random.default_rng(seed)).image for seed in range(40)]
    np.testing.assert_array_equal(results[7], surround(crop, np.random.default_rng(7)).image)
    left_edges = {int(np.argmax((result[30] == 200).all(axis=1))) for result in results}
    assert len(left_edges) > 4  # where the photograph begins varies, and often nothing shows it
    assert sum((result == 200).all() for result in results) > 12
    dark = np.zeros((80, 80, 3), np.uint8)
    np.testing.assert_array_equal(surround(dark, np.random.default_rng(0)).image, dark)


def test_pairs_differ_in_nothing_but_the_occluder(data: TrainingData) -> None:
    sampler = Sampler(data, replace(CONFIG, feature_weight=0.1), load_pool())
    indices = data.indices(TRAIN)[:5]
    batch = sampler.training_batch(1, indices)
    assert batch.images.shape == (10, 64, 64, 3)
    np.testing.assert_array_equal(batch.partner, [5, 6, 7, 8, 9, -1, -1, -1, -1, -1])
    np.testing.assert_array_equal(batch.coefficients[:5], batch.coefficients[5:])
    assert (batch.occlusion[5:] == 0).all()
    assert (batch.occlusion[:5].max(axis=(1, 2)) > 0).all()
    still = Sampler(data, replace(CONFIG, feature_weight=0.1, colour=0.0), load_pool()).training_batch(1, indices)
    front, clear = still.images[:5], still.images[5:]
    for changed, occlusion in zip((front != clear).any(axis=-1), still.occlusion[:5], strict=True):
        enlarged = cv2.resize(occlusion, (64, 64), interpolation=cv2.INTER_NEAREST)
        away = cv2.dilate(enlarged, np.ones((9, 9))) == 0  # from the occluder's soft edge and its shadow, too
        assert changed.any()
        assert away.any()
        assert not changed[away].any()


def test_the_map_says_where_the_occluder_is(data: TrainingData) -> None:
    class Left:
        kind = "left half"

        def apply(
            self, image: np.ndarray, face: Face, rng: np.random.Generator, severity: float | None = None
        ) -> Occlusion:
            mask = np.zeros(image.shape[:2], bool)
            mask[:, : image.shape[1] // 2] = True
            return Occlusion(np.where(mask[..., None], np.uint8(0), image), mask, self.kind)

    batch = Sampler(data, replace(CONFIG, occluded=1.0), Pool((Left(),), (1.0,))).training_batch(0, np.arange(3))
    assert batch.occlusion.shape == (3, 28, 28)
    np.testing.assert_array_equal(batch.occlusion[:, :, :14], 1)
    np.testing.assert_array_equal(batch.occlusion[:, :, 14:], 0)


def test_occlusion_grows_with_the_epochs(data: TrainingData) -> None:
    config = replace(CONFIG, severity=0.7, severity_start=0.2, severity_epochs=5.0)
    sampler = Sampler(data, config, load_pool())
    assert [round(sampler.severity(epoch), 3) for epoch in (0, 0.5, 1, 5, 50)] == [0.2, 0.25, 0.3, 0.7, 0.7]
    assert Sampler(data, replace(config, severity=0.0), load_pool()).severity(9) == 0


def test_samples_do_not_depend_on_their_batch(data: TrainingData) -> None:
    sampler = Sampler(data, CONFIG, load_pool())
    indices = data.indices(TRAIN)
    whole = sampler.training_batch(2, indices)
    single = sampler.training_batch(2, indices[5:6])
    np.testing.assert_array_equal(single.images[0], whole.images[5])
    np.testing.assert_array_equal(single.coefficients[0], whole.coefficients[5])
    other = sampler.training_batch(3, indices[5:6])
    assert (other.images[0] != whole.images[5]).any()


def test_order_is_a_new_permutation_each_epoch(data: TrainingData) -> None:
    sampler = Sampler(data, CONFIG, load_pool())
    first, again, second = sampler.order(0), sampler.order(0), sampler.order(1)
    np.testing.assert_array_equal(first, again)
    assert (first != second).any()
    assert sorted(first) == sorted(second) == list(data.indices(TRAIN))


def test_occluded_validation_keeps_the_clear_labels(data: TrainingData) -> None:
    sampler = Sampler(data, CONFIG, load_pool())
    indices = data.indices(VALIDATION)
    clear, hidden = (sampler.validation_batch(indices, occluded=occluded) for occluded in (False, True))
    np.testing.assert_array_equal(clear.coefficients, hidden.coefficients)
    assert (clear.images != hidden.images).any(axis=(1, 2, 3)).all()


def test_statistics_standardize_the_first_epoch(data: TrainingData) -> None:
    sampler = Sampler(data, CONFIG, load_pool())
    layout = sampler.layout_with_statistics()
    batch = sampler.training_batch(0, data.indices(TRAIN))
    values = layout.standardize(batch.coefficients.astype(np.float64))
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-4)
    moving = batch.coefficients.std(axis=0) > 1e-3
    np.testing.assert_allclose(values.std(axis=0)[moving], 1, atol=1e-3)


def test_mirroring_twice_is_nothing() -> None:
    """On a head whose basis is made of symmetric and antisymmetric parts."""
    model = made_up.model()
    rng, mirror = np.random.default_rng(0), model.mirror_vertices
    basis = rng.normal(0, 1e-3, model.head.shape_basis.shape).astype(np.float32)
    mirrored = basis[:, mirror] * np.array([-1, 1, 1], np.float32)
    basis = np.concatenate([basis[:50] + mirrored[:50], basis[50:] - mirrored[50:]])
    names = (*(f"unit{k // 2}{'Left' if k % 2 else 'Right'}" for k in range(50)), "middle")
    units = rng.normal(0, 1e-3, model.head.expression_basis.shape).astype(np.float32)
    reflected = units[:, mirror] * np.array([-1, 1, 1], np.float32)
    units[1:50:2] = reflected[0:50:2]
    units[50] += reflected[50]
    # A template, and joints, that are not quite symmetric would hide what the matrix does.
    template = (model.head.template + model.head.template[mirror] * (-1, 1, 1)).astype(np.float32) / 2
    head = replace(model.head, template=template, shape_basis=basis, expression_basis=units)
    model = replace(model, head=head, expression_names=names)
    matrix = mirror_matrix(model)
    assert matrix is not None
    np.testing.assert_allclose(matrix @ matrix, np.eye(160), atol=1e-4)

    values = training_folder.coefficients(3)
    there = model.project(model.neutral(values), values)
    mirrored_values = Coefficients(values.layout, values.values @ matrix)
    here = model.project(model.neutral(mirrored_values), mirrored_values)
    np.testing.assert_allclose(here[:, mirror] * (-1, 1, 1), there, atol=1e-4)


def test_a_head_without_symmetry_is_not_flipped(data: TrainingData) -> None:
    assert mirror_matrix(made_up.model()) is None  # its random basis does not span its mirror image
    batch = Sampler(data, replace(CONFIG, flip=1.0), load_pool()).training_batch(0, data.indices(TRAIN))
    assert np.isfinite(batch.coefficients).all()


def test_photometry_is_seeded_and_keeps_the_form(data: TrainingData) -> None:
    image = data.folder.crop(0)
    same = [disturb(image, np.random.default_rng(4), 1.0) for _ in range(2)]
    np.testing.assert_array_equal(*same)
    rng = np.random.default_rng(0)
    for changed in (recolour(image, rng), lower_resolution(image, 0.5), compress(image, 30)):
        assert changed.shape == image.shape
        assert changed.dtype == np.uint8
        assert (changed != image).any()


def test_only_samples_with_a_label_are_taken(data: TrainingData, tmp_path: Path) -> None:
    folder = PreparedFolder.open(training_folder.write(tmp_path))
    codes = read_codes(tmp_path / training_folder.CODES)
    some = replace(
        codes,
        names=("elsewhere.jpg", "5.jpg", "3.jpg"),
        coefficients=Coefficients(codes.coefficients.layout, codes.coefficients.values[[0, 5, 3]]),
        weight=np.array([1.0, 0.5, 0.3], np.float32),
    )
    joined = TrainingData.join(folder, some, made_up.model())
    assert [joined.name(k) for k in range(len(joined))] == ["3.jpg", "5.jpg"]
    np.testing.assert_array_equal(joined.coefficients.values, codes.coefficients.values[[3, 5]])
    np.testing.assert_allclose(joined.weight, [0.3, 0.5])
    assert "made up" in joined.fingerprint


def test_data_that_do_not_belong_together_are_named(tmp_path: Path) -> None:
    folder = training_folder.write(tmp_path / "prepared")
    codes = folder / training_folder.CODES
    with pytest.raises(UnveilError, match=r"manifest|prepare"):
        TrainingData.load(tmp_path, codes)
    with pytest.raises(UnveilError, match="does not exist"):
        TrainingData.load(folder, tmp_path / "absent.npz")
    other = read_codes(codes)
    write_codes(codes, replace(other, names=tuple(f"x{name}" for name in other.names)))
    with pytest.raises(UnveilError, match="no label for any sample"):
        TrainingData.load(folder, codes)
    layout = CoefficientLayout("other", (Group("all", 160, ""),))
    strange = replace(other, coefficients=Coefficients(layout, other.coefficients.values))
    with pytest.raises(UnveilError, match=r"openhead-geometry.*other"):
        TrainingData.join(PreparedFolder.open(folder), strange, made_up.model())
