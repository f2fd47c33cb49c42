# SPDX-License-Identifier: Apache-2.0
"""Asking witnesses for cosignatures, the client's side of c2sp.org/tlog-witness.

Rules: each witness is asked by itself and at the same time as the others, within a time that it cannot stretch. One
that says that it saw another size (409) is asked again with a proof from there. Only lines by known keys that verify,
with a time, are taken; what a witness answers otherwise becomes a problem that is told. No redirect is followed.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from governance.core.checkpoint import parse_checkpoint
from governance.core.cosignature import parse_cosignature
from governance.core.note import Signature, VerifierKey, open_note, parse_note
from governance.core.witness_request import (
    SIZE_BYTES_MAX,
    WitnessRequest,
    format_witness_request,
    parse_cosignature_lines,
    parse_size,
)
from governance.errors import InputError, NoteError

SECONDS_MAX = 20.0
ROUNDS_MAX = 3

Prove = Callable[[int, int], Sequence[bytes]]
"""Gives the consistency proof from an older size to a newer one."""


@dataclass(frozen=True, slots=True)
class WitnessReply:
    """What came of asking one witness.

    Attributes:
        url: Its submission prefix.
        signatures: Its good cosignatures, by known keys.
        problem: Why there is none, None when there is one.
    """

    url: str
    signatures: tuple[Signature, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class _Response:
    code: int
    body: bytes


def ask_witnesses(
    urls: Sequence[str],
    *,
    note: bytes,
    keys: Sequence[VerifierKey],
    prove: Prove,
    old: int = 0,
    seconds_max: float = SECONDS_MAX,
) -> tuple[WitnessReply, ...]:
    """Ask witnesses to cosign a checkpoint.

    Args:
        urls: Submission prefixes, http or https.
        note: The signed checkpoint.
        keys: The witnesses' keys; lines by others are ignored.
        prove: Gives consistency proofs; called by this thread only.
        old: The size that the witnesses are thought to have seen last.
        seconds_max: For each of at most `ROUNDS_MAX` rounds.

    Returns:
        A reply for each URL, in order.

    Raises:
        InputError: A URL is not http or https.
        NoteError: `note` is not a checkpoint.
    """
    places = {url: _split(url) for url in urls}
    size = parse_checkpoint(parse_note(note).text).tree_size
    olds = dict.fromkeys(urls, min(old, size))
    replies: dict[str, WitnessReply] = {}
    for _ in range(ROUNDS_MAX):
        bodies = {
            url: format_witness_request(WitnessRequest(from_size, tuple(prove(from_size, size)), note))
            for url, from_size in olds.items()
        }
        responses = _post_all({url: (places[url], body) for url, body in bodies.items()}, seconds_max)
        again: dict[str, int] = {}
        for url, response in responses.items():
            replies[url] = _reply(url, response, note, keys, size)
            if isinstance(response, _Response) and response.code == 409:
                seen = _seen_size(response)
                if seen is not None and seen <= size and seen != olds[url]:
                    again[url] = seen
        olds = again
        if not olds:
            break
    return tuple(replies[url] for url in urls)


def _reply(
    url: str, response: _Response | str, note: bytes, keys: Sequence[VerifierKey], size: int
) -> WitnessReply:
    if isinstance(response, str):
        return WitnessReply(url, problem=response)
    if response.code == 409:
        seen = _seen_size(response)
        if seen is not None and seen > size:
            return WitnessReply(
                url,
                problem=f"it has cosigned {seen} entries already, this checkpoint covers {size}: "
                "this ledger is an older copy, or another one signs in its name",
            )
    if response.code != 200:
        told = response.body[:200].decode("utf-8", "replace").strip()
        return WitnessReply(url, problem=f"it refused with {response.code}: {told!r}")
    try:
        return WitnessReply(url, _good_lines(response.body, note, keys))
    except NoteError as error:
        return WitnessReply(url, problem=error.message)


def _good_lines(body: bytes, note: bytes, keys: Sequence[VerifierKey]) -> tuple[Signature, ...]:
    """The lines by known keys, verified.

    Raises:
        NoteError: Malformed, none by a known key, one that fails, or one without a time.
    """
    known = {(key.name, key.key_id): key for key in keys}
    lines = parse_cosignature_lines(body)
    text = parse_note(note).text
    opened = open_note(f"{text}\n".encode() + body, keys)
    for each in opened.signatures:
        if parse_cosignature(each.signature, known[each.name, each.key_id].algorithm)[0] == 0:
            raise NoteError(f"the cosignature by {each.name} states no time")
    return tuple(each for each in lines if each in opened.signatures)


def _seen_size(response: _Response) -> int | None:
    try:
        return parse_size(response.body)
    except NoteError:
        return None


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or "@" in parts.netloc:
        raise InputError(
            f"not a witness's URL: {url[:200]!r}", hint="write it as https://witness.example/prefix"
        )
    return parts


def _post_all(
    requests: Mapping[str, tuple[SplitResult, bytes]], seconds_max: float
) -> dict[str, _Response | str]:
    """Send each body at the same time; who has not answered by the end of the time is not waited for."""
    results: dict[str, _Response | str] = {}

    def post(url: str, place: SplitResult, body: bytes) -> None:
        results[url] = _post(place, body, seconds_max)

    threads = [
        threading.Thread(target=post, args=(url, place, body), daemon=True)
        for url, (place, body) in requests.items()
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds_max
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    late = f"no answer within {seconds_max:g} seconds"
    return {url: results.get(url, late) for url in requests}


def _post(place: SplitResult, body: bytes, seconds_max: float) -> _Response | str:
    kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    connection = kind(place.hostname or "", place.port, timeout=seconds_max)
    try:
        connection.request(
            "POST",
            f"{place.path.rstrip('/')}/add-checkpoint",
            body,
            {"Content-Type": "text/plain; charset=utf-8", "User-Agent": "governance"},
        )
        response = connection.getresponse()
        return _Response(response.status, response.read(SIZE_BYTES_MAX))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"cannot be asked: {str(error) or type(error).__name__}"
    finally:
        connection.close()
