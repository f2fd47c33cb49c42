# SPDX-License-Identifier: Apache-2.0
"""Entries taken at a glance: what a verification finds is the same as when each of them is parsed."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.core.canonical import parse_canonical
from governance.core.hashing import hash_leaf
from governance.events.links import pairs_of
from governance.ledger import verify_glance
from governance.ledger.log import Ledger
from governance.ledger.verify import Verification, verify
from governance.ledger.verify_entries import EntryWalk, verify_entries
from governance.ledger.verify_glance import ALL_MAX, EACH_MAX, LEARNED_EVERY, Shapes, kind_of
from governance.ledger.verify_walk import Walk
from governance.storage.interface import EntryRow
from governance.storage.memory import MemoryStorage
from tests.ledger.histories import ORIGIN, ToldClock, event, lifecycle, opening, signing_key

KEY = signing_key()
MONITORED = 60
"""The index of an entry in the middle of many of its type."""


def monitored(number: int, value: float) -> dict[str, Any]:
    """A monitor's report with a measurement."""
    return event(
        number,
        "monitor.reported",
        "deployment:d/production@1",
        monitor="input-drift",
        kind="drift",
        window_start="2026-11-20T08:00:00Z",
        window_end="2026-11-20T09:00:00Z",
        breached=False,
        measurements=[{"name": "psi", "value": value, "unit": "1"}],
    )


def history() -> MemoryStorage:
    """Some hundred entries of many types, some appended together and some alone."""
    storage = MemoryStorage()
    ledger = Ledger(storage, clock=ToldClock(), origin=ORIGIN, signing_key=KEY)
    ledger.append([opening(KEY)])
    for first in range(1, 41, 10):
        ledger.append(lifecycle(first))
    for number in range(41, 81):
        ledger.append([monitored(number, number / 7)])
    ledger.append([event(number, reason=f"kein Platz für {number}") for number in range(81, 101)])
    for first in range(101, 131, 10):
        ledger.append(lifecycle(first))
    ledger.checkpoint()
    return storage


HISTORY = history()


class Replaced(MemoryStorage):
    """The history with other rows."""

    def __init__(self, rows: list[EntryRow]) -> None:
        super().__init__()
        self.__dict__.update(HISTORY.__dict__)
        self._entries = rows

    def entries(self, start: int, end: int) -> Iterator[EntryRow]:
        return (row for row in self._entries if start <= row.index < end)


def verified(rows: list[EntryRow], *, shapes: int) -> tuple[Verification, int]:
    """What a verification with so many shapes finds, and how many entries it parsed."""
    parsed: list[int] = []
    look_closer = Walk._look_closer

    def counted(self: Walk, row: EntryRow, *rest: Any) -> None:
        parsed.append(row.index)
        look_closer(self, row, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify_glance, "LEARNED_EVERY", 1)
        patch.setattr(verify_glance, "ALL_MAX", shapes)
        patch.setattr(Walk, "_look_closer", counted)
        return verify(Replaced(rows), keys=[KEY.verifier_key]), len(parsed)


def chained(rows: list[EntryRow], start: int) -> list[EntryRow]:
    """Rows made to follow one another again: whoever rewrites history does that."""
    made = rows[:start]
    for row, before in zip(rows[start:], HISTORY._entries[start - 1 :], strict=False):
        body = row.body.replace(before.leaf_hash.hex().encode(), made[-1].leaf_hash.hex().encode())
        made.append(row._replace(body=body, leaf_hash=hash_leaf(body)))
    return made


def test_nearly_all_entries_are_taken_at_a_glance_and_nothing_is_found() -> None:
    found, parsed = verified(HISTORY._entries, shapes=ALL_MAX)
    assert found.holds, found.discrepancies
    assert parsed < 60
    closely, all_parsed = verified(HISTORY._entries, shapes=0)
    assert all_parsed == len(HISTORY._entries)
    assert found == closely


