# SPDX-License-Identifier: Apache-2.0
"""Time-stamps of checkpoints, RFC 3161: an authority states that these bytes existed at a moment.

    stamped are    SHA-256(the whole signed note: text, blank line, signature lines)
    request        TimeStampReq, DER, with a nonce; the authority shall send its certificate along
    reply          TimeStampResp, DER, kept as a file beside the ledger (ADR 0023)

Rules: a stamp is worth what its authority is worth, so the caller names the certificates that it trusts; nothing is
taken from the system. They must be valid at the moment that the stamp states, not today. Only the statement is
believed: what a stranger may change in a reply without breaking its signature changes nothing of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from governance.errors import DependencyError, InputError, TimeStampError

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

REPLY_SIZE_BYTES_MAX = 64 * 1024
CERTIFICATES_SIZE_BYTES_MAX = 1_000_000

_UNREADABLE = (
    ArithmeticError,
    LookupError,
    TypeError,
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the libraries raise for certificates and replies that strangers wrote."""

_HASHES = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """What a time-stamp states.

    Attributes:
        at: When the bytes existed, UTC.
        authority: The subject of the certificate that signed, RFC 4514 form; empty when it is not known.
        policy: The authority's policy, a dotted OID.
        serial: The stamp's serial number.
        hash_name: `sha256`, `sha384` or `sha512`.
        imprint: The hash of the stamped bytes.
    """

    at: datetime
    authority: str
    policy: str
    serial: int
    hash_name: str
    imprint: bytes

    def is_of(self, note: bytes) -> bool:
        """Whether it is about these bytes."""
        return hashlib.new(self.hash_name, note).digest() == self.imprint


@dataclass(frozen=True, slots=True)
class TimeStampRequest:
    """What an authority is asked: the DER bytes, and the nonce that its reply must repeat."""

    content: bytes
    nonce: int


def format_time_stamp_request(note: bytes) -> TimeStampRequest:
    """Ask for a stamp of a signed checkpoint; the nonce is drawn by the library.

    Raises:
        DependencyError: The extra `timestamp` is not installed.
    """
    try:
        from rfc3161_client import HashAlgorithm, TimestampRequestBuilder
    except ImportError as error:
        raise _missing() from error
    builder = TimestampRequestBuilder().data(note).hash_algorithm(HashAlgorithm.SHA256)
    request = builder.nonce(nonce=True).cert_request(cert_request=True).build()
    return TimeStampRequest(request.as_bytes(), request.nonce or 0)


def read_time_stamp(reply: bytes) -> TimeStamp:
    """What a reply states, not verified.

    Raises:
        TimeStampError: Malformed, refused by the authority, or of a hash function other than SHA-2.
        DependencyError: The extra `timestamp` is not installed.
    """
    return _stated(_decode(reply), ())


def verify_time_stamp(
    reply: bytes, note: bytes, *, certificates: bytes, nonce: int | None = None
) -> TimeStamp:
    """Check that an authority that the caller trusts stamped these bytes.

    Args:
        reply: TimeStampResp, DER.
        note: The signed checkpoint, exactly as it was stamped.
        certificates: Trusted ones in PEM: at least one root; intermediates, and the authority's own, may stand beside
            it. When the authority's own is there, no other may have signed.
        nonce: What the reply must repeat, when the request is at hand.

    Raises:
        TimeStampError: It does not hold: another authority, other bytes, an altered stamp, or a certificate that was
            not valid at the moment stated or is not for time-stamping.
        InputError: The certificates cannot be read.
        DependencyError: The extra `timestamp` is not installed.
    """
    trusted = _read_certificates(certificates)
    response = _decode(reply)
    stated = _stated(response, trusted)
    from rfc3161_client import VerificationError, VerifierBuilder

    roots = [each for each in trusted if each.issuer == each.subject]
    own = [each for each in trusted if not _is_authority(each) and each not in roots]
    builder = VerifierBuilder(
        roots=roots,
        intermediates=[each for each in trusted if each not in roots and each not in own],
        tsa_certificate=own[0] if own else None,
        nonce=nonce,
    )
    try:
        builder.build().verify(response, hashlib.new(stated.hash_name, note).digest())
    except (VerificationError, *_UNREADABLE) as error:
        raise TimeStampError(
            f"the time-stamp does not hold: {str(error)[:300]}",
            hint="compare the authority's certificate and the checkpoint with those of the day it was stamped",
        ) from error
    return stated


def _decode(reply: bytes) -> TimeStampResponse:
    try:
        from rfc3161_client import decode_timestamp_response
    except ImportError as error:
        raise _missing() from error
    if len(reply) > REPLY_SIZE_BYTES_MAX:
        raise TimeStampError(f"a time-stamp of {len(reply)} bytes, at most {REPLY_SIZE_BYTES_MAX}")
    try:
        response = decode_timestamp_response(reply)
    except _UNREADABLE as error:
        raise TimeStampError(f"not a time-stamp reply (RFC 3161): {error}") from error
    if response.status != 0:
        raise TimeStampError(
            f"the authority refused: status {response.status}, {'; '.join(response.status_string)[:200]!r}"
        )
    return response


def _stated(response: TimeStampResponse, trusted: tuple[x509.Certificate, ...]) -> TimeStamp:
    try:
        told = response.tst_info
        hash_name = _HASHES.get(told.message_imprint.hash_algorithm.dotted_string)
        if hash_name is None:
            raise TimeStampError(
                "the time-stamp is of a hash function other than SHA-256, SHA-384 or SHA-512"
            )
        return TimeStamp(
            at=told.gen_time.astimezone(UTC),
            authority=_signer(response, trusted),
            policy=told.policy.dotted_string,
            serial=told.serial_number,
            hash_name=hash_name,
            imprint=told.message_imprint.message,
        )
    except _UNREADABLE as error:
        raise TimeStampError(f"not a time-stamp reply (RFC 3161): {error}") from error


def _signer(response: TimeStampResponse, trusted: tuple[x509.Certificate, ...]) -> str:
    """The subject of the certificate that the reply names as its signer, if it is at hand."""
    sent = (x509.load_der_x509_certificate(each) for each in response.signed_data.certificates)
    names = [(each.issuer, each.serial_number) for each in response.signed_data.signer_infos]
    for each in (*sent, *trusted):
        if (each.issuer, each.serial_number) in names:
            return each.subject.rfc4514_string()
    return ""


def _read_certificates(content: bytes) -> tuple[x509.Certificate, ...]:
    if len(content) > CERTIFICATES_SIZE_BYTES_MAX:
        raise InputError(f"certificates of {len(content)} bytes, at most {CERTIFICATES_SIZE_BYTES_MAX}")
    try:
        found = tuple(x509.load_pem_x509_certificates(content))
    except _UNREADABLE as error:
        raise InputError(
            f"the authority's certificates cannot be read: {error}",
            hint="they must be PEM, one after the other",
        ) from error
    if not any(each.issuer == each.subject for each in found):
        raise InputError(
            "no root among the authority's certificates",
            hint="add the root that the authority's chain ends in",
        )
    if sum(not _is_authority(each) and each.issuer != each.subject for each in found) > 1:
        raise InputError(
            "two certificates that could be the authority's own",
            hint="keep the one that signed the time-stamp",
        )
    return found


def _is_authority(certificate: x509.Certificate) -> bool:
    """Whether it may issue other certificates."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, *_UNREADABLE):
        return False


def _missing() -> DependencyError:
    return DependencyError(
        "time-stamps need the package rfc3161-client",
        hint="install it with: pip install governance[timestamp]",
    )
