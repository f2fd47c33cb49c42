# SPDX-License-Identifier: Apache-2.0
"""Personal data on the command line: sealed by themselves, shown on demand, disclosed, erased, listed for a person."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from governance.cli.app import app
from governance.errors import GovernanceError
from tests.workspace.ssh_files import make_key

Run = Callable[..., Result]
ACTOR = ("--actor", "person:dpo")
HOUSE = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a folder of its own; errors leave as the exit code that `main` gives them."""
    monkeypatch.chdir(tmp_path)
    for name in ("ACTOR", "SEALED", "WRAPPING_KEY_FILE", "WRAPPING_KEY_COMMAND", "WRAPPING_PASSPHRASE"):
        monkeypatch.delenv(f"GOVERNANCE_{name}", raising=False)

    def invoke(*arguments: str, code: int = 0, text: str | None = None) -> Result:
        result = CliRunner().invoke(app, list(arguments), input=text)
        if isinstance(result.exception, GovernanceError):
            result.exit_code = result.exception.exit_code
        elif result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return invoke


@pytest.fixture
def ledger(run: Run) -> Run:
    """A ledger with a side store and one person whose name is sealed in entry 1."""
    run("init", "--origin", "example.com/audit")
    run("sealing", "init")
    run("record", "person.enrolled", "--subject", "person:ana", *ACTOR, "--name", "Ana Martín")
    return run


def loaded(result: Result) -> Any:
    return json.loads(result.stdout)


def test_a_personal_field_is_an_option_like_any_other_and_is_sealed(ledger: Run) -> None:
    shown = ledger("show", "1").stdout
    assert "commitment" in shown
    assert "Mart" not in shown
    assert '  name of person:ana: "Ana Martín"' in ledger("show", "1", "--reveal").stdout
    told = loaded(ledger("show", "1", "--reveal", "--format", "json"))
    assert told["revealed"] == [
        {"field": "name", "data_subject": "person:ana", "state": "revealed", "value": "Ana Martín"}
    ]
    assert "revealed" not in loaded(ledger("show", "1", "--format", "json"))
    assert "revealed" not in ledger("show", "0", "--reveal").stdout


def test_a_field_is_sealed_on_demand_for_a_data_subject(ledger: Run) -> None:
    told = ["record", "complaint.received", "--subject", "system:s", *ACTOR, "--channel", "mail"]
    whose = ("--data-subject", "data_subject:c-17")
    ledger(*told, "--summary", "He was refused", "--personal", "summary", *whose, "--statement", "I was")
    revealed = ledger("show", "2", "--reveal").stdout
    assert 'summary of data_subject:c-17: "He was refused"' in revealed
    assert 'statement of data_subject:c-17: "I was"' in revealed
    exported = ledger("export", "entries").stdout
    assert "refused" not in exported
    assert len(exported.splitlines()) == 3


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--statement", "I was"], "nobody said whose personal data this is"),
        (["--personal", "channel"], "cannot be sealed"),
        (["--personal", "answered_at"], "cannot be sealed"),
        (["--data-subject", "data_subject:c"], "no value of theirs to seal"),
        (["--statement", "I was", "--data-subject", "model:m"], "not a data subject"),
        (["--statement", "x" * 4001, "--data-subject", "data_subject:c"], "at most 4000"),
    ],
)
def test_what_cannot_be_sealed_is_refused_and_nothing_is_written(
    ledger: Run, arguments: list[str], told: str
) -> None:
    begin = [
        "record",
        "complaint.received",
        "--subject",
        "system:s",
        *ACTOR,
        "--channel",
        "m",
        "--summary",
        "s",
    ]
    assert told in str(ledger(*begin, *arguments, code=2).exception)
    assert len(loaded(ledger("log", "--format", "json"))) == 2


