# SPDX-License-Identifier: Apache-2.0
"""The file that says whose key is whose to `ssh-keygen -Y verify` (ssh-keygen(1), ALLOWED SIGNERS).

    # a remark
    ana@example.com namespaces="governance,git" valid-before="20270101Z" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA…

Rules: one principal a line, no pattern: a key that speaks for whoever matches speaks for nobody in particular. An
authority that signs certificates is no key of a person and refused. A key that is not for our namespace is left out. A
moment without Z is local time of some machine, so it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from governance.core.instants import parse_instant
from governance.core.ssh_keys import PublicKey, parse_key_line
from governance.core.statement import NAMESPACE
from governance.errors import GovernanceError, StatementError

LINES_MAX = 10_000
PRINCIPAL_CHARACTERS_MAX = 255

_OPTION = re.compile(r'([A-Za-z-]+)(?:="([^"]*)")?(?:,|$)')
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?Z", re.ASCII)
_PATTERN = set("*?!,")


@dataclass(frozen=True, slots=True)
class AllowedSigner:
    """One line of the file.

    Attributes:
        principal: Who, as the file names them.
        key: Their key.
        valid_until: The instant of `valid-before`, None when it is not said.
    """

    principal: str
    key: PublicKey
    valid_until: str | None = None


def parse_allowed_signers(text: str, *, where: str = "allowed_signers") -> tuple[AllowedSigner, ...]:
    """Read the keys of a file that are for our namespace.

    Raises:
        StatementError: A line is malformed, or says what is refused; names it.
    """
    lines = text.splitlines()
    if len(lines) > LINES_MAX:
        raise StatementError(f"{where} has {len(lines)} lines, at most {LINES_MAX} are read")
    return tuple(_signers(lines, where))


def _signers(lines: list[str], where: str) -> Iterator[AllowedSigner]:
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                signer = _signer(line.strip())
            except GovernanceError as error:
                raise StatementError(f"{where}:{number}: {error.message}", hint=error.hint) from error
            if signer is not None:
                yield signer


def _signer(line: str) -> AllowedSigner | None:
    principal, rest = _principal(line)
    options: dict[str, str | None] = {}
    if not re.match(r"(?:sk-)?(?:ssh|ecdsa)-\S+ ", rest):
        told, rest = _until_space(rest)
        options = _options(told)
    key = parse_key_line(rest.strip())
    if "cert-authority" in options:
        raise StatementError("an authority that signs certificates is no key of a person")
    namespaces = options.get("namespaces")
    if namespaces is not None and NAMESPACE not in namespaces.split(","):
        return None
    until = options.get("valid-before")
    return AllowedSigner(principal, key, _instant(until) if until is not None else None)


def _principal(line: str) -> tuple[str, str]:
    if line.startswith('"'):
        principal, quote, rest = line[1:].partition('"')
        if not quote:
            raise StatementError("a quotation does not end")
    else:
        principal, _, rest = line.partition(" ")
    if not principal or len(principal) > PRINCIPAL_CHARACTERS_MAX or _PATTERN & set(principal):
        raise StatementError(
            f"{principal[:60]!r} is not one principal",
            hint="write a line for each person, without * ? ! or ,",
        )
    return principal, rest.lstrip()


def _until_space(text: str) -> tuple[str, str]:
    """The options before the first space that stands in no quotation."""
    quoted = False
    for at, char in enumerate(text):
        quoted ^= char == '"'
        if char in " \t" and not quoted:
            return text[:at], text[at:]
    raise StatementError("there is no key")


def _options(text: str) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    at = 0
    while at < len(text):
        match = _OPTION.match(text, at)
        name = match[1].lower() if match is not None else ""
        if match is None or name not in ("cert-authority", "namespaces", "valid-after", "valid-before"):
            raise StatementError(f"unknown option at {text[at : at + 40]!r}")
        if (match[2] is None) != (name == "cert-authority") or name in found:
            raise StatementError(f"option {name} stands twice, or with a value that it does not take")
        found[name] = match[2]
        at = match.end()
    return found


def _instant(text: str) -> str:
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise StatementError(f"not a moment in UTC: {text[:40]!r}", hint="write YYYYMMDDZ or YYYYMMDDHHMMSSZ")
    year, month, day, hour, minute, second = (part or "00" for part in match.groups())
    told = f"{year}-{month}-{day}T{hour}:{minute}:{second}Z"
    parse_instant(told)
    return told
