# SPDX-License-Identifier: Apache-2.0
"""Asking witnesses: what is taken, what is asked again, and every answer that is worth nothing."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.core.checkpoint import Checkpoint, sign_checkpoint
from governance.core.cosignature import CosigningKey, cosign
from governance.core.hashing import hash_leaf
from governance.core.merkle import NodeId, prove_consistency, tree_root
from governance.core.note import VerifierKey, add_signatures, open_note, parse_note, parse_verifier_key
from governance.core.note_keys import format_signature
from governance.core.witness_request import parse_witness_request
from governance.errors import InputError
from governance.web.witness_client import WitnessReply, ask_witnesses
from tests.ledger.histories import ORIGIN, signing_key
from tests.web.witnesses import Answer, real_witness, told_witness

LOG = signing_key()
W1 = CosigningKey("witness.example/w1", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
W2 = CosigningKey("witness.example/w2", Ed25519PrivateKey.from_private_bytes(b"v" * 32))
LEAVES = [hash_leaf(bytes([n])) for n in range(16)]


def note(size: int) -> bytes:
    return sign_checkpoint(Checkpoint(ORIGIN, size, tree_root(LEAVES[:size])), [LOG])


def prove(old: int, new: int) -> list[bytes]:
    def read(places: Sequence[NodeId]) -> list[bytes]:
        return [tree_root(LEAVES[at.index << at.level : (at.index + 1) << at.level]) for at in places]

    return prove_consistency(old, new, read)


def ask(
    *urls: str,
    size: int = 8,
    old: int = 0,
    keys: Sequence[VerifierKey] = (W1.verifier_key,),
    seconds: float = 60,
) -> tuple[WitnessReply, ...]:
    return ask_witnesses(urls, note=note(size), keys=keys, prove=prove, old=old, seconds_max=seconds)


def line(key: CosigningKey = W1, *, size: int = 8, time: int = 1000) -> bytes:
    return format_signature(cosign(parse_note(note(size)).text, key, time=time)).encode()


def test_witnesses_are_asked_at_once_and_each_from_where_it_is(tmp_path: Path) -> None:
    log = str(LOG.verifier_key)
    with (
        real_witness(tmp_path / "1", "witness.example/1", log=log) as (first, first_key, one),
        real_witness(tmp_path / "2", "witness.example/2", log=log) as (second, second_key, two),
    ):
        keys = [parse_verifier_key(first_key), parse_verifier_key(second_key)]
        assert [reply.problem for reply in ask(first, size=3, keys=keys)] == [None]
        replies = ask(first, second, f"{second}/", size=8, old=3, keys=keys)
        assert [reply.problem for reply in replies] == [None, None, None]
        assert [one.latest_size(ORIGIN), two.latest_size(ORIGIN)] == [8, 8]
        together = add_signatures(note(8), [each for reply in replies[:2] for each in reply.signatures])
        assert len(open_note(together, [*keys, LOG.verifier_key]).signatures) == 3


def test_a_witness_that_saw_more_is_told_as_an_alarm(tmp_path: Path) -> None:
    with real_witness(tmp_path / "1", "witness.example/1", log=str(LOG.verifier_key)) as (url, key, _):
        keys = [parse_verifier_key(key)]
        ask(url, size=12, keys=keys)
        (reply,) = ask(url, size=8, keys=keys)
    assert reply.signatures == ()
    assert "it has cosigned 12 entries already, this checkpoint covers 8" in str(reply.problem)


def test_the_size_thought_last_is_asked_first_and_the_size_answered_next() -> None:
    def answer(body: bytes) -> tuple[int, bytes]:
        return (200, line()) if parse_witness_request(body).old == 5 else (409, b"5\n")

    with told_witness(answer) as (url, bodies):
        (reply,) = ask(url, old=3)
    assert reply.problem is None
    assert [parse_witness_request(body).old for body in bodies] == [3, 5]
    assert [len(parse_witness_request(body).hashes) for body in bodies] == [
        len(prove(3, 8)),
        len(prove(5, 8)),
    ]


def test_lines_by_unknown_keys_are_left_out() -> None:
    with told_witness(lambda body: (200, line(W2) + line())) as (url, _):
        (reply,) = ask(url)
    assert [each.name for each in reply.signatures] == [W1.name]


ANSWERS: list[tuple[Answer, str]] = [
    (lambda body: (200, b""), "not 1 to 16 whole lines"),
    (lambda body: (200, line()[:-1]), "not 1 to 16 whole lines"),
    (lambda body: (200, b"<html>\n"), "not a signature line"),
    (lambda body: (200, line(W2)), "none of them with a known key"),
    (lambda body: (200, line(size=7)), "does not verify"),
    (lambda body: (200, line() + line(size=7)), "does not verify"),
    (lambda body: (200, line(time=0)), "states no time"),
    (lambda body: (200, line() * 17), "not 1 to 16 whole lines"),
    (lambda body: (403, b"who are you?\n"), "it refused with 403: 'who are you.'"),
    (lambda body: (404, b"\x1b[2Jno\n"), r"it refused with 404: '\\x1b\[2Jno'"),
    (lambda body: (302, b""), "it refused with 302"),
    (lambda body: (409, b"0\n"), "it refused with 409: '0'"),
    (lambda body: (409, b"many\n"), "it refused with 409: 'many'"),
    (lambda body: (409, b"9223372036854775808\n"), "it refused with 409"),
    (lambda body: (500, b""), "it refused with 500"),
]


@pytest.mark.parametrize(("answer", "problem"), ANSWERS)
def test_an_answer_that_is_worth_nothing_is_a_problem_and_no_cosignature(
    answer: Answer, problem: str
) -> None:
    with told_witness(answer) as (url, bodies):
        (reply,) = ask(url)
    assert reply.signatures == ()
    assert re.search(problem, str(reply.problem)), reply.problem
    assert len(bodies) <= 3


def test_a_witness_that_changes_its_mind_is_asked_three_times_at_most() -> None:
    sizes = iter([1, 2, 3, 4, 5, 6])
    with told_witness(lambda body: (409, f"{next(sizes)}\n".encode())) as (url, bodies):
        (reply,) = ask(url)
    assert len(bodies) == 3
    assert reply.problem is not None


def test_a_witness_that_does_not_answer_is_not_waited_for() -> None:
    with (
        told_witness(lambda body: (200, line()), wait=threading.Event()) as (slow, _),
        told_witness(lambda body: (200, line())) as (quick, _),
    ):
        first, second = ask(slow, quick, seconds=0.5)
    assert first.signatures == ()
    assert "no answer within 0.5 seconds" in str(first.problem) or "timed out" in str(first.problem)
    assert second.url == quick


def test_a_witness_that_cannot_be_reached_is_a_problem() -> None:
    with told_witness(lambda body: (200, line())) as (url, _):
        pass
    (reply,) = ask(url)
    assert str(reply.problem).startswith("cannot be asked: ")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "witness.example",
        "ftp://witness.example/",
        "file:///etc/passwd",
        "http://",
        "http://user:word@witness.example/",
        "http://witness.example/?query",
        "http://witness.example/#part",
        "http://witness.example:port/",
        "http://[::1/",
        "http://witness.example:0/",
    ],
)
def test_what_is_no_url_of_a_witness_is_refused_before_anybody_is_asked(url: str) -> None:
    with (
        told_witness(lambda body: (200, line())) as (good, bodies),
        pytest.raises(InputError, match="not a witness's URL"),
    ):
        ask(good, url)
    assert bodies == []
