# SPDX-License-Identifier: Apache-2.0
"""Sign a report with a person's or organisation's certificate (PAdES), and check such a signature.

Rules: the signature certifies: no change at all is allowed afterwards (DocMDP 1, ISO 32000-1 section 12.8.2.2). It is
appended as one revision and changes nothing before it: what PDF/A says of version, metadata and extensions stays as it
was, so that the file without its last revision is the report as it was made. Nothing is fetched; what a certificate is
worth shows only against an authority that the reader names.
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.errors import DependencyError, KeyFileError

FIELD = "Signature"
PEM_BEGIN = b"-----BEGIN"


@dataclass(frozen=True, slots=True)
class SigningIdentity:
    """A private key with its certificate and those above it; the key never appears in a representation.

    Attributes:
        name: The certificate's subject.
    """

    name: str
    signer: Any

    def __repr__(self) -> str:
        return f"SigningIdentity({self.name!r})"


@dataclass(frozen=True, slots=True)
class FoundSignature:
    """What a signature in a PDF turned out to be.

    Attributes:
        signer: The certificate's subject.
        stated_at: When it says that it was made; None when it does not say.
        faults: What is wrong with it, each a sentence's end; empty when it is intact.
        is_trusted: Whether its certificate comes from an authority that the reader named.
    """

    signer: str
    stated_at: datetime | None
    faults: tuple[str, ...]
    is_trusted: bool


def read_identity(content: bytes, *, passphrase: str | None, source: str) -> SigningIdentity:
    """Read a key and its certificates.

    Args:
        content: PKCS #12, or PEM with the key, its certificate, then those above it.
        passphrase: What the key is encrypted with, None when it is not.
        source: Names the file in errors.

    Raises:
        KeyFileError: It cannot be read, or holds no key and certificate that belong together.
        DependencyError: The extra `sign` is not installed.
    """
    pyhanko = _pyhanko()
    secret = passphrase.encode() if passphrase else None
    try:
        if content.lstrip().startswith(PEM_BEGIN):
            signer = _read_pem(content, secret)
        else:
            signer = pyhanko.signers.SimpleSigner.load_pkcs12_data(content, other_certs=[], passphrase=secret)
    except (ValueError, TypeError, LookupError, OSError) as error:
        raise KeyFileError(
            f"{source} cannot be read: {str(error)[:200]}", hint="is GOVERNANCE_SIGNATURE_PASSPHRASE right?"
        ) from error
    if signer is None or signer.signing_cert is None:
        raise KeyFileError(
            f"{source} gives no key with a certificate",
            hint="PKCS #12, or PEM with the key, its certificate and those above it; GOVERNANCE_SIGNATURE_PASSPHRASE",
        )
    return SigningIdentity(signer.signing_cert.subject.human_friendly, signer)


def sign_pdf(content: bytes, identity: SigningIdentity, *, at: datetime) -> bytes:
    """Certify a PDF.

    Args:
        content: The report as it was made.
        identity: Who signs.
        at: When; it stands in the signature.

    Returns:
        The report with one revision appended: it begins with `content`.

    Raises:
        DependencyError: The extra `sign` is not installed.
    """
    pyhanko = _pyhanko()
    metadata = pyhanko.signers.PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        certify=True,
        docmdp_permissions=pyhanko.fields.MDPPerm.NO_CHANGES,
        subfilter=pyhanko.fields.SigSeedSubFilter.PADES,
    )
    writer = _plain_writer(pyhanko, content)(io.BytesIO(content))
    signer = _timed_signer(pyhanko, at)(metadata, identity.signer)
    return bytes(_apart(lambda: signer.sign_pdf(writer)).getvalue())


def check_signatures(content: bytes, *, authorities: Sequence[bytes] = ()) -> list[FoundSignature]:
    """Check every signature in a PDF.

    Args:
        content: The file.
        authorities: Certificates that the reader trusts, PEM, any number in each.

    Raises:
        DependencyError: The extra `sign` is not installed.
        KeyFileError: An authority's certificate cannot be read.
    """
    pyhanko = _pyhanko()
    try:
        roots = [each for pem in authorities for each in pyhanko.load_certificates(pem)]
    except ValueError as error:
        raise KeyFileError(f"an authority's certificate cannot be read: {error}") from error
    try:
        found = pyhanko.PdfFileReader(io.BytesIO(content)).embedded_signatures
        return [_checked(pyhanko, each, roots) for each in found]
    except (pyhanko.errors.PdfReadError, pyhanko.SignatureValidationError, ValueError) as error:
        return [FoundSignature("unknown", None, (f"it cannot be read: {str(error)[:200]}",), False)]


def _checked(pyhanko: Any, embedded: Any, roots: Sequence[Any]) -> FoundSignature:
    stated_at = embedded.self_reported_timestamp
    context = pyhanko.ValidationContext(trust_roots=list(roots), allow_fetching=False, moment=stated_at)
    status = _apart(lambda: pyhanko.validate_pdf_signature(embedded, signer_validation_context=context))
    permission = pyhanko.fields.MDPPerm.NO_CHANGES
    faults = [
        what
        for holds, what in (
            (status.intact, "what it signed was changed"),
            (status.valid, "it does not verify with its certificate"),
            (status.coverage.name == "ENTIRE_FILE", "it does not cover the whole file"),
            (embedded.docmdp_level == permission, "it allows changes afterwards"),
        )
        if not holds
    ]
    name = status.signing_cert.subject.human_friendly
    return FoundSignature(name, stated_at, tuple(faults), bool(status.trusted))


def _apart(work: Callable[[], Any]) -> Any:
    """Do it in a thread: pyHanko starts an event loop, which cannot be done where one runs, as in a notebook."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(work).result()


