# SPDX-License-Identifier: Apache-2.0
"""The one tree of errors; each class carries the exit code that the command line gives it.

    GovernanceError                     1   never raised itself
    ├── InputError                      2   what the caller handed over is malformed or unknown
    │   ├── EventError                      an event: form, type, limits
    │   ├── RefError                        a ref that is not `kind:name@version`
    │   ├── RuleSetError                    a rule set that does not load: file:line:column
    │   ├── TemplateError                   a report template that does not render
    │   ├── ConflictError                   contradicts what the ledger already holds
    │   ├── NotFoundError                   no such entry, ref, rule set, template or file
    │   └── KeyFileError                    a signing key that is missing, unreadable, locked or not in force
    │       └── SignerError                 an external signer that gives no good signature
    ├── EvidenceError                   3   evidence cannot be trusted
    │   ├── CanonicalError                  bytes that are not canonical JSON (RFC 8785)
    │   ├── NoteError                       a signed note, checkpoint or verifier key
    │   ├── ProofError                      an inclusion or consistency proof
    │   ├── TimeStampError                  a time-stamp of a checkpoint (RFC 3161)
    │   ├── SealingError                    a sealed value that does not open or is not what was committed to
    │   ├── BundleError                     a report or evidence bundle that is not what it must be
    │   ├── StatementError                  a statement signed by its author, its signature or its key (SSHSIG)
    │   └── IntegrityError                  the ledger contradicts itself or its signature
    ├── EvaluationError                 4   a rule could not be evaluated
    └── StorageError                    5   storage unavailable
        ├── AnchorError                     an anchor that cannot be read or written
        ├── SchemaError                     a foreign database or one of a newer version
        └── DependencyError                 a library or system package is missing

Rules: a message says what, where, expected and got. How to mend it stands in `hint`. A foreign exception never crosses
our surface: it is wrapped with `from`.
"""

from __future__ import annotations

from typing import ClassVar


class GovernanceError(Exception):
    """The root: everything that this package raises on purpose.

    Args:
        message: What is wrong, where, expected and got.
        hint: How to mend it, one sentence.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\nhint: {self.hint}"


class InputError(GovernanceError):
    """What the caller handed over is malformed or unknown."""

    exit_code = 2


class EventError(InputError):
    """An event of wrong form, unknown type or beyond a limit."""


class RefError(InputError):
    """A ref that is not `kind:name` or `kind:name@version`."""


class RuleSetError(InputError):
    """A rule set that does not load.

    Args:
        message: What is wrong.
        file: The file's path as the caller gave it.
        line: 1-based line, 0 when unknown.
        column: 1-based column, 0 when unknown.
        hint: How to mend it.
    """

    def __init__(
        self, message: str, *, file: str, line: int = 0, column: int = 0, hint: str | None = None
    ) -> None:
        super().__init__(f"{file}:{line}:{column}: {message}", hint=hint)
        self.file = file
        self.line = line
        self.column = column


class TemplateError(InputError):
    """A report template that is unknown or does not render."""


class ConflictError(InputError):
    """Contradicts what the ledger already holds."""


class NotFoundError(InputError):
    """No such entry, ref, rule set, template or file."""


class KeyFileError(InputError):
    """A signing key that is missing, unreadable, locked or not in force."""


class SignerError(KeyFileError):
    """An external signer that is missing, fails, or gives no signature that verifies."""


class EvidenceError(GovernanceError):
    """Evidence cannot be trusted."""

    exit_code = 3


class CanonicalError(EvidenceError):
    """Bytes or a value outside canonical JSON (RFC 8785)."""


class NoteError(EvidenceError):
    """A signed note, checkpoint or verifier key that is malformed or does not verify."""


class ProofError(EvidenceError):
    """An inclusion or consistency proof that is malformed or does not hold."""


class TimeStampError(EvidenceError):
    """A time-stamp of a checkpoint (RFC 3161) that is malformed or does not hold."""


class SealingError(EvidenceError):
    """A sealed value that does not open, or is not what its entry committed to."""


class BundleError(EvidenceError):
    """A report or evidence bundle that cannot be read, or is not what it must be."""


class StatementError(EvidenceError):
    """A statement signed by its author that is malformed, does not verify, or is not by a key of its author."""


class IntegrityError(EvidenceError):
    """The ledger contradicts itself or its signature."""


class EvaluationError(GovernanceError):
    """A rule could not be evaluated."""

    exit_code = 4


class StorageError(GovernanceError):
    """Storage is unavailable or refuses."""

    exit_code = 5


class AnchorError(StorageError):
    """An anchor that cannot be read or written."""


class SchemaError(StorageError):
    """A database that is not a ledger, or a ledger of a newer schema version."""


class DependencyError(StorageError):
    """A library or system package that is missing."""
