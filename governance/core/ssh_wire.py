# SPDX-License-Identifier: Apache-2.0
"""The fields that OpenSSH's keys and signatures are written in (RFC 4251 section 5).

    string   length in four bytes, big-endian, then so many bytes
    mpint    a string that holds a number, big-endian, two's complement, in the fewest bytes
    uint32   four bytes, big-endian

Rules: there is one way to write each value, and only that is read: no superfluous zero before a number, no negative
number, nothing after the last field. `read(write(x)) == x`, and `write(read(b)) == b` for all that is read.
"""

from __future__ import annotations

from governance.errors import StatementError

NUMBER_SIZE_BYTES_MAX = 1025
"""RSA with 8,192 bits, and the zero before a number whose highest bit is set."""


class Fields:
    """Reads the fields of one value in order.

    Args:
        content: The bytes of the value.
        what: Names it in messages, as in "public key".
    """

    def __init__(self, content: bytes, what: str) -> None:
        self._content = content
        self._what = what
        self._at = 0

    def raw(self, size_bytes: int) -> bytes:
        """So many bytes as they stand.

        Raises:
            StatementError: There are fewer.
        """
        end = self._at + size_bytes
        if end > len(self._content):
            raise StatementError(
                f"{self._what} is cut short: {len(self._content)} bytes, at least {end} expected"
            )
        found = self._content[self._at : end]
        self._at = end
        return found

    def uint32(self) -> int:
        """A number below 2^32."""
        return int.from_bytes(self.raw(4), "big")

    def string(self) -> bytes:
        """A string of any bytes.

        Raises:
            StatementError: There are fewer bytes than it says.
        """
        # As `raw(uint32())`, in one step: a signature holds eight of them.
        start = self._at + 4
        end = start + int.from_bytes(self._content[self._at : start], "big")
        if end > len(self._content) or start > len(self._content):
            raise StatementError(
                f"{self._what} is cut short: {len(self._content)} bytes, at least {max(start, end)} expected"
            )
        self._at = end
        return self._content[start:end]

    def text(self) -> str:
        """A string of printable ASCII, as names of algorithms are.

        Raises:
            StatementError: Other bytes stand in it.
        """
        found = self.string()
        name = found.decode("latin-1")
        if not (name.isascii() and name.isprintable()) or " " in name:
            raise StatementError(f"{self._what} holds a name that is not printable ASCII: {found[:40]!r}")
        return name

    def number(self) -> int:
        """A positive mpint in its one form.

        Raises:
            StatementError: Zero, negative, too long, or with superfluous bytes before it.
        """
        found = self.string()
        if len(found) > NUMBER_SIZE_BYTES_MAX:
            raise StatementError(
                f"{self._what} holds a number of {len(found)} bytes, at most {NUMBER_SIZE_BYTES_MAX}"
            )
        if not found or found[0] & 0x80 or (found[0] == 0 and (len(found) == 1 or not found[1] & 0x80)):
            raise StatementError(f"{self._what} holds a number that is not positive or not in its one form")
        return int.from_bytes(found, "big")

    def finish(self) -> None:
        """Refuse whatever stands after the last field.

        Raises:
            StatementError: Something does.
        """
        left = len(self._content) - self._at
        if left:
            raise StatementError(f"{self._what} goes on for {left} bytes after its end")


def write_string(content: bytes) -> bytes:
    """A string: `Fields(write_string(b), …).string() == b`."""
    return len(content).to_bytes(4, "big") + content


def write_number(number: int) -> bytes:
    """A positive number as mpint: `Fields(write_number(n), …).number() == n`."""
    return write_string(number.to_bytes(number.bit_length() // 8 + 1, "big"))