def test_in_a_short_ledger_nothing_is_learned() -> None:
    """Learning a shape costs more than parsing a few entries."""
    assert LEARNED_EVERY > 1
    shapes = Shapes(closely=())
    shapes.consider(event(1) | {"schema_version": 1})
    assert shapes.known == {}


def altered(data: st.DataObject, body: bytes) -> bytes:
    """A body with some bytes in it replaced, taken out or put in."""
    at = data.draw(st.integers(0, len(body)))
    put = data.draw(st.binary(max_size=2) | st.sampled_from([b"0", b"e", b'"', b"\\", b" "]))
    return body[:at] + put + body[at + data.draw(st.integers(0, 2)) :]


@settings(max_examples=60)
@given(st.data())
def test_whatever_is_altered_the_same_is_found(data: st.DataObject) -> None:
    """Bytes of a body, columns, and order; with the chain mended after it or not."""
    rows = list(HISTORY._entries)
    index = data.draw(st.integers(1, len(rows) - 1))
    row = rows[index]
    body = altered(data, row.body)
    rows[index] = data.draw(
        st.sampled_from(
            [
                row._replace(body=body),
                row._replace(body=body, leaf_hash=hash_leaf(body)),
                row._replace(leaf_hash=hash_leaf(body)),
                row._replace(event_id=row.event_id + "x"),
                row._replace(type="run.failed"),
                row._replace(type="x"),
            ]
        )
    )
    if data.draw(st.booleans()):
        rows = chained(rows, index + 1)
    assert verified(rows, shapes=ALL_MAX)[0] == verified(rows, shapes=0)[0]


def verified_export(bodies: list[bytes], *, shapes: int) -> tuple[Verification, int]:
    """What a verification of an export with so many shapes finds, and how many bodies it parsed."""
    parsed: list[int] = []
    add = EntryWalk.add

    def counted(self: EntryWalk, index: int, body: bytes) -> bytes:
        parsed.append(index)
        return add(self, index, body)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify_glance, "LEARNED_EVERY", 1)
        patch.setattr(verify_glance, "ALL_MAX", shapes)
        patch.setattr(EntryWalk, "add", counted)
        stream = io.BytesIO(b"".join(body + b"\n" for body in bodies))
        notes = [row.note for row in HISTORY.checkpoints()]
        return verify_entries(stream, checkpoints=notes, keys=[KEY.verifier_key]), len(parsed)


def test_nearly_all_bodies_of_an_export_are_taken_at_a_glance_but_those_that_bind() -> None:
    bodies = [row.body for row in HISTORY._entries]
    found, parsed = verified_export(bodies, shapes=ALL_MAX)
    assert found.holds, found.discrepancies
    assert parsed < 75
    closely, all_parsed = verified_export(bodies, shapes=0)
    assert all_parsed == len(bodies)
    assert found == closely


@settings(max_examples=60)
@given(st.data())
def test_whatever_is_altered_in_an_export_the_same_is_found(data: st.DataObject) -> None:
    """Bytes of a body, ids, digests and order; with the chain mended after it or not."""
    rows = list(HISTORY._entries)
    index = data.draw(st.integers(1, len(rows) - 1))
    row = rows[index]
    other = rows[data.draw(st.integers(1, len(rows) - 1))]
    body = data.draw(
        st.sampled_from(
            [
                altered(data, row.body),
                row.body.replace(row.event_id.encode(), other.event_id.encode()),
                row.body.replace(b'"digest":"sha256:', b'"digest":"sha256:0'),
                row.body.replace(b'"signatures":[]', b'"signatures":[{}]'),
                other.body,
            ]
        )
    )
    rows[index] = row._replace(body=body, leaf_hash=hash_leaf(body))
    if data.draw(st.booleans()):
        rows = chained(rows, index + 1)
    if data.draw(st.booleans()):
        del rows[data.draw(st.integers(1, len(rows) - 1))]
    bodies = [each.body for each in rows]
    assert verified_export(bodies, shapes=ALL_MAX)[0] == verified_export(bodies, shapes=0)[0]


