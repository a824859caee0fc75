"""Print the lowest releases that pyproject.toml allows of what the base install and the server need, for pip.

    python tools/minimum_versions.py > constraints.txt

`make test-minimum` installs exactly these, and runs the tests of the base install and of the server, and the demo, with
them.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
REQUIREMENT = re.compile(r"([\w-]+)>=([\d.]+)")


def constraints(project: Path = PROJECT) -> list[str]:
    """``name==version`` of each dependency; ValueError where one has no lower bound."""
    found = []
    described = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
    for requirement in [*described["dependencies"], *described["optional-dependencies"]["web"]]:
        match = REQUIREMENT.match(requirement)
        if match is None:
            raise ValueError(f"{requirement} has no lower bound")
        found.append(f"{match[1]}=={match[2]}")
    return found


if __name__ == "__main__":
    print("\n".join(constraints()))
