# SPDX-License-Identifier: Apache-2.0
"""A report on the integrity of a ledger: what was verified, by what, when, and every discrepancy that was found.

Rules: pure. What a run found is a statement of the run, and the pages say so; what the attached entries say themselves,
of keys, retention, time, follows from them. A ledger may be damaged: then less is attached, and the report is a draft.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from governance.core.instants import format_instant, parse_instant
from governance.events.envelope import Entry
from governance.report.content import LedgerFacts
from governance.report.integrity_checks import check_of, checks_of
from governance.report.request import Content, ReportRequest
from governance.report.verification_run import LISTED_MAX, Run, read_run

TEMPLATE = "integrity"
DISCREPANCIES_PRINTED_MAX = 40
"""Of one check."""

CHECKPOINTS_PRINTED_MAX = 40


def build_integrity(request: ReportRequest, entries: Sequence[Entry], ledger: LedgerFacts) -> Content:
    """Everything that the template may read.

    Args:
        request: What was asked for; it brings the record of the run.
        entries: Those that the record names, as far as they can be read.
        ledger: The checkpoint that they are under; its size is 0 where there is none.

    Raises:
        BundleError: There is no record of a run.
        LookupError, TypeError, ValueError: The record is not of its form.
    """
    run = read_run(request.run)
    by_index = {entry.index: entry for entry in entries}
    checks = checks_of(run)
    opened = by_index[0].event.to_dict()["data"] if 0 in by_index else {}
    return {
        "template": request.template,
        "subject": request.about,
        "name": run["origin"] or "a ledger that does not say its name",
        "issued": _moment(request.at),
        "issued_instant": format_instant(request.at),
        "tree_size": run["tree_size"],
        "ledger": {
            "origin": ledger.origin,
            "verifier_key": ledger.verifier_key,
            "checkpoint": ledger.checkpoint.rstrip("\n"),
            "checkpoint_size": ledger.checkpoint_size,
            "root": ledger.root,
            "covers_all": ledger.checkpoint_size >= run["tree_size"],
        },
        "holds": run["discrepancies_total"] == 0,
        "agrees": (ledger.origin, ledger.checkpoint_size, ledger.root)
        == (run["origin"], run["tree_size"], run["root"]),
        "run": _told(run),
        "checks": checks,
        "checks_failing": sum(each["state"] == "fail" for each in checks),
        "checks_unasked": sum(each["state"] == "none" for each in checks),
        "discrepancies": _printed(run["discrepancies"]),
        "printed_max": DISCREPANCIES_PRINTED_MAX,
        "discrepancies_total": run["discrepancies_total"],
        "checkpoints": [_checkpoint(each) for each in _ends(run["checkpoints"])],
        "checkpoints_total": run["counts"]["checkpoint"],
        "keys": [{**each, "until": _until(run["keys"], number)} for number, each in enumerate(run["keys"])],
        "about_keys": _rows(run["about_keys"], by_index),
        "late": _rows(run["late"], by_index),
        "ahead": _rows(run["ahead"], by_index),
        "pruning": _rows(run["pruning"], by_index),
        "erasures": _rows(run["erasures"], by_index),
        "retention_days": opened.get("retention_days") or 0,
        "listed_max": LISTED_MAX,
        "annex": {"rows": [_evidence(entry) for entry in entries] if request.annex else []},
        "evidence": [_evidence(entry) for entry in entries],
        "evidence_total": len(entries),
    }


def _printed(discrepancies: Sequence[Run]) -> list[Content]:
    """In order, of each check no more than are printed."""
    seen = Counter[str]()
    printed = []
    for each in discrepancies:
        check = check_of(each["where"], each["what"])
        seen[check] += 1
        if seen[check] <= DISCREPANCIES_PRINTED_MAX:
            printed.append({**each, "check": check})
    return printed


def _told(run: Run) -> Content:
    """The run itself."""
    return {
        "tool": run["tool"],
        "verified": _moment(parse_instant(run["verified_at"])),
        "root": run["root"],
        "signed_size": run["signed_size"],
        "key": run["key"],
        "key_is_trusted": run["key_is_trusted"],
        "statements": run["statements"],
        "demanded": run["demanded"],
        "notices": run["notices"],
        "unread": run["unread"],
    }


def _until(keys: Sequence[Mapping[str, Any]], number: int) -> int:
    """The size up to which a key signs; 0 for the one in force."""
    return int(keys[number + 1]["from_size"]) - 1 if number + 1 < len(keys) else 0


def _ends(rows: Sequence[Run]) -> list[Run]:
    """All, or the first and the last ones."""
    if len(rows) <= CHECKPOINTS_PRINTED_MAX:
        return list(rows)
    return [rows[0], *rows[1 - CHECKPOINTS_PRINTED_MAX :]]


def _checkpoint(row: Run) -> Content:
    return {
        **row,
        "witnesses": [{"name": each["name"], "when": _cosigned(each["time"])} for each in row["witnesses"]],
    }


def _cosigned(seconds: int) -> str:
    """The moment that a cosignature states; a witness may state one that no calendar has."""
    if not seconds:
        return "no time stated"
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"
    except (OverflowError, ValueError, OSError):
        return f"{seconds} seconds after 1970"


def _rows(told: Mapping[str, Any], entries: Mapping[int, Entry]) -> Content:
    """Entries of a kind: how many, and those that are attached, each with what it says."""
    listed = [entries[index] for index in told["listed"] if index in entries]
    return {"count": told["count"], "rows": [_row(entry) for entry in listed]}


def _row(entry: Entry) -> Content:
    data = entry.event.to_dict()["data"]
    apart = parse_instant(entry.appended_at) - parse_instant(entry.event.occurred_at)
    return {
        "index": entry.index,
        "type": entry.event.type,
        "subject": entry.event.subject,
        "by": entry.event.actor.ref,
        "occurred": _minute(entry.event.occurred_at),
        "recorded": _minute(entry.appended_at),
        "days": abs(apart).days,
        "minutes": abs(round(apart.total_seconds() / 60)),
        "reason": str(data.get("reason", ""))[:300],
        "minimum_index": data.get("minimum_index", 0),
    }


def _evidence(entry: Entry) -> Content:
    return {
        "index": entry.index,
        "type": entry.event.type,
        "subject": entry.event.subject,
        "occurred": _minute(entry.event.occurred_at),
        "appended": _minute(entry.appended_at),
        "actor": entry.event.actor.ref,
        "hash": entry.leaf_hash.hex(),
    }


def _minute(instant: str) -> str:
    return instant[:16].replace("T", " ")


def _moment(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"
