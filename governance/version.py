# SPDX-License-Identifier: Apache-2.0
"""The version of this package, said once; rooms that write it into what they make take it from here."""

from __future__ import annotations

__version__ = "0.1.0"
