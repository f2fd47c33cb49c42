# SPDX-License-Identifier: Apache-2.0
"""Instants: what RFC 3339 allows is read, one form is written, and what names no moment is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.core.instants import format_instant, is_canonical_instant, parse_instant
from governance.errors import InputError

OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=OFFSETS)  # noqa: DTZ001  # bounds without zone


class Undecided(tzinfo):
    """A time zone that does not say its offset."""

    def utcoffset(self, moment: datetime | None) -> None:
        return None

    def dst(self, moment: datetime | None) -> None:
        return None

    def tzname(self, moment: datetime | None) -> str:
        return "undecided"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20T09:00:00Z", "2026-11-20T09:00:00.000000Z"),
        ("2026-11-20T10:00:00+01:00", "2026-11-20T09:00:00.000000Z"),
        ("2026-11-20T03:30:00-05:30", "2026-11-20T09:00:00.000000Z"),
        ("2026-11-20t09:00:00z", "2026-11-20T09:00:00.000000Z"),
        ("2026-11-20 09:00:00Z", "2026-11-20T09:00:00.000000Z"),
        ("2026-11-20T09:00:00-00:00", "2026-11-20T09:00:00.000000Z"),
        ("2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00.000000Z"),
        ("2024-02-29T12:00:00.5Z", "2024-02-29T12:00:00.500000Z"),
        ("2026-11-20T09:00:00.123456Z", "2026-11-20T09:00:00.123456Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
        ("0999-06-01T00:00:00Z", "0999-06-01T00:00:00.000000Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("2026-11-20T09:00:00+23:59", "2026-11-19T09:01:00.000000Z"),
    ],
)
def test_an_rfc_3339_moment_is_read_and_written_in_utc(text: str, expected: str) -> None:
    assert format_instant(parse_instant(text)) == expected


@pytest.mark.parametrize("decimals", ["1234569", "12345699", "123456999"])
def test_what_is_finer_than_a_microsecond_is_cut_off_and_not_rounded(decimals: str) -> None:
    assert parse_instant(f"2026-11-20T09:00:00.{decimals}Z").microsecond == 123456
    assert parse_instant("2026-11-20T23:59:59.999999999Z").second == 59


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T09:00:00",
        "2026-11-20T09:00:00.000000",
        "2026-11-20",
        "2026-11-20T09:00Z",
        "2026-11-20T09:00:00+0100",
        "2026-11-20T09:00:00+01",
        "2026-11-20T09:00:00 Z",
        "2026-11-20T09:00:00.Z",
        "2026-11-20T09:00:00,5Z",
        "2026-11-20T09:00:00.1234567890Z",
        "20261120T090000Z",
        "2026-W47-5T09:00:00Z",
        "26-11-20T09:00:00Z",
        "02026-11-20T09:00:00Z",
        "2026-11-20T09:00:00Z\n",
        " 2026-11-20T09:00:00Z",
        "２０２６-11-20T09:00:00Z",
        "2026-11-20T24:00:00Z",
        "2026-11-20T09:00:00+24:00",
        "2026-11-20T09:00:00+00:60",
        "1763629200",
        "now",
        "",
    ],
)
def test_a_text_that_is_not_an_rfc_3339_moment_with_offset_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="not an RFC 3339 date-time with offset") as caught:
        parse_instant(text)
    assert caught.value.hint == "write it as 2026-11-20T09:00:00Z"


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-11-20T09:60:00Z",
        "2026-11-20T09:00:61Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:30:00-01:00",
    ],
)
def test_a_moment_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no such moment"):
        parse_instant(text)


@pytest.mark.parametrize(
    "text", ["2016-12-31T23:59:60Z", "2016-12-31T23:59:60.5Z", "2017-01-01T00:59:60+01:00"]
)
def test_a_leap_second_is_refused_by_its_name(text: str) -> None:
    """RFC 3339 allows it and no clock of Python's holds it; shifting it silently would falsify evidence."""
    with pytest.raises(InputError, match="leap seconds cannot be kept") as caught:
        parse_instant(text)
    assert caught.value.hint is not None
    assert ":59" in caught.value.hint


@pytest.mark.parametrize("zone", [None, Undecided()])
def test_a_moment_without_offset_is_not_written(zone: tzinfo | None) -> None:
    with pytest.raises(InputError, match="without offset"):
        format_instant(datetime(2026, 11, 20, 9, tzinfo=zone))


def test_a_moment_outside_the_years_of_utc_is_not_written() -> None:
    ahead = timezone(timedelta(hours=1))
    behind = timezone(-timedelta(hours=1))
    for moment in (datetime.min.replace(tzinfo=ahead), datetime.max.replace(tzinfo=behind)):
        with pytest.raises(InputError, match="no such moment in UTC"):
            format_instant(moment)


@given(MOMENTS)
def test_a_moment_survives_being_written_and_read(moment: datetime) -> None:
    text = format_instant(moment)
    assert parse_instant(text) == moment
    assert parse_instant(text).tzinfo is UTC
    assert is_canonical_instant(text)
    assert len(text) == 27


@given(MOMENTS, MOMENTS)
def test_instants_compare_as_text(one: datetime, other: datetime) -> None:
    assert (one < other) == (format_instant(one) < format_instant(other))


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T09:00:00Z",
        "2026-11-20T09:00:00.000Z",
        "2026-11-20T09:00:00.000000+00:00",
        "2026-11-20t09:00:00.000000Z",
        "2026-11-20 09:00:00.000000Z",
        "2026-11-20T09:00:00.000000z",
        "2026-11-20T09:00:00.000000Z\n",
        "2026-02-29T09:00:00.000000Z",
        "2026-11-20T24:00:00.000000Z",
        "2016-12-31T23:59:60.000000Z",
        "0000-01-01T00:00:00.000000Z",
        "",
    ],
)
def test_any_other_form_is_not_canonical(text: str) -> None:
    assert not is_canonical_instant(text)
