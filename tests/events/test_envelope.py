# SPDX-License-Identifier: Apache-2.0
"""Events are refused with the mend when they are malformed, and kept exactly as stated when they are not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from governance.core.canonical import format_canonical
from governance.core.hashing import digest_bytes, hash_leaf
from governance.core.instants import parse_instant
from governance.errors import EventError, InputError, IntegrityError, RefError
from governance.events.documentation import example_of
from governance.events.envelope import (
    BODY_SIZE_BYTES_MAX,
    UnknownPayload,
    format_body,
    normalise,
    parse_event,
    read_entry,
    read_event,
)
from governance.events.fields import INSTANT_PATTERN
from governance.events.links import (
    ACTOR,
    PRINCIPAL,
    REGISTERED,
    SUBJECT,
    links_of,
    pairs_of,
    pairs_of_admitted,
)
from governance.events.payload import Payload
from governance.events.refs import KINDS, Ref, format_ref, kind_of, parse_ref
from governance.events.vocabulary import EVENT_TYPES, PAYLOADS, payload_class


def registered(**changes: Any) -> dict[str, Any]:
    """A valid event, with changes to its envelope."""
    return {
        "id": "e1",
        "type": "dataset.registered",
        "occurred_at": "2026-11-20T10:00:00+01:00",
        "actor": {"id": "ana", "kind": "person"},
        "subject": "dataset:loans@1",
        "data": {"digest": digest_bytes(b"x"), "source": "warehouse", "purpose": "train"},
    } | changes


def test_a_moment_becomes_utc_and_nothing_else_changes() -> None:
    event = parse_event(registered())
    assert event.occurred_at == "2026-11-20T09:00:00.000000Z"
    assert event.to_dict() == registered(occurred_at="2026-11-20T09:00:00.000000Z", schema_version=1)


def test_no_default_is_written_into_what_was_stated() -> None:
    assert set(parse_event(registered()).to_dict()["data"]) == {"digest", "source", "purpose"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"type": "dataset.registerd"}, "unknown event type 'dataset.registerd'"),
        ({"type": 5}, "unknown event type 5"),
        ({"id": ""}, "id: "),
        ({"id": "x" * 129}, "id: "),
        ({"id": "with space"}, "id: "),
        ({"schema_version": 0}, "schema_version: "),
        ({"occurred_at": "yesterday"}, "occurred_at: not an RFC 3339"),
        ({"occurred_at": "2026-11-20T10:00:00"}, "occurred_at: not an RFC 3339"),
        ({"occurred_at": 5}, "occurred_at: "),
        ({"actor": {"id": "ana", "kind": "robot"}}, "actor.kind"),
        ({"actor": "person:ana"}, "actor"),
        ({"subject": "dataset:loans"}, "has no version"),
        ({"subject": "model:loans@1"}, "expected a ref of kind dataset"),
        ({"subject": "loans"}, "subject"),
        ({"colour": "red"}, "colour"),
        ({"data": {"digest": "sha256:ABC", "source": "s", "purpose": "train"}}, "digest"),
        ({"data": {"digest": digest_bytes(b""), "source": "s", "purpose": "guess"}}, "purpose"),
        ({"data": {"digest": digest_bytes(b""), "source": "s", "purpose": "train", "extra": 1}}, "extra"),
        ({"data": {"digest": digest_bytes(b""), "source": "s" * 1001, "purpose": "train"}}, "source"),
        (
            {
                "data": {
                    "digest": digest_bytes(b""),
                    "source": "s",
                    "purpose": "train",
                    "use_until": "2026-02-30T00:00:00Z",
                }
            },
            "not an RFC 3339",
        ),
        (
            {
                "data": {
                    "digest": digest_bytes(b""),
                    "source": "s",
                    "purpose": "train",
                    "collection_period": {"first": "2025-02-29", "last": "2025-03-01"},
                }
            },
            "not a calendar day",
        ),
        (
            {"data": {"digest": digest_bytes(b""), "source": "s", "purpose": "train", "row_count": "7"}},
            "row_count",
        ),
        (
            {
                "data": {
                    "digest": digest_bytes(b""),
                    "source": "s",
                    "purpose": "train",
                    "parents": ["model:m@1"],
                }
            },
            "parents",
        ),
        ({"data": []}, "dataset.registered"),
    ],
)
def test_what_is_malformed_is_refused_with_its_place_and_a_hint(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(EventError) as raised:
        parse_event(registered(**changes), where="line 7")
    assert raised.value.message.startswith("line 7")
    assert told in raised.value.message


def test_a_near_type_is_suggested() -> None:
    with pytest.raises(EventError) as raised:
        parse_event(registered(type="dataset.registerd"))
    assert raised.value.hint == "did you mean dataset.registered?"
    with pytest.raises(EventError) as raised:
        parse_event(registered(type="zzzzzz"))
    assert "docs/events.md" in str(raised.value.hint)


def test_unknown_fields_are_answered_with_the_known_ones() -> None:
    with pytest.raises(EventError) as raised:
        parse_event(
            registered(data={"digest": digest_bytes(b""), "source": "s", "purpose": "train", "size": 1})
        )
    assert "size_bytes" in str(raised.value.hint)


def test_a_type_of_a_newer_version_is_read_and_kept() -> None:
    stated = registered(type="model.dreamt", schema_version=9, data={"of": ["sheep"]})
    event = read_event(normalise(stated))
    assert isinstance(event.data, UnknownPayload)
    assert event.to_dict()["data"] == {"of": ["sheep"]}
    with pytest.raises(EventError, match="unknown event type"):
        parse_event(stated)
    assert {each.role for each in links_of(event.to_dict()).mentions} == {SUBJECT, ACTOR}


def test_a_body_is_read_back_byte_for_byte() -> None:
    event = parse_event(registered())
    body = format_body(
        event=event.to_canonical(),
        index=7,
        appended_at="2026-11-20T09:00:01.000000Z",
        previous="0" * 64,
        signatures=("s",),
    )
    entry = read_entry(body)
    assert (entry.body, entry.index, entry.event, entry.signatures) == (body, 7, event, ("s",))
    assert entry.leaf_hash == hash_leaf(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"index": 1}',
        b'{"appended_at":"","event":{},"index":0,"previous":"","signatures":[]}',
        b'{"appended_at":"","event":5,"index":0,"previous":"","signatures":[]}',
    ],
)
def test_what_is_no_entry_is_told(body: bytes) -> None:
    with pytest.raises(IntegrityError):
        read_entry(body)


def test_a_body_beyond_the_limit_is_refused() -> None:
    with pytest.raises(EventError, match=f"at most {BODY_SIZE_BYTES_MAX}") as raised:
        format_body(event=b'"' + b"x" * BODY_SIZE_BYTES_MAX + b'"', index=0, appended_at="", previous="")
    assert "digest" in str(raised.value.hint)


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda each: each.event_type)
def test_every_payload_is_frozen_bounded_and_refuses_unknown_fields(payload: type[Payload]) -> None:
    event = parse_event(example_of(payload))
    assert isinstance(event.data, payload)
    with pytest.raises(ValidationError):
        event.data.__setattr__("anything", 1)
    with pytest.raises(EventError):
        parse_event(example_of(payload) | {"data": example_of(payload)["data"] | {"no_such_field": 1}})
    wrong = (
        next(kind for kind in KINDS if kind not in payload.subject_kinds)
        if len(payload.subject_kinds) < len(KINDS)
        else None
    )
    if wrong is not None:
        with pytest.raises(EventError):
            parse_event(example_of(payload) | {"subject": f"{wrong}:x@1"})


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda each: each.event_type)
def test_every_link_names_a_field_and_every_string_has_a_limit(payload: type[Payload]) -> None:
    assert {link.field for link in payload.links} <= set(payload.model_fields)
    schema = payload.model_json_schema()
    assert _unbounded(schema) == []


def _unbounded(node: Any, path: str = "") -> list[str]:
    """Places in a JSON schema that take text or lists without a limit."""
    if isinstance(node, list):
        return [place for each in node for place in _unbounded(each, path)]
    if not isinstance(node, dict):
        return []
    found = [place for key, each in node.items() for place in _unbounded(each, f"{path}/{key}")]
    is_text = node.get("type") == "string" and not node.keys() & {"maxLength", "enum", "const", "pattern"}
    is_list = node.get("type") == "array" and "maxItems" not in node
    return [*found, path] if is_text or is_list else found


def test_types_are_unique_and_found_by_name() -> None:
    assert len(set(EVENT_TYPES)) == len(PAYLOADS)
    assert all(payload_class(each.event_type) is each for each in PAYLOADS)
    assert payload_class("nothing.known") is None


def test_links_come_in_order_and_once() -> None:
    event = {
        "type": "run.started",
        "subject": "run:r1",
        "actor": {"id": "ci", "kind": "service", "on_behalf_of": "person:ana"},
        "data": {"job": "j", "datasets": ["dataset:a@1", "dataset:b@1", "dataset:a@1"], "code": "code:c@1"},
    }
    links = links_of(event)
    assert [(each.ref, each.role) for each in links.mentions] == [
        ("run:r1", SUBJECT),
        ("service:ci", ACTOR),
        ("dataset:a@1", "used"),
        ("dataset:b@1", "used"),
        ("code:c@1", "used"),
        ("person:ana", PRINCIPAL),
    ]
    assert ("run:r1", "dataset:a@1", "used") in links.relations
    assert ("run:r1", "service:ci", "associated") in links.relations
    assert ("service:ci", "person:ana", "acted_on_behalf_of") in links.relations
    assert len(links.relations) == len(set(links.relations)) == 5


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda each: each.event_type)
@pytest.mark.parametrize("principal", [{}, {"on_behalf_of": None}, {"on_behalf_of": "person:ana"}])
def test_links_of_an_admitted_event_are_those_of_any_event(
    payload: type[Payload], principal: dict[str, str | None]
) -> None:
    stated = normalise(example_of(payload))
    stated["actor"] = {**stated["actor"], **principal}
    mentions, relations = pairs_of(stated)
    for _ in range(2):
        assert pairs_of_admitted(stated, payload) == (tuple(mentions), tuple(relations))


def test_what_a_run_generated_rests_on_the_run() -> None:
    event = {
        "type": "run.completed",
        "subject": "run:r1",
        "actor": {"id": "ci", "kind": "service"},
        "data": {"generated": ["model:m@1"]},
    }
    assert ("model:m@1", "run:r1", "generated") in links_of(event).relations


def test_a_registration_is_told_apart_from_a_mention() -> None:
    assert ("dataset:loans@1", REGISTERED) in links_of(parse_event(registered()).to_dict()).mentions


@given(
    st.sampled_from(KINDS),
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._/~+-]{0,40}", fullmatch=True),
    st.none() | st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._~+-]{0,20}", fullmatch=True),
)
def test_refs_are_written_and_read_back(kind: str, name: str, version: str | None) -> None:
    ref = Ref(kind, name, version)
    assert parse_ref(format_ref(ref)) == ref
    assert str(ref) == format_ref(ref)
    assert kind_of(str(ref)) == kind


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("loans", "put a kind before it"),
        ("", "put a kind before it"),
        ("thing:loans", "kinds are"),
        ("model:", "begins with a letter"),
        ("model:-x", "begins with a letter"),
        ("model:Modèle", "begins with a letter"),
        ("model:a@b/c", "begins with a letter"),
        ("model:a\n", "begins with a letter"),
        ("model:" + "x" * 300, "at most 255"),
    ],
)
def test_what_is_no_ref_is_refused_with_the_mend(text: str, hint: str) -> None:
    with pytest.raises(RefError) as raised:
        parse_ref(text)
    assert hint in str(raised.value.hint)


class _Moment(BaseModel):
    """One instant, for the pattern alone."""

    at: str


@given(
    st.from_regex(
        r"[12][0-9]{3}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,9})?(Z|[+-][0-2][0-9]:[0-6][0-9])",
        fullmatch=True,
    )
)
def test_the_pattern_for_moments_takes_what_the_parser_takes(text: str) -> None:
    """Two ways to say which moments exist must agree."""
    import re

    try:
        parse_instant(text)
        exists = True
    except InputError:
        exists = False
    assert (re.fullmatch(INSTANT_PATTERN.strip("^$"), text) is not None) is exists


def test_canonical_events_have_one_form() -> None:
    assert parse_event(registered()).to_canonical() == format_canonical(parse_event(registered()).to_dict())


@pytest.mark.parametrize("signatures", [b'"AAAA"', b"[1]", b"null", b"{}", b'[["AAAA"]]'])
def test_signatures_that_are_no_texts_make_no_entry(signatures: bytes) -> None:
    body = format_body(event=parse_event(registered()).to_canonical(), index=0, appended_at="", previous="")
    with pytest.raises(IntegrityError, match="not a list of texts"):
        read_entry(body.replace(b'"signatures":[]', b'"signatures":' + signatures))
