"""The page in the package is what its sources build."""

import gzip
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VIEWER = ROOT / "viewer"
MOST = 1_000_000  # bytes that a browser has to load


@pytest.fixture
def node() -> str:
    found = shutil.which("node")
    if found is None or not (VIEWER / "node_modules" / "three").is_dir():
        pytest.skip("needs node and the packages of viewer (make test installs them)")
    return found


def test_the_page_is_what_the_sources_build(node: str, tmp_path: Path) -> None:
    subprocess.run([node, "node_modules/typescript/bin/tsc"], cwd=VIEWER, check=True)
    built = tmp_path / "page.html.gz"
    subprocess.run([node, "build.mjs", str(built)], cwd=VIEWER, check=True)
    packed = files("unveil.web").joinpath("page.html.gz").read_bytes()
    # How small a file is packed depends on the packer's version.
    assert gzip.decompress(built.read_bytes()) == gzip.decompress(packed), "run `make page`"


def test_the_page_is_small_and_names_whose_work_is_in_it() -> None:
    packed = files("unveil.web").joinpath("page.html.gz").read_bytes()
    assert len(packed) < MOST
    assert b"three.js, MIT License" in gzip.decompress(packed)
