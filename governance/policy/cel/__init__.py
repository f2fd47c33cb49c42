# SPDX-License-Identifier: Apache-2.0
"""CEL: our own engine for the Common Expression Language, without protobuf messages; docs/cel.md says what it knows.

    program = compile_program("[1, 2].exists(i, i > limit)", Environment(variables={"limit": INT}))
    program.evaluate({"limit": 1})          # → True

Rules: the language definition of github.com/google/cel-spec decides; where it leaves room, what its implementations
do. No text of an expression is ever run as Python. Everything is bounded: the text, its depth, the steps of an
evaluation, the size of what it makes. The same expression over the same values gives the same value, error and cost
on any machine. Nothing here knows rules, dossiers or files.
"""
