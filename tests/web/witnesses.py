# SPDX-License-Identifier: Apache-2.0
"""Witnesses on loopback for tests: real ones, and ones that answer whatever they are told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from governance.ledger.witness import Witness
from governance.web.witness_server import WitnessServer
from governance.workspace.witnessing import init_witness, open_witness

MOMENT = datetime(2026, 11, 20, 12, tzinfo=UTC)
Answer = Callable[[bytes], tuple[int, bytes]]


@contextmanager
def real_witness(directory: Path, name: str, *, log: str) -> Iterator[tuple[str, str, Witness]]:
    """A real witness: its URL, its verifier key and itself. A folder that is there already is served again."""
    if not directory.exists():
        init_witness(directory, name)
    witness = open_witness(directory, logs=[log], clock=lambda: MOMENT)
    key = (directory / "verifier-key").read_text().strip()
    with WitnessServer(("127.0.0.1", 0), witness, say=lambda line: None) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.url, key, witness
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def told_witness(answer: Answer, *, wait: threading.Event | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """A server that answers each request as it is told to, after `wait`: its URL and the bodies that came."""
    bodies: list[bytes] = []

    class Exchange(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            bodies.append(body)
            if wait is not None:
                wait.wait(60)
            code, told = answer(body)
            self.send_response(code)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    class Server(HTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Who did not wait for the answer is gone."""

    with Server(("127.0.0.1", 0), Exchange) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/prefix/", bodies
        finally:
            if wait is not None:
                wait.set()
            server.shutdown()
            thread.join()
