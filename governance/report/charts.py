# SPDX-License-Identifier: Apache-2.0
"""Which charts a dossier gives: evaluations of fairness by group, and what monitors measured over their windows.

Rules: a chart shows what one evaluation, or the reports on one measurement, state; nothing is computed anew but which
value lies nearest to its bound. A measurement that one window alone has is no course of time: the tables have it.
"""

from __future__ import annotations

from governance.core.instants import parse_instant
from governance.events.payload import Measurement
from governance.lineage.dossier import Dossier
from governance.report.figure_groups import draw_groups
from governance.report.figure_parts import Figure
from governance.report.figure_windows import Window, draw_windows

FAIRNESS = "fairness"
CHARTS_MAX = 12


def fairness_charts(dossier: Dossier) -> list[Figure]:
    """By group: each evaluation of fairness that measured groups, in order of entry."""
    found = [
        draw_groups(
            view.evaluated.data.measurements,
            what=f"{model.ref} on {view.evaluated.data.dataset}",
            entry=view.evaluated.index,
        )
        for model in dossier.models
        for view in model.evaluations
        if view.evaluated.data.aspect == FAIRNESS
    ]
    return [figure for figure in found if figure.svg][-CHARTS_MAX:]


def monitor_charts(dossier: Dossier) -> list[Figure]:
    """Over time: each measurement that monitors of the same kind reported for at least two windows.

    Those with a bound come first; of deployments that follow one another the windows stand in one chart.
    """
    series: dict[tuple[str, str, str], list[Window]] = {}
    subjects: dict[tuple[str, str, str], list[str]] = {}
    for report in sorted(
        (each for view in dossier.deployments for each in view.monitors), key=lambda each: each.index
    ):
        data = report.data
        own: dict[tuple[str, str, str], list[Measurement]] = {}
        for each in data.measurements:
            own.setdefault((data.kind, each.name, each.unit), []).append(each)
        for key, measurements in own.items():
            window = Window(
                parse_instant(data.window_start),
                parse_instant(data.window_end),
                report.index,
                tuple(measurements),
            )
            series.setdefault(key, []).append(window)
            subjects.setdefault(key, []).append(report.subject)
    courses = {key: windows for key, windows in series.items() if len({each.start for each in windows}) > 1}
    ordered = sorted(courses, key=lambda key: (not _is_bounded(courses[key]), key))
    return [draw_windows(key[1], courses[key], what=_subjects(subjects[key])) for key in ordered[:CHARTS_MAX]]


def _is_bounded(windows: list[Window]) -> bool:
    return any(each.threshold is not None for window in windows for each in window.measurements)


def _subjects(refs: list[str]) -> str:
    found = list(dict.fromkeys(refs))
    return ", ".join(found) if len(found) <= 3 else f"{found[0]} and {len(found) - 1} more"
