"""Compiled loops must run where numba can keep nothing on disk: in a read-only installation without a home."""

import subprocess
import sys

import pytest
from numba.core.caching import CacheImpl

from unveil.geometry.compiled import compiled


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
