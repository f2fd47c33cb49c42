# SPDX-License-Identifier: Apache-2.0
"""Signed notes and verifier keys: the vectors of Go's sumdb and of C2SP, then all that condemns a note."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given, settings
from hypothesis import strategies as st

from governance.core.note import (
    NAME_BYTES_MAX,
    SIGNATURES_MAX,
    SIZE_BYTES_MAX,
    SigningKey,
    VerifierKey,
    format_verifier_key,
    is_key_name,
    open_note,
    parse_note,
    parse_verifier_key,
    sign_note,
)
from governance.errors import NoteError

VECTORS = Path(__file__).parents[1] / "vectors" / "note"
SUMDB: dict[str, Any] = json.loads((VECTORS / "sumdb-note.json").read_text())
C2SP: dict[str, str] = json.loads((VECTORS / "c2sp-signed-note-example.json").read_text())
PETER, ENOCH = (parse_verifier_key(text) for text in SUMDB["vkeys"])

TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.just("\n"), max_size=60).map(
    lambda text: text + "\n"
)


def make_key(name: str, seed: int) -> SigningKey:
    return SigningKey(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


ALICE = make_key("alice.example/log", 1)
BOB = make_key("bob.example/witness", 2)
TEXT = "a line\n\nanother after a blank one\n"
NOTE = sign_note(TEXT, [ALICE])


def sumdb_signing_key(text: str) -> SigningKey:
    """Read Go's `PRIVATE+KEY+name+hash+base64(0x01 || seed)`."""
    name, key_id, encoded = text.removeprefix("PRIVATE+KEY+").split("+", 2)
    raw = base64.b64decode(encoded)
    key = SigningKey(name, Ed25519PrivateKey.from_private_bytes(raw[1:]))
    assert (raw[0], key.verifier_key.key_id.hex()) == (1, key_id)
    return key


# Foreign vectors.


def test_the_example_of_the_c2sp_page_opens() -> None:
    note = open_note(C2SP["note"].encode(), [parse_verifier_key(C2SP["vkey"])])
    assert note.text == "This is an example message.\n"
    assert [each.name for each in note.signatures] == ["example.com/foo"]


def test_a_note_signed_with_the_key_of_sumdb_is_theirs_byte_for_byte() -> None:
    """Ed25519 is deterministic, so Go's signature is ours."""
    key = sumdb_signing_key(SUMDB["skey"])
    assert sign_note(SUMDB["text"], [key]) == SUMDB["signed_peter"].encode()
    assert key.verifier_key == PETER


@pytest.mark.parametrize(
    ("note", "keys", "names"),
    [
        ("signed_peter", [PETER], ["PeterNeumann"]),
        ("signed_peter", [PETER, ENOCH], ["PeterNeumann"]),
        ("signed_both", [PETER, ENOCH], ["PeterNeumann", "EnochRoot"]),
        ("signed_both", [ENOCH, PETER], ["PeterNeumann", "EnochRoot"]),
        ("signed_both", [PETER], ["PeterNeumann"]),
        ("signed_both", [ENOCH], ["EnochRoot"]),
    ],
)
def test_the_notes_of_sumdb_open_with_the_known_signatures_only(
    note: str, keys: list[VerifierKey], names: list[str]
) -> None:
    opened = open_note(SUMDB[note].encode(), keys)
    assert opened.text == SUMDB["text"]
    assert [each.name for each in opened.signatures] == names


@pytest.mark.parametrize("text", SUMDB["vkeys"])
def test_the_verifier_keys_of_sumdb_are_read_and_written_the_same(text: str) -> None:
    key = parse_verifier_key(text)
    assert format_verifier_key(key) == str(key) == text
    assert parse_verifier_key(f"  {text}\n") == key


@pytest.mark.parametrize("text", SUMDB["bad_vkeys"])
def test_the_bad_verifier_keys_of_sumdb_are_refused(text: str) -> None:
    with pytest.raises(NoteError):
        parse_verifier_key(text)


