# SPDX-License-Identifier: Apache-2.0
"""Admission against the slow way: whatever it admits, `parse_event` accepts and writes with the same bytes."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.core.canonical import format_canonical
from governance.errors import CanonicalError, EventError
from governance.events.admission import admit
from governance.events.documentation import _example, example_of
from governance.events.envelope import normalise, parse_normalised
from governance.events.payload import Payload
from governance.events.vocabulary import PAYLOADS
from governance.events.vocabulary.monitoring import MonitorReported


class Odd(StrEnum):
    """Text that is more than text."""

    WORD = "drift"


ODD: tuple[Any, ...] = (
    *(0.0, -0.0, 1.0, 5e-5, 1e15, 1e16, 1e300, float("nan"), float("inf"), 0.25, -1.5),
    *(0, 1, -1, 2**53 - 1, 2**53, 2**64, True, False, None),
    *("", "x", "é", "\ud800", "a" * 5000, "model:m@1", "person:ana", "2026-11-20T09:00:00Z", "\x00"),
    *(b"x", bytearray(b"x"), [], {}, (), set(), [1.0], {"a": 1.0}, {1: 2}, {"name": "x", "value": 2.0}),
    *(Odd.WORD, datetime(2026, 1, 1, tzinfo=UTC), object()),
)


def full_example(payload: type[Payload]) -> dict[str, Any]:
    """An event of this type with every field told."""
    told = normalise(example_of(payload))
    data = {name: _example(name, field) for name, field in payload.model_fields.items()}
    return told | {"data": data | told["data"]}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place within a value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield (*path, key)
        yield from places(each, (*path, key))


def slowly(stated: dict[str, Any]) -> bytes | None:
    """The canonical bytes by way of the models; None when the event is refused."""
    try:
        parse_normalised(stated)
        return format_canonical(stated)
    except (EventError, CanonicalError):
        return None


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda each: each.event_type)
def test_an_example_of_every_type_is_admitted_with_the_same_bytes(payload: type[Payload]) -> None:
    stated = normalise(example_of(payload))
    admitted = admit(stated)
    assert admitted == (payload, slowly(stated))


@settings(max_examples=3000, deadline=None)
@given(st.data())
def test_what_is_admitted_is_valid_and_canonical(data: st.DataObject) -> None:
    """One place of an event is made odd: admission never says yes where the models say no, nor other bytes."""
    payload = data.draw(st.sampled_from(PAYLOADS))
    make = data.draw(st.sampled_from([full_example, lambda each: normalise(example_of(each))]))
    stated = copy.deepcopy(make(payload))
    place = data.draw(st.sampled_from([*places(stated), ("extra",), ("data", "extra"), ("actor", "extra")]))
    holder = stated
    for key in place[:-1]:
        holder = holder[key]
    if data.draw(st.booleans()) or place[-1] == "extra":
        holder[place[-1]] = data.draw(st.sampled_from(ODD))
    elif isinstance(holder, dict):
        del holder[place[-1]]
    admitted = admit(stated)
    if admitted is not None:
        assert admitted == (payload, slowly(stated))


def reported(*, name: str = "psi", **measurement: Any) -> dict[str, Any]:
    """A monitor's report with one measurement."""
    stated = normalise(example_of(MonitorReported))
    stated["data"]["measurements"] = [{"name": name, **measurement}]
    return stated


@pytest.mark.parametrize("value", [1.0, 0.0, -0.0, 5e-5, 1e15, 1e16, 1e300, -(2.0**53)])
def test_a_number_that_both_write_differently_is_admitted_with_the_right_bytes(value: float) -> None:
    stated = reported(value=value)
    assert admit(stated) == (MonitorReported, slowly(stated))


@pytest.mark.parametrize("value", [2**53, -(2**53), 2**64, float("nan"), float("inf"), True, "1", None])
def test_a_number_that_is_none_in_canonical_json_is_looked_at_closely(value: object) -> None:
    assert admit(reported(value=value)) is None


@pytest.mark.parametrize("unit", ["€/h", "日", "\u05d0", "\u2028", "\x7f", '"\\\n', "\U0001f600"])
def test_text_beyond_ascii_is_admitted_with_the_right_bytes(unit: str) -> None:
    stated = reported(value=0.5, unit=unit)
    assert admit(stated) == (MonitorReported, slowly(stated))


def test_text_that_is_no_unicode_is_looked_at_closely() -> None:
    assert admit(reported(value=0.5, unit="\ud800")) is None
    assert admit(reported(value=1.0, unit="\ud800")) is None


@pytest.mark.parametrize("name", ["", "é", "a b", "psi\n", "a" * 129, b"psi", Odd.WORD, ["psi"], None])
def test_a_name_that_its_pattern_does_not_take_is_looked_at_closely_every_time(name: Any) -> None:
    assert admit(reported(name="drift", value=0.5)), "what an enumeration's word equals is remembered"
    for _ in range(2):
        assert admit(reported(name=name, value=0.5)) is None


@pytest.mark.parametrize(
    "stated",
    [{}, {"type": "model.dreamt"}, {"type": ["a"]}, {"type": None}, {"type": "model.registered"}],
)
def test_what_is_no_event_is_not_admitted(stated: dict[str, Any]) -> None:
    assert admit(stated) is None


def test_a_moment_in_another_form_is_not_admitted() -> None:
    stated = normalise(example_of(PAYLOADS[0]))
    assert admit(stated | {"occurred_at": "2026-11-20T09:00:00Z"}) is None
