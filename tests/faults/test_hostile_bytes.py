# SPDX-License-Identifier: Apache-2.0
"""Whatever bytes come, a parser takes them or refuses them with one of our errors, within bounds of time and memory.

Three ways: drawn by hypothesis, out of nothing or out of valid samples; at the limits, in a process whose time and
memory are bounded by the kernel; and found by a fuzzer that watches which branches are taken (atheris, where it is
installed), from the samples as its corpus.
"""

from __future__ import annotations

import importlib.util
import multiprocessing.connection
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.core.canonical import format_canonical
from governance.core.checkpoint import Checkpoint, format_checkpoint
from governance.core.instants import is_canonical_instant, parse_instant
from governance.core.merkle import verify_consistency, verify_inclusion
from governance.core.note import is_key_name, parse_verifier_key, sign_note
from governance.errors import GovernanceError
from governance.events.envelope import normalise, parse_event, read_event
from governance.events.refs import parse_ref
from governance.ledger.log import Ledger
from governance.storage.memory import MemoryStorage
from tests.faults.appending import clock, fork_server
from tests.faults.conftest import Tell
from tests.faults.parsers import HOUSE, PARSERS, survive
from tests.ledger.histories import ORIGIN, event, signing_key

EXAMPLES = 60
"""For each way of drawing and each parser."""
SECONDS_MAX = 120
"""Of processor time for all limits of one parser: some hundred times what they take, far below what is not bounded."""
MEMORY_BYTES_MAX = 1 << 30
"""Beyond what the process has when it begins."""
FUZZ_RUNS = 60_000
FUZZ_RUNS_SLOW = {
    "JSON Lines of events": 4000,
    "cases": 1500,
    "signing key": 4000,
    "author's key": 10_000,
    "GitHub reviews": 10_000,
    "GitLab approvals": 10_000,
    "mapping of accounts": 20_000,
    "report": 20_000,
}
"""Of parsers that read files or build much; bounded by runs and not by time, so that every machine tries the same."""
FUZZ_SECONDS = 180

MIB = 1 << 20


@st.composite
def mutated(draw: st.DrawFn, name: str) -> bytes:
    """A valid sample with a few cuts, insertions, repetitions and changed bytes."""
    content = bytearray(draw(st.sampled_from(PARSERS[name].samples)))
    for _ in range(draw(st.integers(min_value=1, max_value=4))):
        at = draw(st.integers(min_value=0, max_value=len(content)))
        end = draw(st.integers(min_value=at, max_value=min(len(content), at + 40)))
        match draw(st.integers(min_value=0, max_value=3)):
            case 0:
                content[at:end] = draw(st.binary(max_size=8))
            case 1:
                content[at:end] = bytes(content[at:end]) * 2
            case 2:
                content[at:at] = draw(st.sampled_from(SEASONING))
            case _ if at < len(content):
                content[at] ^= 1 << draw(st.integers(min_value=0, max_value=7))
            case _:
                pass
    return bytes(content)


SEASONING = (
    b"\n", b"\n\n", b"\r\n", b"\0", b" ", b"+", b"=", b"-", b"\"", b"\\", b"[", b"{", b"]", b"}", b":", b",",
    b"null", b"true", b"NaN", b"1e999", b"-0.0", b"9" * 30, b"\xff", b"\xed\xa0\x80", b"\\ud800", b"\xe2\x80\x94 ",
    "\N{LINE SEPARATOR}\N{ARABIC-INDIC DIGIT FIVE}\N{FULLWIDTH DIGIT NINE}".encode(), b"- &a [*a]", b"!!python/none",
)  # fmt: skip


