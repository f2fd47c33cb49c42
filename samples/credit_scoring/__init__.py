# SPDX-License-Identifier: Apache-2.0
"""A sample on real data: two versions of a credit-scoring model, from registration to operation.

Rules: `experiment` computes every figure and knows nothing of the ledger; `story` tells the ledger what
happened and computes no figure.
"""
