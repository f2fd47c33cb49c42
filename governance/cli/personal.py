# SPDX-License-Identifier: Apache-2.0
"""Commands about personal data: sealing, disclose, erase, data-subject."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from governance.cli import options
from governance.cli.options import Format
from governance.cli.output import plain, say, write_bytes, write_json, write_line, write_secret_file

if TYPE_CHECKING:
    from governance.ledger.revealing import Shown
    from governance.workspace import Workspace
    from governance.workspace.personal import SealingState, SpokenOf

Store = Annotated[
    str | None,
    typer.Option(
        "--sealed",
        envvar="GOVERNANCE_SEALED",
        show_envvar=True,
        metavar="URL",
        help="The side store; beside the ledger when nothing is said.",
    ),
]
WrappingKey = Annotated[
    str | None,
    typer.Option(
        "--wrapping-key",
        envvar="GOVERNANCE_WRAPPING_KEY_FILE",
        show_envvar=True,
        metavar="FILE",
        help="The file of the key without which nothing in the side store can be read.",
    ),
]
DataSubject = Annotated[
    str, typer.Argument(metavar="ID", help="A pseudonym: person:… or data_subject:…, without a version.")
]


def init(
    context: typer.Context,
    encrypt_key: Annotated[
        bool,
        typer.Option(
            "--encrypt-key",
            help="Encrypt the wrapping key: asks, or takes GOVERNANCE_WRAPPING_PASSPHRASE.",
        ),
    ] = False,
    store: Store = None,
    wrapping_key: WrappingKey = None,
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """Make the side store in which personal values lie encrypted, and its wrapping key.

    Keep the wrapping key out of the backups that take the side store: who has both can read everything in it.
    """
    with _opened(context, ledger, store, wrapping_key, encrypt=encrypt_key) as workspace:
        state = workspace.init_sealing()
        key_file = workspace.wrapping_key_place
    if output is Format.json:
        write_json({"side_store": state.url, "wrapping_key": key_file, "key_id": state.key_id})
        return
    write_line(f"side store    {state.url}")
    write_line(f"wrapping key  {key_file} (id {state.key_id})")
    say("keep copies of both, in different places: without the key nothing in the store can be read again")


def show(
    context: typer.Context,
    store: Store = None,
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """Tell what the side store holds; needs no key.

    Exit code 3 when an erasure was begun and not ended, or the store holds again what the ledger calls erased.
    """
    with _opened(context, ledger, store, None) as workspace:
        state = workspace.sealing_state()
    if output is Format.json:
        write_json(state)
    else:
        _write_state(state)
    if state.begun or state.restored:
        raise typer.Exit(options.EVIDENCE_NOT_TRUSTED)


def verify(
    context: typer.Context,
    store: Store = None,
    wrapping_key: WrappingKey = None,
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """Open every sealed value that the ledger speaks of; nothing of them is shown.

    Exit code 3 when one is missing or altered that nobody erased, as after an older side store was restored.
    """
    with _opened(context, ledger, store, wrapping_key) as workspace:
        found = workspace.check_sealed()
    if output is Format.json:
        failing = [{"index": index, **told_field(each)} for index, each in found.failing]
        write_json({**found._asdict(), "failing": failing})
    else:
        write_line(f"entries   {found.entries} with sealed values")
        write_line(f"open      {_in_words(found.revealed, 'value')}, each what was committed to")
        write_line(f"erased    {_in_words(found.erased, 'value')}")
        if found.unused:
            write_line(f"unused    {_in_words(found.unused, 'value')} that no entry speaks of; harmless")
        for index, each in found.failing:
            write_line(f"entry {index}, {each.field} of {each.data_subject}: {_why(each)}")
        write_line(
            f"{'NOT ' if found.failing_count else ''}verified: {found.failing_count} missing or altered"
        )
    if found.failing_count:
        raise typer.Exit(options.EVIDENCE_NOT_TRUSTED)


def rotate_key(
    context: typer.Context,
    encrypt_key: Annotated[
        bool, typer.Option("--encrypt-key", help="Encrypt the new key's file, as in sealing init.")
    ] = False,
    store: Store = None,
    wrapping_key: WrappingKey = None,
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """Change the wrapping key, so that the old one opens nothing in the side store any more.

    Copies of the side store from before can still be read with the old key: destroy its copies, and they cannot.
    """
    with _opened(context, ledger, store, wrapping_key, encrypt=encrypt_key) as workspace:
        count = workspace.rotate_wrapping_key()
        state, key_file = workspace.sealing_state(), workspace.wrapping_key_place
    if output is Format.json:
        write_json({"wrapping_key": key_file, "key_id": state.key_id, "rewrapped": count})
        return
    keys = _in_words(count, "key")
    write_line(f"wrapping key  {key_file} (id {state.key_id}); {keys} of data subjects wrapped anew")


def readmit(
    context: typer.Context,
    data_subject: DataSubject,
    store: Store = None,
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """Let an erased data subject be sealed again, under a new key; what was erased stays so."""
    with _opened(context, ledger, store, None) as workspace:
        size = workspace.readmit(data_subject)
    if output is Format.json:
        write_json({"data_subject": data_subject, "from_size": size})
        return
    write_line(f"{data_subject} can be sealed again, from entry {size} on")


def disclose(
    context: typer.Context,
    index: Annotated[int, typer.Argument(min=0, help="The entry's index, from 0.")],
    field: Annotated[str, typer.Argument(metavar="FIELD", help="The sealed field of its payload.")],
    file: Annotated[str, typer.Option("--output", metavar="FILE", help="Where to write; - is stdout.")] = "-",
    ledger: options.Ledger = None,
) -> None:
    """Write one sealed value with its salt and proof, for somebody who shall see this one and no other.

    Whoever gets the file checks it with governance verify FILE --key VKEY, or with three lines of Python
    (docs/personal-data.md); neither needs the side store.
    """
    with options.opened(context, ledger) as workspace:
        content = workspace.disclose(index, field)
    if file == "-":
        write_bytes(content)
        return
    write_secret_file(file, content)
    say(f"{file} holds the value in the clear: give it only to whom it is meant for")


def erase(
    context: typer.Context,
    data_subject: Annotated[
        str, typer.Option("--data-subject", metavar="ID", help="A pseudonym: person:… or data_subject:…")
    ],
    reason: Annotated[str, typer.Option(help="Why; it stays in the ledger, so name nobody in it.")],
    actor: Annotated[
        str | None,
        typer.Option(
            envvar="GOVERNANCE_ACTOR", show_envvar=True, help="Who does it: person:…, service:… or tool:…"
        ),
    ] = None,
    store: Store = None,
    ledger: options.Ledger = None,
    key_file: options.KeyFile = None,
    output: options.Output = Format.text,
) -> None:
    """Destroy all that is sealed of a data subject, for good, and record that it was done.

    The ledger stays whole and verifies: it never held more than commitments. A run that was cut short is ended by
    running it again. Copies of the side store that lie elsewhere are beyond its reach: docs/personal-data.md.
    """
    from governance.errors import InputError

    if actor is None:
        raise InputError("no actor: who does this?", hint="say --actor person:YOU, or set GOVERNANCE_ACTOR")
    with _opened(context, ledger, store, None, key_file=key_file) as workspace:
        done = workspace.erase(data_subject, reason=reason, actor=actor)
    if output is Format.json:
        write_json(done)
        return
    if not done.is_new:
        write_line(f"{data_subject} was erased already, in entry {done.index}; nothing is sealed of them")
        return
    values = _in_words(done.field_count, "sealed value")
    write_line(f"entry {done.index}: {values} of {data_subject} and their key destroyed")
    say("backups of the side store may still hold them: see docs/personal-data.md")


def data_subject(
    context: typer.Context,
    identity: DataSubject,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show their sealed values; needs the wrapping key.")
    ] = False,
    ledger: options.Ledger = None,
    output: options.Output = Format.text,
) -> None:
    """List every entry that speaks of a person, and as what (GDPR Art. 15).

    A person may be known under several pseudonyms, and prose may name them where nobody marked it: this command finds
    the pseudonym that it is given. Exit code 3 when a sealed value that nobody erased cannot be shown.
    """
    with options.opened(context, ledger) as workspace:
        found = _begun(workspace.spoken_of(identity, reveal=reveal))
        is_json = output is Format.json
        unshown = _write_entries_as_json(found, identity, workspace) if is_json else _write_entries(found)
    if unshown:
        say(f"missing or altered, and nobody erased it: {_in_words(unshown, 'sealed value')}")
        raise typer.Exit(options.EVIDENCE_NOT_TRUSTED)


def revealed_lines(shown: tuple[Shown, ...]) -> list[str]:
    """Sealed fields in lines: the value, or why it is not there."""
    return [
        f"{each.field} of {each.data_subject}: "
        + (json.dumps(each.value, ensure_ascii=False) if each.state == "revealed" else _why(each))
        for each in shown
    ]


def _opened(
    context: typer.Context,
    ledger: str | None,
    store: str | None,
    wrapping_key: str | None,
    *,
    encrypt: bool = False,
    key_file: str | None = None,
) -> Workspace:
    from governance.workspace import open_workspace
    from governance.workspace.places import place_of
    from governance.workspace.side_stores import SideStorePlace

    place = place_of(ledger or options.shared_of(context).ledger)
    return open_workspace(
        place,
        signing=options.signing(context, key_file),
        anchoring=options.anchoring(context),
        sealing=SideStorePlace(place, store, wrapping_key, ask=options.asking(), encrypt=encrypt),
    )


def _write_state(state: SealingState) -> None:
    write_line(f"side store     {state.url}")
    write_line(f"wrapping key   id {state.key_id}")
    write_line(f"data subjects  {state.data_subjects}")
    write_line(f"sealed values  {state.values}")
    for name in state.begun:
        write_line(f"NOT ended      erasure of {name}: run governance erase again")
    for name in state.restored:
        write_line(f"erased, and in the store again: {name}; run governance erase again")


def _begun(found: Iterator[SpokenOf]) -> Iterator[SpokenOf]:
    """The same; the first is fetched at once, so that what is wrong is told before anything is written."""
    first = next(found)

    def all_of_them() -> Iterator[SpokenOf]:
        yield first
        yield from found

    return all_of_them()


def _write_entries(found: Iterator[SpokenOf]) -> int:
    unshown = 0
    write_line(f"{'index':>8}  {'occurred at':20}  {'type':24}  {'as':24}  subject")
    for each in found:
        event = each.entry.event
        write_line(
            f"{each.entry.index:>8}  {event.occurred_at[:19] + 'Z':20}  {event.type:24}  "
            f"{', '.join(each.roles):24}  {event.subject}"
        )
        for line in revealed_lines(each.sealed):
            write_line(f"{'':10}{line}")
        unshown += _count_unshown(each)
    return unshown


def _write_entries_as_json(found: Iterator[SpokenOf], identity: str, workspace: Workspace) -> int:
    """One JSON value, written entry by entry: a history may be long."""
    unshown = 0
    opening = {"data_subject": identity, "origin": workspace.origin, "tree_size": workspace.size}
    sys.stdout.write(json.dumps(opening, ensure_ascii=False)[:-1] + ', "entries": [')
    separator = "\n"
    for each in found:
        sys.stdout.write(separator + json.dumps(plain(_told(each)), ensure_ascii=False))
        separator = ",\n"
        unshown += _count_unshown(each)
    sys.stdout.write("\n]}\n")
    return unshown


def _told(each: SpokenOf) -> dict[str, object]:
    event = each.entry.event
    return {
        "index": each.entry.index,
        "type": event.type,
        "subject": event.subject,
        "actor": event.actor.ref,
        "occurred_at": event.occurred_at,
        "appended_at": each.entry.appended_at,
        "roles": each.roles,
        "data": event.to_dict()["data"],
        "sealed": [told_field(field) for field in each.sealed],
    }


def told_field(field: Shown) -> dict[str, object]:
    """A sealed field as JSON: the value only where it is revealed."""
    told: dict[str, object] = {
        "field": field.field,
        "data_subject": field.data_subject,
        "state": field.state,
    }
    if field.state == "revealed":
        told["value"] = field.value
    if field.problem:
        told["problem"] = field.problem
    return told


def _count_unshown(each: SpokenOf) -> int:
    return sum(field.state in ("missing", "altered") for field in each.sealed)


def _in_words(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _why(field: Shown) -> str:
    return f"({field.problem.partition(chr(10))[0] or field.state})"
