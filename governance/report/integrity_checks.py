# SPDX-License-Identifier: Apache-2.0
"""The checks that a verification makes, each with how much of it and which discrepancies are its own.

Rules: pure. Every discrepancy belongs to exactly one check: what no check claims falls to the one of bodies, so that
none can get lost. A check that was not asked for says so, and is never taken for passed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from governance.ledger.verify_statements import FOUND

SIGNED = (
    "signed note does not verify",
    "is not signed by the key in force",
    "is the first after a rotation and not signed by the old key",
    "there is none: no signature covers any entry",
    "its signature was not checked",
)
WITNESSED = (
    "too few witnesses cosigned it",
    "cannot be held against the policy",
    "there is none that could be cosigned",
)


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes:
        where: The tables whose discrepancies are its own.
        begins: How the words of such a discrepancy begin; empty when all of the table's are.
        told: What is recomputed and compared.
    """

    id: str
    title: str
    where: tuple[str, ...]
    begins: tuple[str, ...]
    told: str


CHECKS: Sequence[Check] = (
    Check(
        "structure",
        "Structure of the storage",
        ("structure",),
        (),
        "Tables, indexes and the triggers that refuse every change are there as they were made.",
    ),
    Check(
        "chain",
        "Chain",
        ("entry",),
        ("previous is not",),
        "Each entry names the leaf hash of the one before; the hash is computed from that body.",
    ),
    Check(
        "clock",
        "Order of time",
        ("entry",),
        ("appended_at",),
        "The moment of recording is written in its one form and is never earlier than that of the entry before.",
    ),
    Check(
        "unique",
        "Event ids and bound digests",
        ("entry",),
        ("event id stands", "is bound to another digest"),
        "No event id stands twice; no versioned name is bound to a second digest.",
    ),
    Check(
        "authors",
        "Signatures by authors",
        ("entry",),
        (FOUND, "signatures are not a list"),
        "Each signed statement verifies with a key that spoke for its author at that entry.",
    ),
    Check(
        "bodies",
        "Bodies, leaf hashes, columns",
        ("entry",),
        (),
        "Each body is canonical JSON of an entry, stands at its index, and gives the hash and columns stored "
        "with it; what it says of keys holds.",
    ),
    Check(
        "tree",
        "Tree",
        ("tree_node",),
        (),
        "Every stored node is the hash of its subtree, computed from the bodies; none is missing, none is foreign.",
    ),
    Check(
        "mentions",
        "Index of mentions",
        ("mention",),
        (),
        "Every row follows from an entry, and every entry has its rows.",
    ),
    Check(
        "relations",
        "Index of relations",
        ("relation",),
        (),
        "The same, for the edges of lineage.",
    ),
    Check(
        "signatures",
        "Signatures of checkpoints",
        ("checkpoint",),
        SIGNED,
        "Each is signed by the key in force at its size, the first one after a rotation by the key before as well.",
    ),
    Check(
        "witnesses",
        "Witnesses",
        ("checkpoint",),
        WITNESSED,
        "As many witnesses as are demanded cosigned the last checkpoint.",
    ),
    Check(
        "consistency",
        "Checkpoints against each other",
        ("checkpoint",),
        (),
        "The root of each is that of the first entries, computed from the same bodies: so each smaller tree is "
        "a prefix of each larger one.",
    ),
    Check(
        "stamps",
        "Time-stamps",
        ("time-stamp",),
        (),
        "Each is of one of these checkpoints, by an authority whose certificate was named.",
    ),
)


def check_of(where: str, what: str) -> str:
    """The id of the check that a discrepancy belongs to."""
    for check in CHECKS:
        if where in check.where and (not check.begins or any(each in what for each in check.begins)):
            return check.id
    return "bodies"


def checks_of(run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every check with its count and what came of it.

    Args:
        run: The record of a verification.
    """
    failing = run["discrepancies_of"]
    amounts = _amounts(run)
    return [
        {
            "id": check.id,
            "title": check.title,
            "told": check.told,
            "amount": amounts[check.id],
            "discrepancies": failing.get(check.id, 0),
            "state": "fail"
            if check.id in failing
            else "none"
            if amounts[check.id].startswith("not ")
            else "met",
        }
        for check in CHECKS
    ]


def _amounts(run: Mapping[str, Any]) -> dict[str, str]:
    """How much was looked at by each check; what begins with "not" was not asked for."""
    counts = run["counts"]
    size, checkpoints = run["tree_size"], counts["checkpoint"]
    lines = sum(len(each["witnesses"]) for each in run["checkpoints"])
    demanded = " ".join(run["demanded"])
    return {
        "structure": "the whole of it",
        "chain": _many(max(0, size - 1), "link"),
        "clock": _many(size, "moment"),
        "unique": _many(size, "event id"),
        "authors": f"{_many(run['statements'], 'signed statement')} held",
        "bodies": _many(size, "entry"),
        "tree": _many(counts["tree_node"], "stored node"),
        "mentions": _many(counts["mention"], "row"),
        "relations": _many(counts["relation"], "row"),
        "signatures": _many(checkpoints, "checkpoint"),
        "witnesses": f"held against {demanded}"
        if "witness" in demanded
        else f"not judged: no policy was named; {_many(lines, 'line')} found",
        "consistency": f"{_many(checkpoints, 'root')}, {_many(checkpoints * (checkpoints - 1) // 2, 'pair')}",
        "stamps": "as handed in" if "time-stamp" in demanded else "not judged: none was handed in",
    }


def _many(count: int | None, what: str) -> str:
    """A count with its noun."""
    if count is None:
        return "not readable"
    plural = what[:-1] + "ies" if what.endswith("y") else what + "s"
    return f"{count:,} {what if count == 1 else plural}"
