# SPDX-License-Identifier: Apache-2.0
"""The ways to ask for a report, and what may be said in each: nothing that is said is passed over in silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from governance.errors import InputError

_PERIOD = ("--from", "--to", "--sample", "--seed")


@dataclass(frozen=True, slots=True)
class Way:
    """A way to ask for a report.

    Attributes:
        takes: The options that mean something in it.
        refusal: What is said after the name of any other.
        hint: How it is asked for.
    """

    takes: frozenset[str]
    refusal: str
    hint: str

    def refuse_others(self, given: Mapping[str, object]) -> None:
        """Refuse what this way does not take.

        Args:
            given: Every option by its name; None where nothing was said.

        Raises:
            InputError: Something was said that means nothing here.
        """
        for name, value in given.items():
            if value is not None and name not in self.takes:
                raise InputError(f"{name} {self.refusal}", hint=self.hint)


REPRODUCED = Way(
    frozenset({"--rule-set", "--templates"}),
    "beside --reproduce: the entry says what the report was made from",
    "governance report --reproduce INDEX [--rule-set FOLDER] [--templates FOLDER] [--output FILE]",
)
TABLES = Way(
    frozenset({"REF", "--table", "--rule-set", "--at", "--size"}),
    "does not apply to tables (.xlsx, .csv, .parquet)",
    "governance report REF --output FILE.xlsx [--table TABLE] [--rule-set ID] [--at TIME] [--size SIZE]",
)
ON_INTEGRITY = Way(
    frozenset({"--template", "--templates", "--bundle", "--draft"}),
    "beside --template integrity: that report is about the whole ledger, as it is now",
    "governance report --template integrity --output FILE [--key VKEY] [--templates FOLDER] [--draft]",
)
PAGES = Way(
    frozenset(
        {
            *("REF", "--template", "--rule-set", "--parameter", *_PERIOD, "--templates", "--annex"),
            *("--draft", "--bundle", "--sign-with", "--at", "--size"),
        }
    ),
    "does not apply to pages (.pdf, .html)",
    "tables are written to .xlsx, .csv or .parquet",
)
