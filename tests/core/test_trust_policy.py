# SPDX-License-Identifier: Apache-2.0
"""Trust policies: the form of c2sp.org/tlog-policy, what a quorum is, and all that is not a policy."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.core.cosignature import CosigningKey, cosign
from governance.core.note import VerifierKey, add_signatures, parse_note, parse_verifier_key
from governance.core.note_keys import ALGORITHM_COSIGNATURE_ED25519
from governance.core.trust_policy import (
    GROUPS_MAX,
    LOGS_MAX,
    SIZE_BYTES_MAX,
    WITNESSES_MAX,
    KnownLog,
    KnownWitness,
    TrustPolicy,
    WitnessGroup,
    format_quorum,
    format_trust_policy,
    is_quorum,
    open_witnessed,
    parse_trust_policy,
    policy_of_keys,
    require_quorum,
)
from governance.errors import InputError, NoteError

WORKED = Path(__file__).parents[1] / "vectors" / "worked"
NOTE = (WORKED / "worked-checkpoint.txt").read_bytes()
TEXT = parse_note(NOTE).text
LOG, W1 = map(parse_verifier_key, (WORKED / "worked-vkey.txt").read_text().split("\n")[:2])
TIME = 1763596800


def witness(number: int) -> CosigningKey:
    seed = number.to_bytes(32)
    return CosigningKey(f"witness.example/{number}", Ed25519PrivateKey.from_private_bytes(seed))


PQ = CosigningKey("witness.example/pq", MLDSA44PrivateKey.from_seed_bytes(b"q" * 32))
LINES = [f"witness W{n} {witness(n).verifier_key}" for n in range(1, 7)]
SIX = "\n".join(LINES)


def policy(text: str) -> TrustPolicy:
    return parse_trust_policy(text.encode(), source="file")


TWO_LEVELS = f"""# two parties watch
log {LOG} https://ledger.example/demo

{SIX}
\tgroup  X 2 W1 W2\tW3 \n
group Y any W4 W5 W6
  # both parties
