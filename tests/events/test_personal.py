# SPDX-License-Identifier: Apache-2.0
"""Personal values in the clear: found where they are, and refused where nobody could seal them."""

from __future__ import annotations

from typing import Any

import pytest

from governance.core.canonical import format_canonical
from governance.errors import EventError
from governance.events.admission import admit
from governance.events.documentation import example_of
from governance.events.envelope import parse_event, read_event
from governance.events.links import links_of
from governance.events.payload import Sealed
from governance.events.personal import (
    PERSONAL_TYPES,
    any_due,
    ask_to_seal,
    clear_values,
    has_clear,
    is_due,
    require_data_subject,
)
from governance.events.vocabulary import PAYLOADS, payload_class

COMMITMENT = "sha256:" + "ab" * 32
SEALED = {"sealed": {"commitment": COMMITMENT, "data_subject": "data_subject:c-17"}}


def event(type: str, subject: str, **data: Any) -> dict[str, Any]:
    kind = payload_class(type)
    assert kind is not None
    return example_of(kind) | {"type": type, "subject": subject, "data": data}


def enrolled(**data: Any) -> dict[str, Any]:
    return event("person.enrolled", "person:ana", **data)


def complaint(**data: Any) -> dict[str, Any]:
    return event("complaint.received", "system:s", **{"channel": "mail", "summary": "refused"} | data)


def test_every_personal_field_is_a_field_that_takes_a_commitment() -> None:
    assert {"person.enrolled", "complaint.received", "oversight.exercised"} == set(PERSONAL_TYPES)
    for payload in PAYLOADS:
        for each in payload.personal:
            annotation = str(payload.model_fields[each.field].annotation)
            assert Sealed.__name__ in annotation, (payload.event_type, each.field)


def test_a_value_in_the_clear_is_found_and_whose_it_is() -> None:
    found = clear_values(enrolled(name="Ana Martín", function="risk"))
    assert [tuple(each) for each in found] == [("name", "Ana Martín", "person:ana")]


def test_a_field_that_may_be_sealed_is_sealed_when_it_is_asked_for() -> None:
    told = complaint()
    assert not has_clear(told)
    assert clear_values(told) == ()
    asked = complaint(summary={"personal": "He was refused", "data_subject": "data_subject:c-17"})
    assert has_clear(asked)
    assert [tuple(each) for each in clear_values(asked)] == [
        ("summary", "He was refused", "data_subject:c-17")
    ]


def test_what_is_sealed_already_is_left_alone() -> None:
    told = complaint(statement=SEALED, summary=SEALED)
    assert not has_clear(told)
    assert clear_values(told) == ()


@pytest.mark.parametrize(
    "told",
    [
        {"type": [], "data": {}},
        {"type": {}},
        {"type": None},
        {"type": "run.failed", "data": {"reason": "x"}},
        {"type": "person.enrolled", "data": 7},
        {},
        {"type": "person.enrolled"},
    ],
)
def test_other_events_hold_nothing_in_the_clear(told: dict[str, Any]) -> None:
    assert not has_clear(told)
    assert not is_due(told)
    assert not any_due([told, told])
    assert any_due([told, enrolled(name="Ana")])


def test_a_built_event_holds_nothing_in_the_clear() -> None:
    built = parse_event(enrolled(function="risk"))
    assert not is_due(built)
    assert not any_due([built])


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (complaint(statement="I was refused"), "nobody said whose personal data this is"),
        (complaint(statement={"personal": "x"}), "nobody said whose"),
        (complaint(statement={"personal": "x", "data_subject": "model:m"}), "not a data subject"),
        (complaint(statement={"personal": "x", "data_subject": "person:ana@1"}), "not a data subject"),
        (complaint(statement={"personal": "x", "data_subject": "person:" + "a" * 300}), "not a data subject"),
        (complaint(statement={"personal": "x", "data_subject": 7}), "data_subject is not a text"),
        (complaint(statement={"value": "x"}), "has value; expected personal"),
        (complaint(statement={"personal": "x", "more": 1}), "has more, personal; expected"),
        (enrolled(name=7), "valid string"),
        (enrolled(name=["Ana"]), "valid string"),
        (enrolled(name=""), "at least 1 character"),
        (enrolled(name="x" * 201), "at most 200 characters"),
        (enrolled(name={"personal": {"first": "Ana"}}), "valid string"),
    ],
)
def test_a_value_that_nobody_could_seal_is_refused(told: dict[str, Any], message: str) -> None:
    with pytest.raises(EventError, match=message):
        clear_values(told, where="line 3")


