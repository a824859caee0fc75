"""The answers of the API, and its description in OpenAPI."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from unveil.web.serving.job import PhotoJob
from unveil.web.serving.limits import Limits

DESCRIPTION = """\
From one photograph, in which something may hide part of the face, to an animatable 3D head.

`POST /api/reconstruct` answers once the heads are ready. `POST /api/jobs` answers at once, with addresses to watch the
job and to get its files. A job's id is random and long: only those who know it can read its files. Files are deleted
after a stated time.
"""
PHOTO_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["photo"],
                "properties": {
                    "photo": {
                        "type": "string",
                        "format": "binary",
                        "description": "JPEG, PNG, TIFF, WebP, AVIF or BMP, and HEIC where the server can read it.",
                    }
                },
            }
        }
    },
}
EXAMPLE = {
    "id": "0bq7c5mZ2M0tJ4k0cG3S1A",
    "status": "done",
    "stage": "done",
    "ahead": 0,
    "links": {
        "self": "/api/jobs/0bq7c5mZ2M0tJ4k0cG3S1A",
        "events": "/api/jobs/0bq7c5mZ2M0tJ4k0cG3S1A/events",
        "photograph": "/api/jobs/0bq7c5mZ2M0tJ4k0cG3S1A/files/photograph.jpg",
    },
    "deleted_at": "2026-11-28T12:30:00+00:00",
    "image": {"width": 640, "height": 640},
    "faces": [
        {
            "index": 0,
            "box_ltrb": [178.1, 60.2, 282.5, 164.6],
            "pose_degrees": {"pitch": 4.8, "yaw": -1.2, "roll": -2.7},
            "hidden_share": 0.07,
            "occluded_share": 0.0,
            "files": {"glb": "/api/jobs/0bq7c5mZ2M0tJ4k0cG3S1A/files/face_0.glb"},
        }
    ],
}
LIVE = {
    "session": "p4Dh2Zs0QmW8xH1rT6yNqA",
    "image": {"width": 480, "height": 360},
    "heads": [
        {
            "person": 0,
            "expression": {"jawOpen": 0.31},
            "head_to_image": [[660.1, 34.3, -19.0, 226.1], [36.0, -661.0, 64.8, 96.9], [-15.5, -65.7, -661.7, 0.0]],
            "hidden": "AAAB/w==",
        }
    ],
}
WAITING = {name: value for name, value in EXAMPLE.items() if name in ("id", "links")} | {
    "status": "waiting",
    "stage": "waiting",
    "ahead": 2,
}
PROBLEMS = {
    401: "the token is missing or wrong",
    403: "the request names another host, or comes from another page",
    413: "too many bytes or too many pixels",
    422: "no photograph, no face in it, or it takes too long",
    429: "too many photographs of this client are waiting; see Retry-After",
    503: "too many photographs are waiting; see Retry-After",
}


def problems(*codes: int) -> dict[int | str, dict[str, Any]]:
    """The answers of these codes, as OpenAPI describes them."""
    return {code: {"description": PROBLEMS[code], "content": _example({"detail": PROBLEMS[code]})} for code in codes}


def done(description: str, example: Any) -> dict[str, Any]:
    """A successful answer, with an example of it."""
    return {"description": description, "content": _example(example)}


def job_json(job: PhotoJob, ahead: int, limits: Limits) -> dict[str, Any]:
    """A job as the API shows it: its status, its links and, once it is done, the result of `work.reconstruct_files`."""
    here = f"/api/jobs/{job.id}"
    links = {"self": here, "events": f"{here}/events"}
    answer: dict[str, Any] = {"id": job.id, "status": job.status, "stage": job.stage, "ahead": ahead, "links": links}
    if job.problem is not None:
        answer |= {"error": {"status": job.problem.status, "detail": job.problem.detail}}
    if job.ended_at is not None:
        last = job.ended_at + 60 * limits.keep_minutes
        answer["deleted_at"] = datetime.fromtimestamp(last, UTC).isoformat(timespec="seconds")
    if job.result:
        result = dict(job.result)
        links["photograph"] = f"{here}/files/{result.pop('photograph')}"
        answer |= result | {"faces": [_linked(face, here) for face in result["faces"]]}
    return answer


def _linked(face: dict[str, Any], here: str) -> dict[str, Any]:
    return face | {"files": {kind: f"{here}/files/{name}" for kind, name in face["files"].items()}}


def _example(value: Any) -> dict[str, Any]:
    return {"application/json": {"example": value}}
