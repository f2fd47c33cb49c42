# SPDX-License-Identifier: Apache-2.0
"""A witness's folder: made, opened, and asked about a checkpoint that came as a file.

    DIRECTORY/verifier-key    what verifiers are given
    DIRECTORY/witness.key     the cosigning key, unless it was put elsewhere

Rules: a missing witness is never made silently: a new memory would cosign any history. The key must be the one whose
public half stands in the folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from governance.core.checkpoint import parse_checkpoint
from governance.core.cosignature import CosigningKey
from governance.core.note import VerifierKey, add_signatures, is_key_name, parse_note, parse_verifier_key
from governance.core.witness_request import (
    WitnessRequest,
    format_witness_request,
    parse_cosignature_lines,
    parse_hash_lines,
    parse_size,
)
from governance.errors import (
    ConflictError,
    EvidenceError,
    InputError,
    KeyFileError,
    NoteError,
    NotFoundError,
    ProofError,
    StorageError,
)
from governance.ledger.witness import Witness, WitnessAnswer
from governance.ledger.witness_keys import Algorithm, create_cosigning_key_file, load_cosigning_key_file
from governance.ledger.witness_store import WitnessStore
from governance.workspace.cosigning import consistency_hashes
from governance.workspace.opened import Clock
from governance.workspace.opening import now
from governance.workspace.signing import Signing

VERIFIER_KEY_FILE = "verifier-key"
KEY_FILE = "witness.key"


def init_witness(
    directory: Path, name: str, *, algorithm: Algorithm = "ed25519", key_file: Path | None = None
) -> VerifierKey:
    """Make a witness's folder and key.

    Args:
        directory: Where; made when it is missing.
        name: The witness's name, best a schema-less URL of its owner.
        algorithm: What it cosigns with.
        key_file: Where the key is to be written, by default in the folder.

    Raises:
        InputError: The name cannot stand in a note.
        ConflictError: There is a witness or a key file already.
        StorageError: The folder cannot be written.
    """
    if not is_key_name(name):
        raise InputError(
            f"not a witness's name: {name[:80]!r}", hint="a name has no spaces and no +, as in example.com/w1"
        )
    public = directory / VERIFIER_KEY_FILE
    if public.exists():
        raise ConflictError(
            f"{directory} is a witness already", hint="serve it, or make another one elsewhere"
        )
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = create_cosigning_key_file(
            key_file or directory / KEY_FILE, name, algorithm=algorithm, passphrase=_passphrase()
        ).verifier_key
        public.write_text(f"{key}\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot make a witness in {directory}: {error.strerror}") from error
    return key


def open_witness(
    directory: Path, *, logs: Sequence[str], key_file: Path | None = None, clock: Clock = now
) -> Witness:
    """Open a witness's folder.

    Args:
        directory: As `init_witness` made it.
        logs: Verifier keys of the logs that it watches, text form.
        key_file: The cosigning key, by default in the folder.
        clock: Gives the present moment.

    Raises:
        NotFoundError: There is no witness.
        KeyFileError: The key is missing, locked, or not this witness's.
        NoteError: A log's key is malformed.
        InputError: No log is named.
    """
    keys = [parse_verifier_key(log) for log in logs]
    try:
        public = parse_verifier_key((directory / VERIFIER_KEY_FILE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise NotFoundError(
            f"{directory} is no witness", hint="make one with: governance witness init"
        ) from error
    path = key_file or directory / KEY_FILE
    key: CosigningKey = load_cosigning_key_file(path, public.name, passphrase=_passphrase())
    if key.verifier_key != public:
        raise KeyFileError(
            f"key file {path} is not the key of this witness, {public.name}",
            hint="name the right one with --key-file",
        )
    return Witness(WitnessStore(directory), keys=[key], logs=keys, clock=clock)


def cosign_file(
    witness: Witness,
    content: bytes,
    *,
    old_size: int | None = None,
    proof: bytes | None = None,
    ledger: str | None = None,
) -> bytes:
    """Let a witness cosign a checkpoint that came as a file, for logs that cannot reach it.

    Args:
        witness: Cosigns, or refuses.
        content: A witness request, or a signed checkpoint alone.
        old_size: For a checkpoint alone: the size that the proof begins at, 0 by default.
        proof: For a checkpoint alone: the consistency proof, one hash a line in base64.
        ledger: For a checkpoint alone: a ledger that the proof can be read from, in place of the two before.

    Returns:
        The checkpoint with the cosignature under it.

    Raises:
        InputError: Malformed, or a log that the witness does not watch.
        ConflictError: The proof begins at another size than the witness saw last.
        ProofError: The checkpoint does not continue what the witness saw.
        NoteError: The checkpoint is not signed by its log.
    """
    told = (old_size, proof, ledger)
    if content.startswith(b"old "):
        if any(each is not None for each in told):
            raise InputError("a witness request brings its proof along", hint="leave the other options out")
        body = content
        note = content.partition(b"\n\n")[2]
    else:
        note = content
        request = _request_from_ledger(witness, note, ledger) if ledger is not None else None
        hashes = () if proof is None else parse_hash_lines(proof.decode("latin-1").split())
        body = format_witness_request(request or WitnessRequest(old_size or 0, hashes, note))
    answer = witness.add_checkpoint(body)
    if answer.code != 200:
        raise _refusal(answer)
    return add_signatures(note, parse_cosignature_lines(answer.body))


def _request_from_ledger(witness: Witness, note: bytes, url: str) -> WitnessRequest:
    checkpoint = parse_checkpoint(parse_note(note).text)
    old = witness.latest_size(checkpoint.origin)
    hashes = consistency_hashes(url, min(old, checkpoint.tree_size), checkpoint.tree_size)
    return WitnessRequest(old, tuple(hashes), note)


def _refusal(answer: WitnessAnswer) -> InputError | EvidenceError:
    told = answer.body.decode("utf-8", "replace").strip()
    if answer.code == 409:
        seen = parse_size(answer.body)
        return ConflictError(
            f"the witness cosigned {seen} entries last, the proof begins elsewhere",
            hint=f"bring a proof from there: governance witness request --old-size {seen}",
        )
    if answer.code == 422:
        return ProofError(
            f"not cosigned: {told}", hint="keep both checkpoints: together they show what the log did"
        )
    if answer.code == 403:
        return NoteError(f"not cosigned: {told}", hint="is the log's key the one named with --log?")
    return InputError(f"not cosigned: {told}")


def _passphrase() -> bytes | None:
    """What the environment says that the witness's key file is encrypted with."""
    text = Signing().passphrase()
    return text.encode() if text else None
