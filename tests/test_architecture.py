"""The rules on who may import whom, read from the source with `ast`, and what `import unveil` costs and shows."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from child import finished

import unveil

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "unveil"

# The rooms in the order of docs/design.md: each may import itself, those before it, and the leaves. "" is the package's
# own door.
ROOMS = (
    "geometry",
    "heads",
    "storage",
    "assets",
    "photos",
    "meshes",
    "models",
    "fitting",
    "occluders",
    "appearance",
    "drawing",
    "faces",
    "reconstruct",
    "video",
    "codes",
    "training",
    "output",
    "web",
    "evaluation",
    "",
    "cli",
)
LEAVES = {"cluster", "errors", "markdown", "processes", "reprs", "timing", "typing"}
# Where torch may be imported: training, and in each family's folder the files that need it.
MAY_IMPORT_TORCH = re.compile(
    r"training/|models/\w+/(network|torch|convert)\.py$|models/(resnet|learner|points|weights|onnx_graph)\.py$|^cluster\.py$"
)
EXTRAS_ELSEWHERE = {
    "evaluation/landmarks/annotated.py": ("scipy",),
    "evaluation/landmarks/scores.py": ("matplotlib",),
    "evaluation/now/report.py": ("matplotlib",),
    "photos/decode.py": ("pillow_heif",),
    "video/clip.py": ("av",),
    "video/movie.py": ("av",),
    "video/sound.py": ("av",),
    "web/serving/app.py": ("fastapi", "starlette"),
    "web/serving/guard.py": ("starlette",),
    "web/serving/run.py": ("uvicorn",),
}
MOST_FILES = 15  # of a folder on one level, its __init__ aside
DISTRIBUTIONS = {"cv2": "opencv-python-headless", "PIL": "pillow", "array_api_compat": "array-api-compat"}


def modules() -> Iterator[tuple[str, Path]]:
    """(room, path) of every module of the package."""
    for path in sorted(SRC.rglob("*.py")):
        first = path.relative_to(SRC).parts[0]
        yield {"__init__.py": "", "__main__.py": "cli"}.get(first, first.removesuffix(".py")), path


def imports(path: Path) -> Iterator[str]:
    """Full names of what a module imports, also inside functions and for type checking."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(name: str) -> str:
    """The room or leaf that an import such as ``unveil.heads.layout.Group`` leads to."""
    first = name.split(".")[1]
    return first if first in ROOMS or first in LEAVES else ""


def may_import(room: str, other: str) -> bool:
    if other in LEAVES or other == room:
        return True
    return room not in LEAVES and ROOMS.index(other) < ROOMS.index(room)


def test_every_folder_is_a_room() -> None:
    assert {room for room, _ in modules()} == {*ROOMS, *LEAVES}


def test_rooms_import_only_what_comes_before_them() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for room, path in modules()
        for name in imports(path)
        if name.startswith("unveil.") and not may_import(room, room_of(name))
    ]
    assert not wrong, "\n".join(wrong)


def test_the_rule_itself_tells_right_from_wrong() -> None:
    assert may_import("reconstruct", "assets")
    assert may_import("photos", "storage")
    assert may_import("geometry", "errors")
    assert may_import("cli", "")
    assert not may_import("geometry", "heads")
    assert not may_import("photos", "meshes")
    assert not may_import("heads", "assets")
    assert not may_import("errors", "geometry")
    assert not may_import("reconstruct", room_of("unveil.Reconstructor"))


def test_modules_do_not_import_each_other_in_circles() -> None:
    names = {path: "unveil." + ".".join(path.relative_to(SRC).with_suffix("").parts) for _, path in modules()}
    known = {name.removesuffix(".__init__"): path for path, name in names.items()}
    graph = {
        name.removesuffix(".__init__"): {
            target for full in imports(path) for target in (full, full.rpartition(".")[0]) if target in known
        }
        for path, name in names.items()
        if path.name != "__init__.py"
    }
    while leaves := {name for name, targets in graph.items() if not targets & graph.keys() - {name}}:
        graph = {name: targets for name, targets in graph.items() if name not in leaves}
    assert not graph, f"a circle among {', '.join(sorted(graph))}"


def test_families_do_not_import_each_other() -> None:
    families = [path.parent.name for path in (SRC / "models").glob("*/family.py")]
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for family in families
        for path in (SRC / "models" / family).glob("*.py")
        for name in imports(path)
        if name.startswith("unveil.models.") and name.split(".")[2] in {*families} - {family}
    ]
    assert len(families) >= 4
    assert not wrong, "\n".join(wrong)


def test_no_folder_is_a_hall() -> None:
    folders = [path for path in SRC.rglob("*") if path.is_dir() and path.name != "__pycache__"]
    counts = {folder: len([p for p in folder.glob("*.py") if p.name != "__init__.py"]) for folder in folders}
    assert not {str(folder.relative_to(SRC)): n for folder, n in counts.items() if n > MOST_FILES}


def test_no_two_classes_or_types_have_one_name() -> None:
    """Nested ones aside. What a name stands for is then the same in all of the code."""
    places: dict[str, list[str]] = {}
    for _, path in modules():
        for name in types(ast.parse(path.read_text(encoding="utf-8"))):
            places.setdefault(name, []).append(path.relative_to(SRC).as_posix())
    assert not {name: where for name, where in places.items() if len(where) > 1}


def types(module: ast.Module) -> Iterator[str]:
    """Names of the classes that a module defines, and of its aliases for types, such as ``Columns = dict[...]``."""
    for node in module.body:
        match node:
            case ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=[ast.Name(name)], value=ast.Subscript() | ast.BinOp()) if name[1:2].islower():
                yield name
            case ast.AnnAssign(target=ast.Name(name), annotation=ast.Name("TypeAlias")):
                yield name


def test_only_where_it_is_allowed_more_than_the_base_install_is_imported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    base = {re.split(r"[<>=\[]", requirement)[0] for requirement in project["dependencies"]}
    assert "torch" not in base
    wrong = []
    for _, path in modules():
        for name in imports(path):
            package = name.split(".")[0]
            known = package in sys.stdlib_module_names or package == "unveil"
            if not known and DISTRIBUTIONS.get(package, package) not in base and not allowed_extra(path, package):
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong, "\n".join(wrong)


def allowed_extra(path: Path, package: str) -> bool:
    """Whether a module may import a package of an extra: torch and its friends by file, plots where plots are made."""
    where = path.relative_to(SRC).as_posix()
    return bool(MAY_IMPORT_TORCH.match(where)) or package in EXTRAS_ELSEWHERE.get(where, ())


@pytest.mark.parametrize("module", ["unveil", "unveil.reconstruct.pipeline", "unveil.cli"])
def test_importing_loads_no_extra(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    loaded = finished([sys.executable, "-c", code]).stdout.split()
    assert "unveil" in loaded
    extras = {
        "av",
        "torch",
        "lightning_fabric",
        "onnx",
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
        "Detection",
        "Encoder",
        "FaceDetector",
        "MorphableModel",
        "Prediction",
        "Reconstruction",
        "Reconstructor",
        "UnveilError",
        "fit_landmarks",
        "load_openhead",
        "read_image",
        "show",
        "write_glb",
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
