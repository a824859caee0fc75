"""CelebA, found from any folder in it or above it.

Taken for loose pictures, its people would be in several splits. So what is near CelebA but not plainly CelebA is an
error that names the folder to give.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from unveil.errors import UnveilError
from unveil.photos.folder import SUFFIXES
from unveil.storage.files import printable, resolved
from unveil.training.crops import celeba, celeba_records
from unveil.training.crops.photo import Photo

DEEPEST = 3  # folders in folders; a root of TensorFlow Datasets has celeb_a/2.1.0 in it
INNER = frozenset((*celeba.LANDMARKS, *celeba.PLACES[1:]))  # folders within CelebA's


def find_celeba(
    folder: Path, *, people_known: bool = False, note: Callable[[str], None] | None = None
) -> list[Photo] | None:
    """The photographs of CelebA where the folder is CelebA's, lies in it, or holds it and no others; None elsewhere.

    Args:
        folder: where to look.
        people_known: who is in the photographs is said otherwise, so that pictures will do without lists.
        note: is given a line where people are not known.

    Raises:
        UnveilError: CelebA is not whole or has no lists, or other photographs lie beside it.
    """
    near = [up for up in _upwards(folder) if celeba.has_lists(up)]
    root = next((up for up in near if celeba.has_pictures(up)), None) or _only_below(folder)
    if root is None:
        if not people_known:
            _require_no_pictures(folder)
        return None
    if celeba.has_lists(root):
        return celeba.published(root, note)
    return celeba_records.recorded(celeba_records.record_files(root), note)


def _upwards(folder: Path) -> Iterator[Path]:
    """The folder and its parents, as long as it may be a folder of CelebA."""
    yield folder
    inner = resolved(folder)
    while inner.name in INNER:
        inner = inner.parent
        yield inner


def _only_below(folder: Path) -> Path | None:
    """The one data set in a folder, or None where there is none; UnveilError where there is more."""
    roots = dict.fromkeys(_outside(path) for path, files in _walk(folder) if _is_marked(files))
    if not roots:
        return None
    root, *others = roots
    other = others[0] if others else _beside(folder, root)
    if other is not None:
        raise UnveilError(
            f"{printable(folder)} holds CelebA in {printable(root)} and also {printable(other)}; give each by itself"
        )
    return root


def _require_no_pictures(folder: Path) -> None:
    """UnveilError where there are CelebA's pictures without its lists."""
    names = {resolved(folder).name, *(path.name for path, _ in _walk(folder))}
    if found := sorted(names & celeba.LANDMARKS.keys()):
        raise UnveilError(
            f"{printable(folder)} has CelebA's {found[0]} without its lists, and one person would be in several "
            f"splits; give the folder that has {', '.join(celeba.LISTS[:3])} too, or say who is in them with --people"
        )


def _walk(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """The folder and its subfolders, to some depth, with the names of their files; hidden ones are skipped."""
    for parent, folders, files in os.walk(folder):
        depth = len(Path(parent).relative_to(folder).parts)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if depth < DEEPEST else []
        yield Path(parent), files


def _is_marked(files: list[str]) -> bool:
    return any(name in celeba.LIST_NAMES or celeba_records.SHARD.fullmatch(name) for name in files)


def _outside(folder: Path) -> Path:
    """The folder of CelebA that a folder in it belongs to."""
    while folder.name in INNER:
        folder = folder.parent
    return folder


def _beside(folder: Path, root: Path) -> Path | None:
    """A picture, a tar or another folder that lies in ``folder``, on the way to the root below it."""
    for way in (path for path in (root, *root.parents) if folder in path.parents):
        for path in sorted(way.parent.iterdir()):
            is_other = path != way and not path.name.startswith(".")
            if is_other and (path.is_dir() or path.suffix.lower() in {*SUFFIXES, ".tar"}):
                return path
    return None
