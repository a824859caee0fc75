"""What runs in worker processes of tests: workers that do what no worker should. Processes import it by its name."""

import os
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from unveil.web.serving.work import tasks_of


def echo(connection: Connection, model: str, assets: Path | None) -> None:
    """Does what the photograph says: ``crash``, ``hang``, ``large``, ``refused`` or ``failed``; else it is done."""
    connection.send(("ready", ""))
    for task in tasks_of(connection):
        word = task.photo.read_text()
        connection.send(("stage", word))
        if word == "crash":
            os._exit(1)
        if word == "hang":
            time.sleep(1000)
        answers: dict[str, Any] = {word: (word, word) for word in ("large", "refused", "failed")}
        connection.send(answers.get(word, ("done", {"photograph": "photograph.jpg", "faces": []})))


def watch(connection: Connection, model: str, assets: Path | None) -> None:
    """Does what the frame says: ``crash`` or ``refused``; else it sees nobody."""
    connection.send(("ready", ""))
    for frame in tasks_of(connection):
        if frame.picture == b"crash":
            os._exit(1)
        answer: tuple[str, Any] = ("refused", "no") if frame.picture == b"refused" else ("done", {"heads": []})
        connection.send(answer)


def broken(connection: Connection, model: str, assets: Path | None) -> None:
    """Cannot open its model."""
    connection.send(("broken", f"{model} is no model; name another"))


def missing(connection: Connection, model: str, assets: Path | None) -> None:
    """Ends before it says anything."""
