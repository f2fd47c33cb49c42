# SPDX-License-Identifier: Apache-2.0
"""The auditor's page in a real browser: it takes what was issued, refuses what was altered, asks for nothing."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from governance.core.checkpoint import parse_checkpoint
from governance.core.cosignature import CosigningKey, cosign
from governance.core.note import add_signatures, parse_note
from governance.report import bundle
from governance.report.bundle import parse_manifest, with_manifest, write_zip
from governance.report.signature import read_identity, sign_pdf
from tests.auditor.page import PAGE, with_hashes
from tests.report.certificates import make_holder, pem_of
from tests.report.issued import NOW, SUBJECT, issued, opened_workspace, signing_key

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium is on this machine")
Files = dict[str, bytes]
NUMBERS = count()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """The page, opened from disk; whatever it asks for and whatever goes wrong in it is kept."""
    opened = browser.new_page()
    opened.asked, opened.wrong = [], []
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.on("pageerror", lambda error: opened.wrong.append(str(error)))
    opened.on("console", lambda message: opened.wrong.append(message.text))
    opened.goto(PAGE.as_uri())
    yield opened
    assert opened.asked == [PAGE.as_uri()], "the page asked for something"
    assert opened.wrong == []
    opened.close()


def said(page: Any, content: bytes, folder: Path, *, name: str = "report.zip", key: str | None = None) -> str:
    """What the page says of a file: the verdict, then its lines."""
    # A name of its own for each, so that no verdict on the file before is taken for this one's.
    path = folder / f"{next(NUMBERS)}-{name}"
    path.write_bytes(content)
    page.fill("#key", issued().key if key is None else key)
    page.set_input_files("#file", str(path))
    page.wait_for_selector(f"#report dd:text-is('{path.name}')", timeout=60_000)
    lines = page.eval_on_selector_all(
        "#checks li", "all => all.map(each => each.className + ' ' + each.textContent)"
    )
    return "\n".join([page.inner_text("#verdict h2"), *lines])


def forged(files: Files, **changes: bytes) -> bytes:
    """A bundle changed by somebody who makes bundle.json fit."""
    kept = {name: content for name, content in files.items() if name != bundle.MANIFEST}
    kept.update({name.replace("_", "."): content for name, content in changes.items()})
    return write_zip(with_manifest(parse_manifest(files[bundle.MANIFEST]), kept))


def files_of() -> Files:
    return dict(issued().rendered.bundle)


def test_the_page_allows_its_own_script_and_style_and_nothing_else() -> None:
    """After the page was edited: python -m tests.auditor.page."""
    text = PAGE.read_text(encoding="utf-8")
    assert with_hashes(text) == text
    assert "default-src 'none'" in text
    for word in (
        "innerHTML",
        "eval(",
        "fetch(",
        "XMLHttpRequest",
        "http://",
        "https://",
        "import(",
        "localStorage",
    ):
        assert word not in text, word


@needs_browser
def test_a_report_and_its_bundle_are_verified(page: Any, tmp_path: Path) -> None:
    told = said(page, issued().rendered.content, tmp_path, name="report.pdf")
    assert told.startswith("✓ The evidence is verified")
    assert "no " not in [line[:3] for line in told.split("\n")]
    assert "yes The checkpoint is signed by example.com/reports with the key that you gave." in told
    assert "not The pages of the PDF were not compared with its content" in told
    entries = files_of()[bundle.ENTRIES].count(b"\n")
    assert f"yes All {entries} entries are under the checkpoint" in told
    assert page.locator("#entries tr").count() == entries
    assert page.locator("#entries .st.no").count() == 0
    assert files_of()[bundle.CHECKPOINT].decode() == page.text_content("#checkpoint")
    assert said(page, issued().rendered.zipped(), tmp_path).startswith("✓ The evidence is verified")


@needs_browser
def test_a_signed_report_is_read_and_its_signature_left_to_others(page: Any, tmp_path: Path) -> None:
    holder = make_holder("Ana")
    signed = sign_pdf(
        issued().rendered.content, read_identity(pem_of(holder), passphrase=None, source="x"), at=NOW
    )
    told = said(page, signed, tmp_path, name="report.pdf")
    assert told.startswith("✓ The evidence is verified")
    assert "not The PDF has 2 revisions" in told


@needs_browser
def test_a_report_written_anew_by_another_tool_is_still_read(page: Any, tmp_path: Path) -> None:
    whole = io.BytesIO()
    with pikepdf.open(io.BytesIO(issued().rendered.content)) as pdf:
        pdf.save(whole, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    assert said(page, whole.getvalue(), tmp_path, name="r.pdf").startswith("✓ The evidence is verified")
    plain = io.BytesIO()
    with pikepdf.open(io.BytesIO(issued().rendered.content)) as pdf:
        pdf.save(plain, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    assert said(page, plain.getvalue(), tmp_path, name="r.pdf").startswith("✓ The evidence is verified")


@needs_browser
def test_one_entry_alone_is_proven_by_a_proof_file(page: Any, tmp_path: Path) -> None:
    workspace = opened_workspace()
    workspace.checkpoint()
    files = files_of()
    first = files[bundle.ENTRIES].split(b"\n")[0] + b"\n"
    proof = issued().workspace.prove_under(files[bundle.CHECKPOINT], [0])
    told = said(page, forged(files, entries_jsonl=first, **{"inclusion-proof_txt": proof}), tmp_path)
    assert "yes All 1 entries are under the checkpoint" in told


@needs_browser
def test_witnesses_whose_keys_are_given_are_named(page: Any, tmp_path: Path) -> None:
    files = files_of()
    note = files[bundle.CHECKPOINT]
    witness = CosigningKey("witness.example/w1", signing_key(9).private_key)
    cosigned = add_signatures(note, [cosign(parse_note(note).text, witness, time=1_763_596_800)])
    proof = files[bundle.PROOF].replace(note, cosigned)
    content = forged(files, checkpoint_txt=cosigned, **{"inclusion-proof_txt": proof})
    both = f"{issued().key}\n{witness.verifier_key}"
    told = said(page, content, tmp_path, key=both)
    assert told.startswith("✓ The evidence is verified")
    assert "yes The witness witness.example/w1 saw this checkpoint on 2025-11-20 at 00:00 UTC." in told
    assert "not 1 more signature under the checkpoint" in said(page, content, tmp_path)
    broken = cosigned.replace(b" entries", b"").replace(cosigned[-20:-10], b"AAAAAAAAAA")
    altered = forged(
        files, checkpoint_txt=broken, **{"inclusion-proof_txt": files[bundle.PROOF].replace(note, broken)}
    )
    assert "does not verify" in said(page, altered, tmp_path, key=both)


def dropped(files: Files, name: str) -> bytes:
    return write_zip({each: content for each, content in files.items() if each != name})


TAMPERED: dict[str, tuple[Callable[[Files], bytes], str]] = {
    "an altered attachment": (
        lambda files: write_zip(files | {bundle.ASSESSMENT: b'{"findings":[]}'}),
        "no The attachment assessment.json was altered.",
    ),
    "a missing attachment": (
        lambda files: dropped(files, bundle.ENTRIES),
        "no The attachment entries.jsonl is missing.",
    ),
    "no list of attachments": (
        lambda files: dropped(files, bundle.MANIFEST),
        "no The attachment bundle.json is missing",
    ),
    "a foreign attachment": (
        lambda files: write_zip(files | {"x.txt": b"x"}),
        "no The attachment x.txt is not named in bundle.json.",
    ),
    "another rule set": (
        lambda files: forged(files, **{"rule-set.baseline_yaml": b"id: baseline\n"}),
        "no The rule set baseline is not the one that the report names.",
    ),
    "an altered entry": (
        lambda files: forged(
            files, entries_jsonl=files[bundle.ENTRIES].replace(b"person:rita", b"person:rota", 1)
        ),
        "no The entries are not those under the checkpoint",
    ),
    "an entry less": (
        lambda files: forged(files, entries_jsonl=b"\n".join(files[bundle.ENTRIES].split(b"\n")[1:])),
        "is proven and missing.",
    ),
    "an entry more": (
        lambda files: forged(
            files,
            entries_jsonl=files[bundle.ENTRIES] + b'{"index":9999,"event":{"type":"x","actor":{}}}\n',
        ),
        "no Entry 9999 is not under the checkpoint: nothing proves it.",
    ),
    "entries in another order": (
        lambda files: forged(
            files,
            entries_jsonl=b"\n".join(
                [*reversed(files[bundle.ENTRIES].split(b"\n")[:2]), *files[bundle.ENTRIES].split(b"\n")[2:]]
            ),
        ),
        "is not an entry, or not in order.",
    ),
    "an altered checkpoint": (
        lambda files: forged(
            files,
            checkpoint_txt=files[bundle.CHECKPOINT].replace(
                b"example.com/reports\n", b"example.com/reporta\n", 1
            ),
        ),
        "no The checkpoint is not the one that bundle.json names.",
    ),
    "an altered signature": (
        lambda files: forged(
            files, checkpoint_txt=files[bundle.CHECKPOINT][:-12] + b"AAAA" + files[bundle.CHECKPOINT][-8:]
        ),
        "no The signature by example.com/reports does not verify.",
    ),
    "a proof under another checkpoint": (
        lambda files: forged(files, **{"inclusion-proof_txt": files[bundle.PROOF] + b"\n"}),
        "no The inclusion proof is under another checkpoint",
    ),
    "an index less in the proof": (
        lambda files: forged(
            files,
            **{
                "inclusion-proof_txt": b"\n".join(
                    files[bundle.PROOF].split(b"\n")[:1] + files[bundle.PROOF].split(b"\n")[2:]
                )
            },
        ),
        "no The inclusion proof has too few hashes.",
    ),
    "a finding on other evidence": (
        lambda files: forged(files, assessment_json=b'{"findings":[{"rule":"baseline/x","evidence":[777]}]}'),
        "no The finding baseline/x rests on entry 777",
    ),
    "another hash printed": (
        lambda files: forged(files, content_json=b'{"evidence":[{"index":0,"hash":"ab"}]}'),
        "no The evidence index prints another hash for entry 0.",
    ),
    "a name with a path": (
        lambda files: write_zip(files | {"../x": b"x"}),
        "no A bundle holds no file named ../x.",
    ),
    "a file that is none": (
        lambda _: b"nothing at all, but long enough to be looked at",
        "no The zip has no end.",
    ),
    "an empty file": (lambda _: b"", "no The zip has no end."),
    "a PDF that is cut": (lambda _: issued().rendered.content[:-50], "no The PDF has no end"),
    "a PDF with something behind its end": (
        lambda _: issued().rendered.content + b"x",
        "no The PDF has no end, or something follows it.",
    ),
}


@needs_browser
@pytest.mark.parametrize("name", TAMPERED)
def test_what_was_altered_is_named(name: str, page: Any, tmp_path: Path) -> None:
    change, expected = TAMPERED[name]
    told = said(page, change(files_of()), tmp_path, name="x.pdf" if "PDF" in name else "x.zip")
    assert told.startswith("✗ Not verified")
    assert expected in told


@needs_browser
@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("", "no No verifier key was given"),
        ("nonsense", "no This is not a verifier key: nonsense."),
        (
            str(signing_key(8).verifier_key),
            "no The checkpoint is not signed by example.com/reports with the key",
        ),
        ("example.com/reports+00000000+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs", "has another key id"),
    ],
)
def test_without_the_right_key_nothing_is_verified(
    key: str, expected: str, page: Any, tmp_path: Path
) -> None:
    told = said(page, issued().rendered.zipped(), tmp_path, key=key)
    assert told.startswith("✗ Not verified")
    assert expected in told


@needs_browser
def test_a_browser_without_ed25519_says_so_and_does_not_decide(page: Any, tmp_path: Path) -> None:
    page.evaluate(
        "() => { crypto.subtle.importKey = () => Promise.reject(new DOMException('no', 'NotSupportedError')) }"
    )
    told = said(page, issued().rendered.zipped(), tmp_path)
    assert told.startswith("? Not decided")
    assert "not This browser cannot check Ed25519 signatures" in told


@needs_browser
def test_hostile_text_in_entries_stays_text(page: Any, tmp_path: Path) -> None:
    hostile = (
        b'{"index":0,"event":{"type":"<img src=x onerror=alert(1)>","subject":"<script>alert(1)</script>"}}\n'
    )
    said(page, forged(files_of(), entries_jsonl=hostile), tmp_path)
    assert page.locator("#entries img, #entries script").count() == 0
    assert "<img src=x" in page.inner_text("#entries")


@needs_browser
def test_the_page_and_the_product_agree_about_the_checkpoint(page: Any, tmp_path: Path) -> None:
    said(page, issued().rendered.zipped(), tmp_path)
    stated = parse_checkpoint(parse_note(files_of()[bundle.CHECKPOINT]).text)
    assert str(stated.tree_size) in page.inner_text("#checkpoint")
    assert SUBJECT in page.inner_text("#report")
