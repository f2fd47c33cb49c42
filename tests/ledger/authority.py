# SPDX-License-Identifier: Apache-2.0
"""Time-stamping authorities for tests: certificates made here, stamps made by OpenSSL's own `openssl ts -reply`."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PAST, LONG_PAST, FUTURE = (datetime(year, 1, 1, tzinfo=UTC) for year in (2020, 2010, 2100))

SETTINGS = """[tsa]
default_tsa = authority
[authority]
serial = {folder}/serial
default_policy = 1.2.3.4.1
digests = sha256
signer_digest = sha256
ess_cert_id_alg = sha256
"""


def need_openssl() -> str:
    """The path of OpenSSL, whose authority these tests use; they are skipped where there is none."""
    found = shutil.which("openssl")
    if found is None:
        pytest.skip("openssl is not installed, and it plays the time-stamping authority here")
    return found


class Authority:
    """A root, and an authority under it with several certificates for one key.

    Args:
        folder: Made for it.
        name: Its common name.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.openssl = need_openssl()
        self.folder = folder
        folder.mkdir()
        self._root_key = ec.generate_private_key(ec.SECP256R1())
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = name
        self.root = self._certificate(f"{name} root", self._root_key, authority=True)
        self.own = self._certificate(name, self._key)
        self.expired = self._certificate(name, self._key, start=LONG_PAST, end=PAST)
        self.not_for_stamps = self._certificate(name, self._key, use=ExtendedKeyUsageOID.CODE_SIGNING)
        (folder / "serial").write_text("01\n")
        (folder / "settings").write_text(SETTINGS.format(folder=folder))
        (folder / "key").write_bytes(
            self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )

    @property
    def root_file(self) -> Path:
        """The file with the root's certificate."""
        (self.folder / "root.pem").write_bytes(self.root)
        return self.folder / "root.pem"

    def stamp(self, request: bytes, *, certificate: bytes | None = None) -> bytes:
        """Answer a TimeStampReq with a TimeStampResp."""
        (self.folder / "request").write_bytes(request)
        (self.folder / "own.pem").write_bytes(certificate or self.own)
        self._run("-reply", "-config", "settings", "-signer", "own.pem", "-inkey", "key", "-out", "reply")
        return (self.folder / "reply").read_bytes()

    def confirms(self, reply: bytes, stamped: bytes) -> bool:
        """Whether OpenSSL verifies a reply over these bytes, with this authority's root."""
        (self.folder / "reply").write_bytes(reply)
        (self.folder / "data").write_bytes(stamped)
        command = [
            self.openssl,
            "ts",
            "-verify",
            "-in",
            "reply",
            "-data",
            "data",
            "-CAfile",
            str(self.root_file),
        ]
        ran = subprocess.run(command, cwd=self.folder, capture_output=True, check=False, timeout=120)
        return ran.returncode == 0

    def _run(self, *arguments: str) -> None:
        command = [self.openssl, "ts", arguments[0], "-queryfile", "request", *arguments[1:]]
        subprocess.run(command, cwd=self.folder, capture_output=True, check=True, timeout=120)

    def _certificate(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        *,
        authority: bool = False,
        start: datetime = PAST,
        end: datetime = FUTURE,
        use: x509.ObjectIdentifier = ExtendedKeyUsageOID.TIME_STAMPING,
    ) -> bytes:
        issuer = f"{self._name} root"
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
        )
        if not authority:
            builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=True)
        return builder.sign(self._root_key, hashes.SHA256()).public_bytes(Encoding.PEM)
