"""Downloads, from a server on this machine."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from unveil.assets import fetch
from unveil.assets.fetch import CHUNK, download
from unveil.assets.model_file import ModelFile
from unveil.errors import UnveilError

CONTENT = bytes(range(256)) * 2048 + b"the end"  # two chunks and a bit


class Server(ThreadingHTTPServer):
    """Serves CONTENT at every path and writes down what was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges: list[str | None] = []
        self.content = CONTENT
        self.knows_ranges = True
        self.says_length = True
        self.stop_after: int | None = None  # bytes, then the connection is cut

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/file.bin"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        if self.path == "/missing":
            self.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.server.knows_ranges else 0
        content = self.server.content
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if self.server.says_length:
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:][: self.server.stop_after])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def entry(url: str, content: bytes = CONTENT) -> ModelFile:
    digest = hashlib.sha256(content).hexdigest()
    return ModelFile("made-up", "file.bin", "a file", "us", "MIT", "a page", url=url, sha256=digest)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_download_has_its_content_and_nothing_is_left_beside_it(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = download(entry(server.url), tmp_path, lambda done, total: seen.append((done, total)))
    assert path == tmp_path / "file.bin"
    assert path.read_bytes() == CONTENT
    assert names(path.parent) == ["file.bin"]
    assert seen[0] == (CHUNK, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_a_cut_download_is_continued_where_it_was(server: Server, tmp_path: Path) -> None:
    server.stop_after = 300_000
    with pytest.raises(UnveilError, match=r"ended after 300000 of .*run the command again") as raised:
        download(entry(server.url), tmp_path)
    assert "\n" not in str(raised.value)
    assert names(tmp_path) == [".file.bin.part"]
    server.stop_after = None
    assert download(entry(server.url), tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=300000-"]
    assert names(tmp_path) == ["file.bin"]


def test_a_server_without_ranges_starts_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / ".file.bin.part").write_bytes(CONTENT[:1000])
    server.knows_ranges = False
    assert download(entry(server.url), tmp_path).read_bytes() == CONTENT


def test_a_part_that_is_already_whole_or_too_long(server: Server, tmp_path: Path) -> None:
    part = tmp_path / ".file.bin.part"
    part.write_bytes(CONTENT)
    assert download(entry(server.url), tmp_path).read_bytes() == CONTENT
    assert server.ranges == []
    part.write_bytes(CONTENT + b"more")
    assert download(entry(server.url), tmp_path).read_bytes() == CONTENT
    assert server.ranges == [f"bytes={len(CONTENT) + 4}-", None]


@pytest.mark.parametrize("says_length", [True, False])
def test_another_file_is_refused(server: Server, tmp_path: Path, says_length: bool) -> None:
    server.content = b"<!doctype html>please log in"
    server.says_length = says_length
    with pytest.raises(UnveilError, match="sha256"):
        download(entry(server.url), tmp_path)
    assert names(tmp_path) == []


def test_a_server_that_has_no_such_file_or_is_not_there(server: Server, tmp_path: Path) -> None:
    with pytest.raises(UnveilError, match=r"cannot download .*Not Found"):
        download(entry(server.url.replace("file.bin", "missing")), tmp_path)
    with pytest.raises(UnveilError, match=r"cannot download .*refused"):
        download(entry("http://127.0.0.1:9/file.bin"), tmp_path)
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    with pytest.raises(UnveilError, match="cannot download"):
        download(entry(server.url), tmp_path / "file")


@pytest.mark.parametrize("says_length", [True, False])
def test_a_download_without_end_is_stopped(
    server: Server, tmp_path: Path, says_length: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "LARGEST", CHUNK)
    server.says_length = says_length
    with pytest.raises(UnveilError, match=f"more than {CHUNK} bytes"):
        download(entry(server.url), tmp_path)
    assert names(tmp_path) == []


def test_a_link_in_the_place_of_the_part_is_not_followed(server: Server, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    (tmp_path / ".file.bin.part").symlink_to(precious)
    assert download(entry(server.url), tmp_path).read_bytes() == CONTENT
    assert precious.read_bytes() == b"precious"
