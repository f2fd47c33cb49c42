#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check the evidence of a governance ledger without any of its software: Python 3.9 or newer and `cryptography`.

    python verify.py entries ENTRIES.jsonl CHECKPOINT VKEY
    python verify.py tiles DIRECTORY VKEY
    python verify.py proof FILE.tlog-proof ENTRY VKEY

Prints what was verified and leaves with 0; with 1 when the evidence is refused, 2 when it cannot be read. The formats:
c2sp.org/signed-note, tlog-checkpoint, tlog-tiles and tlog-proof, over the Merkle tree of RFC 6962.
"""

import base64
import hashlib
import json
import re
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Refused(Exception):
    """The evidence does not hold."""


def require(holds, what):
    """Refuse the evidence unless this holds."""
    if not holds:
        raise Refused(what)


def sha256(content):
    """The hash that everything here is made of."""
    return hashlib.sha256(content).digest()


def root_of(hashes):
    """The Merkle tree hash, RFC 6962 section 2.1; a leaf is SHA-256(0x00 || body)."""
    if len(hashes) < 2:
        return hashes[0] if hashes else sha256(b"")
    half = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b"\x01" + root_of(hashes[:half]) + root_of(hashes[half:]))


def unbase64(text):
    """Bytes out of base64 in its one form."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise Refused(f"not base64: {text[:60]!r}") from None
    require(base64.b64encode(raw).decode() == text, f"base64 is not in its one form: {text[:60]!r}")
    return raw


def number(text):
    """A decimal number in its one form."""
    require(re.fullmatch("0|[1-9][0-9]{0,17}", text, re.ASCII), f"not a number: {text[:40]!r}")
    return int(text)


def open_checkpoint(note, vkey):
    """Check the signature; give tree size and root hash."""
    name, key_id, encoded = [*vkey.split("+", 2), "", ""][:3]
    public = unbase64(encoded)
    require(len(public) == 33 and public[0] == 1, "the verifier key is not an Ed25519 key")
    require(sha256(name.encode() + b"\n" + public)[:4].hex() == key_id, "the verifier key has another key id")
    text, blank, lines = note.decode().rpartition("\n\n")
    text += "\n"
    require(blank and lines.endswith("\n"), "the checkpoint has no signatures under a blank line")
    found = False
    for line in lines[:-1].split("\n"):
        dash, signer, signature = [*line.split(" "), "", ""][:3]
        require(dash == "—" and line == f"— {signer} {signature}", f"not a signature line: {line[:60]!r}")
        raw = unbase64(signature)
        if signer == name and raw[:4].hex() == key_id:
            try:
                Ed25519PublicKey.from_public_bytes(public[1:]).verify(raw[4:], text.encode())
            except InvalidSignature:
                raise Refused(f"the signature by {name} does not verify") from None
            found = True
    require(found, f"the checkpoint is not signed by {name} with key {key_id}")
    origin, size, root = [*text.split("\n"), "", ""][:3]
    require(origin == name, f"the checkpoint is of {origin!r}, the key of {name!r}")
    require(len(unbase64(root)) == 32, "the root hash has not 32 bytes")
    return number(size), unbase64(root)