def test_an_id_that_stands_twice_is_told_though_both_were_taken_at_a_glance() -> None:
    rows = list(HISTORY._entries)
    body = rows[70].body.replace(rows[70].event_id.encode(), rows[65].event_id.encode())
    rows[70] = rows[70]._replace(body=body, leaf_hash=hash_leaf(body))
    found, parsed = verified_export([row.body for row in chained(rows, 71)], shapes=ALL_MAX)
    assert parsed < 75
    assert ("70", "event id stands in more than one entry", "entry 65") in {
        (each.place, each.what, each.got) for each in found.discrepancies
    }


def test_an_event_s_type_is_what_its_body_names_last() -> None:
    for row in HISTORY._entries:
        assert kind_of(row.body) == row.type
    assert kind_of(b"nothing") == "nothing"
    assert kind_of(b'{"type":"\xff') == "\ufffd"


def in_body(old: bytes, new: bytes) -> Callable[[EntryRow], EntryRow]:
    """The row with other bytes in its body, and the hash that they have."""

    def altered(row: EntryRow) -> EntryRow:
        assert old in row.body
        body = row.body.replace(old, new, 1)
        return row._replace(body=body, leaf_hash=hash_leaf(body))

    return altered


VALUE = str((MONITORED) / 7).encode()


@pytest.mark.parametrize(
    ("alter", "what"),
    [
        (in_body(b'"drift"', rb'"\u0064rift"'), "cannot be read"),
        (in_body(b'"drift"', b'"dri\x01ft"'), "cannot be read"),
        (in_body(b'"drift"', b'"dri\xff"'), "cannot be read"),
        (in_body(b'"breached":false,', b'"breached":false, '), "cannot be read"),
        (in_body(b'"breached":false,', b'"breached":false,"breached":false,'), "cannot be read"),
        (in_body(VALUE, VALUE + b"0"), "cannot be read"),
        (in_body(VALUE, b"1.0"), "cannot be read"),
        (in_body(VALUE, b"1e3"), "cannot be read"),
        (in_body(VALUE, b"9007199254740993"), "cannot be read"),
        (in_body(b'"signatures":[]', b'"signatures":["x"]'), "signature by its author does not hold"),
        (in_body(b'"index":60', b'"index":61'), "column index differs"),
        (in_body(b'"id":"event-60"', b'"id":"event-6"'), "column event_id differs"),
        (in_body(b'"type":"monitor.reported"', b'"type":"monitor.reporteds"'), "column type differs"),
        (in_body(b'"previous":"', b'"previous":"0'), "previous is not the leaf hash"),
        (in_body(b'{"appended_at":"2026', b'{"appended_at":"2025'), "appended_at is earlier"),
        (in_body(b'{"appended_at":"2026', b'{"appended_at":"2O26'), "not a canonical instant"),
        (in_body(b'{"appended_at":"2026-11', b'{"appended_at":"2026-31'), "not a canonical instant"),
        (in_body(b'{"appended_at":"2026', b'{ "appended_at":"2026'), "cannot be read"),
        (lambda row: row._replace(leaf_hash=bytes(32)), "leaf hash is not that of the body"),
        (lambda row: row._replace(event_id=5), "column event_id differs"),
        (lambda row: row._replace(event_id="a\nb"), "column event_id differs"),
        (lambda row: row._replace(type=None), "column type differs"),
        (lambda row: row._replace(body=row.body.decode()), "cannot be read"),
    ],
)
def test_what_is_wrong_with_one_entry_among_many_of_its_kind_is_named(
    alter: Callable[[EntryRow], EntryRow], what: str
) -> None:
    rows = list(HISTORY._entries)
    rows[MONITORED] = alter(rows[MONITORED])
    mended = chained(rows, MONITORED + 1)
    found, parsed = verified(mended, shapes=ALL_MAX)
    assert parsed < 70
    told = [each for each in found.discrepancies if each.where == "entry"]
    assert any(what in each.what and each.place == str(MONITORED) for each in told), told
    assert found == verified(mended, shapes=0)[0]


