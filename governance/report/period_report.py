# SPDX-License-Identifier: Apache-2.0
"""A report over a period, for an examination of the Type II kind: populations, sample, exceptions, what rules changed.

    entries → window [a, b) → populations → sample → findings at the window's end → content

Rules: pure; whoever issues and whoever verifies derives it here. It says what the entries at hand show of completeness
and what they do not. It gives no opinion: that is the examiner's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from governance.core.instants import format_instant, parse_instant
from governance.errors import InputError
from governance.events.envelope import Entry
from governance.events.refs import kind_of
from governance.lineage.dossier import Dossier
from governance.lineage.shelf import Shelf
from governance.policy.model import Assessment
from governance.report.content import LedgerFacts, build_content
from governance.report.period_findings import (
    STEPS_MAX,
    actions_about,
    assess_all,
    backtests,
    days_out,
    key_of,
    responses,
    since,
)
from governance.report.period_sample import population_of, sample_of
from governance.report.population import AREAS, DEPLOYMENTS, TYPES, Area, elements
from governance.report.request import Content, ReportRequest
from governance.report.scope import dossiers_of, merged, require_scope
from governance.report.window import (
    WHOLE_ENTRIES_MAX,
    PeriodOptions,
    WindowRange,
    find_range,
    read_period_options,
)

TEMPLATE = "soc2-period"
PRODUCTION = ("production", "prod")
"""Environments that serve real decisions where no rule set's parameter names others."""

LATE_DAYS = 3
CONDITIONS_PRINTED_MAX = 12
ACTIONS_PRINTED_MAX = 5
Populations = Sequence[tuple[Area, list[Entry]]]


def build_period(
    request: ReportRequest, entries: Sequence[Entry], ledger: LedgerFacts
) -> tuple[Content, Assessment]:
    """Everything that the template may read, and the findings at the window's end.

    Args:
        request: What was asked for; its options are the window.
        entries: What is at hand, in order of index.
        ledger: The checkpoint that they are under.

    Raises:
        InputError: No window, one that has not ended, or a subject that is no system or organisation.
    """
    require_scope(request.about)
    options = read_period_options(request.options)
    if options.ends_at > request.at:
        raise InputError(
            f"the window ends on {_moment(options.ends_at)} and has not ended on {_moment(request.at)}",
            hint="a population is complete only afterwards; name an earlier --to",
        )
    window = find_range(entries, options, tree_size=request.tree_size)
    deployed = elements(_area(DEPLOYMENTS), window.entries, production=_production(request))
    refs = [entry.event.subject for entry in deployed]
    shelf = Shelf()
    then = dossiers_of(request.about, entries, size=window.end, deployments=refs, shelf=shelf)
    now = dossiers_of(request.about, entries, size=request.tree_size, deployments=refs, shelf=shelf)
    assessment = assess_all(then, request, at=options.ends_at)
    scope = merged(request.about, now)
    populations = _populations(request, window, scope)
    own = _own(request, options, window, entries, populations, (then, now), assessment)
    base = build_content(
        template=request.template,
        dossier=scope,
        ledger=ledger,
        issued_at=request.at,
        assessment=assessment,
        rule_sets=request.rule_sets,
    )
    content = {name: value for name, value in base.items() if name not in _UNUSED} | own
    content["name"] = base["name"] if kind_of(request.about) == "system" else request.about.partition(":")[2]
    _answer(content, assessment, entries, assess_all(now, request, at=request.at), window)
    content["annex"] = {"rows": [_evidence(entry) for entry in entries] if request.annex else []}
    return _with_evidence(content, entries), assessment


_UNUSED = ("lineage", "points", "points_missing", "points_total", "approvals", "evidence", "late")
"""Parts of other reports that no page of this one tells."""


def _area(id: str) -> Area:  # the field's own word
    return next(area for area in AREAS if area.id == id)


def _production(request: ReportRequest) -> tuple[str, ...]:
    """Environments that count as production: what was set, else what the rule sets say, else the usual names."""
    name = "production_environments"
    stated = [
        each.default for rule_set in request.rule_sets for each in rule_set.parameters if each.name == name
    ]
    value = request.parameters.get(name) or (stated[0] if stated else PRODUCTION)
    return tuple(map(str, value))


def _populations(request: ReportRequest, window: WindowRange, scope: Dossier) -> Populations:
    """Each area with its elements; of a system those that its dossier rests on."""
    within: Sequence[Entry] = window.entries
    if kind_of(request.about) == "system":
        own = {line.index for line in scope.entries}
        within = [entry for entry in within if entry.index in own]
    production = _production(request)
    return [(area, elements(area, within, production=production)) for area in AREAS]


