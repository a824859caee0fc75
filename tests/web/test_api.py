"""The API, asked as programs of others ask it: a real server on a port of this machine."""

import base64
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from extras import needs
from khronos import validator_report
from PIL import Image

httpx = needs("httpx")

from unveil.assets.store import packaged
from unveil.meshes.glb_file import GlbFile
from unveil.web.identity import identities


@pytest.fixture(scope="module")
def client(server: str) -> object:
    with httpx.Client(base_url=server, timeout=120) as client:
        yield client


@pytest.fixture(scope="module")
def job(client: object) -> dict:
    """What the server says of the packaged photograph."""
    answer = client.post("/api/reconstruct", files={"photo": packaged("demo.jpg").read_bytes()})
    assert answer.status_code == 200
    return answer.json()


def png(width: int, height: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), 128, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def test_a_photograph_becomes_a_head_with_links(client: object, job: dict, tmp_path: Path) -> None:
    assert (job["status"], job["ahead"], job["image"]) == ("done", 0, {"width": 512, "height": 512})
    (face,) = job["faces"]
    assert len(face["expression"]) == 51
    assert face["files"].keys() >= {"glb", "obj", "mtl", "texture", "ply", "npz", "json", "picture"}
    for kind, link in [*face["files"].items(), ("photograph", job["links"]["photograph"])]:
        answer = client.get(link)
        assert answer.status_code == 200, kind
        assert answer.headers["cache-control"] == "private, no-store"
    glb = client.get(face["files"]["glb"])
    assert glb.headers["content-type"] == "model/gltf-binary"
    GlbFile.parse(glb.content)
    with zipfile.ZipFile(io.BytesIO(client.get(face["files"]["obj_zip"]).content)) as together:
        assert set(together.namelist()) == {"face_0.obj", "face_0.mtl", "face_0.jpg", "face_0_hair.jpg"}
        assert together.read("face_0.obj") == client.get(face["files"]["obj"]).content
    (tmp_path / "head.glb").write_bytes(glb.content)
    report = validator_report(tmp_path / "head.glb")
    assert (report["numErrors"], report["numWarnings"]) == (0, 0)


def test_the_file_itself(client: object) -> None:
    files = {"photo": packaged("demo.jpg").read_bytes()}
    answer = client.post("/api/reconstruct?format=glb&faces=1", files=files)
    assert answer.headers["content-disposition"] == 'attachment; filename="face_0.glb"'
    GlbFile.parse(answer.content)
    assert client.post("/api/reconstruct?format=exe", files=files).status_code == 422


def test_wrinkles_are_in_the_file_where_they_are_wanted(client: object, job: dict) -> None:
    answer = client.post("/api/reconstruct?wrinkles=true", files={"photo": packaged("demo.jpg").read_bytes()})
    with_them, without = (
        GlbFile.parse(client.get(each["faces"][0]["files"]["glb"]).content).document for each in (answer.json(), job)
    )
    assert "normalTexture" in with_them["materials"][0]
    assert "normalTexture" not in without["materials"][0]


def test_a_job_is_watched_and_deleted(client: object) -> None:
    answer = client.post("/api/jobs", files={"photo": packaged("demo.jpg").read_bytes()})
    assert answer.status_code == 202
    links = answer.json()["links"]
    assert answer.headers["location"] == links["self"]
    with client.stream("GET", links["events"]) as events:
        told = [json.loads(line.removeprefix("data: ")) for line in events.iter_lines() if line]
    assert told[-1]["status"] == "done"
    assert told[-1] == client.get(links["self"]).json()
    assert {event["status"] for event in told} <= {"waiting", "working", "done"}
    assert client.delete(links["self"]).status_code == 204
    assert client.get(links["self"]).status_code == 404
    assert client.get(told[-1]["links"]["photograph"]).status_code == 404


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (b"no picture", 422, "not a picture"),
        (b"", 422, "it is an empty file"),
        (png(300, 300), 422, "no face found"),
        (png(2000, 1001), 413, "more than 2 million pixels"),
        (bytes(2 * 2**20 + 70_000), 413, "more than 2 MB"),
    ],
)
def test_what_is_refused(client: object, content: bytes, status: int, says: str) -> None:
    answer = client.post("/api/reconstruct", files={"photo": content})
    assert answer.status_code == status
    assert says in answer.json()["detail"]


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"params": {"faces": "0"}, "files": {"photo": b"x"}}, "faces: input should be greater than or equal to 1"),
        ({"params": {"format": "exe"}, "files": {"photo": b"x"}}, "format: input should be 'glb', 'ply', "),
        ({"files": [("photo", b"x"), ("photo", b"y")]}, "the form cannot be read (Too many files"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=a"}}, "the form cannot be read"),
        ({"data": {f"{number}": "x" for number in range(9)}}, "send a photograph as the field `photo`"),  # no multipart
    ],
)
def test_a_request_that_makes_no_sense_is_answered_in_one_line(client: object, request_: dict, says: str) -> None:
    answer = client.post("/api/reconstruct", **request_)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(says)