@pytest.mark.parametrize("value", [b"0", b"-3", b"0.8333333333333334", b"1234567890123.25"])
def test_another_number_in_the_same_place_is_sound(value: bytes) -> None:
    rows = list(HISTORY._entries)
    rows[MONITORED] = in_body(VALUE, value)(rows[MONITORED])
    found, _ = verified(chained(rows, MONITORED + 1), shapes=ALL_MAX)
    assert "entry" not in {each.where for each in found.discrepancies}


def test_a_shape_says_the_mentions_and_relations_of_every_event_that_it_takes() -> None:
    for row in HISTORY._entries:
        stated = parse_canonical(row.body)["event"]
        shape = verify_glance._learned(stated)
        assert shape is not None
        start, end = row.body.index(b'"event":') + 8, row.body.rindex(b',"index":')
        match = shape.match(row.body, start, end)
        assert match is not None
        mentions, relations = shape.pairs(match.group(*shape.key))
        assert (list(mentions), list(relations)) == pairs_of(stated)


def test_what_stands_twice_in_an_event_is_said_once() -> None:
    """As the same dataset used twice by a run."""
    stated = event(1, "run.started", "run:r", job="j", datasets=["dataset:d@1", "dataset:e@1"])
    stated |= {"schema_version": 1}
    shape = verify_glance._learned(stated)
    assert shape is not None
    key = [b"dataset:d@1" if each.startswith(b"dataset") else each for each in texts_of(shape, stated)]
    again = stated | {"data": {"job": "j", "datasets": ["dataset:d@1", "dataset:d@1"]}}
    mentions, relations = shape.pairs(key)
    assert (list(mentions), list(relations)) == pairs_of(again)


def texts_of(shape: verify_glance.EventShape, stated: dict[str, Any]) -> list[bytes]:
    from governance.core.canonical import format_canonical

    text = format_canonical(stated)
    match = shape.match(text, 0, len(text))
    assert match is not None
    return list(match.group(*shape.key))


@pytest.mark.parametrize(
    "change",
    [
        {"note": 1},
        {"id": 7},
        {"subject": 5, "actor": {"kind": 1, "id": 2}},
        {"actor": "ana"},
        {"data": {"reason": ["x"] * 80}},
        {"subject": {"a": "b"}},
    ],
)
def test_nothing_is_learned_from_an_event_that_has_not_the_form_of_one(change: dict[str, Any]) -> None:
    assert verify_glance._learned(event(1) | {"schema_version": 1} | change) is None


def test_an_event_that_has_no_shape_is_parsed_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_glance, "LEARNED_EVERY", 1)
    shapes = Shapes(closely=())
    shapes.consider(event(1, reason=["x"] * 80) | {"schema_version": 1})
    assert shapes.known == {}


def test_shapes_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_glance, "LEARNED_EVERY", 1)
    shapes = Shapes(closely={"alert.raised"})
    for number in range(1, 30):
        names = [f"dataset:d{each}@1" for each in range(number)]
        shapes.consider(event(1, "run.started", "run:r", job="j", datasets=names) | {"schema_version": 1})
        shapes.consider(event(1, "alert.raised", "alert:a", reason="r") | {"schema_version": 1})
    assert {kind: len(each) for kind, each in shapes.known.items()} == {"run.started": EACH_MAX}
    monkeypatch.setattr(verify_glance, "ALL_MAX", EACH_MAX)
    shapes.consider(event(1) | {"schema_version": 1})
    assert "run.failed" not in shapes.known
