# SPDX-License-Identifier: Apache-2.0
"""How the question after approvals in force is answered: one row for each approval, those that do not hold included.

Rules: as of the tree size and the moment that were asked. Nothing is left out: an approval that is void, has run out or
was given by somebody who had a part in making the thing is told with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from governance.errors import InputError
from governance.events.envelope import Entry
from governance.events.refs import kind_of
from governance.events.vocabulary.decisions import APPROVABLE
from governance.lineage.answers import Asked, Row
from governance.lineage.facts import Facts
from governance.lineage.fold_approvals import fold_approvals
from governance.lineage.graph import require_known
from governance.lineage.in_force import on_whose_word, why_not_in_force
from governance.lineage.reading import SUBJECT_KINDS, read_dossier_entries
from governance.lineage.views import ApprovalView

APPROVAL_COLUMNS = (
    "subject",
    "approver",
    "on_behalf_of",
    "role",
    "role_held",
    "independent",
    "word",
    "digest",
    "purpose",
    "had_seen",
    "in_force",
    "why_not",
    "entry",
)


def approvals_in_force(asked: Asked) -> Iterator[Row]:
    """Every approval of a thing, or of all things, with what speaks for and against it at the moment."""
    if asked.arguments:
        (ref,) = asked.arguments
        if kind_of(ref) not in APPROVABLE:
            raise InputError(
                f"{ref} is nothing that is approved",
                hint=f"name a {', '.join(APPROVABLE[:-1])} or {APPROVABLE[-1]}",
            )
        require_known(asked.reader, ref, asked.size)
        refs: Iterable[str] = (ref,)
    else:
        granted = asked.entries(asked.reader.indexes_of_types(["approval.granted"], size=asked.size))
        refs = dict.fromkeys(entry.event.subject for entry in granted)
    for ref in refs:
        for view in fold_approvals(ref, Facts(_entries(asked, ref))):
            yield _row(view, asked)


def _row(view: ApprovalView, asked: Asked) -> Row:
    granted = view.granted
    why_not = why_not_in_force(view, asked.at)
    return (
        granted.subject,
        granted.actor,
        granted.on_behalf_of,
        granted.data.role,
        view.role_held,
        "yes" if view.independent else f"no: {', '.join(view.involvement) or 'not a person'}",
        on_whose_word(view),
        granted.data.digest,
        granted.data.purpose,
        granted.data.tree_size,
        why_not is None,
        why_not,
        granted.index,
    )


def _entries(asked: Asked, ref: str) -> list[Entry]:
    """The entries that an approval of a thing is judged by."""
    if kind_of(ref) in SUBJECT_KINDS:
        return read_dossier_entries(asked.reader, ref, size=asked.size)
    about = asked.entries(row.index for row in asked.reader.mentions([ref], size=asked.size))
    agents = {entry.event.actor.ref for entry in about}
    agents |= {entry.event.actor.on_behalf_of for entry in about if entry.event.actor.on_behalf_of}
    told = asked.entries(
        row.index for row in asked.reader.mentions(sorted(agents), role="subject", size=asked.size)
    )
    opened = asked.entries([0])  # names the ledger, which signatures are made for
    return [*opened, *about, *told]
