# SPDX-License-Identifier: Apache-2.0
"""Storage: append-only tables behind one interface; `interface.py` says what a backend promises."""
