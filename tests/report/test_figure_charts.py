# SPDX-License-Identifier: Apache-2.0
"""Charts: values against their bounds, in shapes and words; gaps shown; nothing left out without being said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.events.payload import Measurement, Threshold
from governance.report.charts import fairness_charts, monitor_charts
from governance.report.figure_groups import HEIGHT_MAX, ROWS_MAX, draw_groups
from governance.report.figure_scale import Scale, bounds_told, is_kept
from governance.report.figure_windows import WINDOWS_MAX, Window, draw_windows
from tests.lineage.histories import Told, digest, dossier_of, story
from tests.report.drawings import labels_of, require_legible, size_of
from tests.report.hostile import ARABIC, hostile_dossier

START = datetime(2026, 1, 1, tzinfo=UTC)
WEEK = timedelta(days=7)


def measured(value: float, slice_: str | None = "sex=female", **named: Any) -> Measurement:
    return Measurement(name=named.pop("name", "impact_ratio"), value=value, slice=slice_, **named)


def week(number: int, *values: float, bound: float | None = 0.25) -> Window:
    threshold = None if bound is None else Threshold(maximum=bound)
    rows = tuple(measured(value, f"f{at}", threshold=threshold) for at, value in enumerate(values))
    return Window(START + number * WEEK, START + (number + 1) * WEEK, 100 + number, rows)


def shown(svg: str) -> list[str]:
    return [label.words for label in labels_of(svg)]


def test_a_group_beyond_its_bound_says_so_in_shape_and_word() -> None:
    rows = [
        measured(0.9, "age", threshold=Threshold(minimum=0.8), sample_size=180),
        measured(0.7, "sex", threshold=Threshold(minimum=0.8), sample_size=33),
        measured(0.5, "sex=female", name="approval_rate", unit="%"),
        measured(0.6, None),
    ]
    figure = draw_groups(rows, what="model:m@1 on dataset:d@1", entry=40)
    require_legible(figure.svg)
    words = shown(figure.svg)
    assert "0.9, within" in words
    assert "0.7, beyond bound" in words
    assert "0.5" in words
    assert "ratio or count, without unit; at least 0.8" in words
    assert "in %" in words
    assert {"  n = 180", "  n = 33"} <= set(words)
    assert "impact ratio of sex 0.7, not at least 0.8" in figure.svg
    assert "approval rate of sex=female 0.5 %, no bound stated" in figure.svg
    assert "1 measurement is not of a group and not drawn" in figure.note
    assert figure.entries == (40,)


def test_groups_with_bounds_of_their_own_are_legible() -> None:
    rows = [
        measured(0.9, f"g{at}", threshold=Threshold(minimum=0.5 + at / 10, maximum=None if at else 1.25))
        for at in range(3)
    ]
    figure = draw_groups(rows, what="x", entry=1)
    require_legible(figure.svg)
    assert "ratio or count, without unit" in shown(figure.svg)


def test_more_groups_than_fit_are_counted() -> None:
    figure = draw_groups([measured(0.1, f"g{at}") for at in range(ROWS_MAX + 3)], what="x", entry=1)
    assert "3 further groups are not drawn" in figure.note


@pytest.mark.parametrize("names", [1, 3, 40])
def test_groups_leave_room_on_the_page_for_heading_and_caption(names: int) -> None:
    """However many measurements they are of, each with a head and an axis of its own; the rest is counted."""
    rows = [measured(0.1, f"g{at}", name=f"m{at % names}") for at in range(120)]
    figure = draw_groups(rows, what="x", entry=1)
    drawn = sum(label.startswith("g") for label in shown(figure.svg))
    assert drawn > 0
    assert size_of(figure.svg)[1] <= HEIGHT_MAX
    assert f"{120 - drawn} further groups are not drawn" in figure.note


def test_a_group_whose_name_cannot_be_drawn_is_named_below() -> None:
    figure = draw_groups([measured(0.1, ARABIC), measured(0.2, "b", unit=ARABIC)], what="x", entry=1)
    assert "group 1" in shown(figure.svg)
    assert "in its unit" in shown(figure.svg)
    assert f"Group 1: \u2068{ARABIC}\u2069." in figure.note


def test_without_groups_there_is_no_figure() -> None:
    assert draw_groups([measured(0.1, None)], what="x", entry=1).svg == ""


def test_windows_beyond_the_bound_are_told_and_gaps_are_hatched() -> None:
    figure = draw_windows(
        "stability_index", [week(9, 0.1), week(0, 0.1, 0.3), week(1, 0.2)], what="deployment:d@1"
    )
    require_legible(figure.svg)
    words = shown(figure.svg)
    assert "0.25" in words
    assert "no report" in words
    assert "Beyond it: 0.3 (f1) in the window to 8 Jan 2026." in figure.note
    assert "to 8 Jan 2026 0.3 (f1) beyond its bound" in figure.svg
    assert figure.entries == (100, 101, 109)


def test_bounds_that_lie_close_are_all_drawn_and_not_written_over_each_other() -> None:
    windows = [week(at, 0.1, bound=0.25 + at / 1000) for at in range(4)]
    figure = draw_windows("x", windows, what="x")
    require_legible(figure.svg)
    assert figure.svg.count("stroke-dasharray") == 4


def test_windows_without_gap_and_without_bound_say_so() -> None:
    figure = draw_windows("auc", [week(at, 0.7, bound=None) for at in range(4)], what="x")
    assert "no report" not in shown(figure.svg)
    assert "No bound is stated." in figure.note
    assert "slice" not in figure.note


def test_a_minimum_counts_from_below() -> None:
    low = Window(
        START,
        START + WEEK,
        1,
        (
            measured(0.9, "a", threshold=Threshold(minimum=0.8)),
            measured(0.7, "b", threshold=Threshold(minimum=0.8)),
        ),
    )
    assert low.gravest.slice == "b"
    whole = Window(START, START + WEEK, 1, (measured(0.9, None),))
    assert whole.gravest.slice is None


def test_the_earliest_of_very_many_windows_are_left_out_and_counted() -> None:
    figure = draw_windows("x", [week(at, 0.3, 0.1) for at in range(WINDOWS_MAX + 5)], what="x")
    assert "5 earlier windows are not drawn" in figure.note
    assert f"and {WINDOWS_MAX - 3} more" in figure.note
    require_legible(figure.svg)


@given(
    st.lists(st.tuples(st.integers(0, 300), st.floats(-1e6, 1e6, allow_nan=False)), min_size=1, max_size=30)
)
def test_whatever_was_measured_labels_do_not_collide(points: list[tuple[int, float]]) -> None:
    require_legible(draw_windows("x", [week(number, value) for number, value in points], what="x").svg)


@given(st.lists(st.floats(-1e12, 1e12, allow_nan=False), min_size=1, max_size=9))
def test_every_value_lies_on_its_scale_and_zero_too(values: list[float]) -> None:
    scale = Scale.over(values, 10, 110)
    assert all(9.999 <= scale.place(value) <= 110.001 for value in (*values, 0.0))
    assert 2 <= len(scale.ticks) <= 8


@pytest.mark.parametrize(
    ("value", "bounds", "kept", "told"),
    [
        (0.8, {"minimum": 0.8}, True, "at least 0.8"),
        (1.3, {"minimum": 0.8, "maximum": 1.25}, False, "at least 0.8 and at most 1.25"),
        (0.1, {}, True, ""),
    ],
)
def test_bounds_are_inclusive(value: float, bounds: dict[str, float], kept: bool, told: str) -> None:
    each = measured(value, threshold=Threshold(**bounds))
    assert (is_kept(each), bounds_told(each)) == (kept, told)


def reported(kind: str, start: int, deployment: str = "deployment:scorer/prod@2", **named: Any) -> Told:
    data = {
        "monitor": "m",
        "kind": kind,
        "window_start": (START + start * WEEK).isoformat(),
        "window_end": (START + (start + 1) * WEEK).isoformat(),
        "breached": False,
        "measurements": [{"name": "psi", "value": 0.1, **named}],
    }
    return ("monitor.reported", deployment, "service:monitor", data)


def test_monitors_are_drawn_by_measurement_once_there_are_two_windows_those_with_a_bound_first() -> None:
    more = [
        reported("drift", 0),
        reported("drift", 1),
        reported("data_quality", 0, name="nulls"),
        reported("performance", 0, name="loss", threshold={"maximum": 1.0}),
        reported("performance", 1, name="loss", threshold={"maximum": 1.0}),
    ]
    charts = monitor_charts(dossier_of("model:scorer@2", [*story(), *more]))
    assert [each.title for each in charts] == [
        "Loss over time: deployment:scorer/prod@2",
        "Psi over time: deployment:scorer/prod@2",
    ]


def test_a_dossier_without_monitors_or_fairness_has_no_charts() -> None:
    dossier = dossier_of("model:scorer@2", story())
    assert (fairness_charts(dossier), monitor_charts(dossier)) == ([], [])


def test_an_evaluation_of_fairness_without_groups_has_no_chart() -> None:
    data = {
        "digest": digest("scorer-2"),
        "dataset": "dataset:test@1",
        "aspect": "fairness",
        "passed": True,
        "measurements": [{"name": "gap", "value": 0.1}],
    }
    more: Told = ("model.evaluated", "model:scorer@2", "service:evaluation", data)
    assert fairness_charts(dossier_of("model:scorer@2", [*story(), more])) == []


def test_hostile_charts_are_legible_and_name_the_deployments() -> None:
    dossier = hostile_dossier()
    for figure in (*fairness_charts(dossier), *monitor_charts(dossier)):
        require_legible(figure.svg)
    assert "and 7 more" in monitor_charts(dossier)[0].title
