# SPDX-License-Identifier: Apache-2.0
"""The figure of a life cycle: nothing collides, nothing is lost, shortened time is marked."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.lineage.statement import EntryLine
from governance.report.figure_timeline import draw_timeline
from tests.lineage.histories import dossier_of, story
from tests.report.drawings import labels_of, require_legible
from tests.report.hostile import hostile_dossier

START = datetime(2026, 1, 1, tzinfo=UTC)
TYPES = (
    "system.registered",
    "dataset.registered",
    "model.evaluated",
    "approval.granted",
    "alert.raised",
    "incident.opened",
)


def told(*events: tuple[str, timedelta]) -> list[EntryLine]:
    return [
        EntryLine(index, type_, START + after, START + after, "person:a", "model:m@1", "00")
        for index, (type_, after) in enumerate(events)
    ]


def shown(svg: str) -> list[str]:
    return [label.words for label in labels_of(svg)]


def test_the_story_is_drawn_with_every_lane_and_is_legible() -> None:
    figure = draw_timeline(dossier_of("model:scorer@2", story()).entries)
    require_legible(figure.svg)
    words = shown(figure.svg)
    assert [
        lane
        for lane in words
        if lane in ("Design", "Data", "Training", "Decisions", "Operation", "Incidents")
    ] == [
        "Design",
        "Data",
        "Training",
        "Decisions",
        "Operation",
        "Incidents",
    ]
    assert "persons, roles" in figure.note


def test_a_hostile_history_is_legible() -> None:
    figure = draw_timeline(hostile_dossier().entries)
    require_legible(figure.svg)


@given(st.lists(st.tuples(st.sampled_from(TYPES), st.integers(0, 3 * 10**8)), min_size=1, max_size=60))
def test_whatever_happened_when_labels_do_not_collide_and_every_event_is_counted(
    events: list[tuple[str, int]],
) -> None:
    figure = draw_timeline(told(*((type_, timedelta(seconds=after)) for type_, after in events)))
    require_legible(figure.svg)
    marks = re.findall(r'font-weight="600" text-anchor="middle" fill="#fff">(\d+)<', figure.svg)
    counted = sum(map(int, marks)) - 12  # the legend's own mark
    singles = figure.svg.count('rx="3.4"') - 1 + len(re.findall(r'<path d="M[\d.]+ [\d.]+L', figure.svg))
    assert counted <= len(events) <= counted + singles
    assert figure.note.startswith(f"{len(events)} event")


def test_a_long_stretch_is_shortened_marked_and_told() -> None:
    daily = [("model.evaluated", timedelta(days=day)) for day in (*range(20), *range(400, 420))]
    figure = draw_timeline(told(*daily))
    assert "381 days" in shown(figure.svg)
    assert "1 stretch is without any event and drawn shortened" in figure.note


def test_evenly_spread_events_are_to_scale() -> None:
    figure = draw_timeline(told(*(("model.evaluated", timedelta(days=30 * at)) for at in range(12))))
    assert "shortened" not in figure.note


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        (timedelta(days=1200), "3.3 years"),
        (timedelta(days=2), "2 days"),
        (timedelta(days=1), "1 day"),
        (timedelta(hours=9), "9 h"),
        (timedelta(minutes=20), "20 min"),
    ],
)
def test_the_length_of_a_stretch_is_told_in_fitting_units(gap: timedelta, words: str) -> None:
    step = gap / 100
    moments = [step * at for at in range(20)]
    moments += [moments[-1] + gap + step * at for at in range(20)]
    figure = draw_timeline(told(*(("model.evaluated", moment) for moment in moments)))
    assert words in shown(figure.svg)


def test_within_a_few_days_times_of_day_are_told() -> None:
    figure = draw_timeline(told(("model.evaluated", timedelta()), ("model.evaluated", timedelta(hours=5))))
    assert {"1 Jan 00:00", "1 Jan 05:00"} <= set(shown(figure.svg))


def test_what_is_adverse_has_another_shape_and_is_named_first() -> None:
    calm = draw_timeline(told(("deployment.started", timedelta()), ("deployment.ended", timedelta())))
    grave = draw_timeline(told(("deployment.started", timedelta()), ("alert.raised", timedelta())))
    assert "alert raised +1" in shown(grave.svg)
    assert "ended +1" in shown(calm.svg)
    assert grave.svg.count("<path") > calm.svg.count("<path")


def test_two_stretches_side_by_side_do_not_write_over_each_other() -> None:
    days = [0, *(400 + at for at in range(60)), 5000, 9000]
    figure = draw_timeline(told(*(("model.evaluated", timedelta(days=day)) for day in days)))
    require_legible(figure.svg)


def test_the_entries_of_each_mark_are_cited() -> None:
    figure = draw_timeline(
        told(*(("risk.assessed", timedelta()) for _ in range(5)), ("model.evaluated", timedelta()))
    )
    assert figure.entries == (0, 4, 5)
    assert "0–4" in shown(figure.svg)


def test_without_any_event_of_a_life_cycle_there_is_no_figure() -> None:
    assert draw_timeline(told(("ledger.opened", timedelta()), ("x.acme.thing.done", timedelta()))).svg == ""