@pytest.mark.parametrize("name", PARSERS)
def test_samples_are_taken(name: str) -> None:
    """Otherwise what is made of them would be refused at the door and try nothing."""
    assert survive(name, PARSERS[name].samples[0])


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=EXAMPLES)
@given(content=st.one_of(st.binary(max_size=300), st.text(max_size=200).map(str.encode)))
def test_bytes_out_of_nothing_are_taken_or_refused(name: str, content: bytes) -> None:
    survive(name, content)


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_altered_samples_are_taken_or_refused(name: str, data: st.DataObject) -> None:
    survive(name, data.draw(mutated(name)))


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.binary(max_size=5)
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3), st.tuples(inner)
    ),
    max_leaves=8,
)
# A character that no UTF-8 can write: half of a pair.
odd_text = st.text(st.one_of(st.characters(), st.just("\ud800"), st.just("\udfff")), max_size=40)
TEXT_PARSERS: dict[str, Callable[[str], object]] = {
    "ref": parse_ref,
    "instant": parse_instant,
    "canonical instant": is_canonical_instant,
    "verifier key": parse_verifier_key,
    "key name": is_key_name,
    "origin": lambda text: format_checkpoint(Checkpoint(text, 1, bytes(32))),
    "note to sign": lambda text: sign_note(text, [signing_key()]),
}


def refused_or_taken(act: Callable[[], object]) -> None:
    """Do it; one of our errors is as good as an answer."""
    try:
        act()
    except GovernanceError as error:
        str(error)


@pytest.mark.parametrize("name", TEXT_PARSERS)
@given(text=odd_text)
def test_text_that_no_file_can_hold_is_taken_or_refused(name: str, text: str) -> None:
    """Python hands such text over; a file never does."""
    refused_or_taken(lambda: TEXT_PARSERS[name](text))


@given(value=values)
def test_any_value_is_written_canonically_or_refused(value: Any) -> None:
    refused_or_taken(lambda: format_canonical(value))


@given(
    changes=st.dictionaries(
        st.sampled_from(["id", "type", "occurred_at", "actor", "subject", "data", "schema_version", "more"]),
        st.one_of(
            values, st.sampled_from(["model.registered", "run.failed", "other.thing", "ledger.opened"])
        ),
        max_size=4,
    ),
    left_out=st.sets(st.sampled_from(["id", "type", "occurred_at", "actor", "subject", "data"]), max_size=1),
)
def test_any_event_that_a_program_hands_over_is_taken_or_refused(
    changes: dict[str, Any], left_out: set[str]
) -> None:
    """Read, normalised, and appended: nothing but our errors, and a refused append leaves nothing."""
    raw = {key: value for key, value in (event(1) | changes).items() if key not in left_out}
    for act in (normalise, parse_event, read_event):
        refused_or_taken(lambda act=act: act(raw))  # type: ignore[misc]
    storage = MemoryStorage()
    ledger = Ledger(storage, clock=clock, origin=ORIGIN)
    try:
        assert len(ledger.append([event(0), raw])) == 2
    except GovernanceError:
        assert storage.head().size == 0


@given(
    index=st.integers(-3, 2**65),
    size=st.integers(-3, 2**65),
    proof=st.lists(st.binary(max_size=33), max_size=70),
)
def test_any_proof_of_any_size_is_held_or_refused(index: int, size: int, proof: list[bytes]) -> None:
    root = b"r" * 32
    refused_or_taken(lambda: verify_inclusion(leaf_hash=root, index=index, size=size, proof=proof, root=root))
    refused_or_taken(
        lambda: verify_consistency(old=index, new=size, old_root=root, new_root=root, proof=proof)
    )


