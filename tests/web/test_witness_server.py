# SPDX-License-Identifier: Apache-2.0
"""The witness over HTTP: status codes as on the wire, and limits on size, number and time."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.core.checkpoint import Checkpoint, sign_checkpoint
from governance.core.cosignature import CosigningKey
from governance.core.hashing import hash_leaf
from governance.core.merkle import tree_root
from governance.core.note import open_note
from governance.core.witness_request import (
    SIZE_BYTES_MAX,
    SIZE_CONTENT_TYPE,
    WitnessRequest,
    format_witness_request,
)
from governance.errors import StorageError
from governance.ledger.witness import Witness
from governance.ledger.witness_store import WitnessStore, hash_origin
from governance.web.witness_server import WitnessServer, serve_witness
from tests.ledger.histories import ORIGIN, START, signing_key

LOG = signing_key()
W1 = CosigningKey("witness.example/w1", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
LEAVES = [hash_leaf(bytes([n])) for n in range(8)]


def note(size: int) -> bytes:
    return sign_checkpoint(Checkpoint(ORIGIN, size, tree_root(LEAVES[:size])), [LOG])


FIRST = format_witness_request(WitnessRequest(0, (), note(5)))


@contextmanager
def serving(
    directory: Path, *, connections_max: int = 64, connection_seconds_max: float = 30.0
) -> Iterator[tuple[WitnessServer, list[str]]]:
    witness = Witness(WitnessStore(directory), keys=[W1], logs=[LOG.verifier_key], clock=lambda: START)
    told: list[str] = []
    with WitnessServer(
        ("127.0.0.1", 0),
        witness,
        say=told.append,
        connections_max=connections_max,
        connection_seconds_max=connection_seconds_max,
    ) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server, told
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def connected(server: WitnessServer) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(server.server_name, server.server_port, timeout=60)
    try:
        yield connection
    finally:
        connection.close()


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None
) -> tuple[int, str, bytes]:
    connection.request(method, path, body)
    response = connection.getresponse()
    return response.status, response.headers["Content-Type"], response.read()


def test_a_checkpoint_is_cosigned_fetched_and_asked_for_again_over_one_connection(tmp_path: Path) -> None:
    with serving(tmp_path) as (server, told), connected(server) as connection:
        code, _, body = ask(connection, "POST", "/add-checkpoint", FIRST)
        assert code == 200
        assert len(open_note(note(5) + body, [LOG.verifier_key, W1.verifier_key]).signatures) == 2
        assert ask(connection, "POST", "/add-checkpoint", FIRST) == (409, SIZE_CONTENT_TYPE, b"5\n")
        code, kind, fetched = ask(connection, "GET", f"/{hash_origin(ORIGIN)}/checkpoint")
        assert (code, kind, fetched) == (200, "text/plain; charset=utf-8", note(5) + body)
    assert told == ["127.0.0.1 POST 200", "127.0.0.1 POST 409", "127.0.0.1 GET 200"]


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("POST", "/add-checkpoint", b"rubbish", 400),
        ("POST", "/add-checkpoint", FIRST.replace(b"example.com/audit", b"example.com/other"), 404),
        ("POST", "/add-checkpoint", FIRST.replace(b"\n5\n", b"\n6\n"), 403),
        ("POST", "/add-checkpoint", b"old 0\nAAAA" + FIRST[5:], 400),
        ("POST", "/add-entries", FIRST, 404),
        ("POST", "/add-checkpoint/", FIRST, 404),
        ("POST", f"/{hash_origin(ORIGIN)}/checkpoint", FIRST, 404),
        ("GET", "/add-checkpoint", None, 404),
        ("GET", f"/{hash_origin(ORIGIN)}/checkpoint", None, 404),
        ("GET", f"/{hash_origin(ORIGIN)}/../verifier-key", None, 404),
        ("GET", "/../witness.key", None, 404),
        ("GET", "/%2e%2e/witness.key", None, 404),
        ("GET", "/", None, 404),
        ("PUT", "/add-checkpoint", FIRST, 501),
        ("DELETE", f"/{hash_origin(ORIGIN)}/checkpoint", None, 501),
    ],
)
def test_a_refusal_has_its_status(
    tmp_path: Path, method: str, path: str, body: bytes | None, code: int
) -> None:
    (tmp_path / "witness.key").write_bytes(b"secret")
    with serving(tmp_path) as (server, _), connected(server) as connection:
        found, _, told = ask(connection, method, path, body)
        assert found == code
        assert b"secret" not in told


def test_a_body_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    with serving(tmp_path) as (server, _), connected(server) as connection:
        connection.putrequest("POST", "/add-checkpoint")
        connection.putheader("Content-Length", str(SIZE_BYTES_MAX + 1))
        connection.endheaders()
        response = connection.getresponse()
        assert (response.status, response.headers["Connection"]) == (413, "close")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Length": "-1"},
        {"Content-Length": "1e3"},
        {"Content-Length": "5", "Transfer-Encoding": "chunked"},
    ],
)
def test_a_body_of_unknown_length_is_not_read(tmp_path: Path, headers: dict[str, str]) -> None:
    with serving(tmp_path) as (server, _), connected(server) as connection:
        connection.putrequest("POST", "/add-checkpoint")
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == 411


def test_a_body_that_breaks_off_is_not_answered_and_not_cosigned(tmp_path: Path) -> None:
    with serving(tmp_path) as (server, _):
        with socket.create_connection((server.server_name, server.server_port), timeout=60) as raw:
            head = f"POST /add-checkpoint HTTP/1.1\r\nContent-Length: {len(FIRST)}\r\n\r\n".encode()
            raw.sendall(head + FIRST[:-10])
            raw.shutdown(socket.SHUT_WR)
            assert raw.recv(1000) == b""
        assert server.witness.latest_size(ORIGIN) == 0


def test_a_connection_that_is_fed_slowly_is_ended(tmp_path: Path) -> None:
    with (
        serving(tmp_path, connection_seconds_max=0.2) as (server, _),
        socket.create_connection((server.server_name, server.server_port), timeout=60) as raw,
    ):
        raw.sendall(b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 1000\r\n\r\nold")
        assert raw.recv(1000) == b""  # ended by the server: nothing came, and this did not wait for ever


def test_more_connections_than_the_limit_are_closed_and_the_first_goes_on(tmp_path: Path) -> None:
    with serving(tmp_path, connections_max=1) as (server, _), connected(server) as first:
        assert ask(first, "POST", "/add-checkpoint", FIRST)[0] == 200
        address = (server.server_name, server.server_port)
        with socket.create_connection(address, timeout=60) as second, suppress(ConnectionResetError):
            assert second.recv(1000) == b""
        assert ask(first, "POST", "/add-checkpoint", FIRST)[0] == 409


@pytest.mark.parametrize("path", ["GET", "POST"])
def test_a_failing_disk_is_told_to_the_operator_only(tmp_path: Path, path: str) -> None:
    (tmp_path / hash_origin(ORIGIN) / "checkpoint").mkdir(parents=True)
    with serving(tmp_path) as (server, told), connected(server) as connection:
        place = "/add-checkpoint" if path == "POST" else f"/{hash_origin(ORIGIN)}/checkpoint"
        code, _, body = ask(connection, path, place, FIRST if path == "POST" else None)
    assert (code, body) == (500, b"the witness cannot answer; its operator has been told\n")
    assert told[0].startswith("the witness cannot answer: cannot read what the witness saw")


def test_rubbish_in_place_of_http_says_nothing_to_the_operator_in_the_strangers_words(tmp_path: Path) -> None:
    with serving(tmp_path) as (server, told):
        with socket.create_connection((server.server_name, server.server_port), timeout=60) as raw:
            raw.sendall(b"\x1b[2J /add-checkpoint HTTP/1.1\r\n\r\n")
            assert b"501" in raw.recv(1000)
        with socket.create_connection((server.server_name, server.server_port), timeout=60) as raw:
            raw.sendall(b"\xff" * 70000)
            raw.shutdown(socket.SHUT_WR)
    assert all("\x1b" not in line for line in told)


def test_an_address_that_is_taken_is_told(tmp_path: Path) -> None:
    with serving(tmp_path) as (server, _), pytest.raises(StorageError, match="cannot listen on"):
        serve_witness(server.witness, host="127.0.0.1", port=server.server_port, say=lambda line: None)


def test_a_served_witness_says_where_it_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WitnessServer, "serve_forever", lambda self: None)
    witness = Witness(WitnessStore(tmp_path), keys=[W1], logs=[LOG.verifier_key], clock=lambda: START)
    told: list[str] = []
    serve_witness(witness, host="127.0.0.1", port=0, say=told.append)
    assert told[0].startswith("witness witness.example/w1 listens on http://127.0.0.1:")
    assert told[0].endswith(f"watches {ORIGIN}")


def test_an_address_of_version_six_can_be_listened_on(tmp_path: Path) -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    witness = Witness(WitnessStore(tmp_path), keys=[W1], logs=[LOG.verifier_key], clock=lambda: START)
    try:
        server = WitnessServer(("::1", 0), witness, say=lambda line: None)
    except OSError:
        pytest.skip("no IPv6 loopback here")
    with server:
        assert server.url == f"http://[::1]:{server.server_port}"
