"""The lowest releases that pyproject.toml allows."""

import re

from tools.minimum_versions import constraints


def test_every_dependency_has_a_lower_bound() -> None:
    found = constraints()
    assert {"numpy", "onnxruntime", "opencv-python-headless", "fastapi"} <= {line.partition("==")[0] for line in found}
    assert all(re.fullmatch(r"[\w-]+==\d+(\.\d+)*", line) for line in found)
