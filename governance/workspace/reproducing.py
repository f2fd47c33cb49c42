# SPDX-License-Identifier: Apache-2.0
"""Make a report again that was issued, from what its entry says, and compare it with the digest that stands there.

Rules: nothing is appended. The same tree size, moment, checkpoint, rule sets, parameters and templates are taken as
then; what is no longer as it was is named, each with both digests or versions, and the bytes are compared all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from governance.core.instants import parse_instant
from governance.errors import InputError
from governance.events.envelope import Entry
from governance.events.vocabulary.governance import ReportIssued
from governance.report import integrity_report
from governance.report.derivation import ReportRequest
from governance.report.render import RenderedReport, renderer_versions
from governance.report.template_digest import digest_template
from governance.report.templates import content_kind, load_template
from governance.resources import report_templates_directory
from governance.version import __version__
from governance.workspace.reporting import FORMATS, Source, make_report, rule_set_texts


class Ledger(Source, Protocol):
    """What a report is made again from: an opened workspace, seen from here."""

    def entry(self, index: int) -> Entry:
        """The entry at an index, proven."""

    def checkpoint_note(self, digest: str) -> bytes:
        """A signed checkpoint by its digest."""

    def verification_as_of(self, *, size: int, note_digest: str, key: str | None, at: datetime) -> bytes:
        """The record of verifying the ledger as it was."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is no longer as it was when the report was issued.

    Attributes:
        what: `template`, `rule set baseline`, `content`, `weasyprint`…
        then: Its digest or version as the entry says.
        now: That at hand.
    """

    what: str
    then: str
    now: str


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A report made again.

    Attributes:
        index: The entry of `report.issued`.
        expected: The digest that it names, of the file before it was signed where it was.
        rendered: The report as it comes out now.
        was_signed: Whether the file that was handed out bears a signature on top.
        differences: What is no longer as it was.
    """

    index: int
    expected: str
    rendered: RenderedReport
    was_signed: bool
    differences: tuple[Difference, ...]

    @property
    def is_same(self) -> bool:
        """Whether the bytes are those that were issued."""
        return self.rendered.digest == self.expected


def reproduce_report(
    workspace: Ledger, index: int, *, rule_sets: Sequence[str] = (), templates: Path | None = None
) -> Reproduction:
    """Make an issued report again.

    Args:
        workspace: The opened ledger.
        index: The entry of `report.issued`.
        rule_sets: Folders of the rule sets as they were then; by default those of the same ids that are at hand.
        templates: The folder of own templates as it was then, if the report was made with one.

    Raises:
        NotFoundError: No such entry, or its template, rule set or checkpoint is gone.
        InputError: It is another kind of entry, or does not say enough.
        IntegrityError: An altered entry.
    """
    issued = _issued(workspace.entry(index), index)
    if issued.at is None or issued.checkpoint_digest is None:
        raise InputError(
            f"entry {index} does not say when and under which checkpoint the report was made",
            hint="only reports issued since these were recorded can be made again",
        )
    template = load_template(report_templates_directory(), issued.template, own=templates)
    names = _names(issued, rule_sets, workspace)
    loaded = tuple(workspace.rule_set(name) for name in names)
    request = ReportRequest(
        about=issued.about,
        template=issued.template,
        at=parse_instant(issued.at),
        tree_size=issued.tree_size,
        rule_sets=loaded,
        parameters=issued.parameters or {},
        options=issued.options or {},
        annex=issued.annex or "",
        run=_run(issued, workspace),
    )
    note = workspace.checkpoint_note(issued.checkpoint_digest)
    kind = FORMATS[issued.format]
    made = make_report(
        workspace, request, template, note=note, format=kind, texts=rule_set_texts(names, loaded)
    )
    now = {
        "template": digest_template(template),
        "content": made.content_digest,
        **{f"rule set {each.id}": each.digest for each in loaded},
        **renderer_versions(kind, governance=__version__),
    }
    return Reproduction(
        index=index,
        expected=issued.unsigned_digest or issued.digest,
        rendered=made.rendered,
        was_signed=issued.unsigned_digest is not None,
        differences=tuple(_differences(issued, now)),
    )


def _issued(entry: Entry, index: int) -> ReportIssued:
    if entry.event.type != ReportIssued.event_type:
        raise InputError(
            f"entry {index} is {entry.event.type}, not {ReportIssued.event_type}",
            hint="governance log shows what was issued",
        )
    return ReportIssued.model_validate(entry.event.to_dict()["data"])


def _run(issued: ReportIssued, workspace: Ledger) -> bytes:
    """The record of a verification made again, where the report is about one."""
    if content_kind(issued.template) != integrity_report.TEMPLATE:
        return b""
    options = issued.options or {}
    if "demanded" in options:
        raise InputError(
            f"the report was made with {options['demanded']}, which the ledger does not hold",
            hint="verify with the same files, and compare: governance report --template integrity --draft",
        )
    return workspace.verification_as_of(
        size=issued.tree_size,
        note_digest=str(issued.checkpoint_digest),
        key=str(options["key"]) if "key" in options else None,
        at=parse_instant(str(issued.at)),
    )


def _names(issued: ReportIssued, rule_sets: Sequence[str], workspace: Ledger) -> list[str]:
    """What each rule set of the report is loaded by: a folder that was named for its id, else its id."""
    folders = {workspace.rule_set(name).id: name for name in rule_sets}
    used = [each.id for each in issued.rule_sets or ()]
    strange = folders.keys() - set(used)
    if strange:
        raise InputError(
            f"the report was not held against {', '.join(sorted(strange))}",
            hint=f"but {', '.join(used) or 'nothing'}",
        )
    return [folders.get(name, name) for name in used]


def _differences(issued: ReportIssued, now: Mapping[str, str]) -> Iterator[Difference]:
    then: dict[str, str] = {
        "template": issued.template_digest or "",
        "content": issued.content_digest or "",
        **{f"rule set {each.id}": each.digest for each in issued.rule_sets or ()},
        **(issued.renderer or {}),
    }
    for what in dict.fromkeys([*then, *now]):
        if then.get(what) != now.get(what):
            yield Difference(what, then.get(what, "none"), now.get(what, "none"))
