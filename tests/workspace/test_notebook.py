# SPDX-License-Identifier: Apache-2.0
"""What a notebook shows of a workspace, a dossier and an assessment."""

from __future__ import annotations

from html.parser import HTMLParser

from governance.lineage.dossier import Dossier, LedgerView, OrganisationView
from governance.policy.assess import assess
from governance.policy.loader import load_rule_set
from governance.resources import policies_directory
from governance.storage.memory import MemoryStorage
from governance.workspace import Workspace
from tests.lineage.histories import Told, dossier_of, story
from tests.report.issued import NOW, ORIGIN, SUBJECT, opened_workspace, signing_key


class Cells(HTMLParser):
    """The rows of a table as texts; fails on elements that a notebook should not be given."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ("div", "b", "table", "thead", "tbody", "tr", "th", "td")
        assert {name for name, _ in attrs} <= {"scope", "style"}
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def test_an_assessment_shows_its_verdict_and_what_stands_in_its_way_gravest_first() -> None:
    rule_sets = [load_rule_set(policies_directory() / "baseline")]
    assessment = assess(dossier_of(SUBJECT, story()), rule_sets, at=NOW)
    html = assessment._repr_html_()
    assert f"{SUBJECT}: fail" in html
    assert "held against baseline" in html
    rows = Cells(html).rows[1:]
    failing = [each for each in assessment.findings if not each.passes]
    assert len(rows) == len(failing)
    severities = ["critical", "high", "medium", "low"]
    assert [severities.index(row[0]) for row in rows] == sorted(
        severities.index(each.severity) for each in failing
    )
    assert {row[3] for row in rows} == {each.message for each in failing}
    none = assess(dossier_of(SUBJECT, story()), [], at=NOW)
    assert "no findings" in none._repr_html_()
    assert "<table>" not in none._repr_html_()


def test_hostile_text_of_an_entry_stays_text() -> None:
    told: list[Told] = [*story(), ("model.retired", SUBJECT, "person:rita", {"reason": "<script>1</script>"})]
    dossier = dossier_of(SUBJECT, told)
    assert "<script>" not in dossier._repr_html_()
    assert (
        "<script>"
        not in assess(dossier, [load_rule_set(policies_directory() / "baseline")], at=NOW)._repr_html_()
    )


def test_a_dossier_shows_its_things() -> None:
    dossier = dossier_of(SUBJECT, story())
    rows = Cells(dossier._repr_html_()).rows[1:]
    assert [row[0] for row in rows] == [
        each.ref
        for things in (dossier.systems, dossier.models, dossier.datasets, dossier.deployments)
        for each in things
    ]
    empty = Dossier("model:x@1", 0, LedgerView("example.com/x", 0), OrganisationView())
    assert "<table>" not in empty._repr_html_()


def test_a_workspace_shows_its_ledger_and_its_latest_entries() -> None:
    with opened_workspace() as workspace:
        html = workspace._repr_html_()
        assert f"Ledger {ORIGIN}" in html
        assert "no checkpoint yet" in html
        rows = Cells(html).rows[1:]
        assert [row[0] for row in rows] == [str(workspace.size - 10 + at) for at in range(10)]
        workspace.checkpoint()
        assert f"{workspace.size} of them under a checkpoint" in workspace._repr_html_()
    key = signing_key()
    empty = Workspace(
        MemoryStorage(), origin=ORIGIN, key=key.verifier_key, signing_key=None, clock=lambda: NOW
    )
    assert "<table>" not in empty._repr_html_()