def test_a_length_that_is_not_told_is_limited_too(client: object) -> None:
    def body() -> object:
        yield b'--x\r\nContent-Disposition: form-data; name="photo"; filename="p"\r\n\r\n'
        for _ in range(40):
            yield bytes(2**17)

    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert client.post("/api/reconstruct", content=body(), headers=headers).status_code == 413


def test_frames_of_a_webcam_are_answered_one_by_one(client: object) -> None:
    def ask(picture: bytes, session: str = "") -> object:
        return client.post("/api/live", params={"session": session}, content=picture)

    photo = packaged("demo.jpg").read_bytes()
    first = ask(photo).json()
    (head,) = first["heads"]
    assert (head["person"], len(head["expression"])) == (0, 51)
    assert np.shape(head["head_to_image"]) == (3, 4)
    middle = np.array(head["head_to_image"]) @ [0, 0, 0, 1]
    assert (middle[:2] > 0).all()
    assert (middle[:2] < 512).all()
    assert len(base64.b64decode(head["hidden"])) == identities(["openhead"])["openhead"]["vertices"]
    second = ask(photo, first["session"]).json()
    assert second["session"] == first["session"]
    assert second["heads"][0]["person"] == 0
    assert ask(photo, "a guess").json()["session"] not in ("a guess", first["session"])
    assert ask(b"no picture").status_code == 422
    assert ask(png(2000, 1200)).status_code == 422
    assert ask(bytes(2**20 + 1)).status_code == 413
    assert ask(photo, first["session"]).status_code == 200


def test_no_other_file_can_be_read(client: object, job: dict) -> None:
    here = f"{job['links']['self']}/files"
    for name in ("upload", "%2e%2e", "..%2Fupload", "%2Fetc%2Fpasswd", "face_0_overlay.png", "%00", "face_0"):
        assert client.get(f"{here}/{name}").status_code in (404, 405), name
    assert client.get("/api/jobs/aaaa").status_code == 404


def test_head_is_answered_as_get_is_without_a_body(client: object, job: dict) -> None:
    for path in ("/", "/api/health", job["faces"][0]["files"]["glb"], "/api/jobs/aaaa"):
        head, got = client.head(path), client.get(path)
        assert head.status_code == got.status_code
        assert head.headers["content-length"] == got.headers["content-length"]
        assert head.content == b""


def test_an_address_that_is_none_leads_to_the_description(client: object) -> None:
    for answer, status in ((client.get("/docs"), 404), (client.get("/api/reconstruct"), 405)):
        assert answer.status_code == status
        assert answer.json()["detail"] == "there is nothing for GET at this address; see /openapi.json"
    assert "no such job" in client.get("/api/jobs/aaaa").json()["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},  # a page whose own name now leads to this machine
        {"Host": "127.0.0.1:1"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_requests_of_other_pages_are_not_answered(client: object, headers: dict[str, str]) -> None:
    answer = client.post("/api/reconstruct", files={"photo": b""}, headers=headers)
    assert answer.status_code == 403
    if "Host" in headers:
        assert client.get("/", headers=headers).status_code == 403


def test_every_answer_says_how_browsers_may_use_it(client: object) -> None:
    for answer in (client.get("/"), client.get("/nothing"), client.post("/api/jobs", headers={"Origin": "null"})):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in client.get("/").headers["content-security-policy"]
    plain = client.get("/", headers={"Accept-Encoding": "identity"})
    assert plain.text == client.get("/").text


def test_the_api_describes_itself_with_examples(client: object) -> None:
    document = client.get("/openapi.json").json()
    posted = document["paths"]["/api/reconstruct"]["post"]
    assert posted["requestBody"]["content"]["multipart/form-data"]["schema"]["required"] == ["photo"]
    assert posted["responses"].keys() >= {"200", "401", "403", "413", "422", "429", "503"}
    example = posted["responses"]["200"]["content"]["application/json"]["example"]
    assert example["faces"][0]["files"]["glb"].startswith(example["links"]["self"])
