"""The parts of the server: jobs and their workers, who is let in, and what is started at all."""

import asyncio
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import odd_workers
import pytest
from cli_answer import Answer
from extras import needs

needs("fastapi")
needs("uvicorn")
httpx = needs("httpx")

from tools.running_server import running_server
from unveil.errors import UnveilError
from unveil.web.serving.guard import Guard, local_hosts
from unveil.web.serving.job import PhotoJob, Problem
from unveil.web.serving.limits import Limits
from unveil.web.serving.live import SESSIONS, Live
from unveil.web.serving.queue import FullError, JobQueue
from unveil.web.serving.run import Settings, is_everywhere, is_local
from unveil.web.serving.workers import WorkerProcess

EVERYWHERE = "0.0.0.0"  # noqa: S104


def worker(seconds: float = 60, target: Callable[..., None] = odd_workers.echo) -> WorkerProcess:
    return WorkerProcess("a model", None, seconds, 10**6, target)


def do(job: PhotoJob, on: WorkerProcess, word: str) -> tuple[str, int | None]:
    """Let a worker do a job; its status, and that of its problem."""
    job.photo.write_text(word)
    on.run(job, lambda function, *arguments: function(*arguments))
    return job.status, job.problem and job.problem.status


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Callable[[], PhotoJob]]:
    numbers = iter(range(100))

    def new() -> PhotoJob:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        return PhotoJob(folder, "me", 1)

    return new


def test_a_worker_that_crashes_loses_one_job(jobs: Callable[[], PhotoJob]) -> None:
    one = worker()
    try:
        for word, status in (("", "done"), ("crash", "failed"), ("", "done")):
            assert do(jobs(), one, word)[0] == status
        assert [do(jobs(), one, word)[1] for word in ("large", "refused", "failed", "crash")] == [413, 422, 500, 500]
    finally:
        one.stop()


def test_a_job_that_takes_too_long_is_ended(jobs: Callable[[], PhotoJob]) -> None:
    one = worker(seconds=0.2)
    try:
        one.start()
        job = jobs()
        assert do(job, one, "hang") == ("failed", 422)
        assert "takes more than 0.2 seconds" in job.problem.detail
    finally:
        one.stop()


def test_a_worker_that_cannot_start_says_why() -> None:
    with pytest.raises(UnveilError, match="a model is no model; name another"):
        worker(target=odd_workers.broken).start()
    with pytest.raises(UnveilError, match="could not start"):
        worker(target=odd_workers.missing).start()


def test_jobs_are_done_in_turn_and_forgotten() -> None:
    async def serve() -> None:
        queue = JobQueue([worker()], Limits())
        queue.start()
        try:
            async with queue.running():
                jobs = [queue.new(str(k), 1) for k in range(4)]
                for job, word in zip(jobs, ("", "crash", "failed", ""), strict=True):
                    job.photo.write_text(word)
                    queue.add(job)
                assert queue.ahead(jobs[3]) == 3
                await asyncio.gather(*(job.wait() for job in jobs))
                assert [job.status for job in jobs] == ["done", "failed", "failed", "done"]
                queue.remove(jobs[0])
                assert queue.find(jobs[0].id) is None
                assert not jobs[0].folder.exists()
        finally:
            queue.stop()
        assert not jobs[3].folder.exists()

    asyncio.run(serve())


def test_live_sessions_live_through_crashes_and_end_when_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unveil.web.serving.live.IDLE_SECONDS", 3600.0)  # however slow the machine is

    async def watch() -> None:
        live = Live(worker(target=odd_workers.watch))
        async with live.running():
            first = await live.see("", b"")
            assert not isinstance(first, Problem)
            again, meanwhile = await asyncio.gather(live.see(first["session"], b""), live.see(first["session"], b""))
            assert again == first
            assert isinstance(meanwhile, Problem)
            assert meanwhile.status == 429
            for word, status in ((b"refused", 422), (b"crash", 500)):
                problem = await live.see(first["session"], word)
                assert isinstance(problem, Problem)
                assert problem.status == status
            assert await live.see(first["session"], b"") == first  # the process was started again
            others = [await live.see("", b"") for _ in range(SESSIONS)]
            assert [isinstance(other, Problem) for other in others] == [False] * (SESSIONS - 1) + [True]
            monkeypatch.setattr("unveil.web.serving.live.IDLE_SECONDS", 0)
            later = await live.see(first["session"], b"")
            assert not isinstance(later, Problem)
            assert later["session"] != first["session"]  # which was forgotten

    asyncio.run(watch())