def _read_pem(content: bytes, passphrase: bytes | None) -> Any:
    pyhanko = _pyhanko()
    blocks = content.split(PEM_BEGIN)[1:]
    keys = [PEM_BEGIN + block for block in blocks if b"PRIVATE KEY" in block.partition(b"\n")[0]]
    certificates = b"".join(PEM_BEGIN + block for block in blocks if block.startswith(b" CERTIFICATE"))
    if len(keys) != 1 or not certificates:
        return None
    chain = list(pyhanko.load_certificates(certificates))
    return pyhanko.signers.SimpleSigner(
        signing_cert=chain[0],
        signing_key=pyhanko.load_key(keys[0], passphrase),
        cert_registry=pyhanko.SimpleCertificateStore.from_certs(chain[1:]),
    )


def _plain_writer(pyhanko: Any, content: bytes) -> Any:
    """A writer that leaves version, extensions and metadata alone, and takes the file's new id from its content."""
    new_id = hashlib.sha256(content).digest()[:16]

    class PlainWriter(pyhanko.IncrementalPdfFileWriter):  # type: ignore[misc]
        @classmethod
        def _handle_id(cls, prev: Any) -> Any:
            first = pyhanko.generic.ByteStringObject(prev.trailer["/ID"][0].original_bytes)
            return pyhanko.generic.ArrayObject([first, pyhanko.generic.ByteStringObject(new_id)])

        def ensure_output_version(self, version: Any) -> None:
            pass

        def register_extension(self, ext: Any) -> None:
            pass

        def _update_meta(self) -> None:
            pass

    return PlainWriter


def _timed_signer(pyhanko: Any, at: datetime) -> Any:
    """A signer whose clock stands still."""

    class TimedSigner(pyhanko.signers.PdfSigner):  # type: ignore[misc]
        def init_signing_session(self, *arguments: Any, **named: Any) -> Any:
            session = super().init_signing_session(*arguments, **named)
            session.system_time = at
            return session

    return TimedSigner


def _pyhanko() -> Any:
    """All that is used of pyHanko.

    Raises:
        DependencyError: It is not installed.
    """
    try:
        from types import SimpleNamespace

        from pyhanko.keys.pemder import load_certs_from_pemder_data, load_private_key_from_pemder_data
        from pyhanko.pdf_utils import generic, misc
        from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
        from pyhanko.pdf_utils.reader import PdfFileReader
        from pyhanko.sign import fields, signers
        from pyhanko.sign.validation import validate_pdf_signature
        from pyhanko.sign.validation.errors import SignatureValidationError
        from pyhanko_certvalidator import ValidationContext
        from pyhanko_certvalidator.registry import SimpleCertificateStore
    except ImportError as error:
        raise DependencyError(
            f"signatures need pyHanko: {error}", hint="pip install 'governance[sign]'"
        ) from error
    # What it would say on stderr of a certificate that it cannot judge is told by us.
    logging.getLogger("pyhanko").addHandler(logging.NullHandler())
    return SimpleNamespace(
        IncrementalPdfFileWriter=IncrementalPdfFileWriter,
        PdfFileReader=PdfFileReader,
        SignatureValidationError=SignatureValidationError,
        SimpleCertificateStore=SimpleCertificateStore,
        ValidationContext=ValidationContext,
        errors=misc,
        fields=fields,
        generic=generic,
        load_certificates=load_certs_from_pemder_data,
        load_key=load_private_key_from_pemder_data,
        signers=signers,
        validate_pdf_signature=validate_pdf_signature,
    )
