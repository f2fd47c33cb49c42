# SPDX-License-Identifier: Apache-2.0
"""Whether a process can be forked: on Linux, with one thread, counted as the system counts them."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from governance.forking import can_fork


def test_a_process_with_another_thread_cannot_be_forked() -> None:
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    try:
        assert not can_fork()
    finally:
        ended.set()
        thread.join()


def test_elsewhere_nothing_is_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert not can_fork()


@pytest.mark.skipif(sys.platform != "linux", reason="forked on Linux alone")
def test_a_process_with_one_thread_can() -> None:
    program = "from governance.forking import can_fork; print(can_fork())"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "True"
