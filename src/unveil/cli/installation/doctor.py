"""`unveil doctor`: is everything installed as it should be?"""

from __future__ import annotations

import json

import typer

from unveil.cli.options import JsonOption


def doctor(*, as_json: JsonOption = False) -> None:
    """Check the installation: versions, packaged files, and one reconstruction."""
    from unveil.output.doctor import examine

    checks = examine()
    if as_json:
        typer.echo(json.dumps({"checks": [check.to_json() for check in checks]}, indent=1))
    else:
        for check in checks:
            typer.echo(f"{'ok' if check.ok else 'WRONG':6}{check.name}: {check.detail}")
    if not all(check.ok for check in checks):
        raise typer.Exit(1)
