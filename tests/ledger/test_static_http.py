# SPDX-License-Identifier: Apache-2.0
"""A static log behind a web server: one that serves files, and one that does everything a server should not."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from governance.errors import InputError, IntegrityError, StorageError
from governance.ledger.static_http import HttpLog
from governance.ledger.verify_tiles import verify_static_log
from tests.ledger.logs import KEY, exported

Answer = Callable[[BaseHTTPRequestHandler], None]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class _Odd(BaseHTTPRequestHandler):
    """Answers as the test says."""

    answers: dict[str, Answer]

    def do_GET(self) -> None:
        self.answers[self.path](self)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any], str]]:
    """Starts a server on the loopback; its URL."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    started: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start(handler: Any) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        started.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in started:
        server.shutdown()
        thread.join()
        server.server_close()


def answering(**answers: Answer) -> type[_Odd]:
    """A server that gives these answers."""
    return type("_Answers", (_Odd,), {"answers": {f"/{name}": answer for name, answer in answers.items()}})


def content(body: bytes, *, status: int = 200, length: int | None = None, **headers: str) -> Answer:
    """An answer with a body and headers."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def test_a_log_that_a_plain_web_server_serves_holds(serve: Callable[[Any], str], tmp_path: Path) -> None:
    exported(tmp_path / "audit" / "log", 300)
    url = serve(partial(_Quiet, directory=str(tmp_path)))
    found = verify_static_log(HttpLog(f"{url}/audit/log/"), keys=[KEY.verifier_key])
    assert found.holds, found.discrepancies
    (tmp_path / "audit/log/tile/0/000").unlink()
    found = verify_static_log(HttpLog(f"{url}/audit/log"), keys=[KEY.verifier_key])
    assert [(each.place, each.what) for each in found.discrepancies] == [("tile/0/000", "is missing")]


def test_what_a_server_or_bucket_does_not_have_is_none(serve: Callable[[Any], str]) -> None:
    log = HttpLog(serve(answering(**{f"s{code}": content(b"no", status=code) for code in (403, 404, 410)})))
    assert [log.read(f"s{code}", 10) for code in (403, 404, 410)] == [None, None, None]


@pytest.mark.parametrize("code", [400, 401, 429, 500, 503])
def test_a_server_that_is_unwell_is_told(code: int, serve: Callable[[Any], str]) -> None:
    log = HttpLog(serve(answering(checkpoint=content(b"no", status=code))))
    with pytest.raises(StorageError, match=f"answers {code}"):
        log.read("checkpoint", 10)


def test_packed_content_is_unpacked_within_the_limit(serve: Callable[[Any], str]) -> None:
    packed = gzip.compress(b"hashes" * 100)
    log = HttpLog(
        serve(
            answering(
                plain=content(b"x" * 10),
                packed=content(packed, Content_Encoding="gzip"),
                bomb=content(gzip.compress(b"\0" * 10_000_000), Content_Encoding="gzip"),
                broken=content(packed[:5] + b"\0" * 20, Content_Encoding="gzip"),
                other=content(b"x", Content_Encoding="br"),
            )
        )
    )
    assert log.read("plain", 10) == b"x" * 10
    assert log.read("packed", 600) == b"hashes" * 100
    for name, size, told in (
        ("plain", 9, "more than 9 bytes"),
        ("packed", 599, "more than 599 bytes"),
        ("bomb", 8192, "more than 8192 bytes"),
        ("broken", 600, "cannot be unpacked"),
        ("other", 600, "packed as 'br'"),
    ):
        with pytest.raises(IntegrityError, match=told):
            log.read(name, size)


def test_an_endless_answer_is_cut(serve: Callable[[Any], str]) -> None:
    def endless(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        try:
            while True:
                request.wfile.write(b"\0" * 65_536)
        except OSError:
            pass

    log = HttpLog(serve(answering(checkpoint=endless)))
    with pytest.raises(IntegrityError, match="more than 100 bytes"):
        log.read("checkpoint", 100)


def test_a_server_that_says_nothing_is_given_up(serve: Callable[[Any], str]) -> None:
    silent = threading.Event()

    def silent_one(_: BaseHTTPRequestHandler) -> None:
        silent.wait(20)

    log = HttpLog(serve(answering(checkpoint=silent_one)), timeout_seconds=0.2)
    try:
        with pytest.raises(StorageError, match="cannot read"):
            log.read("checkpoint", 100)
    finally:
        silent.set()


def nonsense(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"hello\r\n\r\n")


def test_a_server_that_hangs_up_or_talks_nonsense_is_told(serve: Callable[[Any], str]) -> None:
    log = HttpLog(
        serve(
            answering(
                short=content(b"half", length=100),
                nonsense=nonsense,
            )
        )
    )
    with pytest.raises(StorageError):
        log.read("nonsense", 100)
    with pytest.raises(StorageError, match="ended 96 bytes early"):
        log.read("short", 100_000)


def test_a_redirect_is_followed_within_its_scheme_only(serve: Callable[[Any], str], tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    places = {
        "here": "/there",
        "file": (tmp_path / "secret").as_uri(),
        "ftp": "ftp://127.0.0.1/x",
        "https": "https://127.0.0.1:1/x",
        "round": "/round",
    }
    redirects = {name: content(b"", status=302, Location=place) for name, place in places.items()}
    log = HttpLog(serve(answering(there=content(b"moved"), **redirects)))
    assert log.read("here", 10) == b"moved"
    for name in ("file", "ftp", "https", "round"):
        with pytest.raises(StorageError):
            log.read(name, 10)


def test_nobody_there_is_told() -> None:
    with pytest.raises(StorageError, match="check the URL"):
        HttpLog("http://127.0.0.1:1").read("checkpoint", 10)


@pytest.mark.parametrize(
    "url", ["", "x", "file:///x", "ftp://x/y", "http://", "http://x/y?z=1", "http://x/#y"]
)
def test_what_is_no_url_of_a_log_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="not the URL of a static log"):
        HttpLog(url)
