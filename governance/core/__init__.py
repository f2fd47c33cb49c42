# SPDX-License-Identifier: Apache-2.0
"""Core: canonical bytes, hashes, trees, notes and proofs; pure arithmetic without input, output, clock or chance."""
