# SPDX-License-Identifier: Apache-2.0
"""The verifier of exports: what the writer wrote holds, and every way to alter it is told with its place."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.core.canonical import format_canonical
from governance.core.hashing import hash_leaf
from governance.core.merkle import tree_root
from governance.ledger import verify_entries as module
from governance.ledger.discrepancies import LISTED_MAX, Discrepancies
from governance.ledger.verify import Verification
from governance.ledger.verify_entries import verify_entries
from tests.ledger.histories import ORIGIN, event, opening, signing_key
from tests.ledger.logs import KEY, shared, signed

SIZE = 300
BODIES = [row.body for row in shared(100, SIZE).entries(0, SIZE)]
NOTES = [row.note for row in shared(100, SIZE).checkpoints()]
TRUSTED = [KEY.verifier_key]
UNCHAINED = "previous is not the leaf hash of the entry before"
EARLIER = "appended_at is earlier than in the entry before"
AGAIN = "opens the ledger a second time"


def verified(bodies: list[bytes], notes: list[bytes] | None = None, **more: Any) -> Verification:
    """The verification of these bodies as an export."""
    stream = io.BytesIO(b"".join(body + b"\n" for body in bodies))
    more.setdefault("keys", TRUSTED)
    return verify_entries(stream, checkpoints=NOTES if notes is None else notes, **more)


def rewritten(changes: dict[int, Callable[[dict[str, Any]], None]], count: int = SIZE) -> list[bytes]:
    """The export with entries changed and everything after them chained anew."""
    import json

    bodies: list[bytes] = []
    previous = "0" * 64
    for index, body in enumerate(BODIES[:count]):
        fields = json.loads(body)
        fields["previous"] = previous
        if index in changes:
            changes[index](fields)
        bodies.append(format_canonical(fields))
        previous = hash_leaf(bodies[-1]).hex()
    return bodies


def resigned(bodies: list[bytes]) -> list[bytes]:
    """A checkpoint over whatever these bodies are: what its holder's key can do."""
    return [signed(len(bodies), tree_root(map(hash_leaf, bodies)))]


def instead(at: int, *bodies: bytes) -> list[bytes]:
    """The export with these bodies where as many stood."""
    return [*BODIES[:at], *bodies, *BODIES[at + len(bodies) :]]


def whats(found: Verification) -> set[tuple[str, str]]:
    return {(each.place, each.what) for each in found.discrepancies}


def test_an_export_holds_under_all_its_checkpoints() -> None:
    told: list[int] = []
    found = verified(BODIES, progress=lambda done, _: told.append(done))
    assert found.holds, found.discrepancies
    assert (found.source, found.origin, found.tree_size, found.signed_size) == ("entries", ORIGIN, SIZE, SIZE)
    assert found.root == tree_root(map(hash_leaf, BODIES))
    assert (found.checkpoints, found.key, found.key_is_trusted) == (2, str(KEY.verifier_key), True)
    assert (found.notices, told) == ((), [])


def test_a_long_export_tells_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAVES_AT_ONCE", 100)
    monkeypatch.setattr(module, "STRIDE_MAX", 50)
    told: list[tuple[int, int]] = []
    found = verified(BODIES, progress=lambda *done: told.append(done))
    assert found.holds, found.discrepancies
    assert told == [(100, 300), (200, 300), (300, 300)]
    told.clear()
    verified(BODIES, NOTES[:1], progress=lambda *done: told.append(done))
    assert told == [(100, 100), (200, 200), (300, 300)]


def test_the_key_that_an_export_states_of_itself_is_told_to_be_no_proof() -> None:
    found = verified(BODIES, keys=())
    assert found.holds
    assert not found.key_is_trusted
    assert "not one that you said you trust" in found.notices[0]


def test_entries_after_the_checkpoint_are_a_notice() -> None:
    found = verified(BODIES, NOTES[:1])
    assert (found.holds, found.signed_size) == (True, 100)
    assert "last 200 entries are chained but" in found.notices[0]