def leaves_of(bodies):
    """The leaf hashes of entries in order: each index, `previous`, moment and event id is checked on the way."""
    before, moment, ids = "0" * 64, "", set()
    for number_, body in enumerate(bodies):
        try:
            entry = json.loads(body)
            index, previous, appended_at = entry["index"], entry["previous"], str(entry["appended_at"])
            event_id = str(entry["event"]["id"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise Refused(f"entry {number_} cannot be read") from None
        require(index == number_, f"entry {number_} says that it is entry {index}")
        require(previous == before, f"entry {index}: previous is not the hash of the entry before")
        require(appended_at >= moment, f"entry {index} was appended before the one before it")
        require(event_id not in ids, f"entry {index} repeats the event id {event_id!r}")
        ids.add(event_id)
        leaf = sha256(b"\x00" + body)
        before, moment = leaf.hex(), appended_at
        yield leaf


def check_entries(entries, checkpoint, vkey):
    """An export under its checkpoint."""
    size, root = open_checkpoint(Path(checkpoint).read_bytes(), vkey)
    with open(entries, "rb") as stream:
        leaves = list(leaves_of(line.removesuffix(b"\n") for line in stream))
    require(size <= len(leaves), f"the checkpoint covers {size} entries, there are {len(leaves)}")
    require(root_of(leaves[:size]) == root, "the entries do not have the signed root hash")
    return f"{size} of {len(leaves)} entries are what was signed, root {root.hex()}"


def tile(folder, level, index, width):
    """The content of a tile or bundle: tile/<level>/x001/x234/067[.p/<width>]."""
    digits = f"{index:0{-(-len(str(index)) // 3) * 3}}"
    groups = [f"x{digits[at : at + 3]}" for at in range(0, len(digits), 3)]
    groups[-1] = groups[-1][1:] + (f".p/{width}" if width < 256 else "")
    return Path(folder, "tile", str(level), *groups).read_bytes()


def bodies_in(folder, size):
    """The bodies in the bundles: each after its length in two bytes."""
    for first in range(0, size, 256):
        width, at = min(256, size - first), 0
        bundle = tile(folder, "entries", first // 256, width)
        for _ in range(width):
            end = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
            require(at + 2 <= len(bundle) and end <= len(bundle), f"the bundle from entry {first} is cut")
            yield bundle[at + 2 : end]
            at = end
        require(at == len(bundle), f"the bundle from entry {first} goes on after its bodies")


def check_tiles(folder, vkey):
    """A static log: bodies, tiles and root belong together and are what was signed."""
    size, root = open_checkpoint(Path(folder, "checkpoint").read_bytes(), vkey)
    leaves = hashes = list(leaves_of(bodies_in(folder, size)))
    for level in range(9):
        for first in range(0, len(hashes), 256):
            part = b"".join(hashes[first : first + 256])
            stated = tile(folder, level, first // 256, len(part) // 32)
            require(stated == part, f"tile {first // 256} of level {level} differs from what lies below it")
        hashes = [root_of(hashes[at - 256 : at]) for at in range(256, len(hashes) + 1, 256)]
    require(root_of(leaves) == root, "the entries do not have the signed root hash")
    return f"{size} entries and their tiles are what was signed, root {root.hex()}"


def check_proof(proof, entry, vkey):
    """One entry under its checkpoint, RFC 9162 section 2.1.3.2."""
    head, _, note = Path(proof).read_bytes().partition(b"\n\n")
    size, root = open_checkpoint(note, vkey)
    lines = head.decode().split("\n")
    require(lines.pop(0) == "c2sp.org/tlog-proof@v1", "not a proof file")
    if lines and lines[0].startswith("extra "):
        unbase64(lines.pop(0)[6:])
    require(lines and lines[0].startswith("index "), "the proof names no index")
    index, path = number(lines[0][6:]), [unbase64(line) for line in lines[1:]]
    require(index < size and all(len(value) == 32 for value in path), "the proof is malformed")
    # A body is canonical JSON and never ends in a newline; a line of a file does.
    value = sha256(b"\x00" + Path(entry).read_bytes().removesuffix(b"\n"))
    at, last = index, size - 1
    for sibling in path:
        require(last > 0, "the proof has too many hashes")
        if at % 2 or at == last:
            value = sha256(b"\x01" + sibling + value)
            while at % 2 == 0 and at:
                at, last = at // 2, last // 2
        else:
            value = sha256(b"\x01" + value + sibling)
        at, last = at // 2, last // 2
    require(last == 0, "the proof has too few hashes")
    require(value == root, f"this is not entry {index} of what was signed")
    return f"this is entry {index} of the {size} that were signed, root {root.hex()}"


def main(arguments):
    """Run one check; the exit code."""
    checks = {("entries", 4): check_entries, ("tiles", 3): check_tiles, ("proof", 4): check_proof}
    check = checks.get((arguments[0] if arguments else "", len(arguments)))
    if check is None:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        print(f"VERIFIED: {check(*arguments[1:])}")
    except (Refused, UnicodeDecodeError, FileNotFoundError) as error:
        print(f"REFUSED: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
