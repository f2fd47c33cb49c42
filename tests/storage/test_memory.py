# SPDX-License-Identifier: Apache-2.0
"""The memory backend keeps the contract; beyond it there is nothing to test."""

from __future__ import annotations

import pytest

from governance.storage.interface import Storage
from governance.storage.memory import MemoryStorage
from tests.storage.contract import StorageContract


class TestMemoryStorage(StorageContract):
    @pytest.fixture
    def storage(self) -> Storage:
        """A new one for every test."""
        return MemoryStorage()
