# SPDX-License-Identifier: Apache-2.0
"""What a report is asked for with, and what comes of it: frozen values that issuing and verifying share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from governance.policy.model import Assessment, RuleSet
from governance.report.templates import content_kind

Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """What was asked for.

    Attributes:
        about: The subject, a ref.
        template: A template's id.
        at: The report's date, and the moment that rules take as now.
        tree_size: The entries that are looked at.
        rule_sets: Held against the subject, in order.
        parameters: Values for their parameters.
        options: What else the template is told, as the window of a report over a period.
        run: The record of a verification, where the report is about one.
        draft: Whether the report says of itself that it was not issued.
        annex: `all` for a printed register of every entry of the dossier, else empty.
    """

    about: str
    template: str
    at: datetime
    tree_size: int
    rule_sets: tuple[RuleSet, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    run: bytes = b""
    draft: bool = False
    annex: str = ""

    @property
    def kind(self) -> str:
        """The template whose content it has: an own one may stand in its place or beside it."""
        return content_kind(self.template)


@dataclass(frozen=True, slots=True)
class Derived:
    """What follows from the entries.

    Attributes:
        content: All that a template may read, canonical JSON.
        assessment: The findings, if rule sets were named.
    """

    assessment: Assessment | None
    content: bytes

    @property
    def readable(self) -> Content:
        """The content as a template reads it."""
        return read_content(self.content)


def read_content(content: bytes) -> Content:
    """Content out of its canonical JSON."""
    read: Content = json.loads(content)
    return read
