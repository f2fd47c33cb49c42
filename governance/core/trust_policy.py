# SPDX-License-Identifier: Apache-2.0
"""Trust policies, c2sp.org/tlog-policy: which logs are known, and how many witnesses must have cosigned.

    log ledger.example/demo+7b8488d1+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4
    witness W1 witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X https://witness.example/w1
    group two-of-three 2 W1 W2 W3
    quorum two-of-three

Rules: words are divided by spaces and tabs only; a line that begins with # is a remark; bytes beyond ASCII are opaque.
A name stands for one thing and is defined before it is used, so there are no circles; it is a member of one group at
most, so that no witness counts twice; for the same reason a public key stands once among the logs and once among the
witnesses, whatever its name. There is exactly one quorum; `quorum none` asks for no witness.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from governance.core.checkpoint import Checkpoint, open_checkpoint
from governance.core.cosignature import parse_cosignature
from governance.core.note import VerifierKey, open_note, parse_note, parse_verifier_key
from governance.core.note_keys import ALGORITHM_COSIGNATURE_ED25519
from governance.errors import InputError, NoteError

SIZE_BYTES_MAX = 1_000_000
LOGS_MAX = 100
WITNESSES_MAX = 100
GROUPS_MAX = 100
NONE = "none"

_ALL = "witnesses"
_THRESHOLD = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class KnownLog:
    """A log whose checkpoints are accepted.

    Attributes:
        key: Its name is the log's origin.
        url: Where the log is, if anybody said.
    """

    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class KnownWitness:
    """A witness whose cosignature counts.

    Attributes:
        name: Its name in this policy only.
        key: Of an algorithm that cosigns.
        url: Where it takes checkpoints, the submission prefix of c2sp.org/tlog-witness.
    """

    name: str
    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class WitnessGroup:
    """A group that has seen a checkpoint when `threshold` of its members have: witnesses, or groups defined before."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """What a verifier demands; `parse_trust_policy(format_trust_policy(policy)) == policy`.

    Attributes:
        logs: Accepted logs; with none, the caller knows the log from elsewhere.
        witnesses: In order of the file.
        groups: Each after its members.
        quorum: A witness or a group; None asks for no cosignature.
    """

    logs: tuple[KnownLog, ...] = ()
    witnesses: tuple[KnownWitness, ...] = ()
    groups: tuple[WitnessGroup, ...] = ()
    quorum: str | None = None


@dataclass(frozen=True, slots=True)
class WitnessedCheckpoint:
    """A checkpoint held against a trust policy.

    Attributes:
        checkpoint: What the log signed.
        times: For each witness that cosigned, by its name in the policy: when it did, seconds since 1970.
        quorum_met: Whether that is enough.
    """

    checkpoint: Checkpoint
    times: Mapping[str, int]
    quorum_met: bool


def policy_of_keys(keys: Sequence[VerifierKey], *, quorum: int | None = None) -> TrustPolicy:
    """The policy that `quorum` of these witnesses must have cosigned; all of them by default.

    Raises:
        InputError: A key that does not cosign, a key twice, or a quorum out of bounds.
    """
    names: list[str] = []
    for key in keys:
        taken = key.name in (*names, NONE, _ALL)
        names.append(f"{key.name}#{len(names) + 1}" if taken else key.name)
    threshold = len(keys) if quorum is None else quorum
    if not keys:
        raise InputError("a quorum needs witnesses, and none is named", hint="name one with --witness-key")
    policy = TrustPolicy(
        witnesses=tuple(KnownWitness(name, key) for name, key in zip(names, keys, strict=True)),
        groups=(WitnessGroup(_ALL, threshold, tuple(names)),),
        quorum=_ALL,
    )
    format_trust_policy(policy, source="witness keys")
    return policy


def open_witnessed(
    note: bytes, policy: TrustPolicy, *, keys: Sequence[VerifierKey] = ()
) -> WitnessedCheckpoint:
    """Open a checkpoint and see which witnesses of a policy cosigned it.

    Args:
        note: The signed checkpoint.
        policy: What is demanded.
        keys: The log's keys, for a policy that names no log; with both, the log must be known to both.

    Raises:
        NoteError: Not signed by a known log, or a signature by a known key fails.
    """
    known = tuple(log.key for log in policy.logs)
    if known and keys:
        open_checkpoint(note, keys)
    checkpoint = open_checkpoint(note, known or keys)
    times = _cosigning_times(note, policy.witnesses)
    return WitnessedCheckpoint(checkpoint, times, is_quorum(policy, times))


def require_quorum(
    note: bytes, policy: TrustPolicy, *, keys: Sequence[VerifierKey] = ()
) -> WitnessedCheckpoint:
    """Open a checkpoint and demand that enough witnesses cosigned it.

    Args:
        note: The signed checkpoint.
        policy: What is demanded.
        keys: The log's keys, for a policy that names no log.

    Raises:
        NoteError: Not signed by a known log, a signature by a known key fails, or the quorum is not met.
    """
    found = open_witnessed(note, policy, keys=keys)
    if not found.quorum_met:
        missing = [each.name for each in policy.witnesses if each.name not in found.times]
        raise NoteError(
            f"the checkpoint of {found.checkpoint.tree_size} entries was cosigned by "
            f"{', '.join(found.times) or 'no known witness'}; that is not {format_quorum(policy)}",
            hint=f"not cosigned by {', '.join(missing)}; ask for it with: governance checkpoint --witness URL",
        )
    return found


def is_quorum(policy: TrustPolicy, cosigned: Collection[str]) -> bool:
    """Whether these witnesses, by their names in the policy, are enough."""
    if policy.quorum is None:
        return True
    names = {each.name for each in policy.witnesses}
    seen = names.intersection(cosigned)
    for group in policy.groups:
        if len(seen.intersection(group.members)) >= group.threshold:
            seen.add(group.name)
    return policy.quorum in seen


def format_quorum(policy: TrustPolicy) -> str:
    """What a policy demands, in a few words: `2 of W1, W2, W3`."""
    for group in policy.groups:
        if group.name == policy.quorum:
            return f"{group.threshold} of {', '.join(group.members)}"
    return policy.quorum or NONE


def format_trust_policy(policy: TrustPolicy, *, source: str = "trust policy") -> bytes:
    """Write a policy file.

    Raises:
        InputError: `parse_trust_policy` would not give the same policy back.
    """
    lines = [_words("log", each.key, each.url) for each in policy.logs]
    lines += [_words("witness", each.name, each.key, each.url) for each in policy.witnesses]
    lines += [_words("group", each.name, each.threshold, *each.members) for each in policy.groups]
    lines.append(_words("quorum", NONE if policy.quorum is None else policy.quorum))
    content = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
    if parse_trust_policy(content, source=source) != policy:
        raise InputError(
            f"{source}: not a trust policy that can be written down", hint="a name or URL has no spaces"
        )
    return content


def parse_trust_policy(content: bytes, *, source: str = "trust policy") -> TrustPolicy:
    """Read a policy file.

    Args:
        content: At most `SIZE_BYTES_MAX` bytes; at most `LOGS_MAX` logs, and so for witnesses and groups.
        source: How messages call it, as a file's name.

    Raises:
        InputError: Malformed; names the source and the 1-based line.
    """
    if len(content) > SIZE_BYTES_MAX:
        raise InputError(f"{source}: {len(content)} bytes, at most {SIZE_BYTES_MAX}")
    reading = _Reading(source)
    # Bytes beyond ASCII are opaque: whatever is not UTF-8 is kept as lone surrogates, which differ as the bytes do.
    for number, line in enumerate(content.decode("utf-8", "surrogateescape").split("\n"), start=1):
        reading.read(number, line)
    return reading.policy()


@dataclass(slots=True)
class _Reading:
    """A policy file, as far as it is read."""

    source: str
    line: int = 0
    logs: list[KnownLog] = field(default_factory=list)
    witnesses: list[KnownWitness] = field(default_factory=list)
    groups: list[WitnessGroup] = field(default_factory=list)
    quorums: list[str] = field(default_factory=list)
    lines_of_names: dict[str, int] = field(default_factory=dict)
    lines_of_members: dict[str, int] = field(default_factory=dict)

    def read(self, number: int, line: str) -> None:
        self.line = number
        if any((char < " " and char != "\t") or char == "\x7f" for char in line):
            raise self._error("a control character", "only spaces and tabs divide words")
        words = [word for word in re.split("[ \t]+", line) if word]
        if not words or words[0].startswith("#"):
            return
        keyword, rest = words[0], words[1:]
        if keyword == "log" and len(rest) in (1, 2):
            self._read_log(rest)
        elif keyword == "witness" and len(rest) in (2, 3):
            self._read_witness(rest)
        elif keyword == "group" and len(rest) >= 3:
            self._read_group(rest[0], rest[1], tuple(rest[2:]))
        elif keyword == "quorum" and len(rest) == 1:
            self._read_quorum(rest[0])
        else:
            raise self._error(
                f"not a line of a trust policy: {line[:80]!r}",
                "log VKEY [URL]; witness NAME VKEY [URL]; group NAME all|any|K NAME…; quorum NAME|none",
            )

    def policy(self) -> TrustPolicy:
        if not self.quorums:
            raise self._error("no quorum", "end with a line: quorum NAME, or quorum none")
        quorum = None if self.quorums[0] == NONE else self.quorums[0]
        return TrustPolicy(tuple(self.logs), tuple(self.witnesses), tuple(self.groups), quorum)

    def _read_log(self, words: Sequence[str]) -> None:
        key = self._key(words[0])
        if key.algorithm == ALGORITHM_COSIGNATURE_ED25519:
            raise self._error(
                f"{key.name} is a witness's key, not a log's", "a log's key is of type 01 or 06"
            )
        self._require_new_key(key, [each.key for each in self.logs], LOGS_MAX, "logs")
        self.logs.append(KnownLog(key, *words[1:]))

    def _read_witness(self, words: Sequence[str]) -> None:
        key = self._key(words[1])
        if not key.is_cosigner:
            raise self._error(f"{key.name} is no witness's key", "a witness's key is of type 04 or 06")
        self._require_new_key(key, [each.key for each in self.witnesses], WITNESSES_MAX, "witnesses")
        self._define(words[0])
        self.witnesses.append(KnownWitness(words[0], key, *words[2:]))

    def _read_group(self, name: str, rule: str, members: tuple[str, ...]) -> None:
        if len(self.groups) >= GROUPS_MAX:
            raise self._error(f"more than {GROUPS_MAX} groups", "split the policy")
        for member in members:
            self._require_defined(member)
            taken = self.lines_of_members.setdefault(member, self.line)
            if taken != self.line or members.count(member) > 1:
                raise self._error(
                    f"{member} is a member already, in line {taken}",
                    "a name is a member of one group at most",
                )
        counts = {"any": 1, "all": len(members)}
        threshold = counts.get(rule) or (int(rule) if _THRESHOLD.fullmatch(rule) else 0)
        if not 1 <= threshold <= len(members):
            raise self._error(
                f"group {name} asks for {rule!r} of {len(members)}", f"any, all, or 1 to {len(members)}"
            )
        self._define(name)
        self.groups.append(WitnessGroup(name, threshold, members))

    def _read_quorum(self, name: str) -> None:
        if self.quorums:
            raise self._error("a second quorum", "keep one quorum line")
        if name != NONE:
            self._require_defined(name)
        self.quorums.append(name)

    def _key(self, text: str) -> VerifierKey:
        try:
            return parse_verifier_key(text)
        except NoteError as error:
            raise self._error(error.message, error.hint or "copy the key again from its owner") from error

    def _require_new_key(self, key: VerifierKey, known: Sequence[VerifierKey], most: int, what: str) -> None:
        if len(known) >= most:
            raise self._error(f"more than {most} {what}", "split the policy")
        for each in known:
            if each.public_key == key.public_key:
                raise self._error(
                    f"the public key of {key.name} stands there already as {each.name}",
                    "one key is one party, whatever its name",
                )

    def _define(self, name: str) -> None:
        if name == NONE:
            raise self._error("nothing can be named none", "choose another name")
        taken = self.lines_of_names.setdefault(name, self.line)
        if taken != self.line:
            raise self._error(f"{name} is defined already, in line {taken}", "choose another name")

    def _require_defined(self, name: str) -> None:
        if name not in self.lines_of_names:
            raise self._error(f"{name} is not defined above", "define witnesses and groups before their use")

    def _error(self, message: str, hint: str) -> InputError:
        return InputError(f"{self.source}:{self.line}: {message}", hint=hint)


def _cosigning_times(note: bytes, witnesses: Sequence[KnownWitness]) -> dict[str, int]:
    """When each witness cosigned; empty when none did.

    Raises:
        NoteError: A cosignature by a known witness fails.
    """
    keys = {(each.key.name, each.key.key_id): each for each in witnesses}
    signed = {(each.name, each.key_id) for each in parse_note(note).signatures}
    if not signed.intersection(keys):
        return {}
    opened = open_note(note, [each.key for each in witnesses])
    found = {(each.name, each.key_id): each.signature for each in opened.signatures}
    return {
        witness.name: parse_cosignature(found[place], witness.key.algorithm)[0]
        for place, witness in keys.items()
        if place in found
    }


def _words(*words: object) -> str:
    return " ".join(str(word) for word in words if word is not None)
