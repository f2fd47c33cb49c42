# SPDX-License-Identifier: Apache-2.0
"""People, keys and roles from the command line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.test_statements import Run, loaded, run, told
from tests.workspace.ssh_files import fingerprint, make_key

__all__ = ["run"]


@pytest.fixture
def ledger(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """An empty ledger and a key file."""
    monkeypatch.setenv("GOVERNANCE_ACTOR", "person:admin")
    make_key(tmp_path / "ana")
    run("init", "--origin", "example.com/audit")
    return run


def test_people_roles_and_keys_are_listed_as_they_stand(ledger: Run, tmp_path: Path) -> None:
    ledger("person", "enrol", "person:bo", "--organisation", "organisation:bank", "--function", "validator")
    ledger("role", "grant", "person:bo", "validator", "--scope", "system:lending")
    ledger("role", "grant", "person:bo", "model-risk", "--valid-until", "2030-01-01T00:00:00Z")
    ledger("role", "grant", "person:bo", "gone")
    ledger("role", "revoke", "person:bo", "gone", "--reason", "moved")
    ledger("person", "bind-key", "person:ana", "--key", "ana", "--valid-until", "2030-01-01T00:00:00Z")
    ana, bo = loaded(ledger("person", "list", "--format", "json"))
    assert (ana["ref"], ana["enrolled_index"], ana["roles"]) == ("person:ana", None, [])
    assert ana["keys"][0]["fingerprint"] == fingerprint(tmp_path / "ana")
    assert ana["keys"][0]["proven"] is True
    assert bo["roles"] == ["model-risk until 2030-01-01T00:00:00Z", "validator for system:lending"]
    ledger("person", "revoke-key", "person:ana", "--reason", "lost")
    lines = ledger("person", "list").stdout.splitlines()
    assert lines[1].endswith("6, ssh-ed25519, proven, until 2030-01-01T00:00:00Z, revoked by entry 7")
    assert lines[2].split()[0] == "person:bo"


def test_a_role_for_one_thing_is_revoked_alone(ledger: Run) -> None:
    ledger("role", "grant", "person:bo", "validator")
    ledger("role", "grant", "person:bo", "validator", "--scope", "system:a")
    ledger("role", "revoke", "person:bo", "validator", "--scope", "system:a")
    assert loaded(ledger("person", "list", "--format", "json"))[0]["roles"] == ["validator"]
    ledger("role", "grant", "person:bo", "validator", "--scope", "system:a")
    ledger("role", "revoke", "person:bo", "validator")
    assert loaded(ledger("person", "list", "--format", "json"))[0]["roles"] == []


def test_a_name_is_sealed_and_stands_nowhere_in_the_ledger(ledger: Run, tmp_path: Path) -> None:
    ledger("sealing", "init")
    ledger("person", "enrol", "person:ana", "--name", "Ana Rare-Name", "--email", "ana@rare.example")
    ledger("person", "bind-key", "person:ana", "--key", "ana")
    content = b"".join(each.read_bytes() for each in tmp_path.glob("governance.db*"))
    assert b"Rare-Name" not in content
    assert b"rare.example" not in content
    assert "Ana Rare-Name" in ledger("show", "1", "--reveal").stdout


def test_json_says_where_it_was_recorded(ledger: Run) -> None:
    assert loaded(ledger("person", "enrol", "person:bo", "--format", "json"))["index"] == 1


def test_a_key_is_bound_for_somebody_elsewhere_with_their_proof(ledger: Run, tmp_path: Path) -> None:
    asked = ("person", "bind-key", "person:ana", "--public-key", "ana.pub")
    message = ledger(*asked, "--prepare").stdout
    assert message.startswith("governance-key-binding-v1\nexample.com/audit\nperson:ana\nssh-ed25519 ")
    (tmp_path / "binding").write_text(message)
    command = ["ssh-keygen", "-q", "-Y", "sign", "-n", "governance", "-f", "ana", "binding"]
    subprocess.run(command, check=True, capture_output=True)
    ledger(*asked, "--proof", "binding.sig")
    assert loaded(ledger("person", "list", "--format", "json"))[0]["keys"][0]["proven"] is True


def test_a_proof_for_somebody_else_is_refused(ledger: Run, tmp_path: Path) -> None:
    message = ledger("person", "bind-key", "person:bo", "--public-key", "ana.pub", "--prepare").stdout
    (tmp_path / "binding").write_text(message)
    command = ["ssh-keygen", "-q", "-Y", "sign", "-n", "governance", "-f", "ana", "binding"]
    subprocess.run(command, check=True, capture_output=True)
    asked = ("person", "bind-key", "person:ana", "--public-key", "ana.pub", "--proof")
    assert "does not verify" in told(ledger(*asked, "binding.sig", code=3))
    assert "cannot read" in told(ledger(*asked, "none.sig", code=2))
    assert "not an armoured" in told(ledger(*asked, "ana.pub", code=3))


def test_a_key_without_proof_is_bound_and_says_so(ledger: Run) -> None:
    assert (
        "nothing shows that they hold this key"
        in ledger("person", "bind-key", "person:ana", "--public-key", "ana.pub").stderr
    )
    assert "not proven" in ledger("person", "list").stdout


def test_a_binding_that_cannot_be_is_refused(ledger: Run, tmp_path: Path) -> None:
    assert "both a key and a public key" in told(
        ledger("person", "bind-key", "person:ana", "--key", "ana", "--public-key", "ana.pub", code=2)
    )
    assert "neither a person nor a service" in told(
        ledger("person", "bind-key", "model:x@1", "--key", "ana", code=2)
    )
    ledger("person", "bind-key", "person:ana", "--key", "ana")
    assert "is bound to person:ana by entry 1" in told(
        ledger("person", "bind-key", "person:bo", "--key", "ana", code=3)
    )
    ledger("person", "revoke-key", fingerprint(tmp_path / "ana"), "--reason", "r")
    assert "never comes back" in told(ledger("person", "bind-key", "person:ana", "--key", "ana", code=3))


def test_without_an_actor_nothing_is_recorded(ledger: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOVERNANCE_ACTOR")
    assert "who states this?" in told(ledger("person", "enrol", "person:bo", code=2))
    assert "who states this?" in told(ledger("person", "bind-key", "person:bo", "--key", "ana", code=2))


def test_a_key_to_revoke_is_named_without_doubt(ledger: Run, tmp_path: Path) -> None:
    make_key(tmp_path / "second")
    assert "has no key in force" in told(
        ledger("person", "revoke-key", "person:ana", "--reason", "r", code=2)
    )
    ledger("person", "bind-key", "person:ana", "--key", "ana")
    ledger("person", "bind-key", "person:ana", "--key", "second")
    assert "has 2 keys in force" in told(
        ledger("person", "revoke-key", "person:ana", "--reason", "r", code=2)
    )
    ledger("person", "revoke-key", fingerprint(tmp_path / "second"), "--reason", "r")
    ledger("person", "revoke-key", "person:ana", "--reason", "r")


def test_an_allowed_signers_file_is_imported_whole(ledger: Run, tmp_path: Path) -> None:
    make_key(tmp_path / "bo")
    ana, bo = ((tmp_path / f"{name}.pub").read_text().strip() for name in ("ana", "bo"))
    (tmp_path / "signers").write_text(
        f'ana@example.com valid-before="20300101Z" {ana}\nperson:bo namespaces="governance" {bo}\n'
    )
    import_them = ("person", "import-keys", "signers")
    assert "no pseudonym for 'ana@example.com'" in told(ledger(*import_them, code=2))
    result = ledger(*import_them, "--person", "ana@example.com=person:ana")
    assert "2 keys bound; nothing shows yet that anybody holds them" in result.stderr
    assert [line.split()[-1] for line in result.stdout.splitlines()] == ["person:ana", "person:bo"]
    people = loaded(ledger("person", "list", "--format", "json"))
    assert [each["keys"][0]["valid_until"] for each in people] == ["2030-01-01T00:00:00Z", None]
    assert b"ana@example.com" not in (tmp_path / "governance.db").read_bytes()


def test_an_import_is_all_or_none(ledger: Run, tmp_path: Path) -> None:
    ana = (tmp_path / "ana.pub").read_text().strip()
    (tmp_path / "signers").write_text(f"person:ana {ana}\nperson:bo {ana}\n")
    assert "is bound to person:ana" in told(ledger("person", "import-keys", "signers", code=3))
    (tmp_path / "signers").write_text(f"person:ana {ana}\nperson:* {ana}\n")
    assert "signers:2" in told(ledger("person", "import-keys", "signers", code=3))
    (tmp_path / "signers").write_text(f"ana {ana}\n")
    assert "neither a person" in told(
        ledger("person", "import-keys", "signers", "--person", "ana=model:x", code=2)
    )
    assert "not NAME=person" in told(ledger("person", "import-keys", "signers", "--person", "ana", code=2))
    (tmp_path / "signers").write_bytes(b"#" * (2 << 20))
    assert "more than" in told(ledger("person", "import-keys", "signers", code=2))
    assert "cannot read" in told(ledger("person", "import-keys", "none", code=2))
    assert loaded(ledger("person", "list", "--format", "json")) == []


def test_json_of_an_import_says_where(ledger: Run, tmp_path: Path) -> None:
    ana = (tmp_path / "ana.pub").read_text().strip()
    (tmp_path / "signers").write_text(f"person:ana {ana}\n")
    assert loaded(ledger("person", "import-keys", "signers", "--format", "json")) == {"indexes": [1]}
