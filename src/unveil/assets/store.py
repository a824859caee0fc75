"""Where the files that the package carries lie on disk."""

from importlib import resources
from pathlib import Path

from unveil.assets.registry import PACKAGED
from unveil.errors import UnveilError


def packaged(name: str) -> Path:
    """Path of a file that the package carries; `registry.PACKAGED` lists the names.

    Raises:
        UnveilError: the installation is damaged and the file is not there.
        KeyError: the package carries no file of this name.
    """
    what = PACKAGED[name].what
    path = data_folder() / name
    if not path.is_file():
        raise UnveilError(f"{path} ({what}) is missing from the installation: install unveil again")
    return path


def data_folder() -> Path:
    """The folder of the packaged files; it exists in every sound installation."""
    return Path(str(resources.files("unveil.assets") / "data"))
