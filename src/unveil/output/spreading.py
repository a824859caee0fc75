"""How the photographs of a run are shared out: among processes of this machine, or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from unveil.cluster import each_on_cluster
from unveil.output.batch import Spread
from unveil.output.photo_work import PhotoTask, RecordOrError
from unveil.processes import each_in_processes


def in_processes(count: int) -> Spread:
    """So many processes; one is this one itself."""
    return partial(each_in_processes, processes=count)


def on_cluster(address: str | None) -> Spread:
    """The cluster at an address that `cluster.connected` takes; photographs and output must be on a shared disk."""

    def spread(work: Callable[[PhotoTask], RecordOrError], tasks: Sequence[PhotoTask]) -> Iterable[RecordOrError]:
        # A worker is in another folder.
        absolute = [task._replace(photo=task.photo.absolute(), part=task.part.absolute()) for task in tasks]
        return each_on_cluster(work, absolute, address)

    return spread
