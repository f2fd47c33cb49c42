# SPDX-License-Identifier: Apache-2.0
"""Lineage: the graph and the dossier, read from entries; regulator queries over both."""
