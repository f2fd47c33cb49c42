# SPDX-License-Identifier: Apache-2.0
"""OpenSSH public keys: ssh-keygen's own first, then everything that is no key, or no good one."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256K1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from governance.core import ssh_keys
from governance.core.ssh_keys import PublicKey, decode_base64, parse_key_line, parse_public_key
from governance.core.ssh_signing import PrivateKey
from governance.core.ssh_wire import Fields, write_number, write_string
from governance.errors import StatementError
from tests.core.ssh import MADE, VECTORS, Token, ecdsa, ed25519, public_half, rsa

GOOD = [(VECTORS / f"{name}.pub").read_text(encoding="utf-8") for name in MADE]
FINGERPRINTS = (VECTORS / "fingerprints").read_text(encoding="utf-8").split()


def refused(blob: bytes) -> str:
    with pytest.raises(StatementError) as raised:
        parse_public_key(blob)
    return raised.value.message


def fields(*parts: bytes) -> bytes:
    return b"".join(map(write_string, parts))


@pytest.mark.parametrize(("line", "fingerprint"), list(zip(GOOD, FINGERPRINTS, strict=True)), ids=MADE)
def test_keys_of_ssh_keygen_are_read_and_have_its_fingerprints(line: str, fingerprint: str) -> None:
    key = parse_key_line(line)
    assert key.fingerprint == fingerprint
    assert line.startswith(f"{key.line} ")
    assert not key.is_hardware


@pytest.mark.parametrize("private", [ed25519(1), ecdsa(256), ecdsa(384), ecdsa(521), rsa(2048)])
def test_the_public_half_is_what_other_software_writes(private: PrivateKey) -> None:
    told = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    assert public_half(private).line == told


def test_a_private_key_on_another_curve_is_refused() -> None:
    with pytest.raises(StatementError, match="curve secp256k1"):
        public_half(derive_private_key(7, SECP256K1()))


def test_keys_of_tokens_are_told_apart() -> None:
    assert Token(1).key.is_hardware
    assert Token(1, kind="ecdsa").key.is_hardware
    assert Token(1).key.type == "sk-ssh-ed25519@openssh.com"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "not a public key"),
        ("ssh-ed25519", "not a public key"),
        ("ssh-ed25519 " + "A" * 5000, "not a public key"),
        ("ssh-ed25519 AAAA!", "not base64"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAA", "not base64"),
        ("ssh-ed25519 AB==", "not in its one form"),
        (GOOD[0].replace("ssh-ed25519", "ssh-rsa"), "the public key says ssh-rsa"),
        ("ssh-dss AAAAB3NzaC1kc3M=", "is of kind 'ssh-dss'"),
    ],
)
def test_a_line_that_is_no_key_is_refused(line: str, told: str) -> None:
    with pytest.raises(StatementError, match=told):
        parse_key_line(line)


def test_a_blob_is_read_to_its_end() -> None:
    blob = parse_key_line(GOOD[0]).blob
    for cut in range(len(blob)):
        assert refused(blob[:cut])
    assert "goes on for 1 bytes" in refused(blob + b"\x00")
    assert "at most 2048" in refused(blob + bytes(2048))


def test_a_name_of_other_bytes_is_refused() -> None:
    assert "not printable ASCII" in refused(fields(b"ssh-\xff"))
    assert "not printable ASCII" in refused(fields(b"ssh ed25519"))


def test_ed25519_keys_of_another_length_are_refused() -> None:
    assert "31 bytes of Ed25519" in refused(fields(b"ssh-ed25519", bytes(31)))
    assert "33 bytes of Ed25519" in refused(fields(b"ssh-ed25519", bytes(33)))


P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]


def added(one: Point, other: Point) -> Point:
    """The law of addition of edwards25519, RFC 8032 section 5.1.4 in affine form."""
    (x1, y1), (x2, y2) = one, other
    product = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, P)
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, P)
    return x % P, y % P


def point_of(y: int) -> Point:
    """The even point of that y, RFC 8032 section 5.1.3."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert x * x % P == square
    return (x if x % 2 == 0 else P - x), y


def test_the_points_of_small_order_are_those_that_eight_times_themselves_are_nothing() -> None:
    """Computed here from the curve's equation, so that the list cannot be a slip of the pen."""
    ys = {int.from_bytes(each, "little") for each in ssh_keys._SMALL_ORDER}
    assert len(ys) == 5
    reached = set()
    for y in ys:
        point = point_of(y)
        for _ in range(3):
            point = added(point, point)
        assert point == (0, 1)
        x = point_of(y)[0]
        reached |= {(x, y), (-x % P, y)}
    assert len(reached) == 8