def _own(
    request: ReportRequest,
    options: PeriodOptions,
    window: WindowRange,
    entries: Sequence[Entry],
    populations: Populations,
    dossiers: tuple[Sequence[Dossier], Sequence[Dossier]],
    assessment: Assessment,
) -> Content:
    """What this report tells beyond findings."""
    then, now = dossiers
    seed = options.seed or _seed_of(window)
    scope = merged(request.about, then)
    titles = {rule.id: (rule.title, rule.severity) for each in request.rule_sets for rule in each.rules}
    samples = [
        sample_of(area, found, assessment, scope, seed=seed, sample=options.sample)
        for area, found in populations
    ]
    return {
        "window": _window(options, window, seed),
        "scope": [each.subject for each in then],
        "is_system": kind_of(request.about) == "system",
        "production": list(_production(request)),
        "populations": [
            population_of(area, found, seed=seed, sample=options.sample) for area, found in populations
        ],
        "samples": samples,
        "elements_total": sum(len(found) for _, found in populations),
        "drawn_total": sum(len(each["rows"]) for each in samples),
        "deviating_total": sum(each["deviating"] for each in samples),
        "days_out": days_out(backtests(then, entries, request, options), titles),
        "steps_max": STEPS_MAX,
        "rule_changes": _rule_changes(window, request),
        "late": _late(window, populations),
        "afterwards": _afterwards(entries, options, window, now, request),
    }


def _seed_of(window: WindowRange) -> str:
    """The leaf hash of the window's last entry: the chain makes it stand for all that was recorded until then."""
    last = window.entries[-1] if window.entries else window.before
    return "" if last is None else last.leaf_hash.hex()


def _window(options: PeriodOptions, window: WindowRange, seed: str) -> Content:
    counts = Counter(entry.event.type for entry in window.entries)
    types = [{"type": name, "count": counts[name], "is_population": name in TYPES} for name in sorted(counts)]
    first, last = (window.entries[0], window.entries[-1]) if window.entries else (None, None)
    return {
        "begins": _moment(options.begins_at),
        "ends": _moment(options.ends_at),
        "begins_instant": format_instant(options.begins_at),
        "ends_instant": format_instant(options.ends_at),
        "days": round((options.ends_at - options.begins_at) / timedelta(days=1)),
        "start": window.start,
        "end": window.end,
        "count": window.count,
        "at_hand": len(window.entries),
        "is_whole": window.is_whole,
        "whole_max": WHOLE_ENTRIES_MAX,
        "borders": [
            _border(
                "Last before the window",
                window.before,
                "none: the ledger begins within it" if window.start == 0 else "",
            ),
            _border("First within it", first, "none: nothing was recorded in it"),
            _border("Last within it", last, "none: nothing was recorded in it"),
            _border(
                "First after it",
                window.after,
                "none: the ledger ends within it" if window.end == window.tree_size else "",
            ),
        ],
        "types": types,
        "type_pairs": [types[at : at + 2] for at in range(0, len(types), 2)],
        "sample": options.sample,
        "seed": seed,
        "seed_given": bool(options.seed),
    }


def _border(what: str, entry: Entry | None, why_none: str) -> Content:
    if entry is None:
        return {
            "what": what,
            "index": -1,
            "hash": "",
            "recorded": "",
            "told": why_none or "not at hand: not shown here",
        }
    told = f"{entry.event.type} of {entry.event.subject}"
    return {
        "what": what,
        "index": entry.index,
        "hash": entry.leaf_hash.hex(),
        "recorded": entry.appended_at,
        "told": told,
    }


def _rule_changes(window: WindowRange, request: ReportRequest) -> Content:
    """Rule sets adopted in the window, and those that assessments of the window were made with."""
    held = {each.id: each.digest for each in request.rule_sets}
    adopted, used = [], dict[tuple[str, str], list[int]]()
    for entry in window.entries:
        event = entry.event.to_dict()
        data = event["data"]
        if event["type"] == "rule_set.adopted":
            adopted.append(
                {
                    "index": entry.index,
                    "rule_set": event["subject"],
                    "digest": data["digest"],
                    "by": entry.event.actor.ref,
                    "when": entry.appended_at[:16].replace("T", " "),
                    "scope": data.get("scope") or "",
                }
            )
        elif event["type"] == "assessment.recorded":
            used.setdefault((data["rule_set"], data["rule_set_digest"]), []).append(entry.index)
    return {
        "adopted": adopted,
        "used": [
            {
                "rule_set": name,
                "digest": digest,
                "entries": indexes,
                "is_ours": held.get(name.partition(":")[2].partition("@")[0]) == digest,
            }
            for (name, digest), indexes in sorted(used.items())
        ],
    }


