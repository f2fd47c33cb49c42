# SPDX-License-Identifier: Apache-2.0
"""Tables: typed columns, the same in every kind of file, and no text that a spreadsheet would calculate."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import openpyxl
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.errors import DependencyError, InputError
from governance.policy.assess import assess
from governance.policy.loader import load_rule_set
from governance.policy.model import Assessment
from governance.report.table_files import FORMULA_BEGINNINGS, format_tables, neutral
from governance.report.tables import (
    COLUMNS,
    MOMENT,
    TABLES,
    approval_rows,
    evidence_rows,
    finding_rows,
    frame_of,
    population_rows,
)
from governance.resources import policies_directory
from tests.lineage.histories import Told, digest, dossier_of, story

NOW = datetime(2026, 11, 20, tzinfo=UTC)
DOSSIER = dossier_of("model:scorer@2", story())


def assessed() -> Assessment:
    return assess(DOSSIER, [load_rule_set(policies_directory() / "baseline")], at=NOW)


def frames() -> dict[str, pandas.DataFrame]:
    rows = {
        "findings": finding_rows(assessed()),
        "evidence": evidence_rows(DOSSIER),
        "approvals": approval_rows(DOSSIER, NOW),
        "population": population_rows(DOSSIER),
    }
    return {name: frame_of(name, rows[name]) for name in TABLES}


def evil(text: str) -> dict[str, pandas.DataFrame]:
    """A table of which every text is this one."""
    row = {name: text if kind == "string" else None for name, kind in COLUMNS["findings"].items()}
    return {"findings": frame_of("findings", [row])}


@pytest.mark.parametrize("table", TABLES)
def test_columns_have_their_types_with_rows_and_without(table: str) -> None:
    for frame in (frames()[table], frame_of(table, [])):
        assert {name: str(kind) for name, kind in frame.dtypes.items()} == COLUMNS[table]


def test_a_row_stands_for_each_finding_entry_and_approval() -> None:
    made = frames()
    assert list(made["evidence"]["index"]) == [line.index for line in DOSSIER.entries]
    assert list(made["findings"]["rule"]) == [each.rule for each in assessed().findings]
    assert list(made["approvals"]["approver"]) == ["person:rita"]
    assert made["approvals"]["in_force"].all()
    assert made["findings"]["waived_by"].isna().all()


def test_the_population_is_every_thing_that_rules_are_held_against() -> None:
    population = frames()["population"].set_index("ref")
    refs = [[each.ref for each in DOSSIER.systems], [each.ref for each in DOSSIER.models]]
    refs += [[each.ref for each in DOSSIER.datasets], [each.ref for each in DOSSIER.deployments]]
    assert list(population.index) == [ref for some in refs for ref in some]
    assert population.loc["model:scorer@2", "digest"] == digest("scorer-2")
    assert population.loc["model:scorer@2", "approvals"] == 1
    assert bool(population.loc["deployment:scorer/prod@2", "live"])
    assert population["live"].isna().loc["system:lending"]


def test_what_was_retired_withdrawn_or_ended_is_not_live_and_the_unregistered_is_listed() -> None:
    told: list[Told] = [
        *story(),
        ("model.retired", "model:scorer@2", "person:rita", {"reason": "old"}),
        ("dataset.withdrawn", "dataset:loans@1", "person:ada", {"reason": "consent was withdrawn"}),
    ]
    population = frame_of("population", population_rows(dossier_of("model:scorer@2", told))).set_index("ref")
    assert not population.loc["model:scorer@2", "live"]
    assert not population.loc["dataset:loans@1", "live"]
    ghost: list[Told] = [
        ("approval.granted", "model:ghost@1", "person:rita", {"digest": digest("g"), "purpose": "p"})
    ]
    row = frame_of("population", population_rows(dossier_of("model:ghost@1", ghost))).iloc[0]
    assert (row["ref"], row["approvals"]) == ("model:ghost@1", 1)
    assert row[["index", "registered_at", "registered_by", "digest"]].isna().all()


def test_an_approval_that_ran_out_says_why_and_until_when() -> None:
    granted = {"digest": digest("scorer-2"), "purpose": "production", "valid_until": "2026-11-01T00:00:00Z"}
    told: list[Told] = [*story(), ("approval.granted", "model:scorer@2", "person:rita", granted)]
    last = frame_of("approvals", approval_rows(dossier_of("model:scorer@2", told), NOW)).iloc[-1]
    assert (bool(last["in_force"]), last["why_not"]) == (False, "ran out on 2026-11-01")
    assert last["valid_until"] == pandas.Timestamp("2026-11-01", tz="UTC")


def test_a_workbook_has_a_sheet_for_each_table_with_a_frozen_head() -> None:
    book = openpyxl.load_workbook(io.BytesIO(format_tables(frames(), "xlsx", made_at=NOW)))
    assert tuple(book.sheetnames) == TABLES
    for name, frame in frames().items():
        sheet = book[name]
        assert sheet.freeze_panes == "A2"
        assert (sheet.max_row, sheet.max_column) == (len(frame) + 1, len(frame.columns))
    heads = [cell.value for cell in book["evidence"][1]]
    assert heads[:6] == ["index", "type", "subject", "actor", "occurred at (UTC)", "appended at (UTC)"]
    first = [cell.value for cell in book["evidence"][2]]
    assert first[0] == DOSSIER.entries[0].index
    assert first[4] == DOSSIER.entries[0].occurred_at.replace(tzinfo=None)


@pytest.mark.parametrize("begin", FORMULA_BEGINNINGS)
def test_no_text_is_a_formula_or_a_link(begin: str) -> None:
    text = f'{begin}HYPERLINK("https://example.com","x")'
    book = openpyxl.load_workbook(io.BytesIO(format_tables(evil(text), "xlsx", made_at=NOW)))
    cells = [cell for cell in book["findings"][2] if cell.value is not None]
    assert cells
    assert {cell.data_type for cell in cells} == {"s"}
    assert all(cell.hyperlink is None for cell in cells)
    csv = pandas.read_csv(io.BytesIO(format_tables(evil(text), "csv", made_at=NOW)), dtype=str)
    told = [value for value in csv.iloc[0] if isinstance(value, str)]
    assert told
    assert all(value.startswith("'") for value in told)


def test_an_address_is_no_link() -> None:
    book = openpyxl.load_workbook(io.BytesIO(format_tables(evil("https://example.com"), "xlsx", made_at=NOW)))
    assert all(cell.hyperlink is None for cell in book["findings"][2])


@given(st.text())
def test_neutral_text_never_begins_a_formula_and_loses_nothing(text: str) -> None:
    assert not neutral(text).startswith(FORMULA_BEGINNINGS)
    assert neutral(text).removeprefix("'" if text.startswith(FORMULA_BEGINNINGS) else "") == text


@pytest.mark.parametrize("table", TABLES)
def test_parquet_keeps_values_and_types(table: str) -> None:
    frame = frames()[table]
    back = pandas.read_parquet(io.BytesIO(format_tables({table: frame}, "parquet", made_at=NOW)))
    assert [str(kind) for kind in back.dtypes] == list(COLUMNS[table].values())
    assert back.to_dict("records") == frame.to_dict("records") or back.equals(frame)


def test_csv_reads_back_with_moments_in_utc() -> None:
    csv = pandas.read_csv(io.BytesIO(format_tables({"evidence": frames()["evidence"]}, "csv", made_at=NOW)))
    assert list(csv["index"]) == [line.index for line in DOSSIER.entries]
    assert pandas.Timestamp(csv["occurred_at"][0]) == pandas.Timestamp(DOSSIER.entries[0].occurred_at)


@pytest.mark.parametrize("kind", ["xlsx", "csv", "parquet"])
def test_the_same_tables_give_the_same_bytes(kind: str) -> None:
    chosen = frames() if kind == "xlsx" else {"evidence": frames()["evidence"]}
    assert format_tables(chosen, kind, made_at=NOW) == format_tables(chosen, kind, made_at=NOW)


@pytest.mark.parametrize(
    ("kind", "tables", "told"),
    [
        ("csv", TABLES, "holds one table"),
        ("parquet", (), "holds one table"),
        ("ods", TABLES, "no tables of kind"),
    ],
)
def test_what_a_kind_cannot_hold_is_refused(kind: str, tables: Sequence[str], told: str) -> None:
    made = frames()
    with pytest.raises(InputError, match=told):
        format_tables({name: made[name] for name in tables}, kind, made_at=NOW)


@pytest.mark.parametrize(
    ("kind", "library", "extra"), [("xlsx", "xlsxwriter", "excel"), ("parquet", "pyarrow", "parquet")]
)
def test_a_missing_library_is_told_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, kind: str, library: str, extra: str
) -> None:
    made: dict[str, Any] = {"evidence": frames()["evidence"]}
    if kind == "parquet":

        def refuse(*_: object, **__: object) -> None:
            raise ImportError("no pyarrow")

        monkeypatch.setattr(pandas.DataFrame, "to_parquet", refuse)
    else:
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(DependencyError) as raised:
        format_tables(made, kind, made_at=NOW)
    assert f"governance[{extra}]" in str(raised.value.hint)


def test_moments_are_in_utc() -> None:
    assert all(
        kind == MOMENT
        for columns in COLUMNS.values()
        for name, kind in columns.items()
        if name.endswith("_at")
    )
