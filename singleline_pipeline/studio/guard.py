"""Who may talk to the studio: pages that it served itself, from this machine, with requests of a sane size.

A web page from elsewhere that is open in the same browser can send requests to 127.0.0.1, too. It is kept out by the
Host header (a name of its own that it lets point here), the Origin header, and for writes a token that it cannot read.
"""

import json
import secrets
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 2_000_000
"""Bytes of a request: twenty thousand ids have 400 kB."""

TOKEN_HEADER = "x-singleline-token"
_LOOPBACK = ("127.0.0.1", "localhost")
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """ASGI middleware that refuses what does not come from the studio's own page, and says so in a sentence."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with what is wrong with it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope["method"], Headers(scope=scope))
        if refusal is not None:
            await _answer(send, *refusal)
            return
        body = _Body(receive)
        try:
            await self._app(scope, body.receive, _with_headers(send))
        except BodyTooLargeError:
            await _answer(send, 413, f"A request may have {MAX_BODY / 1e6:g} MB.")

    def _refusal(self, method: str, headers: Headers) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if _name_of(host) not in _LOOPBACK:
            return 421, "The studio answers at http://127.0.0.1 and http://localhost only."
        origin = headers.get("origin")
        if origin is not None and (urlsplit(origin).netloc != host or not origin.startswith("http://")):
            return 403, "The studio answers its own page only: open it at its own address."
        if headers.get("sec-fetch-site") not in (None, "same-origin", "none"):
            return 403, "The studio answers its own page only: open it at its own address."
        if method in ("GET", "HEAD"):
            return None
        if method != "POST":
            return 405, f"{method} is not something that the studio does."
        if not secrets.compare_digest(headers.get(TOKEN_HEADER, "").encode(), self._token.encode()):
            return 403, "The token is missing or of an earlier start of the studio: reload the page."
        if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return 415, "The body must be application/json."
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            return 413, f"A request may have {MAX_BODY / 1e6:g} MB."
        return None


class BodyTooLargeError(Exception):
    """A body without an honest length grew over the limit."""


class _Body:
    """The body of a request, counted as it arrives: not every client says beforehand how long it is."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._bytes = 0

    async def receive(self) -> Message:
        message = await self._receive()
        self._bytes += len(message.get("body", b""))
        if self._bytes > MAX_BODY:
            raise BodyTooLargeError
        return message


def _name_of(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name if name and port.isdecimal() else host


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return sending


async def _answer(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"error": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    sending = _with_headers(send)
    await sending({"type": "http.response.start", "status": status, "headers": headers})
    await sending({"type": "http.response.body", "body": body})