@pytest.mark.parametrize("text", SUMDB["vkeys"])
def test_a_verifier_key_cut_short_or_changed_by_one_byte_is_refused(text: str) -> None:
    """The rule of sumdb's own test."""
    for cut in range(len(text)):
        with pytest.raises(NoteError):
            parse_verifier_key(text[:cut])
        if cut:
            with pytest.raises(NoteError):
                parse_verifier_key(text[cut:])
        changed = text[:cut] + chr(ord(text[cut]) + 1) + text[cut + 1 :]
        with pytest.raises(NoteError):
            parse_verifier_key(changed)


# What holds.


@settings(max_examples=150, deadline=None)
@given(TEXTS)
@example("\n")
@example("\n\n\n")
@example("text\n\n— alice.example/log forged=\n")
def test_a_signed_text_opens_to_the_same_text(text: str) -> None:
    note = sign_note(text, [ALICE, BOB])
    opened = open_note(note, [ALICE.verifier_key, BOB.verifier_key])
    assert opened == parse_note(note)
    assert opened.text == text
    assert [each.name for each in opened.signatures] == [ALICE.name, BOB.name]


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 255), st.sampled_from(["a", "example.com/log", "ключ", "x/y-z_~!*"]))
def test_a_verifier_key_survives_being_written_and_read(seed: int, name: str) -> None:
    key = make_key(name, seed).verifier_key
    assert parse_verifier_key(format_verifier_key(key)) == key


def test_a_base64_of_a_key_may_hold_a_plus() -> None:
    encoded = [format_verifier_key(make_key("a", seed).verifier_key) for seed in range(1, 40)]
    with_plus = [text for text in encoded if text.count("+") > 2]
    assert with_plus
    for text in with_plus:
        assert str(parse_verifier_key(text)) == text


def test_a_signature_that_is_there_twice_counts_once() -> None:
    body, _, line = NOTE.rpartition(b"\n\n")
    opened = open_note(body + b"\n\n" + line + line, [ALICE.verifier_key])
    assert len(opened.signatures) == 1


def test_the_seed_of_a_signing_key_does_not_appear_in_its_representation() -> None:
    seed = ALICE.private_key.private_bytes_raw()
    shown = repr(ALICE)
    for form in (seed.hex(), base64.b64encode(seed).decode(), repr(seed), str(list(seed))):
        assert form not in shown


# What condemns a note.


def test_a_text_changed_anywhere_does_not_verify() -> None:
    for at in range(len(TEXT)):
        forged = bytearray(NOTE)
        forged[at] ^= 1
        with pytest.raises(NoteError):
            open_note(bytes(forged), [ALICE.verifier_key])


def test_a_signature_changed_anywhere_does_not_verify() -> None:
    text, _, line = NOTE.decode().rpartition("\n\n")
    name, _, encoded = line.rstrip("\n").rpartition(" ")
    raw = base64.b64decode(encoded)
    for at in range(len(raw)):
        changed = raw[:at] + bytes([raw[at] ^ 0x40]) + raw[at + 1 :]
        forged = f"{text}\n\n{name} {base64.b64encode(changed).decode()}\n".encode()
        # Changing the key id makes the signer unknown, changing the rest makes the signature bad.
        with pytest.raises(NoteError, match="none of them with a known key" if at < 4 else "does not verify"):
            open_note(forged, [ALICE.verifier_key])


@pytest.mark.parametrize("length", [1, 63, 65, 200])
def test_a_signature_of_another_length_does_not_verify(length: int) -> None:
    line = base64.b64encode(ALICE.verifier_key.key_id + b"\x07" * length).decode()
    with pytest.raises(NoteError, match="does not verify"):
        open_note(f"{TEXT}\n— {ALICE.name} {line}\n".encode(), [ALICE.verifier_key])


def test_a_known_signature_that_fails_condemns_a_note_that_others_signed_well() -> None:
    good = sign_note(TEXT, [BOB])
    bad = sign_note("another text\n", [ALICE]).rpartition(b"\n\n")[2]
    keys = [ALICE.verifier_key, BOB.verifier_key]
    assert open_note(good, keys).text == TEXT
    with pytest.raises(NoteError, match=r"the signature by alice\.example/log does not verify"):
        open_note(good + bad, keys)
    assert [each.name for each in open_note(good + bad, keys[1:]).signatures] == [BOB.name]


