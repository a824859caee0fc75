"""`unveil doctor`: is everything installed as it should be?"""

from __future__ import annotations

import typer

from unveil.cli.options import JsonOption
from unveil.cli.printing import say, say_json


def doctor(*, as_json: JsonOption = False) -> None:
    """Check the installation: versions, packaged files, and one reconstruction."""
    from unveil.output.doctor import examine

    checks = examine()
    if as_json:
        say_json({"checks": [check.to_json() for check in checks]})
    else:
        for check in checks:
            say(f"{'ok' if check.ok else 'WRONG':6}{check.name}: {check.detail}")
    if not all(check.ok for check in checks):
        raise typer.Exit(1)