@pytest.mark.parametrize("sign", [0x00, 0x80])
@pytest.mark.parametrize("y", sorted(int.from_bytes(each, "little") for each in ssh_keys._SMALL_ORDER))
def test_ed25519_points_of_small_order_are_refused(y: int, sign: int) -> None:
    raw = bytearray(y.to_bytes(32, "little"))
    raw[31] |= sign
    assert "anybody could find signatures" in refused(fields(b"ssh-ed25519", bytes(raw)))
    assert "anybody could find" in refused(fields(b"sk-ssh-ed25519@openssh.com", bytes(raw), b"ssh:"))


@pytest.mark.parametrize("y", [P, P + 1, P + 5, 2**255 - 1])
def test_ed25519_points_in_a_second_spelling_are_refused(y: int) -> None:
    assert "no good point" in refused(fields(b"ssh-ed25519", y.to_bytes(32, "little")))


def test_ecdsa_keys_off_their_curve_are_refused() -> None:
    point = ecdsa(256).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    small = ecdsa(256).public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    name = b"ecdsa-sha2-nistp256"
    parse_public_key(fields(name, b"nistp256", point))
    assert "is of curve 'nistp384'" in refused(fields(name, b"nistp384", point))
    assert "no uncompressed point" in refused(fields(name, b"nistp256", small))
    assert "no uncompressed point" in refused(fields(name, b"nistp256", b"\x05" + point[1:]))
    assert "no point of nistp256" in refused(fields(name, b"nistp256", point[:-1] + bytes([point[-1] ^ 1])))
    assert "no uncompressed point" in refused(fields(b"ecdsa-sha2-nistp384", b"nistp384", point))


def rsa_blob(exponent: int, modulus: int) -> bytes:
    return fields(b"ssh-rsa") + write_number(exponent) + write_number(modulus)


def test_rsa_keys_that_are_short_or_strange_are_refused() -> None:
    private = generate_private_key(65537, 1024)  # noqa: S505  # to see it refused
    short = private.public_key().public_numbers().n
    assert "RSA with 1024 bits" in refused(rsa_blob(65537, short))
    good = 2**2047 + 1
    parse_public_key(rsa_blob(3, good))
    for exponent, modulus in ((1, good), (65536, good), (2**32 + 1, good), (65537, 2**2047)):
        assert "exponent or modulus" in refused(rsa_blob(exponent, modulus))
    assert "RSA with 8193 bits" in refused(rsa_blob(65537, 2**8192 + 1))


def test_numbers_in_a_second_spelling_are_refused() -> None:
    modulus = (2**2047 + 1).to_bytes(256, "big")
    for told in (b"\x00\x00" + modulus, modulus, b"", b"\x00"):
        assert "not in its one form" in refused(fields(b"ssh-rsa", b"\x03", told))
    assert "not in its one form" in refused(fields(b"ssh-rsa", b"\x00\x03", b"\x00" + modulus))
    assert "number of 1026 bytes" in refused(fields(b"ssh-rsa", b"\x03", b"\x01" * 1026))


def test_certificates_and_other_kinds_are_no_keys() -> None:
    assert "which is not read" in refused(fields(b"ssh-ed25519-cert-v01@openssh.com", bytes(32)))
    assert "which is not read" in refused(fields(b"webauthn-sk-ecdsa-sha2-nistp256@openssh.com"))
    raw = Ed448PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert "which is not read" in refused(fields(b"ssh-ed448", raw))


@given(st.integers(min_value=1, max_value=2**8192 - 1))
def test_a_number_is_read_as_it_was_written(number: int) -> None:
    part = Fields(write_number(number), "number")
    assert part.number() == number
    part.finish()


@given(st.binary(max_size=100))
def test_base64_has_one_form(content: bytes) -> None:
    import base64

    text = base64.b64encode(content).decode()
    assert decode_base64(text, "it") == content
    for other in (text + "=", text + "\n", " " + text):
        with pytest.raises(StatementError):
            decode_base64(other, "it")


def test_a_key_is_its_blob() -> None:
    key = parse_key_line(GOOD[0])
    assert key == PublicKey("ssh-ed25519", key.blob) == parse_public_key(key.blob)