def test_a_good_signature_does_not_cover_a_bad_one_by_the_same_key() -> None:
    bad = sign_note("another text\n", [ALICE]).rpartition(b"\n\n")[2]
    with pytest.raises(NoteError, match="does not verify"):
        open_note(NOTE + bad, [ALICE.verifier_key])


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [BOB.verifier_key],
        [make_key(ALICE.name, 9).verifier_key],
        [VerifierKey(BOB.name, ALICE.verifier_key.public_key)],
    ],
    ids=["no key", "another key", "same name, another key", "same key, another name"],
)
def test_a_note_that_no_known_key_signed_is_refused(keys: list[VerifierKey]) -> None:
    with pytest.raises(
        NoteError, match=r"signed by alice\.example/log, none of them with a known key"
    ) as caught:
        open_note(NOTE, keys)
    assert caught.value.hint == "known keys: " + (", ".join(map(str, keys)) or "none")


def test_a_public_key_of_another_length_verifies_nothing() -> None:
    short = VerifierKey("short", b"\x01" * 31)
    line = base64.b64encode(short.key_id + b"\x00" * 64).decode()
    with pytest.raises(NoteError, match="does not verify"):
        open_note(f"{TEXT}\n— short {line}\n".encode(), [short])


def test_more_signatures_than_the_limit_are_refused() -> None:
    line = NOTE.rpartition(b"\n\n")[2]
    body = NOTE.removesuffix(line)
    assert len(parse_note(body + line * SIGNATURES_MAX).signatures) == SIGNATURES_MAX
    with pytest.raises(NoteError, match=f"{SIGNATURES_MAX + 1} signatures, at most {SIGNATURES_MAX}"):
        parse_note(body + line * (SIGNATURES_MAX + 1))


def test_a_note_beyond_the_limit_is_refused() -> None:
    fill = "a" * (SIZE_BYTES_MAX - len(sign_note("\n", [ALICE])))
    longest = sign_note(fill + "\n", [ALICE])
    assert len(longest) == SIZE_BYTES_MAX
    assert parse_note(longest).text == fill + "\n"
    with pytest.raises(NoteError, match=f"at most {SIZE_BYTES_MAX}"):
        parse_note(sign_note(fill + "a\n", [ALICE]))


LINE = NOTE.decode().rpartition("\n\n")[2]


@pytest.mark.parametrize(
    ("note", "complaint"),
    [
        ("", "no signatures under a blank line"),
        ("text\n", "no signatures under a blank line"),
        (f"text\n{LINE}", "no signatures under a blank line"),
        (f"text\n\n{LINE}"[:-1], "no signatures under a blank line"),
        ("text\n\n", "no signatures under a blank line"),
        (f"text\n\n{LINE}\n", "no signatures under a blank line"),
        (f"text\n\n\n{LINE[2:]}", "not a signature line"),
        (f"text\n\n-- {LINE[2:]}", "not a signature line"),
        (f"text\n\n{LINE}not a signature\n", "not a signature line"),
        (f"text\n\n— {ALICE.name}\n", "not a signature line"),
        ("text\n\n—  AAAAAAAA\n", "not a key name"),
        ("text\n\n— a+b AAAAAAAA\n", "not a key name"),
        ("text\n\n— a\u00a0b AAAAAAAA\n", "not a key name"),
        ("text\n\n— a AAAA\n", "3 bytes, too few"),
        ("text\n\n— a AAAAAA==\n", "4 bytes, too few"),
        ("text\n\n— a \n", "0 bytes, too few"),
        ("text\n\n— a AAAAAAA\n", "not base64"),
        ("text\n\n— a AAAAAAA=  \n", "not base64"),
        ("text\n\n— a AAAA-_AA\n", "not base64"),
        ("text\n\n— a AAAAéAAA\n", "not base64"),
        ("text\n\n— a AAAAAAB=\n", "not in its one form"),
        (f"text\r\n\r\n{LINE}", "no signatures under a blank line"),
        (f"text\r\n\n{LINE}", "control character"),
        (f"text\n\n{LINE[:-1]}\r\n", "control character"),
        (f"te\tt\n\n{LINE}", "control character"),
        (f"te\x00t\n\n{LINE}", "control character"),
        ("text\n\n— a\x01b AAAAAAAA\n", "control character"),
    ],
)
def test_a_malformed_note_is_refused(note: str, complaint: str) -> None:
    with pytest.raises(NoteError, match=complaint):
        parse_note(note.encode())
    with pytest.raises(NoteError, match=complaint):
        open_note(note.encode(), [ALICE.verifier_key])


