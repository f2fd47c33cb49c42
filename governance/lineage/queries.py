# SPDX-License-Identifier: Apache-2.0
"""The questions that a regulator asks, each by its name; every row says which entry it rests on.

Rules: a question is answered as of a tree size and, where validity matters, as of a moment; both are arguments. What
the ledger does not say is left empty, never guessed. `QUERIES` is the whole list.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from governance.errors import InputError, NotFoundError
from governance.lineage.answers import (
    Asked,
    Row,
    affected_by,
    approver_independent,
    changes,
    decisions_from,
    in_force,
    known_at,
    late_evidence,
    unapproved_deployments,
    waivers_due,
    who_acted,
)
from governance.lineage.answers_approvals import APPROVAL_COLUMNS, approvals_in_force
from governance.storage.interface import Reader


@dataclass(frozen=True, slots=True)
class Answer:
    """A question's answer as a table.

    Attributes:
        question: The question with its arguments filled in.
        rows: One value for each column; moments are aware datetimes.
    """

    name: str
    question: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A named question.

    Attributes:
        arguments: Names of what it is asked about, in order; one in brackets may be left out.
    """

    name: str
    question: str
    arguments: tuple[str, ...]
    columns: tuple[str, ...]
    answer: Callable[[Asked], Iterable[Row]]


def run_query(reader: Reader, name: str, arguments: Sequence[str], *, size: int, at: datetime) -> Answer:
    """Answer a named question.

    Raises:
        NotFoundError: No such question, or an argument that the ledger does not know.
        InputError: Too few or too many arguments, or of the wrong kind.
    """
    query = next((each for each in QUERIES if each.name == name), None)
    if query is None:
        names = [each.name for each in QUERIES]
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}"
        raise NotFoundError(f"no query {name!r}", hint=hint)
    needed = sum(not each.startswith("[") for each in query.arguments)
    if not needed <= len(arguments) <= len(query.arguments):
        usage = " ".join(["governance query", query.name, *(each.upper() for each in query.arguments)])
        raise InputError(
            f"query {name} takes {len(query.arguments)} arguments, got {len(arguments)}", hint=usage
        )
    rows = tuple(query.answer(Asked(reader, arguments, size, at)))
    about = f" ({', '.join(arguments)})" if arguments else ""
    return Answer(name, query.question + about, query.columns, rows)


QUERIES: tuple[Query, ...] = (
    Query(
        "who-acted",
        "Who trained, approved and deployed it, when, and how many entries had they seen?",
        ("ref",),
        ("when", "what", "subject", "actor", "on_behalf_of", "had_seen", "entry"),
        who_acted,
    ),
    Query(
        "approver-independent",
        "Was the approver independent of those who made the model?",
        ("model",),
        ("approver", "role", "role_held", "trained_it", "independent", "same_digest", "approval", "entry"),
        approver_independent,
    ),
    Query(
        "approvals-in-force",
        "Which approvals hold at that moment, on whose word, and why do the others not?",
        ("[ref]",),
        APPROVAL_COLUMNS,
        approvals_in_force,
    ),
    Query(
        "in-force",
        "Which deployments served at that moment, and by which approval?",
        ("[time]",),
        ("deployment", "model", "environment", "strategy", "traffic_share", "approval_entry", "entry"),
        in_force,
    ),
    Query(
        "changes",
        "What changed between two versions of a model?",
        ("first", "second"),
        ("what", "before", "after"),
        changes,
    ),
    Query(
        "decisions-from",
        "Which decisions were made by models that rest on this dataset?",
        ("dataset",),
        ("segment", "deployment", "count", "from", "to", "root", "entry"),
        decisions_from,
    ),
    Query(
        "affected-by",
        "What is affected if this is withdrawn?",
        ("ref",),
        ("ref", "kind", "steps", "first_entry"),
        affected_by,
    ),
    Query(
        "unapproved-deployments",
        "Which models run without a valid approval now?",
        (),
        ("deployment", "model", "environment", "traffic_share", "why", "entry"),
        unapproved_deployments,
    ),
    Query(
        "late-evidence",
        "Which evidence was recorded late?",
        ("[days]",),
        ("days_late", "type", "subject", "actor", "occurred_at", "appended_at", "entry"),
        late_evidence,
    ),
    Query(
        "known-at",
        "What did the ledger say of it when it had that many entries?",
        ("ref", "tree_size"),
        ("recorded_at", "type", "subject", "actor", "entry"),
        known_at,
    ),
    Query(
        "waivers-due",
        "Which waivers hold, and when do they run out?",
        (),
        ("until", "days_left", "rule", "subject", "granted_by", "entry"),
        waivers_due,
    ),
)