def extremes(name: str) -> dict[str, bytes]:
    """What stands at the limits, and a little beyond: long, deep, many, huge; and samples grown so."""
    sample = PARSERS[name].samples[0]
    head, _, rest = sample.partition(b"\n")
    return {
        "nothing": b"",
        "one long line": b"a" * (2 * MIB),
        "only ends of lines": b"\n" * MIB,
        "only spaces": b" " * MIB,
        "lists in lists": b"[" * MIB,
        "lists in lists, closed": b"[" * (MIB // 2) + b"]" * (MIB // 2),
        "objects in objects": b'{"a":' * (MIB // 5),
        "objects in objects, closed": b'{"a":' * (MIB // 6) + b"1" + b"}" * (MIB // 6),
        "a long number": b"9" * MIB,
        "a long number in a list": b"[" + b"9" * 4000 + b"," + b"9" * 5000 + b"]",
        "a huge exponent": b"[1e" + b"9" * 100_000 + b"]",
        "many numbers": b"[" + b"1e308," * 150_000 + b"1]",
        "many keys": b"{" + b",".join(b'"k%d":1' % at for at in range(80_000)) + b"}",
        "one key many times": b"{" + b'"k":1,' * 150_000 + b'"k":1}',
        "a long text": b'{"a":"' + b"\\u0041" * 150_000 + b'"}',
        "many dashes": b"- " * (MIB // 2),
        "indented": b"".join(b" " * at + b"a:\n" for at in range(1400)),
        "aliases of aliases": b"a0: &a0 [x,x]\n"
        + b"".join(b"a%d: &a%d [*a%d,*a%d,*a%d]\n" % (at, at, *[at - 1] * 3) for at in range(1, 60)),
        "many anchors": b"".join(b"- &a%d x\n" % at for at in range(60_000)),
        "many flow mappings": b"[" + b"{a: b}, " * 120_000 + b"]",
        "question marks": b"? " * (MIB // 2),
        "many quotes": b"'" * MIB,
        "signatures": sample + b"\xe2\x80\x94 a AAAAAAA=\n" * 60_000,
        "a first line grown": head * (MIB // max(1, len(head))) + b"\n" + rest,
        "the whole repeated": sample * (MIB // len(sample) + 1),
        "hashes": sample.replace(b"\n\n", b"\n" + b"A" * 43 + b"=\n" * 20_000 + b"\n\n", 1),
        "base64": b"ledger.example/demo+7b8488d1+" + b"AQOh" * (MIB // 4),
        "not UTF-8": b"\xff" * MIB,
        "the start of a signature": b"a\n\n" + b"\xe2\x80\x94 " * (MIB // 8),
    }  # fmt: skip


def meet_extremes(name: str, link: multiprocessing.connection.Connection) -> None:
    """In a process of its own: bound it, hand over each extreme, and say which one begins and what came of it."""
    import resource

    for limit, value in (
        (resource.RLIMIT_CPU, SECONDS_MAX),
        (resource.RLIMIT_AS, _size() + MEMORY_BYTES_MAX),
    ):
        resource.setrlimit(limit, (value, value))
    for label, content in extremes(name).items():
        link.send(label)
        try:
            survive(name, content)
        except BaseException as error:  # noqa: BLE001  # told, so that the test can fail with it
            link.send(f"{label}: {type(error).__name__}: {error!s:.200}")
            return
    link.send("all")


def _size() -> int:
    """How much memory this process maps already, in bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * 4096


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="a process's memory is bounded on Linux only"
)
@pytest.mark.parametrize("name", PARSERS)
def test_what_stands_at_the_limits_is_taken_or_refused_within_bounds(name: str) -> None:
    """Otherwise the kernel ends the process, or a MemoryError or RecursionError comes out of it."""
    ours, theirs = multiprocessing.connection.Pipe(duplex=False)
    child = fork_server().Process(target=meet_extremes, args=(name, theirs))
    child.start()
    theirs.close()
    last = ""
    try:
        while True:
            last = str(ours.recv())
    except EOFError:
        pass
    finally:
        child.join()
        ours.close()
    assert (last, child.exitcode) == ("all", 0)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
@pytest.mark.parametrize("name", PARSERS)
def test_a_fuzzer_finds_nothing(tmp_path: Path, name: str, tell: Tell) -> None:
    """So many runs, or so many seconds if that comes first, from the samples and a fixed seed."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, sample in enumerate(PARSERS[name].samples):
        (corpus / str(number)).write_bytes(sample)
    runs = FUZZ_RUNS_SLOW.get(name, FUZZ_RUNS)
    ran = subprocess.run(
        [
            sys.executable, "-m", "tests.faults.fuzzing", name, f"-runs={runs}", "-seed=1",
            f"-max_total_time={FUZZ_SECONDS}", "-max_len=4096", "-timeout=60", "-rss_limit_mb=2048",
            f"-artifact_prefix={tmp_path}/", str(corpus),
        ],
        cwd=HOUSE, env=os.environ | {"PYTHONHASHSEED": "0"},
        capture_output=True, text=True, check=False, timeout=FUZZ_SECONDS * 2,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
    done = [line for line in ran.stderr.splitlines() if line.startswith("Done ")]
    assert len(done) == 1, ran.stderr[-3000:]
    tell(name, done[0])