def test_a_message_never_repeats_the_value() -> None:
    """What is refused may be personal all the same, and messages end up in logs."""
    with pytest.raises(EventError) as refused:
        clear_values(enrolled(name="Ana Martín " * 30))
    assert "Ana" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_field_that_is_always_sealed_takes_no_text() -> None:
    """Whatever way an event takes past the sealing, its body never holds the value."""
    told = enrolled(name="Ana Martín")
    assert admit(told) is None
    with pytest.raises(EventError, match="name") as refused:
        parse_event(told)
    assert (
        refused.value.hint == "name is personal and sealed before it is appended: append through a workspace"
    )
    assert "Ana" not in str(refused.value)
    with pytest.raises(EventError, match="name"):
        read_event(told)


@pytest.mark.parametrize(
    "value",
    [
        {"sealed": {"commitment": COMMITMENT}},
        {"sealed": {"commitment": COMMITMENT, "data_subject": "model:m"}},
        {"sealed": {"commitment": COMMITMENT, "data_subject": "person:ana@1"}},
        {"sealed": {"commitment": COMMITMENT[:-1], "data_subject": "person:ana"}},
        {"sealed": {"commitment": "sha512:" + "ab" * 64, "data_subject": "person:ana"}},
        {"sealed": {"commitment": COMMITMENT, "data_subject": "person:ana", "salt": "00"}},
        {"sealed": {"commitment": COMMITMENT, "data_subject": "person:ana"}, "value": "Ana"},
        {"sealed": None},
        {"personal": "Ana"},
    ],
)
def test_what_is_no_commitment_is_refused(value: Any) -> None:
    told = enrolled(name=value)
    assert admit(told) is None
    with pytest.raises(EventError):
        parse_event(told)


def test_a_sealed_field_mentions_its_data_subject() -> None:
    told = complaint(statement=SEALED, summary=SEALED)
    admitted = admit(told)
    assert admitted is not None
    assert admitted[1] == parse_event(told).to_canonical() == format_canonical(told)
    assert [mention for mention in links_of(told).mentions if mention.role == "sealed"] == [
        ("data_subject:c-17", "sealed")
    ]
    assert all(mention.role != "sealed" for mention in links_of(complaint()).mentions)


def test_a_sealed_value_prints_whose_it_is() -> None:
    parsed = parse_event(complaint(summary=SEALED))
    assert str(getattr(parsed.data, "summary")) == "sealed, of data_subject:c-17"  # noqa: B009  # the class is not told


def test_a_payload_is_asked_to_be_sealed() -> None:
    data = {"channel": "mail", "summary": "x", "statement": "y"}
    assert ask_to_seal("complaint.received", data, fields=("summary",), data_subject="data_subject:c") == {
        "channel": "mail",
        "summary": {"personal": "x", "data_subject": "data_subject:c"},
        "statement": {"personal": "y", "data_subject": "data_subject:c"},
    }
    asked = ask_to_seal("person.enrolled", {"name": "Ana"}, fields=("name",))
    assert asked == {"name": {"personal": "Ana"}}
    own = {"statement": {"personal": "y", "data_subject": "data_subject:d"}}
    assert ask_to_seal("complaint.received", own, data_subject="data_subject:c") == own


@pytest.mark.parametrize(
    ("type", "data", "fields", "whose", "message"),
    [
        ("run.failed", {"reason": "x"}, ("reason",), None, "run.failed has no field that is sealed"),
        ("complaint.received", {"channel": "x"}, ("channel",), None, "complaint.received seals complainant"),
        ("complaint.received", {"channel": "x"}, ("summary",), None, "is to be sealed and is not there"),
        ("complaint.received", {"summary": "x"}, (), "data_subject:c", "no value of theirs to seal"),
        ("run.failed", {"reason": "x"}, (), "data_subject:c", "no value of theirs to seal"),
    ],
)
def test_a_request_that_would_seal_nothing_is_refused(
    type: str, data: dict[str, Any], fields: tuple[str, ...], whose: str | None, message: str
) -> None:
    with pytest.raises(EventError, match=message):
        ask_to_seal(type, data, fields=fields, data_subject=whose)


@pytest.mark.parametrize("ref", ["person:ana", "data_subject:customer-4711"])
def test_pseudonyms_of_persons_are_data_subjects(ref: str) -> None:
    assert require_data_subject(ref) == ref


@pytest.mark.parametrize(
    "ref", ["", "ana", "person:", "person:ana@1", "service:x", "person:ana\n", "person:Ána"]
)
def test_nothing_else_is_a_data_subject(ref: str) -> None:
    with pytest.raises(EventError, match="not a data subject"):
        require_data_subject(ref)
