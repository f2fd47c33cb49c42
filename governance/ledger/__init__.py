# SPDX-License-Identifier: Apache-2.0
"""Ledger: append, checkpoint and prove (`log.py`); verify without the writer's code (`verify.py`)."""
