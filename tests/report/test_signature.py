# SPDX-License-Identifier: Apache-2.0
"""A signed report: certified, PDF/A kept, found good by pyHanko and by pdfsig, and whatever is changed is named."""

from __future__ import annotations

import builtins
import io
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from governance.core.hashing import digest_bytes
from governance.errors import DependencyError, InputError, KeyFileError
from governance.report.pdf_comparing import foreign_changes
from governance.report.render import RenderedReport
from governance.report.signature import check_signatures, read_identity, sign_pdf
from governance.workspace import Workspace
from governance.workspace.report_signing import load_identity
from governance.workspace.verifying import Beside, verify_source
from tests.report.certificates import Holder, make_holder, pem_of, pkcs12_of
from tests.report.conformance import faults
from tests.report.issued import NOW, SUBJECT, issued, opened_workspace


@cache
def authority() -> Holder:
    return make_holder("Test authority")


@cache
def signer() -> Holder:
    return make_holder("Ana Auditor", by=authority())


@cache
def signed() -> tuple[Workspace, RenderedReport]:
    """A report that was issued and signed."""
    workspace = opened_workspace()
    identity = read_identity(pem_of(signer(), authority()), passphrase=None, source="ana.pem")
    return workspace, workspace.report(
        SUBJECT, template="assessment", rule_sets=["baseline"], at=NOW, sign_with=identity
    )


def told(content: bytes, folder: Path, **beside: Any) -> tuple[bool, str]:
    """Whether a report verifies, and everything that is said of it."""
    path = folder / "signed.pdf"
    path.write_bytes(content)
    key = signed()[0].verifier_key
    found = verify_source(str(path), key=key, beside=Beside(**beside))
    said = [f"{each.where} {each.place} {each.what}" for each in found.discrepancies]
    return found.holds, "\n".join([*said, *found.notices, found.claim])


def trusted(folder: Path, holder: Holder) -> list[Path]:
    path = folder / "ca.pem"
    path.write_bytes(holder.pem)
    return [path]


def test_a_signed_report_verifies_and_says_who_signed(tmp_path: Path) -> None:
    holds, said = told(signed()[1].content, tmp_path, signer_authorities=trusted(tmp_path, authority()))
    assert holds, said
    assert "it is signed by Common Name: Ana Auditor, as it states on 2026-11-20T12:00" in said
    assert "its pages are those of that content, byte for byte" in said


@pytest.mark.slow
def test_without_an_authority_the_certificate_is_shown_and_not_judged(tmp_path: Path) -> None:
    holds, said = told(signed()[1].content, tmp_path)
    assert holds, said
    assert "whether that certificate is genuine was not checked" in said
    assert "it is signed by" not in said


@pytest.mark.slow
def test_another_authority_is_not_taken(tmp_path: Path) -> None:
    other = trusted(tmp_path, make_holder("Another authority"))
    holds, said = told(signed()[1].content, tmp_path, signer_authorities=other)
    assert not holds
    assert "its certificate is not from an authority that you trust" in said


@pytest.mark.slow
def test_a_report_that_should_be_signed_and_is_not_is_told(tmp_path: Path) -> None:
    content = issued().rendered.content
    holds, said = told(content, tmp_path, signer_authorities=trusted(tmp_path, authority()))
    assert not holds
    assert "signature  there is none" in said


def test_the_signature_certifies_and_forbids_every_change() -> None:
    with pikepdf.open(io.BytesIO(signed()[1].content)) as pdf:
        root: Any = pdf.Root
        value = root.AcroForm.Fields[0].V
        assert root.Perms.DocMDP.objgen == value.objgen
        assert value.SubFilter == "/ETSI.CAdES.detached"
        assert int(value.Reference[0].TransformParams.P) == 1


def test_pdfa_is_kept_and_the_report_is_the_beginning_of_the_signed_file() -> None:
    workspace, rendered = signed()
    assert sorted(set(faults(rendered.content))) == []
    data = workspace.entry(workspace.size - 1).event.to_dict()["data"]
    assert data["digest"] == rendered.digest == digest_bytes(rendered.content)
    again = workspace.reproduce(workspace.size - 1)
    assert again.was_signed
    assert again.is_same
    assert again.expected == data["unsigned_digest"]
    assert rendered.content.startswith(again.rendered.content)
    assert foreign_changes(again.rendered.content, rendered.content) == []


def test_the_same_moment_and_key_give_the_same_signed_bytes() -> None:
    identity = read_identity(pem_of(signer(), authority()), passphrase=None, source="ana.pem")
    content = issued().rendered.content
    assert sign_pdf(content, identity, at=NOW) == sign_pdf(content, identity, at=NOW)


