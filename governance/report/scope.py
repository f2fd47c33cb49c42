# SPDX-License-Identifier: Apache-2.0
"""The scope of a report over a period: the systems that it is about, and what stands beside them.

Rules: pure. A system is its own scope; an organisation's are the systems that name it as provider or deployer, and the
production deployments of the window that belong to none of them, so that none goes untested.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from governance.errors import InputError
from governance.events.envelope import Entry
from governance.events.refs import kind_of
from governance.events.vocabulary.design import SystemRegistered
from governance.lineage.dossier import Dossier
from governance.lineage.fold import build_dossier
from governance.lineage.shelf import Shelf

Value = TypeVar("Value")

SCOPE_KINDS = ("organisation", "system")


def require_scope(about: str) -> None:
    """Refuse a subject that no report over a period can be about.

    Raises:
        InputError: It is neither a system nor an organisation.
        RefError: It is no ref.
    """
    if kind_of(about) not in SCOPE_KINDS:
        raise InputError(
            f"no report over a period is about {about}",
            hint="name a system or an organisation, as organisation:acme",
        )


def systems_of(about: str, entries: Iterable[Entry], *, size: int) -> tuple[str, ...]:
    """The systems that a report is about, in order of their registration.

    Args:
        about: A system, or an organisation.
        entries: At least the registrations of systems.
        size: Only entries below it count.
    """
    if kind_of(about) == "system":
        return (about,)
    found = [
        entry.event.subject
        for entry in entries
        if entry.index < size
        and isinstance(entry.event.data, SystemRegistered)
        and about in (entry.event.data.provider, entry.event.data.deployer)
    ]
    return tuple(dict.fromkeys(found))


def dossiers_of(
    about: str, entries: Sequence[Entry], *, size: int, deployments: Sequence[str] = (), shelf: Shelf
) -> tuple[Dossier, ...]:
    """The dossiers of a scope as of a size; at least one, and be it empty.

    Args:
        about: A system, or an organisation.
        entries: All that are at hand.
        size: The state of the ledger that is asked about.
        deployments: Production deployments; an organisation's scope takes in those of no system.
        shelf: Where entries stand that were made ready.
    """
    found = [
        build_dossier(ref, entries, tree_size=size, shelf=shelf)
        for ref in systems_of(about, entries, size=size)
    ]
    if kind_of(about) == "organisation":
        known = {view.ref for dossier in found for view in dossier.deployments}
        found += [
            build_dossier(ref, entries, tree_size=size, shelf=shelf)
            for ref in dict.fromkeys(deployments)
            if ref not in known
        ]
    return tuple(found) or (build_dossier(about, entries, tree_size=size, shelf=shelf),)


def merged(about: str, dossiers: Sequence[Dossier]) -> Dossier:
    """Dossiers as one, about the whole scope; without relations, which no page of it draws."""
    first = dossiers[0]
    organisation = first.organisation
    return replace(
        first,
        subject=about,
        organisation=replace(
            organisation,
            refs=_distinct(ref for each in dossiers for ref in each.organisation.refs),
        ),
        systems=_by_ref(view for each in dossiers for view in each.systems),
        models=_by_ref(view for each in dossiers for view in each.models),
        datasets=_by_ref(view for each in dossiers for view in each.datasets),
        deployments=_by_ref(view for each in dossiers for view in each.deployments),
        waivers=tuple(
            {each.granted.index: each for dossier in dossiers for each in dossier.waivers}.values()
        ),
        entries=tuple(
            line
            for _, line in sorted({line.index: line for each in dossiers for line in each.entries}.items())
        ),
        relations=(),
    )


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _by_ref(views: Iterable[Value]) -> tuple[Value, ...]:
    """Each once; of a thing that several dossiers tell, the first view."""
    found: dict[str, Value] = {}
    for view in views:
        found.setdefault(str(view.ref), view)  # type: ignore[attr-defined]  # every view of a thing names it
    return tuple(found.values())
