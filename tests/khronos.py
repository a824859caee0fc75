"""The Khronos glTF validator, for tests that write GLB files."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from child import finished

VALIDATOR = Path(__file__).parent / "glb_validator"


def validator_report(path: Path) -> dict[str, Any]:
    """What the Khronos validator says about a file; skips where it is not installed."""
    node = shutil.which("node")
    if node is None or not (VALIDATOR / "node_modules" / "gltf-validator").is_dir():
        pytest.skip("needs node and the packages of tests/glb_validator (make test installs them)")
    command = [node, str(VALIDATOR / "validate.mjs"), str(path)]
    answer = finished(command, timeout=60)
    return dict(json.loads(answer.stdout))