def test_a_request_to_seal_may_be_told_as_json_in_an_option(ledger: Run) -> None:
    """Read as text it would be written in the clear, which is what nobody meant."""
    told = ["record", "complaint.received", "--subject", "system:s", *ACTOR, "--channel", "mail"]
    request = '{"personal": "He was refused", "data_subject": "data_subject:c-17"}'
    ledger(*told, "--summary", request)
    assert "refused" not in ledger("show", "2").stdout
    assert 'summary of data_subject:c-17: "He was refused"' in ledger("show", "2", "--reveal").stdout
    ledger(*told, "--summary", '{"a quotation": 1}')
    assert '{\\"a quotation\\": 1}' in ledger("show", "3").stdout


def test_lines_of_events_are_sealed_too(ledger: Run, tmp_path: Path) -> None:
    event = {
        "id": "e1",
        "type": "person.enrolled",
        "occurred_at": "2026-11-20T09:00:00Z",
        "actor": {"id": "hr", "kind": "service"},
        "subject": "person:ben",
        "data": {"name": "Ben Osei"},
    }
    lines = json.dumps(event) + "\n"
    assert "1 events appended" in ledger("append", "-", text=lines).stdout
    assert "0 events appended" in ledger("append", "-", text=lines).stdout
    other = json.dumps(event | {"data": {"name": "Ben Other"}})
    assert "with other content in name" in str(ledger("append", "-", text=other, code=2).exception)
    assert not [each for each in tmp_path.iterdir() if each.is_file() and b"Osei" in each.read_bytes()]


def test_without_a_side_store_the_mend_is_told(run: Run) -> None:
    run("init", "--origin", "example.com/audit")
    told = ["record", "person.enrolled", "--subject", "person:ana", *ACTOR, "--name", "Ana"]
    assert "hint: make one: governance sealing init" in str(run(*told, code=2).exception)
    assert len(loaded(run("log", "--format", "json"))) == 1


def test_a_side_store_is_made_once_and_tells_what_it_holds(ledger: Run) -> None:
    ledger("sealing", "init", code=2)
    assert "sealed values  1" in ledger("sealing", "show").stdout
    state = loaded(ledger("sealing", "show", "--format", "json"))
    assert (state["data_subjects"], state["values"], state["begun"], state["restored"]) == (1, 1, [], [])
    made = loaded(ledger("sealing", "rotate-key", "--format", "json"))
    assert made["key_id"] != state["key_id"]
    assert made["rewrapped"] == 1
    assert "1 key of data subjects wrapped anew" in ledger("sealing", "rotate-key").stdout


def test_store_and_key_can_lie_elsewhere(run: Run, tmp_path: Path) -> None:
    run("init", "--origin", "example.com/audit")
    places = (
        "--sealed",
        f"sqlite:///{tmp_path}/vault/side.db",
        "--wrapping-key",
        str(tmp_path / "keys" / "k"),
    )
    made = loaded(run("sealing", "init", *places, "--format", "json"))
    assert made["side_store"].endswith("vault/side.db")
    assert (tmp_path / "keys" / "k").is_file()
    assert "sealed values  0" in run("sealing", "show", *places[:2]).stdout
    run("sealing", "show", code=2)


def test_a_disclosure_is_a_file_that_verifies_and_that_its_owner_alone_may_read(
    ledger: Run, tmp_path: Path
) -> None:
    key = ledger("key").stdout.strip()
    assert "give it only to whom" in ledger("disclose", "1", "name", "--output", "d.json").stderr
    assert (tmp_path / "d.json").stat().st_mode & 0o777 == 0o600
    assert 'sealed, of person:ana: "Ana Martín"' in ledger("verify", "d.json", "--key", key).stdout
    assert ledger("disclose", "1", "name").stdout == (tmp_path / "d.json").read_text()
    altered = (tmp_path / "d.json").read_text().replace("Ana Martín", "Eva")
    (tmp_path / "d.json").write_text(altered)
    refused = ledger("verify", "d.json", "--key", key, code=3).stdout
    assert "the value is not what was sealed" in refused
    for field, told in (("function", "not a sealed field"), ("nothing", "sealed in this entry: name")):
        assert told in str(ledger("disclose", "1", field, code=2).exception)
    ledger("disclose", "1", "name", "--output", "missing/d.json", code=5)


