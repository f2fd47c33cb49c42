# SPDX-License-Identifier: Apache-2.0
"""A witness over HTTP, c2sp.org/tlog-witness, with the standard library's server (ADR 0021).

    POST /add-checkpoint                        a witness request; 200 with cosignature lines, or a refusal
    GET  /<hex of SHA-256(origin)>/checkpoint   the last cosigned checkpoint of an origin

Rules: plain HTTP, meant to stand behind a reverse proxy that speaks TLS. Bodies are small and bounded before they are
read, connections are few and each lives for a bounded time, however slowly it is fed. What goes wrong inside is told to
the operator and not to the stranger.
"""

from __future__ import annotations

import re
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from governance.core.witness_request import SIZE_BYTES_MAX
from governance.errors import EvidenceError, StorageError
from governance.ledger.witness import Witness, WitnessAnswer

CONNECTIONS_MAX = 64
CONNECTION_SECONDS_MAX = 30.0
SILENCE_SECONDS_MAX = 10.0

_LENGTH = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)
_PATH = re.compile(r"/([0-9a-f]{64})/checkpoint", re.ASCII)

Say = Callable[[str], None]


class WitnessServer(ThreadingHTTPServer):
    """Serves one witness until `shutdown`.

    Args:
        address: Host and port to listen on; port 0 takes a free one.
        witness: Answers.
        say: Is told one line for each request that was answered and each that failed.
        connections_max: How many may be open at once; more are closed unanswered.
        connection_seconds_max: How long one may live.
    """

    daemon_threads = True

    def __init__(
        self,
        address: tuple[str, int],
        witness: Witness,
        *,
        say: Say,
        connections_max: int = CONNECTIONS_MAX,
        connection_seconds_max: float = CONNECTION_SECONDS_MAX,
    ) -> None:
        self.witness = witness
        self.say = say
        self._connections_max = connections_max
        self._connection_seconds_max = connection_seconds_max
        self._open: dict[socket.socket, float] = {}
        self._open_lock = threading.Lock()
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Exchange)

    @property
    def url(self) -> str:
        """Where it listens: the submission and the monitoring prefix."""
        name = f"[{self.server_name}]" if ":" in self.server_name else self.server_name
        return f"http://{name}:{self.server_port}"

    def server_bind(self) -> None:
        """Take the address, without asking a name server what it is called."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        """Take a connection, unless there are too many."""
        assert isinstance(request, socket.socket)
        with self._open_lock:
            is_full = len(self._open) >= self._connections_max
            if not is_full:
                self._open[request] = time.monotonic()
        if is_full:
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        """Forget a connection that is over."""
        assert isinstance(request, socket.socket)
        with self._open_lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """End the connections that have lived too long; called every half second."""
        oldest = time.monotonic() - self._connection_seconds_max
        with self._open_lock:
            for request, since in self._open.items():
                if since < oldest:
                    try:
                        request.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        continue  # the other side has gone already

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of connections that broke: strangers break them as they please."""


class _Exchange(BaseHTTPRequestHandler):
    """One connection: requests and answers."""

    server: WitnessServer
    protocol_version = "HTTP/1.1"
    timeout = SILENCE_SECONDS_MAX

    def do_POST(self) -> None:
        if self.path != "/add-checkpoint":
            self._answer(WitnessAnswer(404, b"there is only /add-checkpoint\n"), keep=False)
            return
        length = self.headers.get("Content-Length", "")
        if self.headers.get("Transfer-Encoding") is not None or _LENGTH.fullmatch(length) is None:
            self._answer(WitnessAnswer(411, b"say Content-Length\n"), keep=False)
        elif int(length) > SIZE_BYTES_MAX:
            self._answer(WitnessAnswer(413, f"at most {SIZE_BYTES_MAX} bytes\n".encode()), keep=False)
        else:
            body = self.rfile.read(int(length))
            if len(body) == int(length):
                self._answer(self._guarded(lambda: self.server.witness.add_checkpoint(body)))

    def do_GET(self) -> None:
        match = _PATH.fullmatch(self.path)
        if match is None:
            self._answer(WitnessAnswer(404, b"there is only /<hex of SHA-256(origin)>/checkpoint\n"))
            return
        self._answer(self._guarded(lambda: self._latest(match[1])))

    def _latest(self, origin_hash: str) -> WitnessAnswer:
        note = self.server.witness.latest(origin_hash)
        return WitnessAnswer(404, b"never cosigned\n") if note is None else WitnessAnswer(200, note)

    def _guarded(self, action: Callable[[], WitnessAnswer]) -> WitnessAnswer:
        try:
            return action()
        except (StorageError, EvidenceError) as error:
            self.server.say(f"the witness cannot answer: {error}")
            return WitnessAnswer(500, b"the witness cannot answer; its operator has been told\n")

    def _answer(self, answer: WitnessAnswer, *, keep: bool = True) -> None:
        self.send_response(answer.code)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        if not keep:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        method = self.command if self.command in ("GET", "POST") else "-"
        self.server.say(f"{self.client_address[0]} {method} {code}")

    def log_message(self, format: str, *args: object) -> None:
        """What the library says of malformed requests; strangers cause it as they please."""

    def version_string(self) -> str:
        return "governance"


def serve_witness(witness: Witness, *, host: str, port: int, say: Say) -> None:
    """Serve a witness until interrupted.

    Raises:
        StorageError: The address cannot be listened on.
    """
    try:
        server = WitnessServer((host, port), witness, say=say)
    except (OSError, OverflowError) as error:
        raise StorageError(
            f"cannot listen on {host}:{port}: {error}", hint="choose another address with --host and --port"
        ) from error
    with server:
        say(f"witness {witness.name} listens on {server.url}, watches {', '.join(witness.origins)}")
        server.serve_forever()