@pytest.mark.skipif(shutil.which("pdfsig") is None, reason="pdfsig (poppler) is not on this machine")
def test_pdfsig_finds_it_valid(tmp_path: Path) -> None:
    path = tmp_path / "signed.pdf"
    path.write_bytes(signed()[1].content)
    done = subprocess.run(["pdfsig", str(path)], capture_output=True, text=True, check=False)
    assert "Signature is Valid" in done.stdout
    assert "Total document signed" in done.stdout
    assert "Signer Certificate Common Name: Ana Auditor" in done.stdout
    whole = bytearray(signed()[1].content)
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)
    done = subprocess.run(["pdfsig", str(path)], capture_output=True, text=True, check=False)
    assert "Signature is Valid" not in done.stdout


@pytest.mark.slow
def test_what_is_appended_after_the_signature_is_told(tmp_path: Path) -> None:
    content = signed()[1].content
    start = content.rindex(b"startxref")
    update = b"1 0 obj\n<<>>\nendobj\n" + content[start:]
    holds, said = told(content + update, tmp_path)
    assert not holds
    assert "it does not cover the whole file" in said or "was changed" in said


@pytest.mark.slow
def test_a_signature_that_draws_over_a_page_is_told(tmp_path: Path) -> None:
    content = signed()[1].content
    moved = content.replace(b"/Rect [ 0 0 0 0 ]", b"/Rect [ 0 0 9 9 ]")
    assert moved != content
    holds, said = told(moved, tmp_path)
    assert not holds
    assert "something was put on the page" in said
    assert "what it signed was changed" in said


def test_a_signature_over_altered_pages_is_told(tmp_path: Path) -> None:
    """Somebody alters the report and signs it with a certificate of their own."""
    from pyhanko.pdf_utils import generic
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    writer: Any = IncrementalPdfFileWriter(io.BytesIO(issued().rendered.content))
    page: Any = writer.root["/Pages"]["/Kids"][1]
    stream = generic.StreamObject(stream_data=b"q 1 0 0 rg 0 0 999 999 re f Q")
    page["/Contents"] = writer.add_object(stream)
    writer.update_container(page)
    altered = io.BytesIO()
    writer.write(altered)
    identity = read_identity(pem_of(signer(), authority()), passphrase=None, source="x")
    holds, said = told(sign_pdf(altered.getvalue(), identity, at=NOW), tmp_path)
    assert not holds
    assert "/Contents of the page" in said


def test_keys_are_read_from_pem_and_pkcs12_locked_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ana"
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return "secret"

    monkeypatch.delenv("GOVERNANCE_SIGNATURE_PASSPHRASE", raising=False)
    path.write_bytes(pem_of(signer(), authority()))
    assert load_identity(path, ask=ask).name == "Common Name: Ana Auditor"
    assert asked == []
    for content in (
        pem_of(signer(), passphrase=b"secret"),
        pkcs12_of(signer(), authority(), passphrase=b"secret"),
    ):
        path.write_bytes(content)
        assert load_identity(path, ask=ask).name == "Common Name: Ana Auditor"
        monkeypatch.setenv("GOVERNANCE_SIGNATURE_PASSPHRASE", "secret")
        assert "Ana" in repr(load_identity(path))
        monkeypatch.setenv("GOVERNANCE_SIGNATURE_PASSPHRASE", "wrong")
        with pytest.raises(KeyFileError):
            load_identity(path)
        monkeypatch.delenv("GOVERNANCE_SIGNATURE_PASSPHRASE")
    assert len(asked) == 2


@pytest.mark.parametrize(
    "content", [b"", b"nothing", b"-----BEGIN nothing", authority().pem, b"\x30\x82\x01\x00"]
)
def test_a_file_that_holds_no_key_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "key.p12"
    path.write_bytes(content)
    with pytest.raises(KeyFileError):
        load_identity(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot read"):
        load_identity(tmp_path / "none.pem")


def test_a_draft_and_an_html_report_are_not_signed() -> None:
    workspace = opened_workspace()
    identity = read_identity(pem_of(signer()), passphrase=None, source="x")
    with pytest.raises(InputError, match="a draft is not signed"):
        workspace.report(SUBJECT, template="assessment", draft=True, sign_with=identity)
    with pytest.raises(InputError, match="only a PDF is signed"):
        workspace.report(SUBJECT, template="assessment", format="html", sign_with=identity)


def test_a_file_without_signatures_has_none_and_an_authority_must_be_a_certificate() -> None:
    assert check_signatures(issued().rendered.content) == []
    with pytest.raises(KeyFileError, match="authority's certificate"):
        check_signatures(signed()[1].content, authorities=[b"-----BEGIN CERTIFICATE-----\nAA==\n"])


@pytest.mark.slow
def test_without_pyhanko_the_signature_is_not_called_good(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    content = signed()[1].content
    real = builtins.__import__

    def refuse(name: str, *arguments: Any, **named: Any) -> Any:
        if name.startswith("pyhanko"):
            raise ImportError(name)
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    holds, said = told(content, tmp_path)
    assert not holds
    assert "the signatures on the file could not be compared: signatures need pyHanko" in said
    with pytest.raises(DependencyError, match="pyHanko"):
        check_signatures(content)
