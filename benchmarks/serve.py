"""The server under strangers: 50 uploads at once, good and bad ones, and how long a photograph takes among others.

    python -m benchmarks.serve [--uploads 50] [--rounds 20] [--workers 1]

It starts `unveil serve` on a free port. First all uploads are sent at once: whole photographs, cut ones, text, an empty
file, a picture without a face, one of too many pixels and one of too many bytes. Who is told to come again later does
so. None may stay without an answer, and none may be answered 500; the memory of the server and its workers is the sum
of their resident pages, looked at ten times a second. Then 1, 4 and 16 clients send the bundled photograph again and
again, each when its last one is answered; seconds of the processor tell what a quiet machine would need. It needs
Linux, the extra ``web`` and httpx.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import statistics
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from tools.running_server import running_server
from unveil.assets.store import packaged

CLIENTS = (1, 4, 16)
SECONDS = 600.0  # that an answer may take
LOOK = 0.1  # seconds between looks at the memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--uploads", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=20, help="photographs of each number of clients, at least")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    workers = ("--workers", str(given.workers))
    with running_server(*workers) as (address, process), Memory(process) as memory:
        print(f"memory after the start: {memory.most / 2**20:.0f} MB")
        print_answers(upload_at_once(address, given.uploads), given.uploads)
        print(f"memory at most: {memory.most / 2**20:.0f} MB")
        print(f"\n{'clients':>7} {'median s':>9} {'p90 s':>7} {'a second':>9} {'CPU s each':>11}")
        for clients in CLIENTS:
            before = processor_seconds(process)
            seconds, total = latencies(address, clients, given.rounds)
            print_latency(clients, seconds, total, (processor_seconds(process) - before) / len(seconds))
        print(f"memory at most: {memory.most / 2**20:.0f} MB")


class Memory:
    """The most memory that a process and its children have had, in bytes, since the block began."""

    def __init__(self, process: int) -> None:
        self._process, self._ended = process, threading.Event()
        self.most = resident(process)

    def __enter__(self) -> Memory:
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(LOOK):
            self.most = max(self.most, resident(self._process))


def resident(process: int) -> int:
    """Bytes that a process and all of its descendants have in memory."""
    try:
        found = re.search(r"^VmRSS:[ \t]+(\d+)", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)
        children = children_of(process)
    except OSError:  # it has just ended
        return 0
    return (1024 * int(found[1]) if found else 0) + sum(map(resident, children))


def processor_seconds(process: int) -> float:
    """Seconds of the processor that a process and all of its descendants have had."""
    user, system = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    own = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return own + sum(map(processor_seconds, children_of(process)))


def children_of(process: int) -> list[int]:
    tasks = list(Path(f"/proc/{process}/task").iterdir())
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def uploads() -> dict[str, bytes]:
    """Good and bad files by what they are."""
    photo = packaged("demo.jpg").read_bytes()
    large = np.zeros((8000, 8000, 3), np.uint8)
    grey = np.full((400, 400, 3), 128, np.uint8)
    return {
        "photograph": photo,
        "cut photograph": photo[: len(photo) // 2],
        "the photograph again": photo,
        "text": b"no picture",
        "empty": b"",
        "no face": png(grey),
        "too many pixels": png(large),
        "too many bytes": bytes(30 * 2**20),
    }


def png(picture: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


def upload_at_once(address: str, count: int) -> Counter[tuple[str, int]]:
    """How many uploads of each kind were answered with each status in the end."""
    chosen = list(islice(cycle(uploads().items()), count))
    with ThreadPoolExecutor(count) as threads:
        statuses = threads.map(lambda upload: answer(address, upload[1]), chosen)
        return Counter((kind, status) for (kind, _), status in zip(chosen, statuses, strict=True))


def answer(address: str, content: bytes) -> int:
    """The status of an upload in the end; 0 where there was no answer."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            answered = httpx.post(f"{address}/api/reconstruct", files={"photo": content}, timeout=SECONDS)
        except httpx.HTTPError:
            return 0
        if "retry-after" not in answered.headers:
            return answered.status_code
        time.sleep(float(answered.headers["retry-after"]))
    return 0


def print_answers(answers: Counter[tuple[str, int]], count: int) -> None:
    print(f"{count} uploads at once:")
    for (kind, status), number in sorted(answers.items()):
        print(f"  {kind:<22} {status or 'no answer':>9} {number:>3}")
    lost = sum(number for (_, status), number in answers.items() if status == 0)
    faults = sum(number for (_, status), number in answers.items() if status == 500)
    print(f"  lost {lost}, answered 500: {faults}")


def latencies(address: str, clients: int, rounds: int) -> tuple[list[float], float]:
    """Seconds until an answer, of each photograph, and seconds for all."""
    photo = packaged("demo.jpg").read_bytes()

    def send(_: int) -> float:
        start = time.perf_counter()
        status = answer(address, photo)
        assert status == 200, status
        return time.perf_counter() - start

    start = time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        seconds = list(threads.map(send, range(max(rounds, clients))))
    return seconds, time.perf_counter() - start


def print_latency(clients: int, seconds: list[float], total: float, processor: float) -> None:
    ordered = sorted(seconds)
    p90 = ordered[min(len(ordered) - 1, int(0.9 * len(ordered)))]
    print(
        f"{clients:>7} {statistics.median(seconds):>9.2f} {p90:>7.2f} {len(seconds) / total:>9.2f} {processor:>11.2f}"
    )


if __name__ == "__main__":
    main()
