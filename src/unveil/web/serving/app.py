"""The routes of the server: the page, and the API that the page uses."""

from __future__ import annotations

import asyncio
import gzip
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from importlib.metadata import version
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException as AnyHTTPException

from unveil.assets.store import packaged
from unveil.processes import in_process
from unveil.web.serving import answers
from unveil.web.serving.job import PhotoJob, Problem
from unveil.web.serving.live import FRAME_BYTES, Live
from unveil.web.serving.queue import FullError, JobQueue

UPLOAD_SECONDS = 60.0  # that an upload may take
WATCH_SECONDS = 2.0  # between events at most, as the place in the queue changes
NO_PHOTO = "send a photograph as the field `photo` of multipart/form-data"
Format = Literal["glb", "ply", "npz", "json"]
MEDIA_TYPES = {
    ".glb": "model/gltf-binary",
    ".obj": "model/obj",
    ".mtl": "model/mtl",
    ".ply": "application/octet-stream",
    ".npz": "application/octet-stream",
    ".zip": "application/zip",
}

JobId = Annotated[str, Path(description="The random id that the job was given.", max_length=64)]
SessionId = Annotated[str, Query(description="The session of the previous answer; empty for a new one.", max_length=64)]
Faces = Annotated[int | None, Query(ge=1, description="At most this many faces, the largest.")]
Wrinkles = Annotated[bool, Query(description="Give heads the wrinkles that the photograph shows; takes longer.")]
FileFormat = Annotated[
    Format | None, Query(description="Answer with this file of the largest face instead of with links.")
]


def create_app(queue: JobQueue, live: Live, *, token: bool) -> FastAPI:
    """The application.

    Args:
        queue: of jobs, whose workers have been started.
        live: has the sessions of webcams.
        token: whether `guard.Guard` asks for one, which the page then asks its user for.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with queue.running(), live.running():
            yield

    app = FastAPI(
        title="unveil",
        version=version("unveil"),
        description=answers.DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # it would fetch its scripts from elsewhere
        redoc_url=None,
    )
    app.state.queue = queue
    app.add_exception_handler(RequestValidationError, _say_in_one_line)
    for status in (404, 405):
        app.add_exception_handler(status, _say_where_the_api_is)
    _add_page(app, token=token)
    _add_posts(app)
    _add_jobs(app)
    _add_live(app, live)
    return app


def served_page(token: bool, minutes: int) -> tuple[str, str]:
    """The page, and its Content-Security-Policy."""
    from unveil.meshes.image_bytes import png
    from unveil.web.hand import hand
    from unveil.web.identity import identities
    from unveil.web.page import content_policy, data_address, page_with

    content = {"mode": "serve", "heads": [], "token": token, "minutes": minutes}
    page = page_with(content | {"identity": identities({"openhead"}), "hand": data_address("image/png", png(hand()))})
    return page, content_policy(page)


def _add_page(app: FastAPI, *, token: bool) -> None:
    minutes = app.state.queue.limits.keep_minutes
    page, policy = in_process(served_page, token, minutes)
    packed = gzip.compress(page.encode(), mtime=0)
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}

    @app.get("/", include_in_schema=False)
    async def show_page(request: Request) -> Response:
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(packed, media_type="text/html", headers=headers | {"Content-Encoding": "gzip"})
        return Response(page, media_type="text/html", headers=headers)

    @app.get("/example.jpg", include_in_schema=False)
    async def show_example() -> Response:
        return FileResponse(packaged("demo.jpg"))

    @app.get("/api/health", summary="The health of the server")
    async def health() -> dict[str, str]:
        return {"status": "ok", "version": version("unveil")}


def _add_posts(app: FastAPI) -> None:
    body = {"requestBody": answers.PHOTO_BODY}
    refusals = answers.problems(401, 403, 413, 422, 429, 503)

    @app.post(
        "/api/reconstruct",
        summary="Reconstruct a photograph and wait for its heads",
        openapi_extra=body,
        responses={200: answers.done("the heads, with links to their files", answers.EXAMPLE), **refusals},
    )
    async def reconstruct(
        request: Request,
        format: FileFormat = None,  # noqa: A002
        faces: Faces = None,
        wrinkles: Wrinkles = False,
    ) -> Response:
        job = await _accepted(request, faces, wrinkles=wrinkles)
        await job.wait()
        if job.problem is not None:
            raise HTTPException(job.problem.status, job.problem.detail)
        if format is not None:
            return _file(job, job.result["faces"][0]["files"][format])
        return JSONResponse(_described(request, job))

    @app.post(
        "/api/jobs",
        status_code=202,
        summary="Reconstruct a photograph and answer at once",
        openapi_extra=body,
        responses={202: answers.done("where to watch the job", answers.WAITING), **refusals},
    )
    async def add_job(request: Request, faces: Faces = None, wrinkles: Wrinkles = False) -> Response:
        job = await _accepted(request, faces, wrinkles=wrinkles)
        described = _described(request, job)
        return JSONResponse(described, 202, headers={"Location": described["links"]["self"]})


def _add_jobs(app: FastAPI) -> None:
    gone: dict[int | str, dict[str, Any]] = {404: {"description": "no such job or file, or it has been deleted"}}

    @app.get(
        "/api/jobs/{job_id}",
        summary="The progress of a job and, once it is done, its heads",
        responses={200: answers.done("the job", answers.EXAMPLE), **gone},
    )
    async def show_job(request: Request, job_id: JobId) -> Response:
        return JSONResponse(_described(request, _found(request, job_id)))

    @app.get(
        "/api/jobs/{job_id}/events",
        summary="The same as server-sent events, one after each change",
        responses={200: {"description": "events", "content": {"text/event-stream": {}}}, **gone},
    )
    async def watch_job(request: Request, job_id: JobId) -> Response:
        job = _found(request, job_id)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(_events(request, job), media_type="text/event-stream", headers=headers)

    @app.get(
        "/api/jobs/{job_id}/files/{name}",
        summary="A file of a job",
        responses={200: {"description": "the file", "content": {"application/octet-stream": {}}}, **gone},
    )
    async def get_file(request: Request, job_id: JobId, name: str) -> Response:
        return _file(_found(request, job_id), name)

    @app.delete("/api/jobs/{job_id}", status_code=204, summary="Delete a job and its files", responses=gone)
    async def delete_job(request: Request, job_id: JobId) -> Response:
        _queue(request).remove(_found(request, job_id))
        return Response(status_code=204)


def _add_live(app: FastAPI, live: Live) -> None:
    @app.post(
        "/api/live",
        summary="The heads in one frame of a webcam; send the next frame once this one is answered",
        openapi_extra={"requestBody": {"required": True, "content": {"image/jpeg": {}}}},
        responses={200: answers.done("the heads", answers.LIVE), **answers.problems(401, 403, 413, 422, 429, 503)},
    )
    async def see(request: Request, session: SessionId = "") -> Response:
        picture = await request.body()
        if len(picture) > FRAME_BYTES:
            raise HTTPException(413, f"a frame has at most {FRAME_BYTES // 2**20} MB; send a smaller one")
        answer = await live.see(session, picture)
        if isinstance(answer, Problem):
            again = {"Retry-After": "5"} if answer.status in (429, 503) else {}
            raise HTTPException(answer.status, answer.detail, again)
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})


async def _say_in_one_line(request: Request, error: Exception) -> Response:
    """What is wrong with the parameters of a request, as all other details are."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    wrong = [f"{one['loc'][-1]}: {one['msg'][:1].lower()}{one['msg'][1:]}" for one in found]
    return JSONResponse({"detail": "; ".join(wrong)}, 422)