def test_a_note_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(NoteError, match="not UTF-8"):
        parse_note(b"\xff" + NOTE)


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=60)
    | st.text(max_size=60).map(lambda text: f"{text}\n\n— {text}\n".encode("utf-8", "replace"))
)
def test_any_bytes_are_a_note_or_refused(note: bytes) -> None:
    try:
        parsed = parse_note(note)
    except NoteError:
        return
    assert parsed.signatures


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "end in a newline"),
        ("no newline", "end in a newline"),
        ("carriage return\r\n", "control character"),
        ("tab\t\n", "control character"),
        ("\x00\n", "control character"),
        ("half a pair \ud800\n", "surrogate"),
    ],
)
def test_a_text_that_cannot_stand_in_a_note_is_not_signed(text: str, complaint: str) -> None:
    with pytest.raises(NoteError, match=complaint):
        sign_note(text, [ALICE])


def test_a_note_is_not_made_without_a_key() -> None:
    with pytest.raises(NoteError, match="needs a signature"):
        sign_note(TEXT, [])


BAD_NAMES = [
    "",
    "a b",
    "a+b",
    "a\tb",
    "a\nb",
    "a\x01b",
    "a\u2003b",
    "a\u0085b",
    "\ud800",
    "a" * 256,
    "é" * 128,
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_cannot_stand_in_a_note_signs_nothing(name: str) -> None:
    assert not is_key_name(name)
    with pytest.raises(NoteError, match="not a key name"):
        sign_note(TEXT, [SigningKey(name, ALICE.private_key)])


@pytest.mark.parametrize(
    "name", ["a", "a" * NAME_BYTES_MAX, "é" * (NAME_BYTES_MAX // 2), "example.com/log?2026"]
)
def test_a_name_within_the_limits_can_stand_in_a_note(name: str) -> None:
    assert is_key_name(name)
    key = make_key(name, 3)
    assert open_note(sign_note(TEXT, [key]), [key.verifier_key]).signatures[0].name == name


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "not a verifier key"),
        ("name", "not a verifier key"),
        ("name+00000000", "not a verifier key"),
        ("+00000000+AAAA", "not a key name"),
        ("a b+00000000+AAAA", "not a key name"),
        ("name+00000000+!!!!", "not base64"),
        ("name+00000000+AAB=", "not in its one form"),
        ("name+00000000+", "of no known kind"),
        ("name+00000000+" + base64.b64encode(b"\x01" + b"k" * 31).decode(), "of no known kind"),
        ("name+00000000+" + base64.b64encode(b"\x01" + b"k" * 33).decode(), "of no known kind"),
        (
            "name+00000000+" + base64.b64encode(b"\x02" + b"k" * 32).decode(),
            r"of no known kind \(type 02, 33 bytes\)",
        ),
        ("name+00000000+" + base64.b64encode(b"\x01" + b"k" * 32).decode(), "says key id 00000000"),
        (SUMDB["vkeys"][0].replace("c74f20a3", "C74F20A3"), "says key id C74F20A3"),
        (SUMDB["vkeys"][0].replace("PeterNeumann", "Peter"), "says key id"),
    ],
)
def test_a_malformed_verifier_key_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(NoteError, match=complaint):
        parse_verifier_key(text)
