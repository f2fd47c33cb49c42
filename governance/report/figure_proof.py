# SPDX-License-Identifier: Apache-2.0
"""The figure of an inclusion proof: from one entry up to the root hash, each sibling on the side where it joins.

    leaf hash of entry 1 ──┐
    hash of entry 0 ───────┴── SHA-256(0x01 || left || right) ──┐
    hash of entry 2 ────────────────────────────────────────────┴── root hash

Rules: every hash is printed whole, in groups of eight. Given hashes are filled squares, computed ones open circles. A
proof that does not lead to the root is refused, never drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from governance.core.hashing import hash_node
from governance.errors import ProofError
from governance.report.figure_parts import (
    INK,
    INK_FAINT,
    INK_SOFT,
    MET,
    MONO_WIDTH,
    NAVY,
    TEXT_MIN,
    Figure,
    drawing,
    line,
    text,
)
from governance.report.words import counted

LEVEL_HEIGHT_MAX = 27.0
HEIGHT_MAX = 470.0
LEFT, SPINE, RIGHT, TEXTS = 8.0, 27.0, 46.0, 62.0
"""Where left siblings, the path, right siblings and texts stand."""

HASH_SIZE = TEXT_MIN
HASH_LEFT = 62.0 + 124.0


@dataclass(frozen=True, slots=True)
class Sibling:
    """A hash that is joined on the way up.

    Attributes:
        start, end: The entries under it, half-open.
        digits: The hash, 32 bytes.
    """

    start: int
    end: int
    digits: bytes


def draw_proof(
    index: int, what: str, *, leaf_hash: bytes, root: bytes, size: int, siblings: Sequence[Sibling]
) -> Figure:
    """The path, the root above and the entry below.

    Args:
        index: The entry.
        what: Its type, and what it is about.
        leaf_hash: Its leaf hash.
        root: The root hash.
        size: The tree size.
        siblings: From the leaf up.

    Raises:
        ProofError: They do not lead from the leaf hash to the root hash.
    """
    node = leaf_hash
    for each in siblings:
        node = hash_node(each.digits, node) if each.start < index else hash_node(node, each.digits)
    if node != root:
        raise ProofError(f"the proof of entry {index} does not lead to the root hash of {size} entries")
    count = len(siblings)
    height = min(LEVEL_HEIGHT_MAX, HEIGHT_MAX / max(1, count))
    top, bottom = 12.0, 12.0 + height * max(1, count)
    parts = [line(SPINE, top, SPINE, bottom, stroke=NAVY, width=1)]
    for at, each in enumerate(siblings):
        low = bottom - at * height
        parts += _level(each, low, low - height, is_left=each.start < index, is_last=at == count - 1)
    parts += _end(top, f"Root hash, {size} {'entry' if size == 1 else 'entries'}", root, is_root=True)
    parts += _end(bottom, f"Leaf hash of entry {index}", leaf_hash, is_root=False)
    return Figure(
        drawing(parts, height=bottom + 14, told=_told(index, size, siblings)),
        f"Inclusion proof of entry {index}, {what}",
        f"{counted(count, 'hash')} {'leads' if count == 1 else 'lead'} from its leaf hash to the root hash of the "
        "checkpoint. A filled square is given; an open circle is computed by the reader: SHA-256 of a byte 01, the "
        "left hash and the right hash (RFC 6962). A square stands on the side where it joins. Every other entry is "
        "proven by the attached inclusion-proof.txt in the same way and is not drawn.",
        (index,),
    )


def _told(index: int, size: int, siblings: Sequence[Sibling]) -> str:
    if not siblings:
        return f"Inclusion proof of entry {index}, the only one: its leaf hash is the root hash."
    sides = ", ".join(
        f"on the {'left' if each.start < index else 'right'} with {_range(each.start, each.end)}"
        for each in siblings
    )
    return (
        f"Inclusion proof of entry {index} under the root hash of {size} entries, from the leaf up: {sides}."
    )


def _level(each: Sibling, low: float, high: float, *, is_left: bool, is_last: bool) -> list[str]:
    x = LEFT if is_left else RIGHT
    side = "left" if is_left else "right"
    middle = (low + high) / 2
    parts = [
        line(x, middle, SPINE, high, stroke=NAVY, width=1),
        f'<rect x="{x - 3:.1f}" y="{middle - 3:.1f}" width="6" height="6" fill="{MET}"/>',
        text(TEXTS, middle + 2.4, f"{side}: {_range(each.start, each.end)}", fill=INK_SOFT),
        _hash(middle + 2.4, each.digits, INK_SOFT),
    ]
    if not is_last:
        parts.append(_circle(high))
    return parts


def _end(y: float, words: str, digits: bytes, *, is_root: bool) -> list[str]:
    shape = (
        f'<circle cx="{SPINE:g}" cy="{y:.1f}" r="4.4" fill="#fff" stroke="{NAVY}" stroke-width="2"/>'
        if is_root
        else f'<rect x="{SPINE - 3.6:.1f}" y="{y - 3.6:.1f}" width="7.2" height="7.2" fill="{NAVY}"/>'
    )
    return [shape, text(TEXTS, y + 2.4, words, fill=INK, bold=True), _hash(y + 2.4, digits, INK)]


def _circle(y: float) -> str:
    return (
        f'<circle cx="{SPINE:g}" cy="{y:.1f}" r="2.6" fill="#fff" stroke="{INK_FAINT}" stroke-width="1.1"/>'
    )


def _hash(y: float, digits: bytes, fill: str) -> str:
    shown = digits.hex()
    groups = " ".join(shown[at : at + 8] for at in range(0, len(shown), 8))
    return text(HASH_LEFT, y, groups, size=HASH_SIZE, fill=fill, mono=True)


def _range(start: int, end: int) -> str:
    return f"entry {start}" if end - start == 1 else f"entries {start}–{end - 1}"


assert HASH_LEFT + (64 + 7) * MONO_WIDTH * HASH_SIZE <= 481.0, "a whole hash fits the page"
