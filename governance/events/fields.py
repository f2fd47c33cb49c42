# SPDX-License-Identifier: Apache-2.0
"""The field types that payloads are made of, each with its limit.

Rules: validation refuses, it never rewrites: numbers and booleans are strict, text is kept as stated. Every string and
every list has a bound, so that a body stays below `BODY_SIZE_BYTES_MAX` of the envelope in any honest use.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict, StringConstraints

from governance.events.refs import NAME_PATTERN, REF_LENGTH_MAX, ref_pattern

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@~+-]*$", max_length=128)]
"""A short name made by a machine or for one: ids, metric names, groups, at most 128 characters."""

Label = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""A short human text on one line, at most 200 characters."""

Prose = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
"""A human text, at most 4,000 characters."""

Location = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
"""Where a thing lies: a URL or path, at most 1,000 characters; never fetched."""

_DAY_PATTERN = (
    r"(?:[1-9][0-9]{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    r"|(?:[1-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[13579][26])00)-02-29)"
)

INSTANT_PATTERN = (
    rf"^{_DAY_PATTERN}[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{{1,9}})?"
    r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$"
)
"""RFC 3339 date-times of the years 1000 to 9999 that exist, leap years and all: what `parse_instant` reads."""

CANONICAL_INSTANT_PATTERN = rf"^{_DAY_PATTERN}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{{6}}Z$"
"""The same in the one form that `format_instant` writes."""

Instant = Annotated[str, StringConstraints(pattern=INSTANT_PATTERN, max_length=40)]
"""A moment, RFC 3339 with offset; kept as stated. Checked by pattern, which costs a tenth of parsing it."""

DAY_PATTERN = rf"^{_DAY_PATTERN}$"

Day = Annotated[str, StringConstraints(pattern=DAY_PATTERN)]
"""A calendar day, ISO 8601 `YYYY-MM-DD`."""

Digest = Annotated[
    str,
    StringConstraints(pattern=r"^(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$"),
]
"""Algorithm-tagged hash of an artifact: `sha256:` and 64 lower-case hex digits (or sha384, sha512)."""

Commit = Annotated[str, StringConstraints(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]
"""A whole Git commit id: 40 hex digits (SHA-1) or 64 (SHA-256)."""

Flag = Annotated[bool, Strict()]
Count = Annotated[int, Strict(), Field(ge=0, le=2**53 - 1)]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Share = Annotated[float, Strict(), Field(ge=0, le=1, allow_inf_nan=False)]
"""A part of one, 0 to 1 (0.1 is ten per cent)."""

Ref = Annotated[str, StringConstraints(pattern=ref_pattern(), max_length=REF_LENGTH_MAX)]
SystemRef = Annotated[str, StringConstraints(pattern=ref_pattern("system"), max_length=REF_LENGTH_MAX)]
ModelRef = Annotated[str, StringConstraints(pattern=ref_pattern("model"), max_length=REF_LENGTH_MAX)]
DatasetRef = Annotated[str, StringConstraints(pattern=ref_pattern("dataset"), max_length=REF_LENGTH_MAX)]
FeatureSetRef = Annotated[
    str, StringConstraints(pattern=ref_pattern("feature_set"), max_length=REF_LENGTH_MAX)
]
CodeRef = Annotated[str, StringConstraints(pattern=ref_pattern("code"), max_length=REF_LENGTH_MAX)]
EnvironmentRef = Annotated[
    str, StringConstraints(pattern=ref_pattern("environment"), max_length=REF_LENGTH_MAX)
]
RunRef = Annotated[str, StringConstraints(pattern=ref_pattern("run"), max_length=REF_LENGTH_MAX)]
DeploymentRef = Annotated[
    str, StringConstraints(pattern=ref_pattern("deployment"), max_length=REF_LENGTH_MAX)
]
IncidentRef = Annotated[str, StringConstraints(pattern=ref_pattern("incident"), max_length=REF_LENGTH_MAX)]
PersonRef = Annotated[str, StringConstraints(pattern=ref_pattern("person"), max_length=REF_LENGTH_MAX)]
OrganisationRef = Annotated[
    str, StringConstraints(pattern=ref_pattern("organisation"), max_length=REF_LENGTH_MAX)
]
AgentRef = Annotated[
    str,
    StringConstraints(
        pattern=ref_pattern("person", "service", "tool", "organisation"), max_length=REF_LENGTH_MAX
    ),
]
DataSubjectRef = Annotated[
    str,
    StringConstraints(pattern=rf"^(?:person|data_subject):{NAME_PATTERN}$", max_length=REF_LENGTH_MAX),
]
"""The pseudonym of a person under privacy law, without a version."""
