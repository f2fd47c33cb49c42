# SPDX-License-Identifier: Apache-2.0
"""Report: content out of a dossier and an assessment, rendered as PDF or HTML; it never sees the ledger."""