async def _say_where_the_api_is(request: Request, error: Exception) -> Response:
    """What is wrong with the address of a request, where nothing better has been said."""
    assert isinstance(error, AnyHTTPException)  # noqa: S101
    detail = error.detail
    if detail == HTTPStatus(error.status_code).phrase:
        detail = f"there is nothing for {request.method} at this address; see /openapi.json"
    return JSONResponse({"detail": detail}, error.status_code, error.headers)


async def _accepted(request: Request, faces: int | None, *, wrinkles: bool) -> PhotoJob:
    """A job for the photograph of a request, which then waits for its turn."""
    queue = _queue(request)
    client = request.client.host if request.client else ""
    try:
        job = queue.new(client, min(faces or queue.limits.faces, queue.limits.faces), wrinkles=wrinkles)
    except FullError as full:
        raise HTTPException(full.status, str(full), {"Retry-After": str(full.retry_after)}) from full
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            await _store(request, job)
    except TimeoutError as error:
        queue.remove(job)
        raise HTTPException(408, f"the upload took more than {UPLOAD_SECONDS:g} seconds") from error
    except BaseException:  # also a client that went away
        queue.remove(job)
        raise
    queue.add(job)
    return job


async def _store(request: Request, job: PhotoJob) -> None:
    """Write the photograph of a request into the folder of its job."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise HTTPException(422, NO_PHOTO)  # else the bytes of a picture would be taken for fields
    try:
        async with request.form(max_files=1, max_fields=8) as form:
            photo = form.get("photo")
            if not isinstance(photo, UploadFile):
                raise HTTPException(422, NO_PHOTO)
            with job.photo.open("xb") as target:
                await asyncio.to_thread(shutil.copyfileobj, photo.file, target)
    except AnyHTTPException as error:  # of Starlette, where the form is none
        if error.status_code != 400:
            raise
        raise HTTPException(422, f"the form cannot be read ({error.detail.rstrip('.')}); send one file") from error
    except ValueError as error:  # of python-multipart, which older Starlettes let through
        raise HTTPException(422, f"the form cannot be read ({str(error).rstrip('.')}); send one file") from error


async def _events(request: Request, job: PhotoJob) -> AsyncIterator[str]:
    async for _ in job.changes(WATCH_SECONDS):
        yield f"data: {json.dumps(_described(request, job))}\n\n"


def _queue(request: Request) -> JobQueue:
    queue: JobQueue = request.app.state.queue
    return queue


def _found(request: Request, job_id: str) -> PhotoJob:
    job = _queue(request).find(job_id)
    if job is None:
        raise HTTPException(404, "there is no such job, or it has been deleted")
    return job


def _described(request: Request, job: PhotoJob) -> dict[str, Any]:
    queue = _queue(request)
    return answers.job_json(job, queue.ahead(job), queue.limits)


def _file(job: PhotoJob, name: str) -> Response:
    """A file that the job's result lists; any other name is not found."""
    faces = job.result.get("faces", ())
    known = {job.result.get("photograph"), *(known for face in faces for known in face["files"].values())}
    path = job.folder / name
    if name not in known or not path.is_file():
        raise HTTPException(404, "there is no such file, or it has been deleted")
    media_type = MEDIA_TYPES.get(path.suffix)
    kind = "inline" if path.suffix in (".jpg", ".png") else "attachment"
    headers = {"Cache-Control": "private, no-store"}
    return FileResponse(path, media_type=media_type, filename=name, content_disposition_type=kind, headers=headers)
