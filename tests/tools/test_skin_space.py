from pathlib import Path

import cv2
import numpy as np
import pytest

from tools.skin_space.__main__ import main
from tools.skin_space.learn import tone_weights
from tools.skin_space.measure import HEADING, with_section
from tools.skin_space.photographs import Atlas
from tools.skin_space.samples import chosen
from tools.skin_space.tone import TONES, tone_bin
from unveil import Reconstructor, read_image
from unveil.appearance.fixed_texels import fixed_texels
from unveil.assets.store import packaged
from unveil.errors import UnveilError
from unveil.models.openhead import skin
from unveil.models.openhead.family import packaged_head
from unveil.training.crops.prepared import PreparedFolder, Samples, finish, wide_crop, write_shard
from unveil.typing import Images

SIZE = 192


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared folder of one face at three exposures, the last of a test person."""
    image = read_image(packaged("demo.jpg"))
    (face,) = Reconstructor().reconstruct(image, max_faces=1)
    crop = wide_crop(face.crop, SIZE).warp(image)
    crops = np.stack([cv2.convertScaleAbs(crop, alpha=alpha) for alpha in (0.6, 0.8, 1.0)]).astype(np.uint8)
    return write(tmp_path_factory.mktemp("skin") / "prepared", crops)


def write(path: Path, crops: Images) -> Path:
    names = np.array([f"{k}.jpg" for k in range(len(crops))])
    split = np.array([0] * (len(crops) - 1) + [2], np.int8)
    path.mkdir()
    write_shard(path, 0, crops)
    rows = np.arange(len(crops), dtype=np.int32)
    matrices = np.tile(np.eye(2, 3), (len(crops), 1, 1))
    finish(path, Samples(names, names, split, np.zeros_like(rows), rows, matrices), [len(crops)], SIZE)
    return path


def test_samples_are_taken_at_the_texels_of_textures() -> None:
    model = packaged_head()
    texels, used = Atlas.of(model, 64).texels, fixed_texels(model, 64).atlas.texels
    np.testing.assert_array_equal(texels.texels, used.texels)
    np.testing.assert_array_equal(texels.triangle, used.triangle)


def test_what_is_learned_can_be_read_and_says_where_skin_is(folder: Path, tmp_path: Path) -> None:
    main(["learn", str(folder), "-o", str(tmp_path / "skin.npz")])
    space = skin.load(tmp_path / "skin.npz")
    assert space.mean.shape == (256, 256, 3)
    assert 0.1 < (space.certainty > 0.5).mean() < 0.5
    assert np.isfinite(space.mean).all()


def test_how_people_differ_comes_on_top_of_the_packaged_mean(folder: Path, tmp_path: Path) -> None:
    main(["vary", str(folder), "-o", str(tmp_path / "skin.npz")])
    space, packed = skin.load(tmp_path / "skin.npz"), skin.load(packaged("openhead_skin.npz"))
    np.testing.assert_array_equal(space.mean, packed.mean)
    assert space.variation is not None
    assert all(np.isfinite(values).all() for values in vars(space.variation).values())
    assert len(space.variation.components) == 2, "no more than photographs"
    assert space.variation.variance.min() > 0


def test_a_face_is_measured_and_the_page_keeps_its_other_sections(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "results.md"
    page.write_text("# Results\n\n## Others\n\nkept\n", encoding="utf-8")
    main(["measure", str(folder), "--count", "2", "-o", str(page)])
    text = page.read_text(encoding="utf-8")
    assert "kept" in text
    assert text.count(HEADING) == 1
    assert "| mask-40 |" in text
    assert with_section(text, f"{HEADING}\n\nnew\n").endswith(f"kept\n\n{HEADING}\n\nnew\n")


def test_a_folder_without_photographs_to_learn_from_is_refused(tmp_path: Path) -> None:
    only_a_test_person = write(tmp_path / "one", np.zeros((1, SIZE, SIZE, 3), np.uint8))
    with pytest.raises(UnveilError, match="no photograph"):
        main(["learn", str(only_a_test_person), "-o", str(tmp_path / "skin.npz")])


def test_tones_go_from_dark_to_light_and_count_alike() -> None:
    tones = [np.array([0.9, 0.75, 0.6]) * scale for scale in (0.05, 0.12, 0.25, 0.4, 0.6, 1.0)]
    bins = [tone_bin(tone) for tone in tones]
    assert bins == sorted(bins)
    assert bins[0] == 0
    assert max(bins) < len(TONES)
    weights = tone_weights([0] * 300 + [1] * 100)
    assert weights[:300].sum() == pytest.approx(weights[300:].sum())


def test_few_photographs_of_each_person_are_chosen(folder: Path) -> None:
    opened = PreparedFolder.open(folder)
    assert sorted(chosen(opened, 10, 1).tolist()) == [0, 1]
    assert len(chosen(opened, 1, 1)) == 1
