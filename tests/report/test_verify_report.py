# SPDX-License-Identifier: Apache-2.0
"""A report proves itself: what was issued verifies, and each alteration is named."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from governance.core.canonical import format_canonical
from governance.core.checkpoint import Checkpoint, sign_checkpoint
from governance.core.hashing import digest_bytes
from governance.errors import BundleError, InputError
from governance.ledger.verify import Verification
from governance.report import bundle
from governance.report.bundle import parse_manifest, with_manifest, write_zip
from governance.report.bundle_reading import read_pdf
from governance.report.verify_report import LEFT_OUT
from governance.workspace.verifying import Beside, verify_source
from tests.report.issued import Issued, issued, signing_key

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def report() -> Issued:
    return issued()


def verified(path: str, key: str | None, **beside: Any) -> Verification:
    return verify_source(path, key=key, beside=Beside(**beside))


def told(found: Verification) -> str:
    """Everything that was found, as text."""
    return "\n".join(f"{each.where} {each.place} {each.what} {each.got}" for each in found.discrepancies)


def altered_pdf(content: bytes, change: Callable[[pikepdf.Pdf], None]) -> bytes:
    """A PDF changed with an ordinary tool and saved anew."""
    with pikepdf.open(io.BytesIO(content)) as pdf:
        change(pdf)
        whole = io.BytesIO()
        pdf.save(whole)
    return whole.getvalue()


def attached(pdf: pikepdf.Pdf, name: str, content: bytes) -> Any:
    """Put an attachment into a PDF in place of the one of that name."""
    spec: Any = pikepdf.AttachedFileSpec
    pdf.attachments[name] = made = spec(pdf, content, filename=name)
    return made


def zip_holds(folder: Path, files: Mapping[str, bytes], key: str, **beside: Any) -> Verification:
    path = folder / "bundle.zip"
    path.write_bytes(write_zip(files))
    return verified(str(path), key, **beside)


def renamed(files: Files, **changes: bytes) -> Files:
    """The files with some of them replaced and bundle.json made to fit: a forger who takes care."""
    kept = {name: content for name, content in files.items() if name != bundle.MANIFEST}
    kept.update({name.replace("_", "."): content for name, content in changes.items()})
    return with_manifest(parse_manifest(files[bundle.MANIFEST]), kept)


def test_an_issued_report_verifies_from_its_key_alone(report: Issued, tmp_path: Path) -> None:
    found = verified(report.written(tmp_path), report.key)
    assert found.holds, told(found)
    assert found.source == "report"
    assert found.key_is_trusted
    assert found.signed_size == found.tree_size > 20
    assert "its pages are those of that content, byte for byte" in found.claim
    assert "its findings and content follow from them" in found.claim
    assert found.notices == (LEFT_OUT,)


def test_the_bundle_beside_it_verifies_and_says_that_it_has_no_pages(report: Issued, tmp_path: Path) -> None:
    found = zip_holds(tmp_path, report.rendered.bundle, report.key)
    assert found.holds, told(found)
    assert any("a bundle has no pages" in notice for notice in found.notices)
    assert write_zip(report.rendered.bundle) == report.rendered.zipped()


def test_without_a_key_nothing_is_verified(report: Issued, tmp_path: Path) -> None:
    assert "no key is known" in told(zip_holds(tmp_path, report.rendered.bundle, ""))


def test_another_key_does_not_verify(report: Issued, tmp_path: Path) -> None:
    found = zip_holds(tmp_path, report.rendered.bundle, str(signing_key(8).verifier_key))
    assert "not one that you trust" in told(found)
    assert "does not verify" in told(found)
    assert found.signed_size == 0


def test_a_page_whose_text_was_altered_is_named(report: Issued, tmp_path: Path) -> None:
    def change(pdf: pikepdf.Pdf) -> None:
        page = pdf.pages[1]
        page.Contents = pdf.make_stream(page.Contents.read_bytes() + b"\nq 1 0 0 rg 100 500 90 40 re f Q")

    found = verified(report.written(tmp_path, altered_pdf(report.rendered.content, change)), report.key)
    assert told(found) == "pages  are not those of the attached content page 2"


@pytest.mark.slow
def test_what_is_not_drawn_is_compared_too(report: Issued, tmp_path: Path) -> None:
    def change(pdf: pikepdf.Pdf) -> None:
        pdf.Root.Lang = pikepdf.String("de")

    found = verified(report.written(tmp_path, altered_pdf(report.rendered.content, change)), report.key)
    assert "what is drawn is the same, but not fonts, links, structure, metadata" in told(found)


@pytest.mark.slow
def test_a_page_that_was_taken_out_is_told(report: Issued, tmp_path: Path) -> None:
    def change(pdf: pikepdf.Pdf) -> None:
        del pdf.pages[2]

    found = verified(report.written(tmp_path, altered_pdf(report.rendered.content, change)), report.key)
    assert "pages, expected" in told(found)


def test_an_attachment_that_was_altered_is_named(report: Issued, tmp_path: Path) -> None:
    def change(pdf: pikepdf.Pdf) -> None:
        text = report.rendered.bundle[bundle.ASSESSMENT].replace(b'"not_satisfied"', b'"satisfied"', 1)
        attached(pdf, bundle.ASSESSMENT, text)

    found = verified(report.written(tmp_path, altered_pdf(report.rendered.content, change)), report.key)
    assert "attachment assessment.json was altered" in told(found)
    assert "content assessment.json does not follow from the entries" in told(found)


@pytest.mark.parametrize("name", sorted(set(issued().rendered.bundle) - {bundle.MANIFEST}))
def test_an_attachment_that_is_missing_is_named(name: str, report: Issued, tmp_path: Path) -> None:
    files = {each: content for each, content in report.rendered.bundle.items() if each != name}
    found = zip_holds(tmp_path, files, report.key)
    assert f"attachment {name} is missing" in told(found)
    assert not zip_holds(tmp_path, renamed(files), report.key).holds, "a forger who takes care"


def test_a_report_without_its_attachments_is_refused(report: Issued, tmp_path: Path) -> None:
    def all_of_them(pdf: pikepdf.Pdf) -> None:
        del pdf.Root.Names.EmbeddedFiles

    with pytest.raises(BundleError, match="has no attachments"):
        verified(report.written(tmp_path, altered_pdf(report.rendered.content, all_of_them)), report.key)

    def the_list(pdf: pikepdf.Pdf) -> None:
        del pdf.attachments[bundle.MANIFEST]

    with pytest.raises(BundleError, match=r"bundle\.json is missing"):
        verified(report.written(tmp_path, altered_pdf(report.rendered.content, the_list)), report.key)


def test_an_incremental_update_is_told(report: Issued, tmp_path: Path) -> None:
    update = b"1 0 obj\n<<>>\nendobj\ntrailer<</Size 2/Root 1 0 R>>\n"
    start = report.rendered.content.rindex(b"startxref")
    place = report.rendered.content[start:].split()[1]
    whole = report.rendered.content + update + b"startxref\n" + place + b"\n%%EOF\n"
    found = verified(report.written(tmp_path, whole), report.key)
    assert "bytes were appended to the report: an incremental update" in told(found)


@pytest.mark.slow
def test_the_attachments_of_another_report_are_not_taken_for_its_own(report: Issued, tmp_path: Path) -> None:
    other = issued(subject="dataset:loans@1").rendered.bundle

    def change(pdf: pikepdf.Pdf) -> None:
        for name, content in other.items():
            attached(pdf, name, content)

    found = verified(report.written(tmp_path, altered_pdf(report.rendered.content, change)), report.key)
    assert "pages  are not those of the attached content" in told(found)
    assert "was altered" not in told(found), "the other bundle is whole in itself"


def test_a_replaced_checkpoint_is_told(report: Issued, tmp_path: Path) -> None:
    files = dict(report.rendered.bundle)
    forged = Checkpoint("example.com/reports", 99, bytes(32))
    files[bundle.CHECKPOINT] = sign_checkpoint(forged, [signing_key(8)])
    found = zip_holds(tmp_path, files, report.key)
    assert "attachment checkpoint.txt was altered" in told(found)
    assert "inclusion-proof.txt is under another checkpoint" in told(found)
    careful = zip_holds(tmp_path, renamed(files), report.key)
    assert "inclusion-proof.txt is under another checkpoint" in told(careful)
    assert "is not the one that bundle.json names" in told(careful)


def replaced_entry(files: Files) -> Files:
    return renamed(files, entries_jsonl=files[bundle.ENTRIES].replace(b"person:rita", b"person:rota", 1))


def fewer_entries(files: Files) -> Files:
    return renamed(files, entries_jsonl=b"\n".join(files[bundle.ENTRIES].split(b"\n")[3:]))


def one_more_entry(files: Files) -> Files:
    last = json.loads(files[bundle.ENTRIES].split(b"\n")[-2])
    more = format_canonical(last | {"index": last["index"] + 1})
    return renamed(files, entries_jsonl=files[bundle.ENTRIES] + more + b"\n")


def entries_in_another_order(files: Files) -> Files:
    lines = files[bundle.ENTRIES].split(b"\n")
    return renamed(files, entries_jsonl=b"\n".join([lines[1], lines[0], *lines[2:]]))


def better_findings(files: Files) -> Files:
    return renamed(
        files, assessment_json=files[bundle.ASSESSMENT].replace(b'"verdict":"fail"', b'"verdict":"pass"')
    )


def better_content(files: Files) -> Files:
    return renamed(
        files, content_json=files[bundle.CONTENT].replace(b'"verdict":"fail"', b'"verdict":"pass"')
    )


def other_rules(files: Files) -> Files:
    name = bundle.rule_set_file("baseline")
    kept = {each: content for each, content in files.items() if each != bundle.MANIFEST}
    kept[name] = files[name].replace(b"severity: critical", b"severity: low")
    text = digest_bytes(kept[name])
    manifest = replace(parse_manifest(files[bundle.MANIFEST]), rule_sets=(("baseline", text),))
    return with_manifest(manifest, kept)


def a_finding_on_other_evidence(files: Files) -> Files:
    assessment = json.loads(files[bundle.ASSESSMENT])
    assessment["findings"][0]["evidence"] = [77]
    return renamed(files, assessment_json=format_canonical(assessment))


def another_hash_printed(files: Files) -> Files:
    content = json.loads(files[bundle.CONTENT])
    content["evidence"][0]["hash"] = "ab" * 32
    return renamed(files, content_json=format_canonical(content))


def an_entry_cited_that_is_not_there(files: Files) -> Files:
    content = json.loads(files[bundle.CONTENT])
    content["evidence"][0]["index"] = 77
    return renamed(files, content_json=format_canonical(content))


def another_moment(files: Files) -> Files:
    kept = {each: content for each, content in files.items() if each != bundle.MANIFEST}
    manifest = replace(parse_manifest(files[bundle.MANIFEST]), at="2026-10-01T12:00:00.000000Z")
    return with_manifest(manifest, kept)


CAREFUL: dict[Callable[[Files], Files], str] = {
    replaced_entry: "is not under the checkpoint",
    fewer_entries: "is proven and missing",
    one_more_entry: "nothing proves it",
    entries_in_another_order: "indexes do not rise",
    better_findings: "assessment.json does not follow from the entries",
    better_content: "content.json (assessment) does not follow from the entries",
    other_rules: "does not follow from the entries",
    a_finding_on_other_evidence: "rests on entry 77, which is not in the report",
    another_hash_printed: "prints another hash",
    an_entry_cited_that_is_not_there: "cites an entry that is not in the report",
    another_moment: "does not follow from the entries",
}


@pytest.mark.parametrize("change", CAREFUL)
def test_a_forger_who_takes_care_of_digests_is_found_out(
    change: Callable[[Files], Files], report: Issued, tmp_path: Path
) -> None:
    files = dict(report.rendered.bundle)
    altered = change(files)
    assert altered != files
    found = zip_holds(tmp_path, altered, report.key)
    assert CAREFUL[change] in told(found)
    assert found.signed_size == 0


def test_the_evidence_alone_can_be_asked_for_and_says_what_it_left_out(
    report: Issued, tmp_path: Path
) -> None:
    found = zip_holds(tmp_path, better_content(dict(report.rendered.bundle)), report.key, evidence_only=True)
    assert found.holds
    assert any("findings and content were not compared" in notice for notice in found.notices)
    altered = zip_holds(
        tmp_path, replaced_entry(dict(report.rendered.bundle)), report.key, evidence_only=True
    )
    assert not altered.holds


def test_a_template_that_is_not_at_hand_leaves_the_pages_unchecked_and_says_so(
    report: Issued, tmp_path: Path
) -> None:
    none = tmp_path / "templates"
    (none / "_base").mkdir(parents=True)
    (none / "_base" / "style.css").write_text("")
    found = verified(report.written(tmp_path), report.key, templates=none)
    assert "the pages could not be compared" in told(found)
    assert "no report template 'assessment'" in told(found)
    own = none / "assessment"
    own.mkdir()
    (own / "template.html.j2").write_text("x")
    found = verified(report.written(tmp_path), report.key, templates=none)
    assert "the template assessment at hand is sha256:" in told(found)
    assert verified(report.written(tmp_path), report.key, templates=none, evidence_only=True).holds


@pytest.mark.slow
def test_pages_laid_out_with_other_libraries_are_not_called_the_same(report: Issued, tmp_path: Path) -> None:
    kept = {each: text for each, text in report.rendered.bundle.items() if each != bundle.MANIFEST}
    manifest = parse_manifest(report.rendered.bundle[bundle.MANIFEST])
    older = replace(manifest, renderer={**manifest.renderer, "weasyprint": "63.0"})

    def change(pdf: pikepdf.Pdf) -> None:
        content = with_manifest(older, kept)[bundle.MANIFEST]
        attached(pdf, bundle.MANIFEST, content)

    found = verified(report.written(tmp_path, altered_pdf(report.rendered.content, change)), report.key)
    assert "laid out with weasyprint 63.0 (here " in told(found)
    assert not found.holds


def test_options_that_fit_nothing_are_refused(report: Issued, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--checkpoint does not apply to a report"):
        verified(report.written(tmp_path), report.key, checkpoints=["x"])
    export = tmp_path / "e.jsonl"
    export.write_bytes(report.rendered.bundle[bundle.ENTRIES])
    with pytest.raises(InputError, match="--evidence-only does not apply to an export"):
        verified(str(export), report.key, evidence_only=True)


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "a/b", "", "A.TXT", "x" * 101, "..", "a..b", "ü.txt", "a\nb"]
)
def test_a_name_that_no_bundle_has_is_refused(name: str, report: Issued, tmp_path: Path) -> None:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name) if name else zipfile.ZipInfo("x" * 200), b"x")
    path = tmp_path / "strange.zip"
    path.write_bytes(whole.getvalue())
    with pytest.raises(BundleError, match="holds no file named"):
        verified(str(path), report.key)


@pytest.mark.parametrize(
    ("content", "told_error"),
    [
        (b"%PDF-1.7\n", "damaged or locked"),
        (b"%PDF-1.7\n" + b"\0" * 5000, "damaged or locked"),
        (b"PK\x03\x04nothing", "cannot be read"),
    ],
)
def test_bytes_that_are_no_report_are_refused(
    content: bytes, told_error: str, report: Issued, tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match=told_error):
        verified(report.written(tmp_path, content), report.key)


@pytest.mark.parametrize("missing", [200, 100_000])
def test_a_report_whose_end_is_missing_is_refused(missing: int, report: Issued, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="damaged"):
        verified(report.written(tmp_path, report.rendered.content[:-missing]), report.key)


@pytest.mark.slow
def test_a_report_without_its_last_bytes_is_not_the_one_that_was_made(report: Issued, tmp_path: Path) -> None:
    path = report.written(tmp_path, report.rendered.content[:-3])
    assert "are not those of the attached content" in told(verified(path, report.key))


def test_a_pdf_that_runs_something_or_is_locked_is_refused(report: Issued, tmp_path: Path) -> None:
    def script(pdf: pikepdf.Pdf) -> None:
        pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")

    with pytest.raises(BundleError, match="runs something"):
        verified(report.written(tmp_path, altered_pdf(report.rendered.content, script)), report.key)
    with pikepdf.open(io.BytesIO(report.rendered.content)) as pdf:
        locked = io.BytesIO()
        pdf.save(locked, encryption=pikepdf.Encryption(owner="o", user=""))
    with pytest.raises(BundleError, match="encrypted"):
        verified(report.written(tmp_path, locked.getvalue()), report.key)


def test_a_stream_that_unpacks_without_end_is_refused_before_it_is_unpacked(
    report: Issued, tmp_path: Path
) -> None:
    import zlib

    bomb = zlib.compress(zlib.compress(bytes(400_000_000), 9), 9)

    def change(pdf: pikepdf.Pdf) -> None:
        stream = attached(pdf, "x.txt", b"x").obj.EF.F
        stream.write(bomb, filter=pikepdf.Array([pikepdf.Name.FlateDecode, pikepdf.Name.FlateDecode]))

    with pytest.raises(BundleError, match=r"unpacks to far more|packed in a way|cut, or larger"):
        verified(report.written(tmp_path, altered_pdf(report.rendered.content, change)), report.key)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"format":"governance/evidence-bundle@2"}',
        b'{"format":"governance/evidence-bundle@1"}',
        b'{"format":"governance/evidence-bundle@1","rule_sets":[1]}',
        b"{" * 100_000,
    ],
)
def test_a_bundle_json_that_is_none_is_refused(text: bytes, report: Issued, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"bundle\.json"):
        zip_holds(tmp_path, {**report.rendered.bundle, bundle.MANIFEST: text}, report.key)


@pytest.mark.parametrize(
    "change", [{"tree_size": -1}, {"tree_size": True}, {"about": 1}, {"draft": 0}, {"files": {"../x": "y"}}]
)
def test_a_bundle_json_with_wrong_values_is_refused(
    change: dict[str, Any], report: Issued, tmp_path: Path
) -> None:
    text = json.dumps(json.loads(report.rendered.bundle[bundle.MANIFEST]) | change).encode()
    with pytest.raises(BundleError):
        zip_holds(tmp_path, {**report.rendered.bundle, bundle.MANIFEST: text}, report.key)


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        (bundle.PROOF, b"nothing", "inclusion-proof.txt cannot be checked"),
        (bundle.KEYS, b"\xff", "it or its key cannot be read"),
        (bundle.CHECKPOINT, b"nothing", "it or its key cannot be read"),
        (bundle.ENTRIES, b"{}\n" + b"x" * 70_000 + b"\n", "line 1 cannot be read"),
        (bundle.CONTENT, b"[" * 200_000, "content.json cannot be read"),
        (bundle.CONTENT, b"[]", "content.json cannot be read"),
        (bundle.CONTENT, b'{"evidence":[1]}', "not of its form"),
        (bundle.ASSESSMENT, b'{"findings":[{}]}', "not of its form"),
        (bundle.rule_set_file("baseline"), b"id: [", "cannot be derived"),
    ],
)
def test_files_that_are_not_what_they_should_be_are_told(
    name: str, text: bytes, what: str, report: Issued, tmp_path: Path
) -> None:
    files = {each: content for each, content in report.rendered.bundle.items() if each != bundle.MANIFEST}
    manifest = parse_manifest(report.rendered.bundle[bundle.MANIFEST])
    found = zip_holds(tmp_path, with_manifest(manifest, {**files, name: text}), report.key)
    assert what in told(found)


@pytest.mark.parametrize("other", [b"/" + b"\xff" * 11, b"/RunLengthDe"])
def test_an_attachment_packed_in_another_way_is_refused(other: bytes) -> None:
    """Whatever the name's bytes are; as long as the one it replaces, so that all offsets hold."""
    from tests.faults.parsers import PARSERS

    (sample,) = PARSERS["report"].samples
    assert read_pdf(sample).files
    with pytest.raises(BundleError, match=r"packed in a way|cannot be read"):
        read_pdf(sample.replace(b"/FlateDecode", other, 1))
