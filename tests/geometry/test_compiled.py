"""Compiled loops must run where numba can keep nothing on disk: in a read-only installation without a home."""

import ast
import math
import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core.caching import CacheImpl

from unveil import geometry
from unveil.geometry.compiled import RUNTIME_IS_ENOUGH, compiled


def double(x: float) -> float:
    return 2 * x


def test_without_a_place_for_the_cache_it_compiles_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    assert compiled(double)(1.5) == 3.0


def test_every_module_with_loops_imports_without_a_place_for_the_cache() -> None:
    program = (
        "from numba.core.caching import CacheImpl\n"
        "CacheImpl._locator_classes = []\n"
        "import unveil.appearance.texture, unveil.drawing.render\n"
        "print('imported')\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.stdout == "imported\n", result.stderr


@pytest.mark.parametrize("room", ["appearance", "drawing", "geometry"])
def test_no_loop_of_a_head_needs_numpys_functions(room: str) -> None:
    """For those, numba imports SciPy when it loads the loop, a tenth of the time to the command's first result."""
    loops = 0
    for path in Path(geometry.__file__).parents[1].joinpath(room).rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef) and "compiled" in map(ast.unparse, function.decorator_list):
                loops += 1
                for call in (node.func for node in ast.walk(function) if isinstance(node, ast.Call)):
                    if isinstance(call, ast.Attribute):
                        assert ast.unparse(call.value) in {"np", "math"}, f"{path}: {ast.unparse(call)}"
                        known = getattr(np if ast.unparse(call.value) == "np" else math, call.attr)
                        assert isinstance(known, np.ufunc | type) or known in vars(math).values(), ast.unparse(call)
    assert loops


def test_what_an_earlier_process_compiled_is_loaded_and_the_rest_is_compiled(tmp_path: Path) -> None:
    program = (
        "import sys, numba, numpy as np\n"
        "from unveil.geometry.diffuse import diffuse, neighbours\n"
        "mesh = neighbours(np.array([[0, 1, 2]]), 3)\n"
        "print(diffuse([[3.0], [0], [0]], [1, 0, 0], mesh, [0]).ravel().tolist())\n"
        "print('numba.np.linalg' in sys.modules)\n"
        "print(numba.njit(lambda x: np.dot(x, x) + sum([1, 2]))(np.ones(3)))\n"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", program]
    first, second = (
        subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.split("\n")
        for _ in range(2)
    )
    assert first[:3] == ["[3.0, 3.0, 3.0]", "True", "6.0"]
    # Where this release of numba was tried, the compiler is not loaded before it is needed.
    known = RUNTIME_IS_ENOUGH[0] <= numba.version_info.short < RUNTIME_IS_ENOUGH[1]
    assert second[:3] == ["[3.0, 3.0, 3.0]", str(not known), "6.0"]
