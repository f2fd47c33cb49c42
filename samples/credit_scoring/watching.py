# SPDX-License-Identifier: Apache-2.0
"""Watching a deployment: windows registered, drift and fairness reported, predictions sealed.

Rules: every figure is computed on the window's applications. An alert is raised where a bound is broken and
nowhere else.
"""

from __future__ import annotations

from governance.core.hashing import hash_leaf
from governance.core.merkle import tree_root

from . import cast
from .datasets import described, tell_checks
from .evaluations import IMPACT_RATIO_MIN, fairness_figures
from .telling import Figures, Teller, figure, keeps

STABILITY_MAX = 0.25
"""A stability index above this is commonly held to be a significant shift."""


def register_window(teller: Teller, ref: str, name: str, note: str) -> None:
    """Register a window of applications as they came in, and check it."""
    teller.tell(
        "dataset.registered",
        ref,
        actor=cast.MONITOR,
        on_behalf_of=cast.EMIL,
        parents=(cast.ALL_DATA,),
        **described(teller.experiment.parts[name], purpose="monitor", note=note),
    )
    tell_checks(teller, ref, name)


def report_drift(teller: Teller, deployment: str, dataset: str, window: str, *, days: int) -> Figures:
    """Report the drift of a window against the training data, and give its figures."""
    size = len(teller.experiment.parts[window].rows)
    measurements = [
        figure("stability_index", value, of=name, maximum=STABILITY_MAX, size=size)
        for name, value in teller.experiment.drift[window].items()
    ]
    teller.tell(
        "monitor.reported",
        deployment,
        actor=cast.MONITOR,
        monitor="drift-weekly",
        kind="drift",
        window_start=teller.ago(days=days),
        window_end=teller.ago(minutes=0),
        dataset=dataset,
        measurements=measurements,
        breached=not keeps(measurements),
    )
    return measurements


def report_fairness(teller: Teller) -> None:
    """Report fairness in the October window; an alert is raised and answered if a bound is broken."""
    fairness = teller.experiment.versions[2].fairness["window_1"]
    measurements = fairness_figures(teller.experiment.versions[2], "window_1")
    broken = not keeps(measurements)
    teller.tell(
        "monitor.reported",
        cast.PRODUCTION_3,
        actor=cast.MONITOR,
        monitor="fairness-weekly",
        kind="fairness",
        window_start=teller.ago(days=7),
        window_end=teller.ago(minutes=0),
        dataset=cast.WINDOW_1,
        measurements=measurements,
        breached=broken,
    )
    if not broken:
        return
    rates, sizes = fairness.rates["age"], fairness.sizes["age"]
    teller.tell(
        "alert.raised",
        cast.PRODUCTION_3,
        actor=cast.MONITOR,
        alert="fairness-2026-10-12",
        kind="fairness",
        severity="medium",
        description=f"Impact ratio {fairness.lowest_ratio:.3f} in the week, at least {IMPACT_RATIO_MIN} "
        "agreed.",
        monitor="fairness-weekly",
    )
    teller.on(10, 12, 8)
    teller.tell("alert.acknowledged", cast.PRODUCTION_3, actor=cast.CHIARA, alert="fairness-2026-10-12")
    teller.on(10, 14, 15)
    teller.tell(
        "alert.resolved",
        cast.PRODUCTION_3,
        actor=cast.CHIARA,
        alert="fairness-2026-10-12",
        cause=f"{sizes['under-26']} applicants under 26 in the week: {rates['under-26']:.1%} approved, "
        f"against {rates['26-and-over']:.1%} of the others.",
        resolution="Too few persons to tell from chance, and a credit officer decides refusals under 26 "
        "in any case. The figure is watched over a quarter.",
    )
    teller.say(
        f"Fairness alert on {sizes['under-26']} applicants under 26: answered in two days, watched further."
    )


def seal_predictions(
    teller: Teller, segment: str, window: str, deployment: str, *, start: str, end: str
) -> str:
    """Seal the answers to a window, one line for each application, and give the root in hex.

    The lines stand in `predictions/<window>.jsonl`; the root is that of RFC 6962 over them.
    """
    version = teller.experiment.versions[2]
    lines = [
        f'{{"application":{number},"approved":{str(approved).lower()},"probability":{p:.6f}}}'
        for number, (p, approved) in enumerate(
            zip(version.probabilities[window], version.decisions(window), strict=True)
        )
    ]
    path = teller.directory / "predictions" / f"{window}.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    root = tree_root(hash_leaf(line.encode()) for line in lines).hex()
    teller.tell(
        "predictions.sealed",
        segment,
        actor=cast.MONITOR,
        deployment=deployment,
        root=f"sha256:{root}",
        count=len(lines),
        period_start=start,
        period_end=end,
    )
    return root
