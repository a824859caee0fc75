import os

import pytest
from extras import needs

needs("torch")

from unveil.errors import UnveilError
from unveil.training import launch
from unveil.training.launch import said_once


def test_what_ends_a_run_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the first process, or by the one that fails alone."""
    monkeypatch.setattr(launch, "PATIENCE", 0.01)
    for rank in (0, 1):
        with pytest.raises(UnveilError, match="mistake"), said_once(rank):
            raise UnveilError("mistake")
    with said_once(1):
        pass
    for error in (UnveilError("mistake"), RuntimeError("connection closed by peer"), SystemExit(130)):
        parents = iter([4711, 1])  # the first process, and whoever takes its children in
        monkeypatch.setattr(os, "getppid", parents.__next__)
        with pytest.raises(SystemExit) as stopped, said_once(1):
            raise error
        assert stopped.value.code == UnveilError.exit_status