def test_an_export_without_checkpoint_is_proven_by_nothing() -> None:
    found = verified(BODIES, [])
    assert whats(found) == {("", "there is none: no signature covers any entry")}
    assert found.signed_size == 0


def test_an_empty_export_says_so() -> None:
    found = verified([], [signed(0, tree_root([]))])
    assert (found.holds, found.tree_size, found.notices) == (True, 0, ("the export is empty",))
    assert (
        verified([], [signed(0, tree_root([]))], keys=())
        .discrepancies[0]
        .what.startswith("its signature was not")
    )


def test_a_missing_end_is_told() -> None:
    found = verified(BODIES[:-1])
    assert ("1", "1 entries that it covers are gone") in whats(found)
    assert found.signed_size == 100


@pytest.mark.parametrize(
    ("altered", "place", "what"),
    [
        (BODIES[:7] + BODIES[8:], "7", "entry stands at another index than its body says"),
        (instead(7, BODIES[8], BODIES[7]), "8", "entry stands at another index than its body says"),
        (BODIES[:8] + BODIES[7:], "8", "event id stands in more than one entry"),
        (instead(7, b""), "7", "body cannot be read as an entry"),
        (instead(7, BODIES[7] + b"\r"), "7", "body cannot be read as an entry"),
        (instead(7, b"[]"), "7", "body cannot be read as an entry"),
        (instead(7, b'{"event":[]}'), "7", "body cannot be read as an entry"),
        (instead(7, b"{" * 60_000), "7", "body cannot be read as an entry"),
        (BODIES[1:], "0", "does not open the ledger"),
        (instead(7, BODIES[7].replace(b"pipeline", b"pipelime")), "8", UNCHAINED),
    ],
)  # fmt: skip
def test_every_alteration_is_told_with_its_place(altered: list[bytes], place: str, what: str) -> None:
    found = verified(altered)
    assert (place, what) in whats(found)
    assert any(each.where == "checkpoint" for each in found.discrepancies)


def test_a_line_longer_than_any_body_is_told_and_skipped() -> None:
    long = instead(7, b"x" * 200_000)
    found = verified(long)
    assert ("7", "line is longer than the 65535 bytes that a body has at most") in whats(found)
    assert found.tree_size == SIZE
    endless = verify_entries(io.BytesIO(b"x" * 200_000), checkpoints=NOTES, keys=TRUSTED)
    assert endless.tree_size == 1


def test_any_flipped_bit_is_found() -> None:
    random_ = random.Random(7)
    for _ in range(60):
        at = random_.randrange(SIZE)
        body = bytearray(BODIES[at])
        body[random_.randrange(len(body))] ^= 1 << random_.randrange(8)
        assert not verified(instead(at, bytes(body))).holds


def set_field(*path: str, value: object) -> Callable[[dict[str, Any]], None]:
    """A change of one field."""

    def change(fields: dict[str, Any]) -> None:
        for name in path[:-1]:
            fields = fields[name]
        fields[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("changes", "place", "what"),
    [
        ({9: set_field("index", value=10)}, "9", "entry stands at another index than its body says"),
        ({9: set_field("previous", value="0" * 64)}, "9", UNCHAINED),
        ({9: set_field("appended_at", value="2020-01-01T00:00:00.000000Z")}, "9", EARLIER),
        ({9: set_field("appended_at", value="yesterday")}, "9", "appended_at is not a canonical instant"),
        ({9: set_field("appended_at", value=7)}, "9", "appended_at is not a canonical instant"),
        ({9: set_field("more", value=1)}, "9", "body has other fields than an entry"),
        ({9: set_field("event", "more", value=1)}, "9", "body has other fields than an entry"),
        ({9: set_field("event", "id", value="event-3")}, "9", "event id stands in more than one entry"),
        ({9: set_field("event", value=opening(KEY) | {"id": "again", "schema_version": 1})}, "9", AGAIN),
        ({0: set_field("event", "type", value="ledger.closed")}, "0", "does not open the ledger"),
        ({0: set_field("event", "data", value=7)}, "0", "does not open the ledger"),
        ({0: set_field("event", "data", "verifier_key", value="none")}, "0", "does not open the ledger"),
    ],
)  # fmt: skip
def test_what_breaks_the_rules_is_told_even_when_it_was_signed(
    changes: dict[int, Callable[[dict[str, Any]], None]], place: str, what: str
) -> None:
    bodies = rewritten(changes)
    found = verified(bodies, resigned(bodies))
    assert (place, what) in whats(found)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(1 - 2**53, 2**53 - 1)
    | st.floats(-1e300, 1e300)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
