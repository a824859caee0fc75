"""Packages that the base install does not bring: what needs one says so, and is skipped where it is missing.

At the top of a module, before its imports of what needs the package, `needs` skips all of its tests; in a test or a
fixture it skips what uses that.
"""

from typing import Any

import pytest

EXTRAS = {
    "av": "video",
    "bpy": "",
    "fastapi": "web",
    "httpx": "test",
    "h5py": "mgcnet",
    "lightning_fabric": "train",
    "matplotlib": "plot",
    "playwright": "browser",
    "python_multipart": "web",
    "ray": "ray",
    "safetensors": "train",
    "tensorflow": "mgcnet",
    "torch": "train",
    "uvicorn": "web",
}


def needs(package: str) -> Any:
    """The package or module; the test, or the module that is being imported, is skipped without it."""
    extra = EXTRAS[package.partition(".")[0]]
    wanted = f"'unveil[{extra}]'" if extra else package  # Blender's is as large as all others together
    return pytest.importorskip(package, reason=f"needs {package}: pip install {wanted}")
