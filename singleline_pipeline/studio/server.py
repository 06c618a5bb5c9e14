"""The studio's addresses: static files, collections, thumbnails, labels."""

import contextlib
import hashlib
import mimetypes
import secrets
import socket
import threading
from collections.abc import Callable
from importlib import resources
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from singleline_pipeline.embedding.errors import LabelError
from singleline_pipeline.home import Home
from singleline_pipeline.lake import LakeError
from singleline_pipeline.scans.errors import PageError
from singleline_pipeline.settings_file import SettingsError
from singleline_pipeline.studio.correcting import correct, shown, take_back
from singleline_pipeline.studio.desk import MOST_IDS, Desk
from singleline_pipeline.studio.errors import RequestError, StudioError
from singleline_pipeline.studio.guard import Guard
from singleline_pipeline.studio.kinds import KINDS, PAGES, Kind
from singleline_pipeline.studio.pages import page_lines, page_picture, try_settings
from singleline_pipeline.studio.running import Runner
from singleline_pipeline.studio.thumbnails import A_SHEET

_FOR_EVER = "private, max-age=31536000, immutable"
_MOST = 200


def serve(home: Home, port: int, started: Callable[[str], None] = lambda address: None) -> None:
    """Serve a home on 127.0.0.1 until Ctrl-C. `port` 0 takes any that is free; `started` is told the address.

    Raises StudioError where the port is taken.
    """
    import uvicorn

    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", port))
        except OSError as error:
            raise StudioError(
                f"Port {port} of 127.0.0.1 cannot be had ({error.strerror}): the studio may be running already. "
                "Choose another one with --port."
            ) from error
        config = uvicorn.Config(
            create_app(home),
            ws="none",
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        listening.listen(64)
        started(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        uvicorn.Server(config).run(sockets=[listening])


def create_app(home: Home, *, token: str | None = None) -> Starlette:
    """The studio of a home, as an ASGI application. `token`: what writes need; a new one if it is not given."""
    studio = _Studio(home, token or secrets.token_urlsafe(24))
    kind = "{kind:str}"
    routes = [
        Route("/", studio.index),
        Route("/static/{name:str}", studio.static),
        Route("/api/token", studio.token_of_start),
        Route("/api/status", studio.status),
        Route("/api/run", studio.run, methods=["POST"]),
        Route("/api/effects", studio.effects, methods=["POST"]),
        Route("/api/labels", studio.label, methods=["POST"]),
        Route("/api/take-over", studio.take_over, methods=["POST"]),
        Route("/api/undo", studio.undo, methods=["POST"]),
        Route("/api/redo", studio.redo, methods=["POST"]),
        Route("/api/corrections", studio.correct, methods=["POST"]),
        Route("/api/corrections/undo", studio.take_back, methods=["POST"]),
        Route("/api/corrections/{page_id:str}", studio.corrections),
        Route("/api/private", studio.make_private, methods=["POST"]),
        Route("/api/settings", studio.set_settings, methods=["POST"]),
        Route("/api/settings/effects", studio.settings_effects, methods=["POST"]),
        Route("/api/settings/{page_id:str}", studio.settings),
        Route("/api/page/{page_id:str}", studio.page),
        Route("/api/line/{page_id:str}", studio.line),
        Route(f"/api/{kind}", studio.collection),
        Route(f"/api/{kind}/decided", studio.decided),
        Route(f"/api/{kind}/uncertain", studio.uncertain),
        Route(f"/api/{kind}/similar", studio.similar),
        Route(f"/api/{kind}/twice", studio.twice),
        Route(f"/sheets/{kind}/{{version:str}}/{{number:int}}", studio.sheet),
        Route(f"/thumbnails/{kind}/{{hash:str}}", studio.thumbnail),
        Route("/pictures/{page_id:str}/{version:str}", studio.picture),
    ]
    # The first page that is opened need not wait for the tables.
    threading.Thread(target=studio.read_tables, daemon=True).start()
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, token=studio.token)],
        exception_handlers={
            RequestError: _refused,
            HTTPException: _refused,
            LabelError: _failed,
            LakeError: _failed,
            PageError: _failed,
            SettingsError: _failed,
        },
    )


def _refused(request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, RequestError) else getattr(error, "status_code", 400)
    text = str(error) if isinstance(error, RequestError) else f"There is nothing at {request.url.path[:80]}."
    return JSONResponse({"error": text}, status)


def _failed(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 503)


