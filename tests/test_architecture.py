"""The rules on who may import whom, read from the source with `ast`, and what `import unveil` costs and shows."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import unveil

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "unveil"

# A room may import itself, the rooms of lower floors, and `errors`. "" is the package's own door.
FLOOR = {
    "geometry": 1,
    "morphable": 2,
    "networks": 3,
    "imaging": 3,
    "export": 4,  # writes pictures and whole files with imaging.io
    "teachers": 5,
    "reconstruct": 5,
    "distill": 6,
    "evaluation": 6,
    "": 7,
    "viewer": 8,
    "cli": 8,
}
WITHOUT_TORCH = {"", "errors", "assets", "geometry", "morphable", "imaging", "export", "reconstruct"}
FIRST_FLOOR_WITH_ASSETS = 5
DISTRIBUTIONS = {"cv2": "opencv-python-headless", "PIL": "pillow", "array_api_compat": "array-api-compat"}


def modules() -> Iterator[tuple[str, Path]]:
    """(room, path) of every module of the package."""
    for path in sorted(SRC.rglob("*.py")):
        first = path.relative_to(SRC).parts[0]
        yield ("" if first == "__init__.py" else first.removesuffix(".py")), path


def imports(path: Path) -> Iterator[str]:
    """Full names of what a module imports, also inside functions and for type checking."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(name: str) -> str:
    """The room that an import such as ``unveil.morphable.layout.Group`` leads to."""
    first = name.split(".")[1]
    return first if first in FLOOR or first in {"assets", "errors"} else ""


def may_import(room: str, other: str) -> bool:
    if other in {room, "errors"}:
        return True
    if other == "assets":
        return FLOOR.get(room, 0) >= FIRST_FLOOR_WITH_ASSETS
    return FLOOR.get(room, 0) > FLOOR[other]


def test_every_room_has_a_floor() -> None:
    rooms = {room for room, _ in modules()}
    assert {"geometry", "morphable", "imaging", "reconstruct"} <= rooms
    assert rooms <= FLOOR.keys() | {"assets", "errors"}


def test_rooms_import_only_what_is_below_them() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for room, path in modules()
        for name in imports(path)
        if name.startswith("unveil.") and not may_import(room, room_of(name))
    ]
    assert not wrong, "\n".join(wrong)


def test_the_rule_itself_tells_right_from_wrong() -> None:
    assert may_import("reconstruct", "assets")
    assert may_import("imaging", "morphable")
    assert may_import("geometry", "errors")
    assert not may_import("geometry", "morphable")
    assert not may_import("imaging", "export")
    assert not may_import("morphable", "assets")
    assert not may_import("errors", "geometry")
    assert not may_import("reconstruct", room_of("unveil.Reconstructor"))


def test_base_rooms_import_only_the_base_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    base = {re.split(r"[<>=\[]", requirement)[0] for requirement in project["dependencies"]}
    assert "torch" not in base
    wrong = []
    for room, path in modules():
        for name in imports(path):
            package = name.split(".")[0]
            known = package in sys.stdlib_module_names or package == "unveil"
            if room in WITHOUT_TORCH and not known and DISTRIBUTIONS.get(package, package) not in base:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("module", ["unveil", "unveil.reconstruct.pipeline", "unveil.cli"])
def test_importing_loads_no_extra(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "unveil" in loaded
    extras = {
        "torch",
        "lightning_fabric",
        "onnx",
        "fastapi",
        "uvicorn",
        "av",
        "ray",
        "skimage",
        "trimesh",
        "matplotlib",
    }
    assert extras.isdisjoint(loaded), extras.intersection(loaded)


def test_public_names() -> None:
    assert unveil.__all__ == [
        "CoefficientLayout",
        "Coefficients",
        "Crop",
        "FaceDetector",
        "MorphableModel",
        "Reconstruction",
        "Reconstructor",
        "UnveilError",
        "load_openhead",
        "read_image",
    ]
    assert {getattr(unveil, name).__name__ for name in unveil.__all__} == {*unveil.__all__}
    assert set(unveil.__all__) <= set(dir(unveil))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = unveil.no_such_name


def test_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert unveil.__version__ == project["version"]
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_no_path_of_somebodys_machine() -> None:
    machine = re.compile(r"""(?<![\w.])/(?:home|root|work|Users|mnt)/\w|[A-Z]:\\\w|(?<!\w)shared/""")
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in [*SRC.rglob("*.py"), *(ROOT / "tools").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if machine.search(line)
    ]
    assert not wrong, "\n".join(wrong)
