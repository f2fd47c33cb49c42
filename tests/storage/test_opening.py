# SPDX-License-Identifier: Apache-2.0
"""Storage by URL: which scheme means what, and what an unknown one is told."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.errors import ConflictError, NotFoundError
from governance.storage.interface import chunked, split_url
from governance.storage.memory import MemoryStorage
from governance.storage.opening import SCHEMES, create_storage, open_storage
from governance.storage.sqlite import SqliteStorage


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("sqlite:///audit.db", ("sqlite", "audit.db")),
        ("sqlite:///data/audit.db", ("sqlite", "data/audit.db")),
        ("sqlite:////var/audit.db", ("sqlite", "/var/audit.db")),
        ("audit.db", ("sqlite", "audit.db")),
        ("/var/audit.db", ("sqlite", "/var/audit.db")),
        ("memory://", ("memory", "")),
        ("postgresql://host/name", ("postgresql", "host/name")),
    ],
)
def test_a_url_is_split_into_scheme_and_rest(url: str, parts: tuple[str, str]) -> None:
    assert split_url(url) == parts


@pytest.mark.parametrize("form", ["sqlite:////{}", "sqlite:///{}", "{}"])
def test_a_ledger_is_made_and_opened_by_url_or_bare_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.chdir(tmp_path)
    place = str(tmp_path / "a.db").removeprefix("/") if form == "sqlite:////{}" else "a.db"
    with closing(create_storage(form.format(place))) as made:
        assert isinstance(made, SqliteStorage)
    assert (tmp_path / "a.db").is_file()
    for url in ("a.db", "sqlite:///a.db", f"sqlite:///{tmp_path}/a.db", str(tmp_path / "a.db"), made.url):
        with closing(open_storage(url)) as storage:
            assert storage.head().size == 0
    with pytest.raises(ConflictError):
        create_storage(form.format(place))


def test_a_ledger_that_is_not_there_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no ledger at"):
        open_storage(f"sqlite:///{tmp_path}/none.db")
    assert list(tmp_path.iterdir()) == []


def test_a_memory_ledger_is_made_and_never_opened() -> None:
    assert isinstance(create_storage("memory://"), MemoryStorage)
    with pytest.raises(NotFoundError, match="gone with its process") as caught:
        open_storage("memory://")
    assert caught.value.hint


@pytest.mark.parametrize("url", ["mysql://host/name", "https://ledger.example", "SQLITE:///a.db", "://a.db"])
def test_an_unknown_scheme_is_refused_with_the_known_ones(url: str) -> None:
    for call in (open_storage, create_storage):
        with pytest.raises(NotFoundError, match="no storage for") as caught:
            call(url)
        assert caught.value.hint is not None
        assert all(scheme in caught.value.hint for scheme in SCHEMES)


def test_opening_a_ledger_loads_no_orm(tmp_path: Path) -> None:
    """It takes longer to load than most commands take to run."""
    create_storage(str(tmp_path / "a.db")).close()
    program = (
        "import sys; from governance.storage.opening import open_storage; open_storage(sys.argv[1]).close(); "
        "sys.exit(bool({'sqlmodel', 'sqlalchemy', 'pydantic'} & set(sys.modules)))"
    )
    assert (
        subprocess.run([sys.executable, "-c", program, str(tmp_path / "a.db")], check=False).returncode == 0
    )


@given(st.lists(st.text(max_size=3), max_size=30), st.integers(1, 7))
def test_chunks_hold_everything_in_order_and_never_too_much(values: list[str], size: int) -> None:
    chunks = list(chunked(values, size))
    assert [value for chunk in chunks for value in chunk] == values
    assert all(len(chunk) == size for chunk in chunks[:-1])
    assert all(0 < len(chunk) <= size for chunk in chunks)
