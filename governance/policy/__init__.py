# SPDX-License-Identifier: Apache-2.0
"""Policy: rule sets held against dossiers; sees lineage, events and core, never the ledger or its storage."""