def test_the_three_lines_of_the_page_check_a_disclosure(ledger: Run, tmp_path: Path) -> None:
    """docs/personal-data.md shows what an auditor needs instead of our software; here it is run."""
    page = (HOUSE / "docs" / "personal-data.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"```python\n(import hashlib.*?)```", page, re.DOTALL)
    ledger("disclose", "1", "name", "--output", "disclosed.json")
    exec(lines, {})  # noqa: S102  # the page's own code
    told = json.loads((tmp_path / "disclosed.json").read_text())
    (tmp_path / "disclosed.json").write_text(json.dumps(told | {"value": "Eva"}))
    with pytest.raises(AssertionError):
        exec(lines, {})  # noqa: S102  # likewise


def test_an_erasure_is_told_once_and_everything_verifies(ledger: Run) -> None:
    erase = ("erase", "--data-subject", "person:ana", "--reason", "asked for it", *ACTOR)
    first = ledger(*erase)
    assert "entry 2: 1 sealed value of person:ana and their key destroyed" in first.stdout
    assert "docs/personal-data.md" in first.stderr
    assert "was erased already, in entry 2" in ledger(*erase).stdout
    assert loaded(ledger(*erase, "--format", "json")) == {
        "data_subject": "person:ana",
        "index": 2,
        "field_count": 0,
        "is_new": False,
    }
    assert "(erased with all of person:ana in entry 2)" in ledger("show", "1", "--reveal").stdout
    assert "erased" in str(ledger("disclose", "1", "name", code=2).exception)
    assert "verified" in ledger("verify").stdout
    again = ["record", "person.enrolled", "--subject", "person:ana", *ACTOR, "--name", "Ana"]
    assert "governance sealing readmit person:ana" in str(ledger(*again, code=2).exception)
    assert loaded(ledger("sealing", "readmit", "person:ana", "--format", "json"))["from_size"] == 3
    assert "from entry 3 on" in ledger("sealing", "readmit", "person:ana").stdout
    ledger(*again)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--data-subject", "person:ana", "--reason", "x"], "no actor"),
        (["--data-subject", "person:nobody", "--reason", "x", *ACTOR], "nothing is sealed of person:nobody"),
        (["--data-subject", "ana", "--reason", "x", *ACTOR], "not a data subject"),
        (["--data-subject", "person:ana", "--reason", "", *ACTOR], "reason"),
    ],
)
def test_a_wrong_erasure_destroys_nothing(ledger: Run, arguments: list[str], told: str) -> None:
    assert told in str(ledger("erase", *arguments, code=2).exception)
    assert "Ana Martín" in ledger("show", "1", "--reveal").stdout


def test_all_that_speaks_of_a_person_is_listed(ledger: Run) -> None:
    ledger("record", "run.failed", "--subject", "run:r", "--actor", "person:ana", "--reason", "oom")
    listed = ledger("data-subject", "person:ana").stdout
    assert re.search(
        r"1  \S+  person.enrolled +sealed, subject +person:ana\n +name of person:ana: \(sealed\)", listed
    )
    assert re.search(r"2  \S+  run.failed +actor +run:r\n", listed)
    assert "Mart" not in listed
    assert '"Ana Martín"' in ledger("data-subject", "person:ana", "--reveal").stdout
    told = loaded(ledger("data-subject", "person:ana", "--reveal", "--format", "json"))
    assert (told["data_subject"], told["tree_size"]) == ("person:ana", 3)
    assert [each["roles"] for each in told["entries"]] == [["sealed", "subject"], ["actor"]]
    assert told["entries"][0]["sealed"][0]["value"] == "Ana Martín"
    hidden = loaded(ledger("data-subject", "person:ana", "--format", "json"))
    assert "value" not in hidden["entries"][0]["sealed"][0]