def test_what_a_killed_server_left_goes_with_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = tmp_path / ".unveil-0123456789abcdef"
    left.mkdir()
    (left / ".lock").touch()
    (left / "photograph.jpg").touch()
    queue = JobQueue([worker()], Limits())
    (own,) = tmp_path.iterdir()
    assert own != left
    queue.stop()
    assert not list(tmp_path.iterdir())


def test_a_full_queue_says_when_to_come_again() -> None:
    async def fill() -> None:
        queue = JobQueue([worker()], Limits(waiting=3, per_client=2))
        try:
            waiting = [queue.new("a", 1), queue.new("a", 1)]
            with pytest.raises(FullError) as full:
                queue.new("a", 1)
            assert (full.value.status, full.value.retry_after >= 1) == (429, True)
            queue.new("b", 1)
            with pytest.raises(FullError) as full:
                queue.new("c", 1)
            assert full.value.status == 503
            queue.remove(waiting[0])
            queue.new("c", 1)
        finally:
            queue.stop()

    asyncio.run(fill())


async def answering(scope: object, receive: Callable, send: Callable) -> None:
    """An application that answers whoever gets through to it."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def statuses(guard: Guard, host: str, *requests: tuple[str, dict[str, str], bytes]) -> list[int]:
    async def ask() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(guard), base_url=f"http://{host}") as client:
            return [
                (await client.request(method, "/", headers=headers, content=body)).status_code
                for method, headers, body in requests
            ]

    return asyncio.run(ask())


def test_who_knows_the_token_is_let_in() -> None:
    guard = Guard(answering, 10, frozenset(), "secret")
    known = {"Authorization": "Bearer secret"}
    assert statuses(guard, "heads.example", ("GET", {}, b""), ("POST", known, b"")) == [200, 200]
    wrong = [{}, {"Authorization": "Bearer other"}, {"Authorization": "secret"}, {"Authorization": "Basic secret"}]
    assert statuses(guard, "heads.example", *(("POST", headers, b"") for headers in wrong)) == [401] * 4


def test_a_server_goes_by_the_address_that_it_listens_at() -> None:
    hosts = local_hosts(80, "127.0.0.2")
    guard = Guard(answering, 10, hosts, "")
    answers = [statuses(guard, host, ("GET", {}, b"")) for host in ("127.0.0.2", "localhost", "127.0.0.3")]
    assert answers == [[200], [200], [403]]


def test_bodies_have_an_end() -> None:
    guard = Guard(answering, 10, local_hosts(80), "")
    lies = {"Content-Length": "9" * 30}
    bodies = [(b"x" * 10, {}), (b"x" * 11, {}), (b"", lies), (b"", {"Content-Length": "-1"})]
    requests = [("POST", headers, body) for body, headers in bodies]
    assert statuses(guard, "localhost", *requests) == [200, 413, 413, 413]


def test_only_this_machine_is_let_in_without_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    assert all(map(is_local, ("localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]")))
    assert not any(map(is_local, (EVERYWHERE, "::", "192.168.1.2", "example.com", "localhost.example.com")))
    assert all(map(is_everywhere, (EVERYWHERE, "::", "[::]")))
    assert not any(map(is_everywhere, ("localhost", "127.0.0.1", "example.com")))
    answer = Answer(capsys, "serve", "--host", EVERYWHERE)
    assert answer.status == 2
    assert "needs a token; for example --token " in answer.err
    with pytest.raises(UnveilError, match="can be guessed"):
        Settings(token=EVERYWHERE).require_sound()


def test_a_server_for_all_machines_names_an_address_to_go_to() -> None:
    with running_server("--host", EVERYWHERE, "--token", "a-secret-that-nobody-guesses", "--workers", "1") as (at, _):
        assert at.startswith("http://localhost:")
        assert httpx.get(f"{at}/api/health", timeout=60).json()["status"] == "ok"
        assert httpx.post(f"{at}/api/jobs", timeout=60).status_code == 401


def test_who_goes_away_while_sending_leaves_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    """Nor a job that waits for the rest: forty would fill the queue of 16 that a client may have."""
    with running_server("--workers", "1") as (at, _):
        place = at.removeprefix("http://")
        host, port = place.rsplit(":", 1)
        about = "Content-Length: 1000\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n--x"
        for address in ("reconstruct", "jobs", "live") * 20:
            with socket.create_connection((host, int(port))) as connection:
                connection.sendall(f"POST /api/{address} HTTP/1.1\r\nHost: {place}\r\n{about}".encode())
        for _ in range(60):  # until a busy machine has seen all of them go
            said = httpx.post(f"{at}/api/reconstruct", files={"photo": b"no picture"}, timeout=60)
            if said.status_code != 429:
                break
            time.sleep(int(said.headers["Retry-After"]))
        assert said.status_code == 422
    assert capfd.readouterr().err == ""