class _Studio:
    """The handlers. What takes longer than a millisecond runs in a thread of its own."""

    def __init__(self, home: Home, token: str) -> None:
        self.token = token
        self._desk = Desk(home)
        self._runner = Runner(home)
        self._static = _static_files()

    def read_tables(self) -> None:
        """Read what is there. Errors are for the request that needs it to tell."""
        with contextlib.suppress(LakeError, LabelError):
            self._desk.refresh(tables=True)

    async def index(self, request: Request) -> Response:
        return self._file(request, "index.html")

    async def static(self, request: Request) -> Response:
        return self._file(request, request.path_params["name"])

    async def token_of_start(self, request: Request) -> Response:
        return JSONResponse({"token": self.token})

    async def status(self, request: Request) -> Response:
        versions = await run_in_threadpool(lambda: self._desk.refresh(tables=True))
        return JSONResponse(versions | {"run": self._runner.state()})

    async def collection(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self._desk.shown, _kind(request), _tab(request)))

    async def decided(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self._desk.decided, _kind(request), _tab(request)))

    async def uncertain(self, request: Request) -> Response:
        found = await run_in_threadpool(self._desk.uncertain, _kind(request), _count(request, 20))
        return JSONResponse({"rows": found})

    async def similar(self, request: Request) -> Response:
        name = request.query_params.get("id", "")
        found = await run_in_threadpool(self._desk.similar, _kind(request), name, _count(request, 40))
        return JSONResponse({"rows": found})

    async def twice(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self._desk.twice, _kind(request)))

    async def take_over(self, request: Request) -> Response:
        values = await _json(request, {"request_id": str, "page": str})
        return JSONResponse(
            await run_in_threadpool(self._desk.take_over, values["request_id"], values["page"])
        )

    async def page(self, request: Request) -> Response:
        book, page_id = self._page(request)
        return JSONResponse(await run_in_threadpool(page_lines, self._desk.lake, book, page_id))

    async def line(self, request: Request) -> Response:
        book, page_id = self._page(request)
        desk, collection = self._desk, self._desk.collection(PAGES)
        key = collection.keys[collection.row[page_id]]
        settings = desk.tuning.values_of(key, _numbers_of(request))
        return JSONResponse(
            await run_in_threadpool(try_settings, desk.home, desk.lake, book, page_id, settings)
        )

    async def corrections(self, request: Request) -> Response:
        _, page_id = self._page(request)
        page, tab = self._desk.traced_page(page_id), _tab(request)
        return JSONResponse(await run_in_threadpool(shown, page, tab))

    async def correct(self, request: Request) -> Response:
        values = await _json(request, {"request_id": str, "page_id": str, "action": str, "shape": str})
        page = self._desk.traced_page(values.pop("page_id"))
        answer = await run_in_threadpool(lambda: correct(page, **values, who=self._desk.who))
        return JSONResponse(answer | {"waiting": await run_in_threadpool(self._desk.waiting)})

    async def take_back(self, request: Request) -> Response:
        values = await _json(request, {"request_id": str, "page_id": str, "what": str})
        page = self._desk.traced_page(values.pop("page_id"))
        answer = await run_in_threadpool(lambda: take_back(page, **values, who=self._desk.who))
        return JSONResponse(answer | {"waiting": await run_in_threadpool(self._desk.waiting)})

    async def make_private(self, request: Request) -> Response:
        values = await _json(request, {"page_id": str})
        said = await run_in_threadpool(self._desk.make_private, values["page_id"])
        # The browser keeps pictures for a year.
        return JSONResponse({"said": said}, headers={"clear-site-data": '"cache"'})

    async def settings(self, request: Request) -> Response:
        _, page_id = self._page(request)
        collection = self._desk.collection(PAGES)
        return JSONResponse(self._desk.tuning.shown(collection.keys[collection.row[page_id]]))

    async def settings_effects(self, request: Request) -> Response:
        values = await _json(request, {"page_id": str, "values": dict})
        return JSONResponse(await run_in_threadpool(lambda: self._desk.settings_effects(**values)))

    async def set_settings(self, request: Request) -> Response:
        values = await _json(request, {"action": str, "page_id": str, "values": dict})
        return JSONResponse(await run_in_threadpool(lambda: self._desk.set_settings(**values)))

    async def effects(self, request: Request) -> Response:
        values = await _json(request, {"scope": str, "ids": list})
        return JSONResponse(await run_in_threadpool(self._desk.effects, values["scope"], values["ids"]))

    async def label(self, request: Request) -> Response:
        values = await _json(request, {"request_id": str, "scope": str, "ids": list, "label": str})
        return JSONResponse(await run_in_threadpool(lambda: self._desk.label(**values)))

    async def undo(self, request: Request) -> Response:
        return await self._correct(request, "undo")

    async def redo(self, request: Request) -> Response:
        return await self._correct(request, "redo")

    async def run(self, request: Request) -> Response:
        self._runner.start((await _json(request, {"refit": list}))["refit"])
        return JSONResponse(self._runner.state(), 202)

    async def sheet(self, request: Request) -> Response:
        collection = self._desk.collection(_kind(request))
        number = request.path_params["number"]
        here = request.path_params["version"] == collection.thumbnails_version
        if not here or number * A_SHEET >= len(collection.ids):
            raise RequestError("The thumbnails have changed: reload the page.", status=404)
        make: Callable[[], bytes] = lambda: self._desk.thumbnails.sheet(collection, number)  # noqa: E731
        return await self._kept_for_ever(request, make, "image/jpeg")

    async def thumbnail(self, request: Request) -> Response:
        collection, name = self._desk.collection(_kind(request)), request.path_params["hash"]
        row = collection.row_of_thumbnail.get(name)
        found = None if row is None else await run_in_threadpool(self._desk.thumbnails.one, collection, row)
        if found is None:
            raise RequestError("There is no such thumbnail.", status=404)
        return await self._kept_for_ever(request, lambda: found[0], found[1])

    async def picture(self, request: Request) -> Response:
        collection, page_id = self._desk.collection(PAGES), request.path_params["page_id"]
        row = self._desk.rows(PAGES, [page_id])[0]
        if request.path_params["version"] != collection.thumbnails[row]:
            raise RequestError("The page has changed: reload.", status=404)
        book, lake = collection.books[collection.book[row]], self._desk.lake
        return await self._kept_for_ever(request, lambda: page_picture(lake, book, page_id), "image/jpeg")

    async def _correct(self, request: Request, what: str) -> Response:
        values = await _json(request, {"request_id": str, "tab": str})
        return JSONResponse(await run_in_threadpool(lambda: self._desk.correct(what, **values)))

    def _page(self, request: Request) -> tuple[str, str]:
        collection, page_id = self._desk.collection(PAGES), request.path_params["page_id"]
        row = self._desk.rows(PAGES, [page_id])[0]
        return collection.books[collection.book[row]], page_id

    def _file(self, request: Request, name: str) -> Response:
        if (
            name not in self._static
        ):  # a name that was read at the start, and no path: nothing else can be had
            raise RequestError("There is no such file.", status=404)
        data, tag, media = self._static[name]
        headers = {"etag": tag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(data, media_type=media, headers=headers)

    async def _kept_for_ever(self, request: Request, make: Callable[[], bytes], media: str) -> Response:
        tag = f'"{hashlib.blake2b(request.url.path.encode(), digest_size=8).hexdigest()}"'
        headers = {"etag": tag, "cache-control": _FOR_EVER}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(await run_in_threadpool(make), media_type=media, headers=headers)


def _static_files() -> dict[str, tuple[bytes, str, str]]:
    """Content, ETag and media type of every file of the page, by name."""
    found = {}
    for file in resources.files("singleline_pipeline.studio").joinpath("static").iterdir():
        if file.is_file():
            data = file.read_bytes()
            media = {"js": "text/javascript"}.get(file.name.rpartition(".")[2])
            media = media or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            found[file.name] = (data, f'"{hashlib.blake2b(data, digest_size=8).hexdigest()}"', media)
    return found


def _kind(request: Request) -> Kind:
    name = request.path_params["kind"]
    if name not in KINDS:
        raise RequestError(f"There is nothing at {request.url.path[:80]}.", status=404)
    return KINDS[name]


def _tab(request: Request) -> str:
    return request.query_params.get("tab", "")[:40]


def _count(request: Request, usual: int) -> int:
    text = request.query_params.get("count", str(usual))
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:6]) <= _MOST:
        raise RequestError(f"count must be a number from 1 to {_MOST}.")
    return int(text)


def _numbers_of(request: Request) -> dict[str, float | str]:
    """The query of a request: what looks like a number is one."""
    found: dict[str, float | str] = {}
    for name, text in request.query_params.items():
        try:
            found[name] = float(text)
        except ValueError:
            found[name] = text
    return found


async def _json(request: Request, fields: dict[str, type]) -> dict[str, Any]:
    """The body of a request: an object with these fields and no others."""
    try:
        values = await request.json()
    except ClientDisconnect:
        raise
    except ValueError:
        raise RequestError("The body is not JSON.") from None
    if not isinstance(values, dict) or set(values) != set(fields):
        raise RequestError(f"The body must be an object with {', '.join(fields) or 'nothing in it'}.")
    for name, kind in fields.items():
        if not isinstance(values[name], kind):
            wanted = "list of strings" if kind is list else "object" if kind is dict else "string"
            raise RequestError(f"{name} must be a {wanted}.")
        if kind is list and not all(isinstance(value, str) for value in values[name]):
            raise RequestError(f"{name} must be a list of strings, at most {MOST_IDS}.")
    return values
