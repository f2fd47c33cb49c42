# SPDX-License-Identifier: Apache-2.0
"""A report over a period: populations that can be recounted, a sample that is tested, exceptions, what is missing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from governance.core.hashing import hash_leaf
from governance.errors import InputError, NotFoundError
from governance.events.envelope import Entry, read_entry
from governance.policy.assess import assess
from governance.policy.backtest import Backtest, Period
from governance.policy.model import RuleSet
from governance.report import bundle
from governance.report.derivation import Derived, ReportRequest, derive, ledger_facts
from governance.report.period_findings import STEPS_MAX, _thinned, days_out, responses, since
from governance.report.period_sample import _after, _approval, _facts
from governance.report.population import AREAS, TYPES, describe
from governance.report.window import read_period_options
from governance.workspace import Workspace
from governance.workspace.period_entries import read_period_entries
from governance.workspace.verifying import Beside, verify_source
from tests.report.periods import BANK, ISSUED, OPTIONS, SYSTEM, period_workspace

Content = dict[str, Any]


@cache
def rule_set(name: str) -> RuleSet:
    """A shipped rule set, loaded once."""
    return period_workspace().rule_set(name)


def derived(
    about: str = BANK,
    *,
    options: Mapping[str, Any] | None = None,
    entries: Sequence[Entry] | None = None,
    late: bool = False,
    whole_max: int = 20_000,
    size: int | None = None,
    **changes: Any,
) -> Derived:
    """What is derived of the shared ledger, or of other entries."""
    workspace = period_workspace(window_goes_on=late)
    asked = dict(OPTIONS if options is None else options)
    tree_size = workspace.size if size is None else size
    found = entries
    if found is None:
        found = read_period_entries(
            workspace._reader,
            about,
            read_period_options(asked),
            size=tree_size,
            under=workspace.size,
            whole_max=whole_max,
        )
    request = ReportRequest(
        **{
            "about": about,
            "template": "soc2-period",
            "at": ISSUED,
            "tree_size": tree_size,
            "rule_sets": (rule_set("soc2"),),
            "options": asked,
            **changes,
        }
    )
    latest = workspace.latest_checkpoint()
    assert latest is not None
    return derive(request, found, ledger_facts(latest.note, workspace.verifier_key))


@cache
def content(about: str = BANK, *, late: bool = False) -> Content:
    return derived(about, late=late).readable


def population(told: Content, area: str) -> list[int]:
    (found,) = (each for each in told["populations"] if each["id"] == area)
    return [row["index"] for row in found["rows"]]


def sampled(told: Content, area: str) -> list[Content]:
    (found,) = (each for each in told["samples"] if each["id"] == area)
    rows: list[Content] = found["rows"]
    return rows


def exception(told: Content, rule: str) -> Content:
    (found,) = (each for each in told["assessment"]["failing"] if each["rule"] == f"soc2/{rule}")
    return dict(found)


def test_an_organisation_counts_every_entry_of_the_window() -> None:
    told = content()
    assert told["window"]["is_whole"]
    assert sum(each["count"] for each in told["window"]["types"]) == told["window"]["count"] == 35
    assert population(told, "deployments") == [16, 43], (
        "not the one in staging, nor what came before or after"
    )
    assert population(told, "approvals") == [15]
    assert population(told, "waivers") == [29, 39, 41]
    assert population(told, "reviews") == [30, 40]
    assert population(told, "keys") == []


def test_a_system_counts_what_its_dossier_rests_on() -> None:
    told = content(SYSTEM)
    assert population(told, "deployments") == [16]
    assert population(told, "models") == [13], "the other system's model is none of its business"
    assert population(told, "reviews") == [30]
    assert told["name"] == "Lending"


def test_the_scope_of_an_organisation_takes_in_deployments_of_no_system() -> None:
    assert content()["scope"] == [SYSTEM, "deployment:lone@1"]
    assert content(SYSTEM)["scope"] == [SYSTEM]


def test_the_environments_of_production_are_those_that_were_set() -> None:
    wider = derived(parameters={"production_environments": ["production", "prod", "staging"]}).readable
    assert population(wider, "deployments") == [16, 43, 44]
    bare = derived(rule_sets=(rule_set("eu-ai-act"),)).readable
    assert bare["production"] == ["production", "prod"]


def test_a_window_too_large_to_travel_whole_says_so_and_counts_the_same() -> None:
    told = derived(whole_max=5).readable
    assert not told["window"]["is_whole"]
    assert told["window"]["count"] == 35
    assert told["window"]["at_hand"] < 35
    for area in AREAS:
        assert population(told, area.id) == population(content(), area.id)


def test_borders_are_the_neighbours_with_their_hashes() -> None:
    borders = content()["window"]["borders"]
    assert [each["index"] for each in borders] == [10, 11, 45, 46]
    body = period_workspace().entry(10).body
    assert borders[0]["hash"] == hash_leaf(body).hex()


def test_a_border_that_is_not_at_hand_is_said_not_to_be_shown() -> None:
    kept = [entry for entry in period_workspace().entries() if entry.index != 10]
    told = derived(entries=kept).readable
    assert told["window"]["borders"][0]["told"] == "not at hand: not shown here"
    assert not told["window"]["is_whole"]


def test_a_ledger_that_begins_and_ends_within_the_window_has_no_neighbours() -> None:
    told = derived(options={"from": "2020-01-01T00:00:00Z", "to": "2026-11-01T00:00:00Z"}).readable
    first, _, _, last = told["window"]["borders"]
    assert first["told"] == "none: the ledger begins within it"
    assert last["told"] == "none: the ledger ends within it"
    assert told["window"]["count"] == 47


def test_the_seed_is_the_last_leaf_of_the_window_unless_one_is_given() -> None:
    assert content()["window"]["seed"] == period_workspace().entry(45).leaf_hash.hex()
    given = derived(options=OPTIONS | {"seed": "auditor 7", "sample": 1}).readable
    assert (given["window"]["seed"], given["window"]["seed_given"]) == ("auditor 7", True)
    assert [len(each["rows"]) <= 1 for each in given["samples"]] == [True] * len(AREAS)


def test_an_empty_window_has_the_seed_of_what_came_before_and_draws_nothing() -> None:
    told = derived(options={"from": "2026-10-01T20:15:00Z", "to": "2026-10-01T20:45:00Z"}).readable
    assert told["window"]["seed"] == period_workspace().entry(11).leaf_hash.hex()
    assert told["drawn_total"] == told["elements_total"] == 0
    before = derived(options={"from": "2020-01-01T00:00:00Z", "to": "2020-02-01T00:00:00Z"}).readable
    assert before["window"]["seed"] == ""
    assert before["days_out"] == []


def test_a_drawn_deployment_tells_its_approvals_and_the_rules_that_look_at_it() -> None:
    rows = {row["index"]: row for row in sampled(content(), "deployments")}
    assert rows[16]["facts"] == ["entry 15: person:rita for production, before the start"]
    assert rows[16]["cited"] == [15]
    assert rows[43]["facts"] == ["no approval of these bytes is recorded"]
    assert rows[43]["state"] == "fail"
    assert "cc8.1/change-approved" in {each["rule"].partition("/")[2] for each in rows[43]["failing"]}


def test_alerts_and_incidents_tell_how_they_were_answered() -> None:
    (alert,) = sampled(content(), "alerts")
    assert alert["facts"] == [
        "taken up in entry 19 by person:otto, 1.0 hours later",
        "resolved in entry 20 by person:otto, 2.0 hours later",
    ]
    (incident,) = sampled(content(), "incidents")
    assert incident["facts"] == ["closed in entry 26 by person:otto, 3.0 hours later"]


def test_an_answer_that_was_not_there_yet_is_no_answer() -> None:
    kept = [
        entry
        for entry in period_workspace().entries()
        if entry.event.type not in ("alert.resolved", "incident.closed")
    ]
    told = derived(entries=kept).readable
    assert sampled(told, "alerts")[0]["facts"][1] == "not resolved"
    assert sampled(told, "incidents")[0]["facts"] == ["not closed"]


def test_an_approval_tells_what_speaks_against_it() -> None:
    model = period_workspace().dossier(SYSTEM).model("model:scorer@2")
    assert model is not None
    (view,) = model.approvals
    start, earlier = period_workspace().entry(16), period_workspace().entry(14)
    weak = view._replace(role_held=False, independent=False, involvement=("trained it",))
    told = "entry 15: person:rita for production, "
    assert _approval(view, earlier) == told + "AFTER the start"
    assert _approval(weak, start) == told + "before the start; but role not held; not independent: trained it"
    nobody = view._replace(independent=False)
    assert _approval(nobody, start).endswith("not independent: no person")
    revoked = view._replace(voided_at=datetime(2026, 10, 2, 0, 30, tzinfo=UTC), void_reason="revoked")
    assert _approval(revoked, start).endswith("before the start; but revoked")


def test_what_took_long_is_told_in_days() -> None:
    entry = period_workspace().entry(18)
    assert _after(entry, datetime(2026, 10, 7, 3, tzinfo=UTC)) == "5 days later"


def test_an_alert_or_incident_of_no_scope_tells_nothing_more() -> None:
    scope = period_workspace().dossier("system:adverts")
    for index in (18, 23):
        assert _facts(period_workspace().entry(index), scope) == ([], [])


def test_a_management_response_names_the_rules_that_it_answers() -> None:
    finding = next(
        each
        for each in assess(period_workspace().dossier(SYSTEM), [rule_set("soc2")], at=ISSUED).findings
        if not each.passes
    )
    entry = next(each for each in period_workspace().entries() if each.event.type == "document.attached")
    data = entry.event.data.model_copy(update={"kind": "management_response", "covers": (finding.rule,)})
    answered = entry._replace(event=entry.event.model_copy(update={"data": data}))
    (told,) = responses(finding, [entry, answered])
    assert told["entry"] == entry.index
    assert told["said"].startswith("Q (sha256:")


def test_an_element_that_no_rule_looks_at_is_said_to_be_untested() -> None:
    (shift,) = sampled(content(), "shifts")
    assert shift["state"] == "none"
    assert shift["looked_at"] == 0


def test_a_waived_finding_is_no_exception() -> None:
    told = content()
    assert "soc2/cc6.8/safe-format" in {each["rule"] for each in told["assessment"]["waived"]}
    (model,) = (row for row in sampled(told, "models") if row["subject"] == "model:scorer@2")
    assert "soc2/cc6.8/safe-format" in {each["rule"] for each in model["waived"]}


def test_exceptions_say_what_stands_since_and_what_was_done() -> None:
    told = content()
    enrolled = exception(told, "cc6.2/persons-enrolled")
    assert enrolled["conditions"][0]["since"] in ("still open", "satisfied since")
    purpose = exception(told, "pi1.1/purpose-specified")
    assert purpose["conditions"][0]["since"] == "still open"
    assert [each["entry"] for each in purpose["actions"]] == [42]
    assert purpose["answered"] == 0
    total = sum(group["total"] for group in told["assessment"]["failing"])
    assert told["exceptions"]["total"] == total


def test_a_waiver_that_came_later_is_managements_response() -> None:
    earlier = derived(options=OPTIONS | {"to": "2026-10-03T01:30:00Z"}).readable
    group = exception(earlier, "cc6.8/safe-format")
    (condition,) = (each for each in group["conditions"] if each["subject"] == "model:scorer@2")
    assert condition["since"] == "waived since"
    assert [each["entry"] for each in condition["answers"]] == [41]
    assert earlier["exceptions"]["answered"] == 1


def test_what_is_gone_is_no_longer_found() -> None:
    workspace = period_workspace()
    found = assess(workspace.dossier(SYSTEM), [rule_set("soc2")], at=ISSUED).findings
    assert set(since(found, ()).values()) == {"no longer found"}


def test_days_out_of_control_are_counted_in_the_window_only() -> None:
    (lending, lone) = content()["days_out"]
    assert lending["subject"] == SYSTEM
    assert lending["is_exact"]
    assert lending["on_record"] == "1.4"
    assert lone["on_record"] == "0.1"
    assert all(0 <= each["share"] <= 100 for each in (*lending["rules"], *lone["rules"]))


def test_a_short_lapse_is_not_rounded_to_nothing() -> None:
    at = [datetime(2026, 10, 1, 0, minute, tzinfo=UTC) for minute in (0, 1)]
    periods = (
        Period(at[0], at[1], 1, "fail", ("r",)),
        Period(at[1], datetime(2026, 10, 30, tzinfo=UTC), 2, "pass", ()),
    )
    (told,) = days_out([(Backtest("model:m@1", periods), False)], {"r": ("Title", "high")})
    (rule,) = told["rules"]
    assert (told["failing"], rule["days"], rule["told_share"]) == ("< 0.1", "< 0.1", "< 1 %")
    assert told["on_record"] == "29"


def test_of_too_many_steps_the_last_of_each_day_is_looked_at() -> None:
    options = read_period_options({"from": "2026-10-01T00:00:00Z", "to": "2026-10-04T00:00:00Z"})
    steps = [(datetime(2026, 9, 30, tzinfo=UTC), 1)]
    steps += [
        (datetime(2026, 10, 1 + number // 50, 1, number % 50, tzinfo=UTC), number + 2)
        for number in range(150)
    ]
    kept = _thinned(steps, options)
    assert len(steps) > STEPS_MAX
    assert [size for _, size in kept] == [1, 51, 101, 151]
    assert _thinned(steps[:100], options) == steps[:100]


def test_rules_that_changed_in_the_window_are_told() -> None:
    changes = content()["rule_changes"]
    assert [each["index"] for each in changes["adopted"]] == [31]
    assert [(each["rule_set"], each["is_ours"]) for each in changes["used"]] == [("rule_set:soc2@1", False)]


def test_what_was_recorded_late_is_named_and_in_no_population() -> None:
    assert content()["afterwards"] == []
    told = content(late=True)
    assert [each["index"] for each in told["afterwards"]] == [47]
    assert 47 not in population(told, "alerts")
    assert [each["index"] for each in content(SYSTEM, late=True)["afterwards"]] == [47]


def test_what_was_told_days_later_weighs_less() -> None:
    window = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-20T18:00:00Z"}
    told = derived(options=window, late=True, at=datetime(2026, 11, 21, tzinfo=UTC)).readable
    assert told["late"] == [{"index": 47, "type": "alert.raised", "days": 49}]


def test_every_entry_that_a_page_cites_is_in_the_evidence_index() -> None:
    told = content()
    known = {each["index"] for each in told["evidence"]}
    for group in told["assessment"]["failing"]:
        for condition in group["conditions"]:
            assert set(condition["evidence"]) <= known
    assert {each["index"] for each in told["window"]["borders"]} <= known
    assert "compliant" not in json.dumps(told)


def test_a_window_that_has_not_ended_has_no_population() -> None:
    with pytest.raises(InputError, match="has not ended on 20 November 2026, 12:00 UTC"):
        derived(options=OPTIONS | {"to": "2026-11-20T12:00:01Z"})


def test_a_report_over_a_period_is_about_a_system_or_an_organisation() -> None:
    with pytest.raises(InputError, match="no report over a period is about model:scorer@2"):
        derived("model:scorer@2")
    with pytest.raises(NotFoundError, match="system:unheard-of"):
        derived("system:unheard-of")


def test_of_an_organisation_that_nobody_named_the_whole_ledger_is_told_all_the_same() -> None:
    told = derived("organisation:nobody").readable
    assert told["scope"] == ["deployment:scorer/prod@2", "deployment:lone@1"]
    assert told["window"]["count"] == 35
    bare = derived(
        "organisation:nobody", size=8, options={"from": "2026-10-01T00:00:00Z", "to": "2026-10-01T17:00:00Z"}
    )
    assert bare.readable["scope"] == ["organisation:nobody"]
    assert exception(bare.readable, "cc6.3/access-reviewed")["total"] == 1


def test_a_deployment_that_nothing_else_is_known_of_is_no_error() -> None:
    kept = [entry for entry in period_workspace().entries() if "scorer" not in entry.event.subject]
    assert population(derived(entries=kept).readable, "deployments") == [43]


@pytest.mark.parametrize("type_", TYPES)
def test_every_element_says_something_of_itself(type_: str) -> None:
    for entry in period_workspace().entries():
        if entry.event.type == type_:
            assert describe(entry)


def test_an_entry_of_a_later_version_says_nothing_rather_than_failing() -> None:
    body = json.loads(period_workspace().entry(16).body)
    body["event"]["schema_version"] = 9
    body["event"]["data"] = {"unknown": True}
    body["event"]["type"] = "x.acme.thing.done"
    entry = read_entry(json.dumps(body, separators=(",", ":"), sort_keys=True).encode())
    assert describe(entry) == ""
    renamed = entry._replace(event=entry.event.model_copy(update={"type": "deployment.started"}))
    assert describe(renamed) == ""


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return period_workspace.__wrapped__()


@pytest.fixture(scope="module")
def issued_pdf(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("period") / "period.pdf"
    path.write_bytes(workspace.report(BANK, template="soc2-period", options=OPTIONS).content)
    return path


@pytest.mark.slow
def test_an_issued_period_verifies_and_comes_out_the_same(workspace: Workspace, issued_pdf: Path) -> None:
    found = verify_source(str(issued_pdf), key=workspace.verifier_key, beside=Beside())
    assert found.holds, found.discrepancies
    assert "nothing of its window was left out" in found.claim
    index = next(entry.index for entry in workspace.entries(47) if entry.event.type == "report.issued")
    data = workspace.entry(index).event.to_dict()["data"]
    assert data["options"] == read_period_options(OPTIONS).to_dict()
    again = workspace.reproduce(index)
    assert again.is_same, again.differences
    assert again.rendered.content == issued_pdf.read_bytes()


@pytest.mark.slow
def test_both_formats_tell_the_same_content(workspace: Workspace) -> None:
    pages = [
        workspace.report(
            BANK, template="soc2-period", options=OPTIONS, format=kind, draft=True, at=ISSUED, size=47
        )
        for kind in ("html", "pdf")
    ]
    assert pages[0].bundle[bundle.CONTENT] == pages[1].bundle[bundle.CONTENT]
    html = pages[0].content.decode()
    assert "Empty populations" in html
    assert "compliant" not in html


def test_other_templates_take_no_window(workspace: Workspace) -> None:
    with pytest.raises(InputError, match="the template lineage takes no from, to"):
        workspace.report(SYSTEM, template="lineage", options=OPTIONS)
