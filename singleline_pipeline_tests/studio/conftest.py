"""A studio over a small home: in this process for its addresses, on a port of its own for the browser."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from starlette.testclient import TestClient

from singleline_pipeline.studio import create_app

from .homes import MadeHome, make_home

TOKEN = "the token of the tests"


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> MadeHome:
    """Forty pages in two sketchbooks, never opened itself."""
    return make_home(tmp_path_factory.mktemp("studio") / "home")


@pytest.fixture
def made(template: MadeHome, tmp_path: Path) -> MadeHome:
    """A home of its own for each test."""
    return template.copied_to(tmp_path / "home")


@pytest.fixture
def client(made: MadeHome) -> TestClient:
    """The studio of `made`, asked as its own page asks it."""
    return client_of(made)


def client_of(made: MadeHome) -> TestClient:
    return TestClient(
        create_app(made.home, token=TOKEN),
        base_url="http://127.0.0.1:4800",
        headers={"x-singleline-token": TOKEN, "origin": "http://127.0.0.1:4800"},
    )


@dataclass
class Served:
    """A studio that a browser can open."""

    url: str
    made: MadeHome


@contextmanager
def served(made: MadeHome) -> Iterator[Served]:
    """Serve a home from a thread of this process."""
    server = uvicorn.Server(
        uvicorn.Config(create_app(made.home), port=0, log_level="warning", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Served(f"http://127.0.0.1:{port}/", made)
    finally:
        server.should_exit = True
        thread.join(10)
