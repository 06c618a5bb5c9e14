"""A web page from elsewhere, open in the same browser, must neither read the studio nor write labels through it."""

import subprocess
import sys
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from singleline_pipeline.studio.guard import MAX_BODY

from .conftest import client_of
from .homes import MadeHome


@pytest.fixture(scope="module")
def made(template: MadeHome, tmp_path_factory: pytest.TempPathFactory) -> MadeHome:
    """One home for all tests of this file: nothing may be written to it."""
    return template.copied_to(tmp_path_factory.mktemp("guard") / "home")


@pytest.fixture(scope="module")
def client(made: MadeHome) -> TestClient:
    return client_of(made)


LABEL = {"request_id": "tab-1", "scope": "page", "ids": ["sb01p0000"], "label": "notes"}


def test_a_label_is_written_by_the_studio_s_own_page(template: MadeHome, tmp_path: Path) -> None:
    """What the other tests of this file take away must be all that was missing."""
    made = template.copied_to(tmp_path / "home")
    assert client_of(made).post("/api/labels", json=LABEL).status_code == 200
    assert made.labels.read_text().count("sb01p0000") == 1


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:4800", "127.0.0.1.evil.example", "", "[::1]:4800"]
)
@pytest.mark.parametrize("path", ["/", "/api/pages", "/static/main.js"])
def test_a_name_that_was_made_to_point_here_is_refused(client: TestClient, host: str, path: str) -> None:
    """DNS rebinding: the browser believes evil.example to be this machine, and sends its name."""
    answer = client.get(path, headers={"host": host})
    assert answer.status_code == 421
    assert "127.0.0.1" in answer.json()["error"]


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "https://127.0.0.1:4800",
        "http://127.0.0.1:4801",
        "http://localhost:4800",
    ],
)
def test_another_origin_is_refused_even_with_the_token(
    client: TestClient, made: MadeHome, origin: str
) -> None:
    for answer in (
        client.post("/api/labels", json=LABEL, headers={"origin": origin}),
        client.get("/api/pages", headers={"origin": origin}),
    ):
        assert answer.status_code == 403
    assert not made.labels.exists()


def test_a_request_that_the_browser_itself_calls_foreign_is_refused(client: TestClient) -> None:
    """Pictures of another site have no Origin header; Sec-Fetch-Site says where they come from."""
    assert client.get("/api/pages", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert client.get("/", headers={"sec-fetch-site": "same-site"}).status_code == 403
    assert client.get("/", headers={"sec-fetch-site": "none"}).status_code == 200


@pytest.mark.parametrize("path", ["/api/labels", "/api/undo", "/api/redo", "/api/run", "/api/effects"])
@pytest.mark.parametrize("token", ["", "wrong", "the token of the test", "ünwanted"])
def test_nothing_is_done_without_the_token(client: TestClient, made: MadeHome, path: str, token: str) -> None:
    answer = client.post(path, json=LABEL, headers={"x-singleline-token": token.encode()})
    assert answer.status_code == 403
    assert "reload" in answer.json()["error"]
    assert not made.labels.exists()


@pytest.mark.parametrize(
    "path",
    [
        "/static/../server.py",
        "/static/%2e%2e/server.py",
        "/static/..%2fserver.py",
        "/static/..%5cserver.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/",
        "/thumbnails/pages/..%2f..%2fraw_pages",
        "/pictures/..%2f..%2fsb01/x",
        "/api/page/..%2fsb01p0000",
        "/sheets/pages/../0",
    ],
)
def test_no_path_leads_out(client: TestClient, path: str) -> None:
    """Files are looked up by name among those read at the start, pages by id among those of the lake."""
    answer = client.get(path)
    assert answer.status_code == 404
    assert set(answer.json()) == {"error"}


def test_a_huge_body_is_refused_before_it_is_read(client: TestClient, made: MadeHome) -> None:
    answer = client.post(
        "/api/labels", content=b"x" * (MAX_BODY + 1), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413


def test_a_huge_body_that_does_not_say_its_size_is_refused_as_well(client: TestClient) -> None:
    """With chunks there is no Content-Length to believe."""

    def chunks():
        for _ in range(MAX_BODY // 100_000 + 2):
            yield b" " * 100_000

    answer = client.post("/api/labels", content=chunks(), headers={"content-type": "application/json"})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_what_a_form_can_send_is_not_taken(client: TestClient, made: MadeHome, kind: str) -> None:
    """A form may be posted to anywhere without asking; JSON may not."""
    answer = client.post("/api/labels", content=b"{}", headers={"content-type": kind})
    assert answer.status_code == 415


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_not_there(client: TestClient, method: str) -> None:
    assert client.request(method, "/api/labels").status_code == 405


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/api/pages", "/nothing", "/api/labels"])
def test_every_answer_forbids_foreign_code(client: TestClient, path: str) -> None:
    """No inline script, nothing from elsewhere, no frame around the studio."""
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"


def test_each_start_has_a_token_of_its_own(made: MadeHome) -> None:
    from singleline_pipeline.studio import create_app

    tokens = {
        TestClient(create_app(made.home), base_url="http://127.0.0.1").get("/api/token").json()["token"]
        for _ in range(3)
    }
    assert len(tokens) == 3
    assert min(map(len, tokens)) >= 24


def test_the_studio_brings_neither_dagster_nor_torch() -> None:
    """It stays open for hours beside a training, and may have 400 MB."""
    script = "import singleline_pipeline.studio, sys; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"dagster", "torch", "transformers", "sklearn", "cv2", "matplotlib"}
