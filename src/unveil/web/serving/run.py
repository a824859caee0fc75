"""A server that runs until it is stopped."""

from __future__ import annotations

import ipaddress
import logging
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import uvicorn

from unveil.errors import UnveilError, reason_of
from unveil.web.serving.app import create_app
from unveil.web.serving.guard import Guard, local_hosts
from unveil.web.serving.job import FRAME_PIXELS
from unveil.web.serving.limits import Limits
from unveil.web.serving.live import FRAME_SECONDS, Live, run_live
from unveil.web.serving.queue import JobQueue
from unveil.web.serving.workers import WorkerProcess

FORM_BYTES = 64 * 2**10  # of a body besides the photograph
LETTERS = 16  # of a token, at least
CONNECTIONS = 256  # at once; more are answered 503
GOODBYE_SECONDS = 2  # that connections have to end


@dataclass(frozen=True)
class Settings:
    """The settings of a server."""

    host: str = "127.0.0.1"
    port: int = 8000  # 0 for any that is free
    token: str = ""
    model: str = "openhead"
    assets: Path | None = None
    workers: int = 1
    limits: Limits = field(default_factory=Limits)

    def require_sound(self) -> None:
        """Raise an UnveilError where others could use the server without a token, or with one that can be guessed."""
        if self.token and len(self.token) < LETTERS:
            raise UnveilError(f"a token of less than {LETTERS} letters can be guessed; {_suggestion()}")
        if not self.token and not is_local(self.host):
            raise UnveilError(f"--host {self.host} lets other machines in, so it needs a token; {_suggestion()}")


def run_server(settings: Settings, ready: Callable[[str], None]) -> None:
    """Serve until the process is told to stop.

    Args:
        settings: where and how.
        ready: called with the address once the server answers.

    Raises:
        UnveilError: the settings let strangers in, the address is taken, or the model cannot be opened.
    """
    settings.require_sound()
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # who sends a bad form is told, not who serves
    with _bound(settings.host, settings.port) as listening, _queue(settings) as queue:
        port = listening.getsockname()[1]
        server = _Server(_configuration(settings, port, queue), partial(ready, _address(settings, port)))
        with suppress(SystemExit):  # the command line's own answer to signals, which the server has answered already
            server.run(sockets=[listening])


def is_everywhere(host: str) -> bool:
    """Whether a server of this host listens at all addresses of the machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return False


def is_local(host: str) -> bool:
    """Whether only this machine can reach a server of this host."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class _Server(uvicorn.Server):
    """A server that says when it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


@contextmanager
def _queue(settings: Settings) -> Iterator[JobQueue]:
    """A queue whose workers run; they end and all files go with the block."""
    limits, pixels = settings.limits, settings.limits.megapixels * 10**6
    workers = [WorkerProcess(settings.model, settings.assets, limits.seconds, pixels) for _ in range(settings.workers)]
    queue = JobQueue(workers, limits)
    try:
        queue.start()
        yield queue
    finally:
        queue.stop()


def _configuration(settings: Settings, port: int, queue: JobQueue) -> uvicorn.Config:
    hosts = local_hosts(port, settings.host) if is_local(settings.host) else frozenset[str]()
    live = Live(WorkerProcess(settings.model, settings.assets, FRAME_SECONDS, FRAME_PIXELS, run_live))
    app = create_app(queue, live, token=bool(settings.token))
    guarded = Guard(app, settings.limits.megabytes * 2**20 + FORM_BYTES, hosts, settings.token)
    return uvicorn.Config(
        guarded,
        log_level="error",
        access_log=False,  # nobody needs to know who sent whose photograph
        server_header=False,
        timeout_graceful_shutdown=GOODBYE_SECONDS,
        limit_concurrency=CONNECTIONS,
    )


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host.strip("[]"), port))
    except OSError as error:
        listening.close()
        raise UnveilError(f"cannot serve on {host}, port {port}: {reason_of(error)}; choose another --port") from error
    return listening


def _address(settings: Settings, port: int) -> str:
    host = f"[{settings.host.strip('[]')}]" if ":" in settings.host else settings.host
    if is_everywhere(settings.host):  # which is no name to go to
        host = "localhost"
    # After the #, which browsers keep to themselves.
    return f"http://{host}:{port}/" + (f"#token={settings.token}" if settings.token else "")


def _suggestion() -> str:
    return f"for example --token {secrets.token_urlsafe(LETTERS)}"
