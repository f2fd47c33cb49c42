# SPDX-License-Identifier: Apache-2.0
"""Asking witnesses for cosignatures, the client's side of c2sp.org/tlog-witness.

Rules: each witness is asked by itself and at the same time as the others, within a time that it cannot stretch. One
that says that it saw another size (409) is asked again with a proof from there. Only lines by known keys that verify,
with a time, are taken; what a witness answers otherwise becomes a problem that is told. No redirect is followed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult

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
from governance.errors import NoteError
from governance.web.posting import Answer, Post, post_all, split_place

SECONDS_MAX = 20.0
TEXT = "text/plain; charset=utf-8"
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
    places = {url: split_place(url, what="a witness's URL") for url in urls}
    size = parse_checkpoint(parse_note(note).text).tree_size
    olds = dict.fromkeys(urls, min(old, size))
    replies: dict[str, WitnessReply] = {}
    for _ in range(ROUNDS_MAX):
        posts = {
            url: _post(places[url], WitnessRequest(from_size, tuple(prove(from_size, size)), note))
            for url, from_size in olds.items()
        }
        answers = post_all(posts, seconds_max=seconds_max)
        again: dict[str, int] = {}
        for url, answer in answers.items():
            replies[url] = _reply(url, answer, note, keys, size)
            if isinstance(answer, Answer) and answer.code == 409:
                seen = _seen_size(answer)
                if seen is not None and seen <= size and seen != olds[url]:
                    again[url] = seen
        olds = again
        if not olds:
            break
    return tuple(replies[url] for url in urls)


def _post(place: SplitResult, request: WitnessRequest) -> Post:
    path = f"{place.path.rstrip('/')}/add-checkpoint"
    return Post(place, path, format_witness_request(request), TEXT, SIZE_BYTES_MAX)


def _reply(
    url: str, answer: Answer | str, note: bytes, keys: Sequence[VerifierKey], size: int
) -> WitnessReply:
    if isinstance(answer, str):
        return WitnessReply(url, problem=answer)
    if answer.code == 409:
        seen = _seen_size(answer)
        if seen is not None and seen > size:
            return WitnessReply(
                url,
                problem=f"it has cosigned {seen} entries already, this checkpoint covers {size}: "
                "this ledger is an older copy, or another one signs in its name",
            )
    if answer.code != 200:
        told = answer.body[:200].decode("utf-8", "replace").strip()
        return WitnessReply(url, problem=f"it refused with {answer.code}: {told!r}")
    try:
        return WitnessReply(url, _good_lines(answer.body, note, keys))
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


def _seen_size(answer: Answer) -> int | None:
    try:
        return parse_size(answer.body)
    except NoteError:
        return None