def test_a_person_of_whom_nothing_speaks_gives_an_error_and_no_half_output(ledger: Run) -> None:
    for output in ("text", "json"):
        result = ledger("data-subject", "person:nobody", "--format", output, code=2)
        assert result.stdout == ""


def test_a_value_that_was_tampered_with_is_exit_code_three(ledger: Run, tmp_path: Path) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(tmp_path / "governance.sealed.db", isolation_level=None)) as database:
        database.execute("UPDATE sealed_value SET ciphertext = zeroblob(50)")
    listed = ledger("data-subject", "person:ana", "--reveal", code=3)
    assert "does not open" in listed.stdout
    assert "nobody erased it: 1 sealed value\n" in listed.stderr
    assert loaded(ledger("data-subject", "person:ana", "--reveal", "--format", "json", code=3))["entries"]
    assert "does not open" in str(ledger("disclose", "1", "name", code=3).exception)


def test_every_sealed_value_can_be_checked_at_once(ledger: Run, tmp_path: Path) -> None:
    import sqlite3
    from contextlib import closing

    ledger("record", "person.enrolled", "--subject", "person:ben", *ACTOR, "--name", "Ben", "--email", "b@x")
    ledger("erase", "--data-subject", "person:ana", "--reason", "asked for it", *ACTOR)
    sound = ledger("sealing", "verify").stdout
    assert "open      2 values" in sound
    assert "erased    1 value\n" in sound
    assert "Ben" not in sound
    with closing(sqlite3.connect(tmp_path / "governance.sealed.db", isolation_level=None)) as database:
        database.execute("UPDATE sealed_value SET ciphertext = zeroblob(50) WHERE field = 'name'")
        database.execute("DELETE FROM sealed_value WHERE field = 'email'")
        database.execute(
            "INSERT INTO sealed_value VALUES (zeroblob(32), 'person:ben', 'e', 'name', zeroblob(12), zeroblob(60))"
        )
    failing = ledger("sealing", "verify", code=3).stdout
    assert re.search(r"entry 2, name of person:ben: \(.* does not open\)", failing)
    assert "entry 2, email of person:ben: (the side store does not hold the value" in failing
    assert "NOT verified: 2 missing or altered" in failing
    assert "unused    1 value that" in failing
    told = loaded(ledger("sealing", "verify", "--format", "json", code=3))
    assert (told["revealed"], told["erased"], told["failing_count"], told["unused"]) == (0, 1, 2, 1)
    assert [each["state"] for each in told["failing"]] == ["altered", "missing"]


def test_a_restored_side_store_is_exit_code_three(ledger: Run, tmp_path: Path) -> None:
    store = tmp_path / "governance.sealed.db"
    copy = store.read_bytes()
    ledger("erase", "--data-subject", "person:ana", "--reason", "asked for it", *ACTOR)
    store.write_bytes(copy)
    assert "erased, and in the store again: person:ana" in ledger("sealing", "show", code=3).stdout


def test_an_author_signs_the_commitment_and_the_signature_outlives_the_erasure(
    ledger: Run, tmp_path: Path
) -> None:
    key = str(make_key(tmp_path / "id"))
    ledger("person", "bind-key", "person:rita", "--key", key, "--actor", "person:rita")
    told = [
        "record",
        "complaint.received",
        "--subject",
        "system:s",
        "--actor",
        "person:rita",
        "--key",
        key,
        "--yes",
    ]
    ledger(
        *told,
        "--channel",
        "mail",
        "--summary",
        "s",
        "--statement",
        "I was",
        "--data-subject",
        "data_subject:c",
    )
    shown = ledger("show", "3", "--reveal").stdout
    assert "signed by" in shown
    assert 'statement of data_subject:c: "I was"' in shown
    ledger("erase", "--data-subject", "data_subject:c", "--reason", "asked for it", *ACTOR)
    assert re.search(r"statements +1 entry signed", ledger("verify").stdout)
    prepared = loaded(ledger(*told[:6], "--channel", "m", "--summary", "s", "--prepare"))
    assert prepared["event"]["data"]["summary"] == "s"
