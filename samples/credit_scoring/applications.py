# SPDX-License-Identifier: Apache-2.0
"""The 1,000 real credit applications: reading, dividing, writing each part as a file with its digest.

    all  →  train, validation, test, window_1 (like the rest), window_2 (larger amounts)
    train, validation  →  train_2, validation_2: the same without the columns that version 2 must not see

Rules: every application lands in exactly one part. The division is a pure function of the rows and
`SPLIT_SEED`. The two windows play the applications that come in while a model is in operation.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from governance.core.canonical import format_canonical
from governance.core.hashing import digest_bytes
from governance.errors import InputError, NotFoundError

SPLIT_SEED = 20260316
SOURCE_NAME = "german_credit.csv"
COLUMNS: tuple[tuple[str, str], ...] = (
    ("risk", "integer"),
    ("sex", "text"),
    ("job", "integer"),
    ("housing", "text"),
    ("saving_accounts", "text"),
    ("checking_account", "text"),
    ("credit_amount", "integer"),
    ("duration", "integer"),
    ("purpose", "text"),
    ("age", "integer"),
)
PART_SIZES = {"train": 480, "validation": 140, "test": 180, "window_1": 80}
"""How many applications each part takes at random; `window_2` is drawn before them."""
WINDOW_2_SIZE = 120
YOUNG_BELOW_YEARS = 26


@dataclass(frozen=True, slots=True)
class Application:
    """One application; amounts in Deutsche Mark, duration in months, age in years."""

    risk: int
    sex: str
    job: int
    housing: str
    saving_accounts: str
    checking_account: str
    credit_amount: int
    duration: int
    purpose: str
    age: int

    @property
    def age_group(self) -> str:
        """`under-26` or `26-and-over`."""
        return "under-26" if self.age < YOUNG_BELOW_YEARS else "26-and-over"


@dataclass(frozen=True, slots=True)
class DataFile:
    """A part as it lies on disk.

    Attributes:
        columns: The columns that the file holds, with their types.
        rows: The applications with all their columns, also those that the file leaves out.
    """

    name: str
    path: Path
    digest: str
    size_bytes: int
    columns: tuple[tuple[str, str], ...]
    rows: tuple[Application, ...]

    @property
    def schema_digest(self) -> str:
        """Digest of the canonical JSON of the column names and types."""
        return digest_bytes(format_canonical([list(column) for column in self.columns]))


def read_applications(path: Path) -> tuple[Application, ...]:
    """Read applications from CSV.

    Raises:
        NotFoundError: There is no such file.
        InputError: Other columns than expected, or a number that is none.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFoundError(
            f"the data file {path} is missing", hint="install the package again or use a whole checkout"
        ) from error
    reader = csv.DictReader(io.StringIO(text))
    expected = [name for name, _ in COLUMNS]
    if reader.fieldnames != expected:
        raise InputError(f"{path}: expected the columns {expected}, got {reader.fieldnames}")
    return tuple(_parse_row(row, f"{path}:{line}") for line, row in enumerate(reader, start=2))


def format_applications(rows: Sequence[Application], *, without: Sequence[str] = ()) -> bytes:
    """Write applications as CSV with a header, some columns left out; lines end in a line feed."""
    names = [name for name, _ in COLUMNS if name not in without]
    lines = [",".join(names)]
    lines += [",".join(str(getattr(row, name)) for name in names) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def divide(rows: Sequence[Application], *, seed: int = SPLIT_SEED) -> dict[str, tuple[Application, ...]]:
    """Divide applications into the five parts, in this order: train, validation, test, window_1, window_2.

    `window_2` is drawn without replacement with chances in proportion to the amount, so that large credits
    are more frequent in it than elsewhere: a real shift of what comes in. The rest is shuffled and cut.
    """
    generator = random.Random(seed)
    keys = [generator.random() ** (1 / row.credit_amount) for row in rows]  # Efraimidis and Spirakis, 2006
    by_key = sorted(range(len(rows)), key=keys.__getitem__, reverse=True)
    rest = sorted(by_key[WINDOW_2_SIZE:])
    generator.shuffle(rest)
    parts: dict[str, tuple[Application, ...]] = {}
    start = 0
    for name, size in PART_SIZES.items():
        parts[name] = tuple(rows[position] for position in sorted(rest[start : start + size]))
        start += size
    parts["window_2"] = tuple(rows[position] for position in sorted(by_key[:WINDOW_2_SIZE]))
    return parts


def write_part(
    directory: Path, name: str, rows: Sequence[Application], *, without: Sequence[str] = ()
) -> DataFile:
    """Write one part as `<name>.csv`, some columns left out, and give its digest."""
    content = format_applications(rows, without=without)
    path = directory / f"{name}.csv"
    path.write_bytes(content)
    columns = tuple(column for column in COLUMNS if column[0] not in without)
    return DataFile(name, path, digest_bytes(content), len(content), columns, tuple(rows))


def _parse_row(row: dict[str, str], where: str) -> Application:
    numbers = {name for name, type_name in COLUMNS if type_name == "integer"}
    try:
        values = {name: int(value) if name in numbers else value for name, value in row.items()}
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: expected a whole number, got {error}") from error
    return Application(**values)  # type: ignore[arg-type]
