"""The server may be killed at any moment, and another may write at the same time: no label is lost, none is doubled."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from singleline_pipeline.embedding import read_labels

from .homes import MadeHome

WRITERS, REQUESTS = 2, 60


class Server:
    """`singleline studio` as a process, on a port that stays the same over restarts."""

    def __init__(self, made: MadeHome) -> None:
        self.home = made.home.root
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        script = "from singleline_pipeline.cli import main; main()"
        command = [sys.executable, "-c", script, "studio", "--home", str(self.home), "--port", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.url in self.process.stdout.readline()

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def ask(self, path: str, body: dict | None = None, token: str = "") -> dict:
        headers = {"content-type": "application/json", "x-singleline-token": token}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers if body is not None else {})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)


def persistent(server: Server, tab: str, ids: list[str]) -> None:
    """Give labels one by one, and send each again until the server has said that it is written: what the page does."""
    token = ""
    for number in range(REQUESTS):
        body = {
            "request_id": f"{tab}-{number}",
            "scope": "page",
            "ids": ids,
            "label": ("notes", "covers")[number % 2],
        }
        while True:
            try:
                token = token or server.ask("/api/token")["token"]
                server.ask("/api/labels", body, token)
                break
            except urllib.error.HTTPError as error:
                if error.code != 403:
                    raise
                token = ""  # another start, another token
            except OSError:
                time.sleep(0.02)


def test_labels_of_two_writers_survive_a_server_that_is_killed_again_and_again(made: MadeHome) -> None:
    server = Server(made)
    server.start()
    ids = list(made.truth)
    halves = [ids[:20], ids[20:]]
    writers = [
        threading.Thread(target=persistent, args=[server, f"tab{n}", halves[n]], daemon=True)
        for n in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    kills = 0
    while any(writer.is_alive() for writer in writers) and kills < 4:
        time.sleep(0.25)
        server.kill()
        kills += 1
        server.start()
    for writer in writers:
        writer.join(60)
    server.kill()
    assert kills >= 2
    labels = read_labels(made.labels)
    written = [(row.request_id, row.key) for row in labels.rows]
    assert len(written) == len(set(written)), "none is doubled"
    wanted = {f"tab{n}-{number}" for n in range(WRITERS) for number in range(REQUESTS)}
    assert {request for request, _ in written} == wanted, "none is lost"
    assert len(written) == WRITERS * REQUESTS * 20
    # A line that the kill cut off is told of; the request that it belonged to was sent again as a whole.
    assert len(labels.problems) <= kills


def test_ctrl_c_ends_it_without_a_traceback(made: MadeHome) -> None:
    server = Server(made)
    server.start()
    server.ask("/api/pages")
    server.process.send_signal(signal.SIGINT)
    server.process.communicate(timeout=15)
    assert server.process.returncode in (0, -signal.SIGINT, 130)


def test_a_port_that_is_taken_is_one_clear_line(made: MadeHome, tmp_path: Path, capsys) -> None:
    from singleline_pipeline import cli

    with socket.socket() as taken, pytest.MonkeyPatch.context() as patch:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for name in ("SINGLELINE_HOME", "SINGLELINE_SKETCHBOOKS", "SINGLELINE_LAKE"):
            patch.setenv(name, "")
        patch.setattr(sys, "argv", ["singleline", "studio", "--home", str(tmp_path), "--port", str(port)])
        with pytest.raises(SystemExit):
            cli.main()
    assert capsys.readouterr().err == (
        f"singleline: Port {port} of 127.0.0.1 cannot be had (Address already in use): the studio may be running "
        "already. Choose another one with --port.\n"
    )
