"""The guard of the server: limits the size of bodies, and refuses requests that other sites' pages cause.

A page of another site can make a browser send requests to servers on this machine, and by changing what its own name
means (DNS rebinding) read their answers. So a request must name this server as its host, and what changes something
must not come from another page. Where others may reach the server, it asks for a token.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

LOCAL = ("localhost", "127.0.0.1", "[::1]")
PATIENCE = 4  # times what a body may have is read of one that is refused
DRAIN_SECONDS = 20.0  # and no longer than this
SAFE = ("GET", "HEAD", "OPTIONS")
HEADERS = (  # of every answer
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=()"),
)


@dataclass(frozen=True)
class Guard:
    """Stands before an application.

    Attributes:
        app: the application.
        most_bytes: of a body.
        hosts: names with ports that the server goes by; empty for any.
        token: that requests which change something must bring; empty for none.
    """

    app: Application
    most_bytes: int
    hosts: frozenset[str]
    token: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let the application do so."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if refused := self._refusal(scope["method"], headers):
            if scope["method"] not in SAFE:
                await _drain(receive, PATIENCE * self.most_bytes)
            await _say(send, *refused)
            return

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        # Which the server answers without a body: the application need not know HEAD.
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        with suppress(ClientDisconnect):  # who went away while sending hears no answer, and who serves need not know
            await self.app({**scope, "method": method}, self._limited(receive), send_with_headers)

    @property
    def _too_long(self) -> str:
        return f"the upload has more than {self.most_bytes // 2**20} MB; send a smaller file"

    def _refusal(self, method: str, headers: dict[str, str]) -> tuple[int, str] | None:
        """Status and reason where a request is refused."""
        host = headers.get("host", "").lower()
        if self.hosts and host not in self.hosts:
            return 403, "the request names another host than this server"
        if method in SAFE:
            return None
        origin = headers.get("origin")
        from_elsewhere = headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
        if from_elsewhere or (origin is not None and origin.lower().partition("://")[2] != host):
            return 403, "requests from other pages are not answered"
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if self.token and not (scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), self.token.encode())):
            return 401, "the token is missing or wrong; send the header Authorization: Bearer TOKEN"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:20]) > self.most_bytes:
            return 413, self._too_long
        return None

    def _limited(self, receive: Receive) -> Receive:
        """The same messages, counted until they hold too many bytes: a stated length need not be true."""
        left = self.most_bytes

        async def limited() -> MutableMapping[str, Any]:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                await _drain(receive, PATIENCE * self.most_bytes)
                raise HTTPException(413, self._too_long)  # which the application answers
            return message

        return limited


async def _drain(receive: Receive, most: int) -> None:
    """Read what a client still sends, up to a limit: who is cut off while it sends does not hear the answer."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            more = True
            while more and most > 0:
                message = await receive()
                most -= len(message.get("body", b""))
                more = message.get("more_body", False)


async def _say(send: Send, status: int, detail: str) -> None:
    body = json.dumps({"detail": detail}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *HEADERS]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if status == 413:
        headers.append((b"connection", b"close"))  # what is still on its way is not read
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def local_hosts(port: int, *others: str) -> frozenset[str]:
    """The names under which a server on this machine may be addressed."""
    names = {*LOCAL, *others}
    return frozenset(f"{name}:{port}" for name in names) | (frozenset(names) if port == 80 else frozenset())
