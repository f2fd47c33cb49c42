# SPDX-License-Identifier: Apache-2.0
"""Report: content out of a dossier and an assessment, rendered as PDF or HTML; sees policy and lineage, never the ledger."""
