# SPDX-License-Identifier: Apache-2.0
"""Which entries a dossier needs, read through the index tables.

Rules: entries are found by the refs that they mention, never by scanning the ledger, so that the cost follows the size
of the subject's own history. Persons are read by what was said of them, not by what they said: a busy service has a
million statements. What was read is the same set that a scan would give; `build_dossier` sorts it out.
"""

from __future__ import annotations

from governance.events.refs import kind_of
from governance.lineage.graph import closure, require_known
from governance.storage.interface import Reader

_HUBS = ("person", "service", "tool", "organisation", "ledger", "rule_set")
"""Kinds that half the ledger may mention: only entries about them are read."""


def dossier_indexes(reader: Reader, subject: str, *, size: int) -> list[int]:
    """Indexes of the entries that the dossier of `subject` rests on, in order.

    Raises:
        RefError: Not a ref.
        NotFoundError: No entry below `size` mentions the subject.
    """
    require_known(reader, subject, size)
    things = _things(reader, subject, size)
    mentioned = _mentioning(reader, sorted(things), size)
    agents = _agents(reader, mentioned, size)
    about = {row.index for row in reader.mentions(sorted(agents), role="subject", size=size)}
    adopted = {row.index for row in reader.mentions(sorted(agents), role="scope", size=size)}
    opening = {0} if size else set()
    return sorted(mentioned | about | adopted | opening)


def _things(reader: Reader, subject: str, size: int) -> set[str]:
    """The subject, its models, their deployments and systems, and everything upstream of those."""
    models = _models(reader, subject, size)
    near = {subject, *models}
    for row in reader.relations_of(sorted(near), side="cause", size=size):
        if row.kind == "member" or kind_of(row.effect) == "deployment":
            near.add(row.effect)
    if kind_of(subject) == "dataset":
        near |= set(closure(reader, [subject], side="cause", size=size))
    near |= _mentioned_beside(reader, models, size)
    upstream = set(closure(reader, sorted(near), side="effect", size=size))
    return {ref for ref in near | upstream if kind_of(ref) not in _HUBS}


def _models(reader: Reader, subject: str, size: int) -> set[str]:
    kind = kind_of(subject)
    if kind == "model":
        return {subject}
    wanted = {"system": "member", "deployment": "used"}.get(kind)
    rows = reader.relations_of([subject], side="effect", size=size) if wanted else []
    return {row.cause for row in rows if row.kind == wanted and kind_of(row.cause) == "model"}


def _mentioned_beside(reader: Reader, models: set[str], size: int) -> set[str]:
    """Datasets of evaluations, systems named by deployments, incidents and segments: one step through entries."""
    from governance.events.envelope import read_entry
    from governance.events.links import links_of

    beside: set[str] = set()
    first = {row.index for row in reader.mentions(sorted(models), size=size)}
    for row in reader.entries_at(sorted(first)):
        mentions, _ = links_of(read_entry(row.body).event.to_dict())
        beside |= {each.ref for each in mentions if kind_of(each.ref) in ("dataset", "system", "incident")}
    return beside


def _mentioning(reader: Reader, refs: list[str], size: int) -> set[int]:
    found = {row.index for row in reader.mentions(refs, size=size)}
    # An incident is opened on a system and then spoken of by its own ref.
    incidents = {row.ref for row in _subjects(reader, found, size) if kind_of(row.ref) in ("incident", "segment")}
    sets = {row.ref for row in _subjects(reader, found, size) if kind_of(row.ref) == "feature_set"}
    return found | {row.index for row in reader.mentions(sorted(incidents | sets), size=size)}
