"""Install a wheel into an empty environment and use it from another folder, as somebody who has no checkout does.

Run as ``python tools/smoke_test_wheel.py dist/unveil-0.1.0-py3-none-any.whl``, with the Python to test. Works where
there is no make, too.
"""

import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path


def main(wheel: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        venv.create(folder / "venv", with_pip=True)
        programs = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
        run(folder, programs / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet", wheel)
        where = run(folder, programs / "python", "-c", "import unveil; print(unveil.__file__)").strip()
        assert folder in Path(where).resolve().parents, f"{where} is not what was installed"
        print(run(folder, programs / "unveil", "doctor"))
        written = json.loads(run(folder, programs / "unveil", "demo", "--out", folder / "demo", "--json"))
        (head,) = (folder / "demo").glob("*.glb")
        assert head.read_bytes().startswith(b"glTF"), written
        print(run(folder, programs / "unveil", "view", folder / "demo"))
        assert (folder / "demo" / "view.html").read_bytes().startswith(b"<!doctype html>")
        print(f"{wheel.name}: {head.name} has {head.stat().st_size} bytes")


def run(folder: Path, *command: str | Path) -> str:
    """The output of the command; it runs in ``folder`` and finds no module of a checkout."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.check_output(command, cwd=folder, env=environment, text=True)  # noqa: S603 (our own commands)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
