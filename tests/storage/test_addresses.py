# SPDX-License-Identifier: Apache-2.0
"""Ledger URLs: what is shown of them, what PostgreSQL is told, and that a password never leaves in a message."""

from __future__ import annotations

import subprocess
import sys
import traceback
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from governance.errors import DependencyError, GovernanceError, InputError
from governance.storage.addresses import shown_url
from governance.storage.opening import create_storage, discard_storage, open_storage
from governance.storage.postgresql_connection import SCHEMA, parse_address
from governance.workspace import init_workspace, migrate_ledger, open_workspace, verify_ledger

SECRET = "s3cret-Pass"
PLACE = "postgresql+psycopg://"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            f"{PLACE}ana:{SECRET}@db.example:5433/audit?sslmode=require",
            f"{PLACE}ana@db.example:5433/audit?sslmode=require",
        ),
        (f"{PLACE}ana@db.example/audit", f"{PLACE}ana@db.example/audit"),
        (f"{PLACE}/audit?host=/run&schema=a", f"{PLACE}/audit?host=/run&schema=a"),
        (f"{PLACE}ana@h/a?password={SECRET}&schema=a", f"{PLACE}ana@h/a?schema=a"),
        (f"{PLACE}h/a?sslpassword={SECRET}", f"{PLACE}h/a"),
        (f"{PLACE}h/a?PASSWORD={SECRET}&oauth_client_secret={SECRET}", f"{PLACE}h/a"),
        (f"{PLACE}ana:{SECRET}@x/{SECRET}@h/a", f"{PLACE}ana@h/a"),
        (f"{PLACE}ana:x?{SECRET}@h/a?schema=b", f"{PLACE}ana@h/a?schema=b"),
        (f"mysql://ana:{SECRET}@h/a", "mysql://ana@h/a"),
        ("sqlite:///a:b@c/d?password=e", "sqlite:///a:b@c/d?password=e"),
        ("a:b@c/d.db", "a:b@c/d.db"),
        ("memory://", "memory://"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert shown_url(url) == shown
    assert shown_url(shown) == shown


@given(
    st.text(st.characters(codec="utf-8"), min_size=1).map(lambda text: f"{text}{SECRET}{text}"), st.booleans()
)
def test_no_password_is_shown_whatever_stands_in_it(password: str, with_query: bool) -> None:
    query = "?schema=a" if with_query else ""
    shown = shown_url(f"{PLACE}ana:{password}@host/audit{query}")
    assert SECRET not in shown
    assert shown_url(shown) == shown


def test_what_libpq_is_told_comes_from_the_url() -> None:
    address = parse_address(
        f"{PLACE}ana:p%40ss@db.example:5433/audit?sslmode=require&schema=books&application_name=x"
    )
    assert address.schema == "books"
    stated = conninfo_to_dict(address.conninfo)
    assert {name: stated[name] for name in ("user", "password", "host", "port", "dbname", "sslmode")} == {
        "user": "ana",
        "password": "p@ss",
        "host": "db.example",
        "port": "5433",
        "dbname": "audit",
        "sslmode": "require",
    }
    assert (stated["application_name"], stated["connect_timeout"]) == ("x", "10")
    assert "schema" not in stated
    assert "p%40ss" not in address.shown


def test_a_ledger_lies_in_its_own_schema_when_none_is_named() -> None:
    assert parse_address(f"{PLACE}ana@h/a").schema == SCHEMA == "governance"


@pytest.mark.parametrize(
    "schema", ["", "Audit", "1st", "pg_audit", "a-b", "a b", "a;b", 'a"b', "é", "a" * 64, "a%22"]
)
def test_a_schema_that_would_need_quoting_is_refused(schema: str) -> None:
    with pytest.raises(InputError, match="not a schema's name") as caught:
        parse_address(f"{PLACE}ana@h/a?schema={schema}")
    assert caught.value.hint


UNUSABLE = [
    f"mysql://ana:{SECRET}@host/db",
    f"{PLACE}ana:{SECRET}%@host/db",
    f"{PLACE}ana@host/db?password={SECRET}&nonsense=1",
    f"{PLACE}ana:{SECRET}@host/db?schema=No-Such",
    f"{PLACE}ana:{SECRET}/x@host/db",
    f"{PLACE}ana:{SECRET}/x@host:port/db",
    f"{PLACE}ana:x@{SECRET}@host/db",
    f"{PLACE}ana:12/{SECRET}@host/db",
    f"{PLACE}ana:{SECRET}@host:port/db",
    f"{PLACE}ana:{SECRET}@[host/db",
]
CALLS: list[Callable[[str], object]] = [
    open_storage,
    create_storage,
    open_workspace,
    verify_ledger,
    lambda url: init_workspace(url, key_file="none.key"),
    lambda url: migrate_ledger(url, url),
]


@pytest.mark.parametrize("url", UNUSABLE)
def test_a_url_that_cannot_be_used_is_told_without_its_password(url: str) -> None:
    """Neither in the message nor anywhere in what a crash report would show."""
    for call in CALLS:
        with pytest.raises(GovernanceError) as caught:
            call(url)
        assert caught.value.exit_code == 2
        assert caught.value.hint
        assert SECRET not in str(caught.value)
        assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    for call in CALLS:
        with pytest.raises(GovernanceError, match=r"127\.0\.0\.1") as caught:
            call(f"{PLACE}ana:{SECRET}@127.0.0.1:1/db")
        assert caught.value.exit_code == 5
        assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_without_the_driver_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a missing psycopg and a psycopg without libpq have in common."""
    monkeypatch.setitem(sys.modules, "governance.storage.postgresql", None)
    for call in (open_storage, create_storage, discard_storage):
        with pytest.raises(DependencyError) as caught:
            call(f"{PLACE}ana@host/db")
        assert "pip install" in str(caught.value.hint)


def test_the_driver_is_loaded_only_for_its_url() -> None:
    program = (
        "import sys; from governance.storage.opening import create_storage; create_storage('memory://').close(); "
        "sys.exit('psycopg' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_there_is_nothing_to_discard_of_a_ledger_in_memory() -> None:
    discard_storage("memory://")
