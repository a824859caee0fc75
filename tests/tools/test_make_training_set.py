"""The tool that makes the training set, from labels on: what it writes is a prepared folder."""

import io
import tarfile
from pathlib import Path

import numpy as np
from made_up_photos import jpeg, photo

from tools import make_training_set
from tools.make_training_set import Fits, splits, write_folder
from unveil.photos.crop import Crop
from unveil.photos.decode import decode_rgb
from unveil.training.crops.prepared import PreparedFolder


def test_crops_of_several_tars_and_shards_are_cut_as_labelled(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(make_training_set, "SHARD", 2)
    pictures = {f"{tar}/{k}.jpg": jpeg(photo(k)) for tar in "ab" for k in range(2)}
    for tar in "ab":
        with tarfile.open(tmp_path / f"{tar}.tar", "w") as archive:
            for name, data in pictures.items():
                if name.startswith(tar):
                    info = tarfile.TarInfo(name.removeprefix(f"{tar}/"))
                    info.size = len(data)
                    archive.addfile(info, io.BytesIO(data))
    names = ["a/0.jpg", "a/1.jpg", "b/1.jpg"]
    frames = [Crop.from_square((90 + k, 100), 150.0, make_training_set.CROP_SIZE) for k in range(3)]
    fits = Fits(
        names=np.array(names),
        person=np.array(["", "", "b/7"]),
        split=np.array([0, 1, 2], np.int8),
        matrix=np.stack([frame.matrix for frame in frames]),
        coefficients=np.zeros((3, 5), np.float32),
        weight=np.ones(3, np.float32),
        dropped=np.array(["no face"]),
    )
    write_folder(tmp_path / "out", [tmp_path / "a.tar", tmp_path / "b.tar"], fits)
    folder = PreparedFolder.open(tmp_path / "out")
    assert list(folder.names) == names
    assert [len(shard) for shard in folder.shards] == [2, 1]
    for k, (name, frame) in enumerate(zip(names, frames, strict=True)):
        np.testing.assert_array_equal(folder.crop(k), frame.warp(decode_rgb(pictures[name], name)))


def test_nobody_is_in_two_splits() -> None:
    people = np.repeat(np.arange(60), 3)
    split = splits("videos", [str(k) for k in range(180)], people)
    assert (split.reshape(60, 3) == split.reshape(60, 3)[:, :1]).all()
    assert np.bincount(split).min() > 0
    unknown = splits("pictures", [str(k) for k in range(2000)], None)
    assert 0.015 < (unknown == 1).mean() < 0.05
    assert not (unknown == 2).any()