PLACES: list[tuple[str, ...]] = [("index",), ("previous",), ("appended_at",), ("event",), ("signatures",)]
PLACES += [
    ("event", name) for name in ("actor", "data", "id", "occurred_at", "schema_version", "subject", "type")
]
PLACES += [("event", "data", name) for name in ("origin", "verifier_key", "digest", "reason")]


@given(st.sampled_from([0, 9]), st.sampled_from(PLACES), JSON | st.just("left out"))
def test_any_value_at_any_place_is_told_or_harmless_and_never_ends_the_check(
    index: int, path: tuple[str, ...], value: Any
) -> None:
    def change(fields: dict[str, Any]) -> None:
        for name in path[:-1]:
            fields = fields[name]
        if value == "left out":
            fields.pop(path[-1], None)
        else:
            fields[path[-1]] = value

    bodies = rewritten({index: change}, 12)
    found = verified(bodies, resigned(bodies), keys=TRUSTED)
    assert found.tree_size == 12
    if value == "left out" and path[-1] in ("index", "previous", "subject", "id"):
        assert not found.holds


def test_a_ref_bound_to_two_digests_is_told() -> None:
    def registered(number: int, digest: str) -> dict[str, Any]:
        told = event(number, "model.registered", "model:m@1", digest=f"sha256:{digest * 64}", run="run:r")
        return told | {"schema_version": 1}

    bodies = rewritten(
        {
            5: set_field("event", value=registered(5, "a")),
            6: set_field("event", value=registered(6, "a")),
            9: set_field("event", value=registered(9, "b")),
            12: set_field("event", value=registered(12, "a") | {"data": []}),
        }
    )
    found = verified(bodies, resigned(bodies))
    assert whats(found) == {("9", "model:m@1 is bound to another digest by entry 5")}


def test_a_history_signed_anew_is_found_by_a_checkpoint_that_was_kept() -> None:
    bodies = rewritten({9: set_field("event", "data", value={"reason": "nothing happened"})})
    assert verified(bodies, resigned(bodies)).holds, "its holder can sign anything"
    found = verified(bodies, [*resigned(bodies), NOTES[0]])
    assert whats(found) == {("1", "root hash is not that of the entries")}


@pytest.mark.parametrize(
    ("note", "what"),
    [
        (b"nothing", "signed note does not verify"),
        (NOTES[1].replace(b"\n300\n", b"\n299\n"), "signed note does not verify"),
        (signed(SIZE, tree_root(map(hash_leaf, BODIES)), key=signing_key(2)), "signed note does not verify"),
        (signed(SIZE, bytes(32)), "root hash is not that of the entries"),
    ],
)
def test_a_checkpoint_that_does_not_hold_is_told(note: bytes, what: str) -> None:
    found = verified(BODIES, [note])
    assert ("0", what) in whats(found)
    assert found.signed_size == 0


def test_a_checkpoint_of_another_origin_is_told() -> None:
    other = signing_key(3, "example.com/other")
    note = signed(SIZE, tree_root(map(hash_leaf, BODIES)), key=other, origin=other.name)
    found = verified(BODIES, [note], keys=[other.verifier_key])
    assert ("0", "origin is not that of the entries") in whats(found)


def test_a_hostile_export_cannot_make_the_list_grow_for_ever() -> None:
    told = Discrepancies()
    for number in range(LISTED_MAX + 5):
        told.tell("entry", number, "wrong", "x" * 1000)
    assert len(told.listed()) == LISTED_MAX + 1
    assert told.listed()[-1].what == "5 further discrepancies are not listed"
    assert len(told.listed()[0].expected) == 200
