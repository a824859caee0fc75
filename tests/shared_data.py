"""Real data for the tests that want it, in the folder ``UNVEIL_SHARED_DATA`` or beside the checkout."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def folder(name: str) -> Path:
    """A folder of the data; the test is skipped where it is not there."""
    shared = Path(os.environ.get("UNVEIL_SHARED_DATA") or ROOT.parent / "shared" / "data")
    if not (shared / name).is_dir():
        pytest.skip(f"no {shared / name}; UNVEIL_SHARED_DATA names the folder of real data")
    return shared / name
