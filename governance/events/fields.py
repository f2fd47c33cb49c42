# SPDX-License-Identifier: Apache-2.0
"""The field types that payloads are made of, each with its limit.

Rules: validation refuses, it never rewrites: numbers and booleans are strict, text is kept as stated. Every string and
every list has a bound, so that a body stays below `BODY_SIZE_BYTES_MAX` of the envelope in any honest use.
"""

from __future__ import annotations

import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, Strict, StringConstraints

from governance.core.instants import parse_instant
from governance.errors import InputError
from governance.events.refs import REF_LENGTH_MAX, ref_pattern


def _check_instant(text: str) -> str:
    try:
        parse_instant(text)
    except InputError as error:
        raise ValueError(error.message) from error
    return text


def _check_day(text: str) -> str:
    datetime.date.fromisoformat(text)
    return text


Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@~+-]*$", max_length=128)]
"""A short name made by a machine or for one: ids, metric names, groups, at most 128 characters."""

Label = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""A short human text on one line, at most 200 characters."""

Prose = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
"""A human text, at most 4,000 characters."""

Location = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
"""Where a thing lies: a URL or path, at most 1,000 characters; never fetched."""

Instant = Annotated[str, StringConstraints(max_length=40), AfterValidator(_check_instant)]
"""A moment, RFC 3339 with offset; kept as stated."""

Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$"), AfterValidator(_check_day)]
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
