# SPDX-License-Identifier: Apache-2.0
"""The verifier of disclosures: one sealed value, shown by whoever holds the side store.

Rules: value and salt must give the commitment that stands in the entry's body, and the body must be under a checkpoint
signed with a key that the reader names. Neither side store nor wrapping key is needed, and nothing of the writer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from governance.core.disclosure import check_disclosure, parse_disclosure
from governance.core.note import VerifierKey
from governance.errors import SealingError
from governance.ledger.discrepancies import Discrepancies
from governance.ledger.verify import Verification
from governance.ledger.verify_proofs import checkpoint_in, proof_indexes, verify_inclusion_proof


def verify_disclosure(content: bytes, *, keys: Sequence[VerifierKey] = ()) -> tuple[Verification, bytes]:
    """Verify a disclosure.

    Args:
        content: The file.
        keys: The keys that the reader trusts.

    Returns:
        What was found, and the signed checkpoint in it.

    Raises:
        SealingError: Malformed.
        ProofError: The proof in it is malformed.
    """
    told = Discrepancies()
    shown = parse_disclosure(content)
    if proof_indexes(shown.proof) != (shown.index,):
        raise SealingError(f"the disclosure of entry {shown.index} holds no proof of that entry")
    proven = verify_inclusion_proof(shown.proof, [shown.body], keys=keys)
    whose = ""
    try:
        whose = check_disclosure(shown)
    except SealingError as error:
        told.tell("entry", shown.index, "the value is not what was sealed", "", error.message)
    found = (*proven.discrepancies, *told.listed())
    value = json.dumps(shown.value, ensure_ascii=False)
    claim = f"{proven.claim} and holds in {shown.field}, sealed, of {whose}: {value}"
    return (
        replace(
            proven,
            discrepancies=found,
            signed_size=0 if found else proven.signed_size,
            source="disclosure",
            claim=claim,
        ),
        checkpoint_in(shown.proof),
    )
