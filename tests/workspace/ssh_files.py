# SPDX-License-Identifier: Apache-2.0
"""Key files as ssh-keygen makes them, and an agent of its own for a test."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def make_key(file: Path, *options: str, passphrase: str = "") -> Path:
    """A new key file with its public half beside it."""
    command = ["ssh-keygen", "-q", "-C", "made for a test", "-N", passphrase, "-f", str(file)]
    subprocess.run([*command, *(options or ("-t", "ed25519"))], check=True)
    return file


def fingerprint(file: Path) -> str:
    """What ssh-keygen says of a key."""
    told = subprocess.run(["ssh-keygen", "-lf", str(file)], check=True, capture_output=True, text=True)
    return told.stdout.split()[1]


@contextmanager
def agent(*files: Path) -> Iterator[dict[str, str]]:
    """A running ssh-agent that holds these keys; the environment that leads to it."""
    started = subprocess.run(["ssh-agent", "-s"], check=True, capture_output=True, text=True).stdout
    told = dict(re.findall(r"(SSH_\w+)=([^;]+);", started))
    try:
        for file in files:
            subprocess.run(["ssh-add", "-q", str(file)], check=True, env=os.environ | told)
        yield told
    finally:
        subprocess.run(["ssh-agent", "-k"], check=True, env=os.environ | told, capture_output=True)
