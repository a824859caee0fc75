"""Nobody is told that unveil runs: nothing is written outside its results, and no name is looked up."""

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from child import finished

SILENCING = {"CI", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS"}  # each keeps onnxruntime quiet by itself
ENTRANCES = {
    "command": ["-m", "unveil", "demo", "--out", "results"],
    "library": ["-c", "import unveil; unveil.Reconstructor(); unveil.FaceDetector()"],
    "module": ["-c", "from unveil.models.onnx import CoefficientModel"],
    "worker": [
        "-c",
        "from concurrent.futures import ProcessPoolExecutor as Pool; from multiprocessing import get_context\n"
        "import unveil\n"
        "if __name__ == '__main__':\n"
        "    with Pool(1, mp_context=get_context('spawn')) as pool: pool.submit(exec, 'import onnxruntime').result()",
    ],
}
LOOKUP = re.compile(r"sa_family=AF_INET6?|sin_port=htons\(53\)|nscd/socket|systemd/resolve")


def run(arguments: list[str], folder: Path, *before: str) -> Path:
    """Run Python with an empty home, which is returned."""
    home = folder / "home"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if name not in SILENCING}
    environment |= {"HOME": str(home)} | {f"XDG_{kind}_HOME": str(home / kind) for kind in ("CACHE", "CONFIG", "DATA")}
    finished([*before, sys.executable, *arguments], cwd=folder, env=environment)
    return home


@pytest.mark.skipif(sys.platform != "linux", reason="the home is found by other means elsewhere")
@pytest.mark.parametrize("entrance", ENTRANCES)
def test_the_home_stays_empty(tmp_path: Path, entrance: str) -> None:
    assert not list(run(ENTRANCES[entrance], tmp_path).rglob("*"))


@pytest.mark.skipif(sys.platform != "linux", reason="the home is found by other means elsewhere")
def test_without_our_doing_it_would_not(tmp_path: Path) -> None:
    if tuple(int(part) for part in version("onnxruntime").split(".")[:2]) < (1, 29):
        pytest.skip("this onnxruntime reports nothing")
    assert list(run(["-c", "import onnxruntime"], tmp_path).rglob("*"))


def test_no_name_is_looked_up(tmp_path: Path) -> None:
    strace = shutil.which("strace") or ""
    if not strace or subprocess.run([strace, "-o", os.devnull, "true"], capture_output=True, check=False).returncode:
        pytest.skip("strace is not there or may not look")
    calls = tmp_path / "calls"
    run(ENTRANCES["command"], tmp_path, strace, "-f", "-qq", "-e", "trace=connect,sendto,sendmsg", "-o", str(calls))
    assert not LOOKUP.findall(calls.read_text())
