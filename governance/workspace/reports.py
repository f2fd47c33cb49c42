# SPDX-License-Identifier: Apache-2.0
"""What a workspace issues: reports, the same reports made again, and tables."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from pandas import DataFrame

    from governance.report.render import RenderedReport
    from governance.report.signature import SigningIdentity
    from governance.storage.interface import Storage
    from governance.workspace.reporting import Source
    from governance.workspace.reproducing import Ledger, Reproduction
    from governance.workspace.tabling import Asked


class Reporting(abc.ABC):
    """The part of a workspace that issues reports."""

    _clock: Callable[[], datetime]
    _storage: Storage

    @abc.abstractmethod
    def _size(self, size: int | None) -> int:
        """A tree size that there is; that of the whole ledger by default."""

    def report(  # noqa: PLR0913  # whatever a report is made from, each by its name
        self,
        ref: str,
        *,
        template: str,
        rule_sets: Sequence[str] = (),
        format: str = "pdf",  # the payload's own word
        at: datetime | None = None,
        size: int | None = None,
        draft: bool = False,
        annex: str = "",
        templates: str | Path | None = None,
        parameters: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        sign_with: SigningIdentity | None = None,
    ) -> RenderedReport:
        """Render a report with its proofs inside, and append that it was issued; see `reporting.py`.

        `templates` is a folder of own templates, laid over those that we ship; see docs/report-templates.md.
        `annex="all"` prints every entry that the dossier rests on after the report.
        """
        from governance.workspace.report_signing import signed_now
        from governance.workspace.reporting import ReportOrder, issue_report

        order = ReportOrder(
            about=ref,
            template=template,
            at=at if at is not None else self._clock(),
            size=self._size(size),
            rule_sets=rule_sets,
            parameters=parameters or {},
            options=options or {},
            format=format,
            draft=draft,
            annex=annex,
            templates=Path(templates) if templates is not None else None,
            sign=signed_now(sign_with, self._clock),
        )
        return issue_report(cast("Source", self), order)

    def reproduce(
        self, index: int, *, rule_sets: Sequence[str] = (), templates: str | Path | None = None
    ) -> Reproduction:
        """Make a report again that was issued, and compare; see `reproducing.py`."""
        from governance.workspace.reproducing import reproduce_report

        own = Path(templates) if templates is not None else None
        return reproduce_report(cast("Ledger", self), index, rule_sets=rule_sets, templates=own)

    def verification_as_of(self, *, size: int, note_digest: str, key: str | None, at: datetime) -> bytes:
        """The record of verifying the ledger as it was when a checkpoint was its last; see `verified_then.py`.

        Raises:
            NotFoundError: The ledger holds no such checkpoint.
        """
        from governance.core.hashing import digest_bytes
        from governance.errors import NotFoundError
        from governance.workspace.verified_then import run_as_of

        digests = [digest_bytes(row.note) for row in self._storage.checkpoints()]
        if note_digest not in digests:
            raise NotFoundError(f"the ledger holds no checkpoint {note_digest}")
        checkpoints = digests.index(note_digest) + 1
        return run_as_of(self._storage, size=size, checkpoints=checkpoints, key=key, at=at)

    def to_dataframe(
        self,
        ref: str,
        table: str = "findings",
        *,
        rule_sets: Sequence[str] = (),
        at: datetime | None = None,
        size: int | None = None,
    ) -> DataFrame:
        """A table of what is known of a thing, as a pandas data frame with typed columns; see `tabling.py`.

        `table` is `findings`, `evidence`, `approvals` or `population`.
        """
        from governance.workspace.tabling import frames_of

        moment = at if at is not None else self._clock()
        asked = cast("Asked", self)
        return frames_of(asked, ref, tables=[table], rule_sets=rule_sets, at=moment, size=size)[table]

    def export_tables(
        self,
        ref: str,
        kind: str,
        *,
        tables: Sequence[str] = (),
        rule_sets: Sequence[str] = (),
        at: datetime | None = None,
        size: int | None = None,
    ) -> bytes:
        """The same as a file: `xlsx` with a sheet for each table, `csv` or `parquet` with one.

        Raises:
            InputError: No such table or kind.
            DependencyError: The extra `excel` or `parquet` is not installed.
        """
        from governance.report.table_files import format_tables
        from governance.workspace.tabling import frames_of

        moment = at if at is not None else self._clock()
        frames = frames_of(cast("Asked", self), ref, tables=tables, rule_sets=rule_sets, at=moment, size=size)
        return format_tables(frames, kind, made_at=moment)
