"""Real data for the tests that want it, in the folder that the environment variable ``UNVEIL_SHARED_DATA`` names."""

import os
from pathlib import Path

import pytest


def folder(name: str) -> Path:
    """A folder of the data; the test is skipped where it is not there."""
    shared = os.environ.get("UNVEIL_SHARED_DATA")
    if not shared or not (Path(shared) / name).is_dir():
        pytest.skip(f"no {name}; UNVEIL_SHARED_DATA names the folder of real data")
    return Path(shared) / name