group both all X Y
quorum both
"""


def test_a_policy_with_two_levels_is_read() -> None:
    read = policy(TWO_LEVELS)
    assert read.logs == (KnownLog(LOG, "https://ledger.example/demo"),)
    assert [each.name for each in read.witnesses] == ["W1", "W2", "W3", "W4", "W5", "W6"]
    assert read.groups == (
        WitnessGroup("X", 2, ("W1", "W2", "W3")),
        WitnessGroup("Y", 1, ("W4", "W5", "W6")),
        WitnessGroup("both", 2, ("X", "Y")),
    )
    assert read.quorum == "both"
    assert parse_trust_policy(format_trust_policy(read)) == read


@pytest.mark.parametrize(
    ("cosigned", "enough"),
    [
        ([], False),
        (["W1", "W2", "W3"], False),
        (["W4", "W5", "W6"], False),
        (["W1", "W4"], False),
        (["W1", "W2", "W4"], True),
        (["W2", "W3", "W6"], True),
        (["W1", "W2", "W3", "W4", "W5", "W6"], True),
        (["X", "Y"], False),
        (["both"], False),
        (["W1", "W1", "W4"], False),
    ],
)
def test_a_quorum_of_two_levels_is_met_by_witnesses_only(cosigned: list[str], enough: bool) -> None:
    assert is_quorum(policy(TWO_LEVELS), cosigned) is enough


@given(st.integers(1, 8), st.integers(1, 8), st.sets(st.integers(0, 11)))
def test_k_of_n_is_met_by_any_k(threshold: int, count: int, cosigned: set[int]) -> None:
    threshold = min(threshold, count)
    keys = [witness(n + 1).verifier_key for n in range(count)]
    made = policy_of_keys(keys, quorum=threshold)
    names = {f"witness.example/{n + 1}" for n in cosigned}
    assert is_quorum(made, names) is (len({n for n in cosigned if n < count}) >= threshold)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_more_cosignatures_never_unmake_a_quorum(data: st.DataObject) -> None:
    names = [f"W{n}" for n in range(1, 7)]
    fewer = data.draw(st.sets(st.sampled_from(names)))
    more = fewer | data.draw(st.sets(st.sampled_from(names)))
    assert is_quorum(policy(TWO_LEVELS), fewer) <= is_quorum(policy(TWO_LEVELS), more)


def test_quorum_none_asks_for_nobody() -> None:
    read = policy("quorum none")
    assert read == TrustPolicy()
    assert is_quorum(read, [])
    assert format_trust_policy(read) == b"quorum none\n"


def test_the_quorum_can_be_one_witness() -> None:
    read = policy(f"{SIX}\nquorum W3")
    assert not is_quorum(read, ["W1", "W2"])
    assert is_quorum(read, ["W3"])


def test_names_are_opaque_bytes() -> None:
    """K and the Kelvin sign are two names, and a byte that is no UTF-8 is a name as good as another."""
    kelvin, stray = "\u212a".encode(), b"\xff"
    content = b"".join(
        b"witness " + name + b" " + str(witness(n).verifier_key).encode() + b"\n"
        for n, name in enumerate((b"K", kelvin, stray), start=1)
    )
    content += b"group all-of-them 3 K " + kelvin + b" " + stray + b"\nquorum all-of-them\n"
    read = parse_trust_policy(content)
    assert len({each.name for each in read.witnesses}) == 3
    assert format_trust_policy(read) == content


def test_a_hundred_of_each_are_read_and_no_more() -> None:
    logs = [f"log {VerifierKey(f'log.example/{n}', n.to_bytes(32))}" for n in range(LOGS_MAX + 1)]
    witnesses = [f"witness W{n} {witness(n).verifier_key}" for n in range(WITNESSES_MAX + 1)]
    groups = [f"group G{n} any W{n}" for n in range(GROUPS_MAX + 1)]
    most = [*logs[:-1], *witnesses[:-1], *groups[:-1]]
    read = policy("\n".join([*most, "quorum G99"]))
    assert min(len(read.logs), len(read.witnesses), len(read.groups)) >= 32
    for surplus, what in ((logs, "logs"), (witnesses, "witnesses"), (groups, "groups")):
        with pytest.raises(InputError, match=f"more than 100 {what}"):
            policy("\n".join([*most, surplus[-1], "quorum none"]))


# Held against a checkpoint.


def cosigned_by(*keys: CosigningKey) -> bytes:
    return add_signatures(NOTE, [cosign(TEXT, key, time=TIME + n) for n, key in enumerate(keys)])


def test_a_checkpoint_with_enough_cosignatures_is_opened_with_their_times() -> None:
    made = policy_of_keys([witness(1).verifier_key, witness(2).verifier_key, PQ.verifier_key], quorum=2)
    found = require_quorum(cosigned_by(witness(1), PQ), made, keys=[LOG])
    assert (found.checkpoint.tree_size, found.quorum_met) == (3, True)
    assert found.times == {"witness.example/1": TIME, PQ.name: TIME + 1}


def test_a_checkpoint_with_too_few_cosignatures_is_refused_and_told_whose_are_missing() -> None:
    made = policy_of_keys([witness(n).verifier_key for n in (1, 2, 3)], quorum=2)
    with pytest.raises(
        NoteError, match=r"cosigned by witness\.example/2; that is not 2 of witness\.example/1, witness"
    ) as caught:
        require_quorum(cosigned_by(witness(2)), made, keys=[LOG])
    assert "not cosigned by witness.example/1, witness.example/3" in str(caught.value.hint)
    with pytest.raises(NoteError, match="cosigned by no known witness"):
        require_quorum(NOTE, made, keys=[LOG])
    assert not open_witnessed(NOTE, made, keys=[LOG]).quorum_met


def test_two_keys_of_one_name_are_told_apart() -> None:
    both = [W1, CosigningKey(W1.name, PQ.private_key).verifier_key, VerifierKey("none", b"n" * 32, 4)]
    made = policy_of_keys(both)
    assert [each.name for each in made.witnesses] == [W1.name, f"{W1.name}#2", "none#3"]
    assert format_quorum(made) == f"3 of {W1.name}, {W1.name}#2, none#3"


def test_a_quorum_is_told_in_a_few_words() -> None:
    assert format_quorum(policy(TWO_LEVELS)) == "2 of X, Y"
    assert format_quorum(policy(f"{SIX}\nquorum W3")) == "W3"
    assert format_quorum(policy("quorum none")) == "none"


def test_the_same_witness_twice_counts_once() -> None:
    made = policy_of_keys([witness(1).verifier_key, witness(2).verifier_key])
    line = cosigned_by(witness(1)).rpartition(b"\n\n")[2].splitlines(keepends=True)[-1]
    assert not open_witnessed(cosigned_by(witness(1)) + line, made, keys=[LOG]).quorum_met


def test_a_false_cosignature_by_a_known_witness_condemns_the_checkpoint() -> None:
    made = policy_of_keys([witness(1).verifier_key, witness(2).verifier_key], quorum=1)
    false = cosign(TEXT.replace("\n3\n", "\n4\n"), witness(2), time=TIME)
    with pytest.raises(NoteError, match="does not verify"):
        open_witnessed(add_signatures(cosigned_by(witness(1)), [false]), made, keys=[LOG])


def test_the_log_must_be_one_that_the_policy_names() -> None:
    other = VerifierKey(LOG.name, b"k" * 32)
    with_log = f"log {LOG}\nwitness W {W1}\nquorum W"
    assert require_quorum(NOTE, policy(with_log)).times == {"W": TIME}
    assert require_quorum(NOTE, policy(with_log), keys=[LOG]).quorum_met
    with pytest.raises(NoteError, match="none of them with a known key"):
        require_quorum(NOTE, policy(with_log.replace(str(LOG), str(other))))
    with pytest.raises(NoteError, match="none of them with a known key"):
        require_quorum(NOTE, policy(with_log), keys=[other])
    with pytest.raises(NoteError, match="none of them with a known key"):
        require_quorum(NOTE, policy(f"witness W {W1}\nquorum W"))


def test_a_witness_of_the_log_name_does_not_stand_for_the_log() -> None:
    impostor = CosigningKey(LOG.name, Ed25519PrivateKey.from_private_bytes(b"i" * 32))
    note = f"{TEXT}\n".encode() + cosigned_by(impostor).splitlines(keepends=True)[-1]
    made = policy(f"log {LOG}\nwitness W {impostor.verifier_key}\nquorum W")
    with pytest.raises(NoteError, match="none of them with a known key"):
        require_quorum(note, made)


# What is not a policy.


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "file:1: no quorum"),
        (SIX, "file:6: no quorum"),
        ("quorum none\nquorum none", "file:2: a second quorum"),
        ("quorum W1", "file:1: W1 is not defined above"),
        (f"quorum W1\n{SIX}", "file:1: W1 is not defined above"),
        ("quorum", "file:1: not a line of a trust policy"),
        ("quorum a b", "file:1: not a line of a trust policy"),
        ("policy none", "file:1: not a line of a trust policy"),
        ("log", "file:1: not a line of a trust policy"),
        ("group g any", "file:1: not a line of a trust policy"),
        (f"{LINES[0]} url more", "file:1: not a line of a trust policy"),
        ("log nonsense", "file:1: not a verifier key"),
        (f"log {W1}", "file:1: witness.example/w1 is a witness's key"),
        (f"witness W {LOG}", "file:1: ledger.example/demo is no witness's key"),
        (f"log {LOG}\nlog {LOG}", "file:2: the public key of ledger.example/demo stands there already"),
        (f"{SIX}\nwitness again {witness(3).verifier_key}", "file:7: the public key"),
        (f"{LINES[0]}\nwitness W1 {witness(9).verifier_key}", "file:2: W1 is defined already, in line 1"),
        (f"witness none {W1}", "file:1: nothing can be named none"),
        (f"{SIX}\ngroup none any W1", "file:7: nothing can be named none"),
        (f"{SIX}\ngroup W2 any W1", "file:7: W2 is defined already, in line 2"),
        (f"{SIX}\ngroup g any g", "file:7: g is not defined above"),
        (f"{SIX}\ngroup g any h\ngroup h any g", "file:7: h is not defined above"),
        (f"{SIX}\ngroup g any none", "file:7: none is not defined above"),
        (f"{SIX}\ngroup g any W1 W1", "file:7: W1 is a member already, in line 7"),
        (f"{SIX}\ngroup g any W1\ngroup h any W2 W1", "file:8: W1 is a member already, in line 7"),
        (f"{SIX}\ngroup g 0 W1", "file:7: group g asks for '0' of 1"),
        (f"{SIX}\ngroup g 3 W1 W2", "file:7: group g asks for '3' of 2"),
        (f"{SIX}\ngroup g 01 W1", "file:7: group g asks for '01' of 1"),
        (f"{SIX}\ngroup g some W1", "file:7: group g asks for 'some' of 1"),
        (f"{SIX}\ngroup g -1 W1", "file:7: group g asks for"),
        (f"{SIX}\ngroup g \u0661 W1", "file:7: group g asks for"),
        ("quorum none\r\n", "file:1: a control character"),
        ("\x00", "file:1: a control character"),
        ("quorum none\x7f", "file:1: a control character"),
        ("quorum\u00a0none", "file:1: not a line of a trust policy"),
    ],
)
def test_what_is_malformed_is_refused_with_its_line(text: str, complaint: str) -> None:
    with pytest.raises(InputError) as caught:
        policy(text)
    assert caught.value.message.startswith(complaint)
    assert caught.value.hint


def test_a_public_key_counts_once_whatever_its_name_and_kind() -> None:
    renamed = VerifierKey("another.example/name", W1.public_key, ALGORITHM_COSIGNATURE_ED25519)
    with pytest.raises(InputError, match="one key is one party"):
        policy(f"witness A {W1}\nwitness B {renamed}\ngroup g all A B\nquorum g")
    with pytest.raises(InputError, match="one key is one party"):
        policy_of_keys([W1, renamed])


def test_a_file_beyond_the_limit_is_refused() -> None:
    with pytest.raises(InputError, match="at most"):
        parse_trust_policy(b"#" * (SIZE_BYTES_MAX + 1))


@pytest.mark.parametrize(
    ("keys", "quorum", "complaint"),
    [
        ([], None, "none is named"),
        ([W1], 2, "asks for '2' of 1"),
        ([W1], 0, "asks for '0' of 1"),
        ([LOG], 1, "no witness's key"),
    ],
)
def test_keys_that_make_no_quorum_are_refused(
    keys: list[VerifierKey], quorum: int | None, complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        policy_of_keys(keys, quorum=quorum)


def test_a_policy_that_cannot_be_written_down_is_refused() -> None:
    """An empty URL would be read back as none."""
    with pytest.raises(InputError, match="not a trust policy that can be written down"):
        format_trust_policy(TrustPolicy(logs=(KnownLog(LOG, ""),)))
    with pytest.raises(InputError, match="not a line of a trust policy"):
        format_trust_policy(TrustPolicy(witnesses=(KnownWitness("two words", W1, "url"),)))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_policy_or_refused(content: bytes) -> None:
    try:
        read = parse_trust_policy(content)
    except InputError:
        return
    assert parse_trust_policy(format_trust_policy(read)) == read
