"""Where files lie on disk: those that the package carries, and those of research models that the user brings."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import platformdirs

from unveil.assets.model_file import ModelFile
from unveil.assets.registry import PACKAGED
from unveil.errors import UnveilError, reason_of
from unveil.storage.files import printable

ASSETS_VARIABLE = "UNVEIL_ASSETS"


def packaged(name: str) -> Path:
    """Path of a file that the package carries; `registry.PACKAGED` lists the names.

    Raises:
        UnveilError: the installation is damaged and the file is not there.
        KeyError: the package carries no file of this name.
    """
    what = PACKAGED[name].what
    path = data_folder() / name
    if not path.is_file():
        raise UnveilError(f"{printable(path)} ({what}) is missing from the installation: install unveil again")
    return path


def data_folder() -> Path:
    """The folder of the packaged files; it exists in every sound installation."""
    return Path(str(resources.files("unveil.assets") / "data"))


def user_folder() -> Path:
    """Where this user's programs keep their data on this system; it need not exist yet."""
    return platformdirs.user_data_path("unveil", appauthor=False)


def search_folders(assets: Path | None = None) -> list[Path]:
    """Where model files are looked for, in order: the given folder, ``UNVEIL_ASSETS``, the user's data folder.

    Raises:
        UnveilError: the given folder is none.
    """
    if assets is not None and not assets.is_dir():
        raise UnveilError(
            f"{assets} is no folder; give the one with the model files as --assets, or as assets= in Python"
        )
    variable = os.environ.get(ASSETS_VARIABLE)
    return [folder for folder in (assets, Path(variable) if variable else None, user_folder()) if folder]


def find(file: ModelFile, assets: Path | None = None) -> Path | None:
    """Path of a model's file, or None where no search folder has it.

    A search folder may be the model's own (DECA's ``data``, as it lies on people's disks), the checkout around it, or
    hold one folder per family (``deca/``).
    """
    return _first(file, (file.name,), assets) or _alike(file, assets)


def locate(file: ModelFile, assets: Path | None = None) -> Path:
    """Path of a model's file; UnveilError, which says where to get it, where there is none."""
    path = find(file, assets)
    if path is None:
        raise UnveilError(missing(file, assets))
    return path


def find_mistaken(file: ModelFile, assets: Path | None = None) -> Path | None:
    """A file that users take for this one, where it is there."""
    return _first(file, file.mistaken, assets)


def missing(file: ModelFile, assets: Path | None = None) -> str:
    """The line that says that a file is not there, or what is there in its place, and where to get it."""
    mistaken = find_mistaken(file, assets)
    if mistaken is not None:
        return f"{mistaken} is {file.instead}, but {file.family} needs {file.what} as {file.name}: {file.how_to_get}"
    folders = ", ".join(str(folder) for folder in search_folders(assets))
    where = "name its folder with --assets, or assets= in Python"
    return f"no {file.name} ({file.what}) in {folders}: {file.how_to_get} and {where}"


def download_folder(family: str, assets: Path | None = None) -> Path:
    """Where downloads go: the given folder, or the family's in ``UNVEIL_ASSETS`` or the user's data folder.

    The folder is made if need be; UnveilError where that is impossible.
    """
    folder = assets or search_folders()[0] / family
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnveilError(
            f"cannot make the folder {printable(folder)}: {reason_of(error)}; choose another one"
        ) from error
    return folder


def describe(files: Iterable[ModelFile], assets: Path | None = None) -> list[dict[str, Any]]:
    """One entry per file of a model, as in the answer of ``unveil assets list --json``."""
    keys = ("name", "what", "required", "publisher", "licence", "page", "registration")
    return [
        {"model": file.family}
        | {key: getattr(file, key) for key in keys}
        | {"path": None if (path := find(file, assets)) is None else str(path)}
        for file in files
    ]


def _first(file: ModelFile, names: tuple[str, ...], assets: Path | None) -> Path | None:
    paths = (place / name for place in _places(file, assets) for name in names)
    return next((path for path in paths if path.is_file()), None)


def _alike(file: ModelFile, assets: Path | None) -> Path | None:
    """The one file of a folder whose name has the file's pattern."""
    if not file.pattern:
        return None
    found = (sorted(place.glob(file.pattern)) for place in _places(file, assets))
    return next((paths[0] for paths in found if len(paths) == 1), None)


def _places(file: ModelFile, assets: Path | None) -> Iterator[Path]:
    """Every folder in which the file may lie, in order."""
    for folder in search_folders(assets):
        for root in (folder, folder / "data", folder / file.family):
            yield from (root, *(root / other for other in file.folders))
