# SPDX-License-Identifier: Apache-2.0
"""Commands of witnesses: init, serve, cosign, request; and a checkpoint that is cosigned."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from governance.cli import options
from governance.cli.options import Format
from governance.cli.output import say, write_bytes, write_json, write_line

if TYPE_CHECKING:
    from governance.core.trust_policy import TrustPolicy
    from governance.web.cosigning import CosignedCheckpoint
    from governance.workspace import Workspace

FILE_SIZE_BYTES_MAX = 1 << 20

Directory = Annotated[
    Path, typer.Option(metavar="DIR", help="The witness's folder: its key and what it has seen.")
]
WitnessKeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file", metavar="FILE", help="The cosigning key; DIR/witness.key when nothing is said."
    ),
]
Logs = Annotated[
    list[str],
    typer.Option("--log", metavar="VKEY", help="The verifier key of a log to watch; may be repeated."),
]


class Algorithm(StrEnum):
    """What a witness cosigns with."""

    ed25519 = "ed25519"
    ml_dsa_44 = "ml-dsa-44"


def init(
    name: Annotated[
        str,
        typer.Option(help="The witness's own name in every cosignature, best a schema-less URL of yours."),
    ],
    directory: Directory,
    algorithm: Annotated[Algorithm, typer.Option(help="What it cosigns with.")] = Algorithm.ed25519,
    key_file: WitnessKeyFile = None,
    output: options.Output = Format.text,
) -> None:
    """Make a witness: a folder with its key, and the verifier key to give to everybody."""
    from governance.workspace.witnessing import init_witness

    kind: Literal["ed25519", "ml-dsa-44"] = "ed25519" if algorithm is Algorithm.ed25519 else "ml-dsa-44"
    key = init_witness(directory, name, algorithm=kind, key_file=key_file)
    if output is Format.json:
        write_json({"directory": str(directory), "name": name, "verifier_key": str(key)})
        return
    write_line(str(key))
    say(f"next: governance witness serve --directory {directory} --log VKEY")


def serve(
    directory: Directory,
    log: Logs,
    key_file: WitnessKeyFile = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port to listen on, 0 for a free one.")
    ] = 8471,
) -> None:
    """Serve a witness over HTTP (c2sp.org/tlog-witness) until interrupted; put it behind a proxy that speaks TLS."""
    from governance.web.witness_server import serve_witness
    from governance.workspace.witnessing import open_witness

    witness = open_witness(directory, logs=log, key_file=key_file)
    serve_witness(witness, host=host, port=port, say=say)


def cosign(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE|-", help="A witness request or a signed checkpoint; - reads stdin."),
    ],
    directory: Directory,
    log: Logs,
    key_file: WitnessKeyFile = None,
    old_size: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="SIZE", help="For a checkpoint alone: the size that the proof begins at."
        ),
    ] = None,
    proof: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="For a checkpoint alone: the consistency proof, one hash a line."),
    ] = None,
    from_ledger: Annotated[
        str | None,
        typer.Option(metavar="URL", help="For a checkpoint alone: read the proof from this ledger."),
    ] = None,
    output: options.Output = Format.text,
) -> None:
    """Cosign a checkpoint that came as a file, if it continues the last one seen, and print it with the cosignature."""
    from governance.workspace.witnessing import cosign_file, open_witness

    witness = open_witness(directory, logs=log, key_file=key_file)
    hashes = None if proof is None else read_file(str(proof))
    note = cosign_file(witness, read_file(file), old_size=old_size, proof=hashes, ledger=from_ledger)
    if output is Format.json:
        write_json({"note": note.decode()})
        return
    write_bytes(note)


def request(
    context: typer.Context,
    old_size: Annotated[
        int, typer.Option(min=0, metavar="SIZE", help="The size that the witness saw last, 0 if none.")
    ] = 0,
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """Print what a witness needs to cosign the latest checkpoint, to be carried to it as a file."""
    from governance.workspace.cosigning import format_request

    content = format_request(ledger or options.shared_of(context).ledger, old_size=old_size)
    if output is Format.json:
        write_json({"old_size": old_size, "request": content.decode()})
        return
    write_bytes(content)


def checkpoint_cosigned(
    workspace: Workspace,
    *,
    url: str | None,
    policy: TrustPolicy | None,
    witnesses: list[str],
    cosigned: str | None,
    output: Format,
) -> None:
    """What `governance checkpoint` does when witnesses are named: exit code 0 when the quorum is met, else 3."""
    from governance.web.cosigning import cosign_latest, take_cosigned

    if cosigned is not None:
        found = take_cosigned(url, read_file(cosigned), policy=policy)
    else:
        found = cosign_latest(workspace, url=url, policy=policy, witnesses=witnesses)
    for reply in found.replies:
        if reply.problem is not None:
            say(f"note: witness {reply.url}: {reply.problem}")
    if not found.is_stored and found.witnessed.times:
        say(
            "note: a newer checkpoint was signed meanwhile; keep this one, the ledger does not hold its cosignatures"
        )
    if output is Format.json:
        write_json(_shown(found))
    else:
        write_bytes(found.note)
    if not found.witnessed.quorum_met:
        say(
            f"error: quorum not met: cosigned by {', '.join(found.witnessed.times) or 'no known witness'}\n"
            "hint: the checkpoint is valid and in the ledger; run this again when the witnesses can be reached"
        )
        raise typer.Exit(options.EVIDENCE_NOT_TRUSTED)


def read_file(file: str) -> bytes:
    """A small file, or stdin for `-`.

    Raises:
        NotFoundError: It cannot be read.
        InputError: It is too long.
    """
    from governance.errors import InputError, NotFoundError

    try:
        if file == "-":
            content = sys.stdin.buffer.read(FILE_SIZE_BYTES_MAX + 1)
        else:
            with Path(file).open("rb") as stream:
                content = stream.read(FILE_SIZE_BYTES_MAX + 1)
    except OSError as error:
        raise NotFoundError(f"cannot read {file}: {error.strerror}", hint="check the path") from error
    if len(content) > FILE_SIZE_BYTES_MAX:
        raise InputError(f"{file} has more than {FILE_SIZE_BYTES_MAX} bytes", hint="is it the right file?")
    return content


def _shown(found: CosignedCheckpoint) -> dict[str, object]:
    return {
        "tree_size": found.witnessed.checkpoint.tree_size,
        "note": found.note.decode(),
        "quorum_met": found.witnessed.quorum_met,
        "cosigned_by": found.witnessed.times,
        "stored": found.is_stored,
        "witnesses": [{"url": each.url, "problem": each.problem} for each in found.replies],
    }
