"""Work on a cluster: each answer once and in order, also where the system ends a worker."""

import os
import signal
from pathlib import Path

from extras import needs

from unveil.cluster import BLOCK, each_on_cluster


def test_a_worker_that_is_killed_costs_no_answer(tmp_path: Path) -> None:
    needs("ray")
    killed = tmp_path / "killed"

    def square(number: int) -> int:
        if number == BLOCK + 3 and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return number**2

    numbers = range(3 * BLOCK)
    assert list(each_on_cluster(square, numbers)) == [number**2 for number in numbers]
    assert killed.exists()