def _late(window: WindowRange, populations: Populations) -> list[Content]:
    """Elements that were recorded days after they happened, or happened before the window."""
    own = {entry.index: entry for _, found in populations for entry in found}
    found = []
    for index in sorted(own):
        days = (parse_instant(own[index].appended_at) - parse_instant(own[index].event.occurred_at)).days
        if days >= LATE_DAYS:
            found.append({"index": index, "type": own[index].event.type, "days": days})
    return found


def _afterwards(
    entries: Sequence[Entry],
    options: PeriodOptions,
    window: WindowRange,
    now: Sequence[Dossier],
    request: ReportRequest,
) -> list[Content]:
    """What happened in the window, as it is stated, and was recorded only after it: in no population, and told."""
    own = {line.index for dossier in now for line in dossier.entries}
    is_all = kind_of(request.about) == "organisation"
    return [
        {
            "index": entry.index,
            "type": entry.event.type,
            "subject": entry.event.subject,
            "occurred": entry.event.occurred_at[:16].replace("T", " "),
            "recorded": entry.appended_at[:16].replace("T", " "),
        }
        for entry in entries
        if window.end <= entry.index < request.tree_size
        and entry.event.type in TYPES
        and options.begins_at <= parse_instant(entry.event.occurred_at) < options.ends_at
        and (is_all or entry.index in own)
    ]


def _answer(
    content: Content, assessment: Assessment, entries: Sequence[Entry], now: Assessment, window: WindowRange
) -> None:
    """Add to each condition of an exception what stands since and who answered."""
    stands = since(assessment.findings, now.findings)
    failing = {key_of(each): each for each in assessment.findings if not each.passes}
    for group in content["assessment"]["failing"]:
        for condition in group["conditions"]:
            key = (group["rule"], condition["subject"], condition["element"])
            condition["since"] = stands.get(key, "still open")
            condition["answers"] = responses(failing[key], entries)
        group["total"] = len(group["conditions"])
        group["still_open"] = sum(each["since"] == "still open" for each in group["conditions"])
        group["answered"] = sum(bool(each["answers"]) for each in group["conditions"])
        group["actions"] = _actions(group, entries, window)
    conditions = [each for group in content["assessment"]["failing"] for each in group["conditions"]]
    content["exceptions"] = {
        "total": len(conditions),
        "rules": len(content["assessment"]["failing"]),
        "grave": sum(
            not each.passes and each.severity in ("critical", "high") for each in assessment.findings
        ),
        "answered": sum(bool(each["answers"]) for each in conditions),
        "still_open": sum(each["since"] == "still open" for each in conditions),
    }
    content["conditions_printed"] = CONDITIONS_PRINTED_MAX


def _actions(group: Content, entries: Sequence[Entry], window: WindowRange) -> list[Content]:
    """What was done about the things that an exception names, from the first entry on that it rests on."""
    first = dict[str, int]()
    for condition in group["conditions"][:CONDITIONS_PRINTED_MAX]:
        from_index = min(condition["evidence"], default=window.start)
        first[condition["subject"]] = min(from_index, first.get(condition["subject"], from_index))
    found = [each for ref, index in first.items() for each in actions_about(ref, entries, from_index=index)]
    return found[:ACTIONS_PRINTED_MAX]


def _with_evidence(content: Content, entries: Sequence[Entry]) -> Content:
    """The content with the index of the entries that its pages cite."""
    cited = set(_cited(content))
    rows = [_evidence(entry) for entry in entries if entry.index in cited]
    return content | {"evidence": rows, "evidence_total": len(entries)}


def _cited(content: Content) -> Iterable[int]:
    yield from (each["index"] for each in content["window"]["borders"] if each["index"] >= 0)
    for sample in content["samples"]:
        for row in sample["rows"]:
            yield row["index"]
            yield from row["cited"]
    for group in content["assessment"]["failing"]:
        for condition in group["conditions"][:CONDITIONS_PRINTED_MAX]:
            yield from condition["evidence"]
            yield from (answer["entry"] for answer in condition["answers"])
        yield from (each["entry"] for each in group["actions"])
    yield from (each["entry"] for each in content["assessment"]["waived"])
    yield from (each["index"] for each in content["rule_changes"]["adopted"])
    yield from (index for each in content["rule_changes"]["used"] for index in each["entries"][:24])
    yield from (each["index"] for each in (*content["late"], *content["afterwards"]))


def _evidence(entry: Entry) -> Content:
    return {
        "index": entry.index,
        "type": entry.event.type,
        "subject": entry.event.subject,
        "occurred": entry.event.occurred_at[:16].replace("T", " "),
        "appended": entry.appended_at[:16].replace("T", " "),
        "actor": entry.event.actor.ref,
        "hash": entry.leaf_hash.hex(),
    }


def _moment(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"
