# SPDX-License-Identifier: Apache-2.0
"""An authority and a signer made for a test: keys, certificates and files, nothing that anybody trusts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Holder:
    """A key and its certificate."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.PEM)


def make_holder(name: str, *, by: Holder | None = None) -> Holder:
    """An authority, or a signer whom an authority certifies."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(
        digital_signature=by is not None,
        content_commitment=by is not None,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=by is None,
        crl_sign=by is None,
        encipher_only=False,
        decipher_only=False,
    )
    issuer = subject if by is None else by.certificate.subject
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(1 if by is None else 2)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2030, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key if by is None else by.key, hashes.SHA256())
    )
    return Holder(key, made)


def pem_of(holder: Holder, *above: Holder, passphrase: bytes | None = None) -> bytes:
    """Key, certificate and those above it in one PEM."""
    key = holder.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, _locked(passphrase))
    return key + b"".join(each.pem for each in (holder, *above))


def pkcs12_of(holder: Holder, *above: Holder, passphrase: bytes) -> bytes:
    """The same as PKCS #12."""
    rest = [each.certificate for each in above]
    return pkcs12.serialize_key_and_certificates(
        b"signer", holder.key, holder.certificate, rest, _locked(passphrase)
    )


def _locked(passphrase: bytes | None) -> KeySerializationEncryption:
    return BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
