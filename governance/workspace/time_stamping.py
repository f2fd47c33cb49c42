# SPDX-License-Identifier: Apache-2.0
"""Files of time-stamps: what to have stamped, and what to verify with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from governance.errors import ConflictError, InputError, NotFoundError, StorageError
from governance.ledger.stamped import TimeStampFiles
from governance.ledger.time_stamp import (
    CERTIFICATES_SIZE_BYTES_MAX,
    REPLY_SIZE_BYTES_MAX,
    format_time_stamp_request,
)
from governance.workspace.cosigning import read_latest


def request_time_stamp(url: str | None) -> bytes:
    """What to send to a time-stamping authority so that it stamps a ledger's latest checkpoint: TimeStampReq, DER.

    Raises:
        NotFoundError: There is no ledger, or no checkpoint.
        DependencyError: The extra `timestamp` is not installed.
    """
    return format_time_stamp_request(read_latest(url).note).content


def load_time_stamps(files: Sequence[Path], certificates: Path | None) -> TimeStampFiles:
    """Time-stamps to verify.

    Raises:
        NotFoundError: A file cannot be read.
        InputError: Stamps without certificates, or certificates without stamps.
    """
    if certificates is None or not files:
        raise InputError(
            "a time-stamp is verified with its authority's certificates",
            hint="name both: --timestamp FILE --tsa-certificate PEM",
        )
    replies = tuple((str(file), _read(file, REPLY_SIZE_BYTES_MAX)) for file in files)
    return TimeStampFiles(replies, read_certificates(certificates))


def read_certificates(file: Path) -> bytes:
    """An authority's certificates, PEM, not looked at.

    Raises:
        NotFoundError: The file cannot be read.
    """
    return _read(file, CERTIFICATES_SIZE_BYTES_MAX)


def write_time_stamp(file: Path, reply: bytes) -> None:
    """Keep a time-stamp.

    Raises:
        ConflictError: The file exists; a stamp is evidence and is not overwritten.
        StorageError: It cannot be written.
    """
    try:
        with file.open("xb") as stream:
            stream.write(reply)
    except FileExistsError as error:
        raise ConflictError(f"{file} exists already", hint="choose another file") from error
    except OSError as error:
        raise StorageError(f"cannot write {file}: {error.strerror}") from error


def _read(file: Path, size_bytes_max: int) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(size_bytes_max + 1)
    except OSError as error:
        raise NotFoundError(f"cannot read {file}: {error.strerror}", hint="check the path") from error
