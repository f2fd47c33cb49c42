# SPDX-License-Identifier: Apache-2.0
"""Time-stamps: the replies of others, a real authority on this machine, and all that proves nothing."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.core.note import sign_note
from governance.errors import DependencyError, InputError, TimeStampError
from governance.ledger.log import Ledger
from governance.ledger.stamped import TimeStampFiles, with_time_stamps
from governance.ledger.time_stamp import (
    CERTIFICATES_SIZE_BYTES_MAX,
    REPLY_SIZE_BYTES_MAX,
    format_time_stamp_request,
    read_time_stamp,
    verify_time_stamp,
)
from governance.ledger.verify import verify
from governance.storage.memory import MemoryStorage
from tests.ledger.authority import Authority
from tests.ledger.histories import ORIGIN, ToldClock, event, opening, signing_key

pytest.importorskip("rfc3161_client", reason="the extra `timestamp` is not installed")

VECTORS = Path(__file__).parents[1] / "vectors" / "rfc3161"
NOTE = sign_note("text\n", [signing_key()])
OTHER = sign_note("another text\n", [signing_key()])


def vector(folder: str, name: str) -> bytes:
    return (VECTORS / folder / name).read_bytes()


def chain(folder: str) -> bytes:
    return vector(folder, "ts_chain.pem")


# Replies of others.


@pytest.mark.parametrize(
    ("folder", "name", "hash_name", "at"),
    [
        ("sigstage", "response-sha256.tsr", "sha256", datetime(2025, 5, 9, 11, 58, 55, tzinfo=UTC)),
        ("sigstage", "response-sha384.tsr", "sha384", datetime(2025, 5, 9, 11, 58, 55, tzinfo=UTC)),
        ("sigstage", "response-sha512.tsr", "sha512", datetime(2025, 5, 9, 11, 58, 56, tzinfo=UTC)),
        ("sigstage", "response-no-embedded-cert.tsr", "sha256", datetime(2025, 6, 18, 8, 13, 2, tzinfo=UTC)),
        ("test_tsa", "response.tsr", "sha512", datetime(2024, 10, 8, 15, 40, 32, tzinfo=UTC)),
        ("test_tsa", "response-injected-certs.tsr", "sha512", datetime(2024, 10, 8, 15, 40, 32, tzinfo=UTC)),
    ],
)
def test_replies_of_other_authorities_verify(folder: str, name: str, hash_name: str, at: datetime) -> None:
    stamp = verify_time_stamp(vector(folder, name), b"hello", certificates=chain(folder))
    assert (stamp.at, stamp.hash_name, stamp.is_of(b"hello"), stamp.is_of(b"hallo")) == (
        at,
        hash_name,
        True,
        False,
    )
    assert stamp.authority
    with pytest.raises(TimeStampError, match="Mismatch between messages"):
        verify_time_stamp(vector(folder, name), b"hallo", certificates=chain(folder))


def test_a_certificate_that_ran_out_after_the_stamp_is_as_good_as_ever() -> None:
    payload = vector("sigstore.mock", "payload")
    reply = vector("sigstore.mock", "response-expired.tsr")
    assert verify_time_stamp(reply, payload, certificates=chain("sigstore.mock")).at.year == 2023


@pytest.mark.parametrize(
    ("folder", "name", "trusted"),
    [
        ("sigstage", "response-invalid-signature.tsr", "sigstage"),
        ("test_tsa", "other_response.tsr", "test_tsa"),
        ("test_tsa", "response.tsr", "sigstage"),
        ("test_tsa", "response-injected-certs.tsr", "sigstage"),
        ("sigstage", "response-sha256.tsr", "test_tsa"),
        ("sigstage", "response-no-embedded-cert.tsr", "test_tsa"),
    ],
)
def test_replies_by_another_authority_or_with_another_signature_do_not_verify(
    folder: str, name: str, trusted: str
) -> None:
    with pytest.raises(TimeStampError, match="does not hold"):
        verify_time_stamp(vector(folder, name), b"hello", certificates=chain(trusted))


# A real authority.


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "a", "authority a")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "b", "authority b")


@pytest.fixture(scope="module")
def reply(authority: Authority) -> bytes:
    return authority.stamp(format_time_stamp_request(NOTE).content)


def test_a_stamp_made_by_openssl_verifies_here_and_there(authority: Authority, reply: bytes) -> None:
    stamp = verify_time_stamp(reply, NOTE, certificates=authority.root)
    assert (stamp.authority, stamp.policy, stamp.hash_name) == ("CN=authority a", "1.2.3.4.1", "sha256")
    assert stamp.serial > 0
    assert stamp == verify_time_stamp(reply, NOTE, certificates=authority.root + authority.own)
    assert authority.confirms(reply, NOTE)
    assert not authority.confirms(reply, OTHER)


def test_the_nonce_of_the_request_is_repeated(authority: Authority) -> None:
    request = format_time_stamp_request(NOTE)
    stamped = authority.stamp(request.content)
    assert verify_time_stamp(stamped, NOTE, certificates=authority.root, nonce=request.nonce).is_of(NOTE)
    with pytest.raises(TimeStampError, match="Nonce mismatch"):
        verify_time_stamp(stamped, NOTE, certificates=authority.root, nonce=request.nonce + 1)


def test_another_checkpoint_is_not_the_stamped_one(authority: Authority, reply: bytes) -> None:
    with pytest.raises(TimeStampError, match="Mismatch between messages"):
        verify_time_stamp(reply, OTHER, certificates=authority.root)


def test_another_authority_is_not_trusted(authority: Authority, stranger: Authority, reply: bytes) -> None:
    foreign = stranger.stamp(format_time_stamp_request(NOTE).content)
    assert verify_time_stamp(foreign, NOTE, certificates=stranger.root).is_of(NOTE)
    for trusted in (authority.root, authority.root + authority.own):
        with pytest.raises(TimeStampError, match="does not hold"):
            verify_time_stamp(foreign, NOTE, certificates=trusted)
    with pytest.raises(TimeStampError, match="does not match"):
        verify_time_stamp(reply, NOTE, certificates=authority.root + stranger.own)


def test_a_certificate_that_had_run_out_when_it_stamped_is_refused(authority: Authority) -> None:
    stamped = authority.stamp(format_time_stamp_request(NOTE).content, certificate=authority.expired)
    with pytest.raises(TimeStampError, match="certificate has expired"):
        verify_time_stamp(stamped, NOTE, certificates=authority.root)
    assert not authority.confirms(stamped, NOTE)


# An altered certificate may have a serial number that the library warns of; what is asserted is the outcome.
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_an_altered_stamp_is_refused_or_says_the_same(authority: Authority, reply: bytes) -> None:
    """Some bytes of a reply are under no signature; whoever changes them changes nothing of what is stated."""
    good = verify_time_stamp(reply, NOTE, certificates=authority.root)
    refused = 0
    cases = [(at, mask) for at in range(len(reply)) for mask in (0x01, 0x10, 0x80, 0xFF)]
    for at, mask in cases:
        altered = reply[:at] + bytes([reply[at] ^ mask]) + reply[at + 1 :]
        try:
            stamp = verify_time_stamp(altered, NOTE, certificates=authority.root)
        except TimeStampError:
            refused += 1
        else:
            assert stamp == good, at
    assert refused > len(cases) * 9 // 10


def test_a_stamp_cut_short_anywhere_is_refused(authority: Authority, reply: bytes) -> None:
    for length in range(0, len(reply), 7):
        with pytest.raises(TimeStampError):
            verify_time_stamp(reply[:length], NOTE, certificates=authority.root)


def test_a_certificate_for_another_use_stamps_nothing(authority: Authority, reply: bytes) -> None:
    """OpenSSL itself refuses to stamp with it, so the good reply is held against it instead."""
    with pytest.raises(subprocess.CalledProcessError):
        authority.stamp(format_time_stamp_request(NOTE).content, certificate=authority.not_for_stamps)
    with pytest.raises(TimeStampError, match="does not match"):
        verify_time_stamp(reply, NOTE, certificates=authority.root + authority.not_for_stamps)


def test_certificates_that_cannot_be_judged_by_are_refused(authority: Authority, reply: bytes) -> None:
    for certificates, told in (
        (b"", "cannot be read"),
        (b"rubbish", "cannot be read"),
        (authority.own, "no root among"),
        (authority.root + authority.own + authority.expired, "two certificates"),
        (b"x" * (CERTIFICATES_SIZE_BYTES_MAX + 1), "at most"),
    ):
        with pytest.raises(InputError, match=told):
            verify_time_stamp(reply, NOTE, certificates=certificates)


def test_what_is_no_reply_is_refused() -> None:
    for content, told in ((b"", "not a time-stamp reply"), (b"x" * (REPLY_SIZE_BYTES_MAX + 1), "at most")):
        with pytest.raises(TimeStampError, match=told):
            read_time_stamp(content)


def test_a_refusal_of_the_authority_is_told() -> None:
    """PKIStatusInfo with status 2, rejection, and no token: 30 05 30 03 02 01 02."""
    with pytest.raises(TimeStampError, match="the authority refused: status 2"):
        read_time_stamp(bytes.fromhex("30053003020102"))


def test_a_granted_reply_without_a_stamp_is_refused() -> None:
    with pytest.raises(TimeStampError, match="not a time-stamp reply"):
        read_time_stamp(bytes.fromhex("30053003020100"))


def test_a_hash_function_that_nobody_should_use_is_refused(authority: Authority, reply: bytes) -> None:
    """The identifier of SHA-256 inside the statement, turned into that of SHA-224."""
    sha256, sha224 = bytes.fromhex("608648016503040201"), bytes.fromhex("608648016503040204")
    at = reply.index(sha256, reply.index(b"\x06\x0b*\x86H\x86\xf7\r\x01\t\x10\x01\x04"))
    altered = reply[:at] + sha224 + reply[at + len(sha224) :]
    with pytest.raises(TimeStampError, match="hash function"):
        read_time_stamp(altered)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_as_a_stamp(content: bytes) -> None:
    with pytest.raises(TimeStampError):
        verify_time_stamp(content, NOTE, certificates=chain("test_tsa"))


def test_without_the_extra_what_to_install_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    with pytest.raises(DependencyError) as caught:
        format_time_stamp_request(NOTE)
    assert caught.value.hint == "install it with: pip install governance[timestamp]"
    with pytest.raises(DependencyError):
        read_time_stamp(b"")


# In the verification of a ledger.


@pytest.fixture
def storage() -> MemoryStorage:
    made = MemoryStorage()
    ledger = Ledger(made, clock=ToldClock(), origin=ORIGIN, signing_key=signing_key())
    ledger.append([opening(signing_key()), event(1)])
    ledger.checkpoint()
    ledger.append([event(2)])
    ledger.checkpoint()
    return made


def test_a_verification_says_which_checkpoint_existed_when(
    storage: MemoryStorage, authority: Authority
) -> None:
    old = storage.checkpoints()[0].note
    files = TimeStampFiles(
        (("old.tsr", authority.stamp(format_time_stamp_request(old).content)),), authority.root
    )
    found = with_time_stamps(verify(storage), [row.note for row in storage.checkpoints()], files)
    assert found.holds
    told = found.notices[-1]
    assert told.startswith("the checkpoint of 2 entries existed by 20")
    assert told.endswith("as CN=authority a states in old.tsr")


def test_each_stamp_that_proves_nothing_is_a_discrepancy(
    storage: MemoryStorage, authority: Authority, stranger: Authority, reply: bytes
) -> None:
    latest = storage.checkpoints()[-1].note
    foreign = stranger.stamp(format_time_stamp_request(latest).content)
    files = TimeStampFiles(
        (("other.tsr", reply), ("foreign.tsr", foreign), ("rubbish.tsr", b"rubbish")), authority.root
    )
    found = with_time_stamps(verify(storage), [row.note for row in storage.checkpoints()], files)
    assert [(each.where, each.place) for each in found.discrepancies] == [
        ("time-stamp", "other.tsr"),
        ("time-stamp", "foreign.tsr"),
        ("time-stamp", "rubbish.tsr"),
    ]
    assert "of no checkpoint that is here" in found.discrepancies[0].got
    assert "does not hold" in found.discrepancies[1].got


def test_a_stamp_of_what_is_no_checkpoint_is_a_discrepancy(
    storage: MemoryStorage, authority: Authority, reply: bytes
) -> None:
    files = TimeStampFiles((("a.tsr", reply),), authority.root)
    found = with_time_stamps(verify(storage), [NOTE], files)
    assert [each.got for each in found.discrepancies] == ["what it is of is not a checkpoint"]
