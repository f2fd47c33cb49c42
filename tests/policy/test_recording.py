# SPDX-License-Identifier: Apache-2.0
"""What is missing is named with the event that would tell it, and with a command that our own command line takes."""

from __future__ import annotations

from typing import Any

import pytest

from governance.events.vocabulary import PAYLOADS
from governance.policy.citing import Path
from governance.policy.lint_commands import command_problems
from governance.policy.recording import command_of, told_at

DIGEST = "sha256:" + "a" * 64
MODEL: dict[str, Any] = {"ref": "model:m@1", "registered": True, "digest": DIGEST, "format": "onnx"}
DATA: dict[str, Any] = {
    "ref": "dataset:d@1", "registered": True, "digest": DIGEST, "source": "a table", "purpose": "train",
}  # fmt: skip
PROD: dict[str, Any] = {
    "ref": "deployment:m/prod@1", "registered": True, "model": "model:m@1", "digest": DIGEST,
    "traffic_share": 0.5, "environment": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "types"),
    [
        (("dataset", "bias_examinations"), ("dataset.bias_examined",)),
        (("model", "approvals", 0, "valid_until"), ("approval.granted",)),
        (("model", "approvals"), ("approval.granted",)),
        (("model", "licence"), ("model.registered",)),
        (("model", "run", "started", "job"), ("run.started",)),
        (("model", "run", "seed"), ()),
        (("models", 0, "evaluations", 1, "aspect"), ("model.evaluated",)),
        (("deployment", "alerts", 0, "acknowledged_at"), ("alert.acknowledged",)),
        (("dataset",), ("dataset.registered",)),
        (("organisation", "access_reviews"), ("access.reviewed",)),
        (("organisation", "persons", 0, "trainings"), ("training.completed",)),
        (("model", "nothing"), ()),
        (("model", "approvals", 0, "nothing"), ()),
        (("dataset", "validations", 0, "nothing"), ()),
        (("model", 0), ()),
        (("entries", 0, "subject"), ()),
        (("alert", "severity"), ()),
        (("ledger", "retention_days"), ()),
        (("model", "run"), ()),
    ],
)
def test_the_event_that_tells_a_path_is_read_off_the_dossier(path: Path, types: tuple[str, ...]) -> None:
    assert told_at(path) == types


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda each: each.event_type)
def test_the_command_of_every_event_type_is_one_that_the_linter_takes(payload: Any) -> None:
    for values in ({}, {"model": MODEL, "dataset": DATA, "deployment": PROD}):
        command = command_of(payload.event_type, (), "model:m@1", values)
        assert command is not None
        assert command.startswith(f"governance record {payload.event_type} --subject ")
        assert not list(command_problems(command, {}))
        for name, field in payload.model_fields.items():
            assert not field.is_required() or f"--{name.replace('_', '-')} " in command


def test_what_is_known_of_the_thing_is_filled_in() -> None:
    told = command_of("dataset.validated", ("dataset", "validations"), "dataset:d@1", {"dataset": DATA})
    assert told == (
        f"governance record dataset.validated --subject dataset:d@1 --digest {DIGEST} --passed … --checks … --actor …"
    )


def test_the_digest_of_a_document_is_not_that_of_what_it_is_about() -> None:
    told = command_of("document.attached", ("model", "documents"), "model:m@1", {"model": MODEL})
    assert told == (
        "governance record document.attached --subject model:m@1 --kind … --digest … --title … --actor …"
    )


def test_what_is_registered_for_ever_is_registered_as_the_next_version() -> None:
    told = command_of("dataset.registered", ("dataset", "licence"), "dataset:d@1", {"dataset": DATA})
    assert told == (
        "governance record dataset.registered --subject dataset:d@… --digest … --source 'a table' --purpose train "
        "--licence … --actor …"
    )
    told = command_of(
        "deployment.started", ("deployment", "use_case"), "deployment:m/prod@1", {"deployment": PROD}
    )
    assert told == (
        "governance record deployment.started --subject deployment:m/prod@… --model model:m@1 --digest … "
        "--environment true --strategy … --traffic-share 0.5 --use-case … --actor …"
    )


def test_what_is_not_registered_yet_is_registered_by_its_own_name() -> None:
    unknown = {"ref": "dataset:d@1", "registered": False}
    told = command_of("dataset.registered", ("dataset", "licence"), "dataset:d@1", {"dataset": unknown})
    assert told is not None
    assert "--subject dataset:d@1 --digest … --source … --purpose …" in told


def test_what_may_be_registered_again_is_registered_again() -> None:
    system = {
        "ref": "system:s",
        "registered": True,
        "name": "S",
        "intended_purpose": "p",
        "provider": "organisation:o",
    }
    told = command_of("system.registered", ("system", "deployer"), "system:s", {"system": system})
    assert told is not None
    assert told.startswith("governance record system.registered --subject system:s --name S ")


@pytest.mark.parametrize(
    ("path", "subject", "about"),
    [
        (("model", "evaluations"), "deployment:m/prod@1", "model:m@1"),
        (("models", 0, "evaluations"), "deployment:m/prod@1", "model:m@1"),
        ((), "model:other@1", "model:other@1"),
        (("alert", "x"), "person:p", "model:m@1"),
    ],
)
def test_the_event_is_about_what_the_path_begins_with_or_what_is_near(
    path: Path, subject: str, about: str
) -> None:
    values = {"model": MODEL, "deployment": PROD, "models": [MODEL], "alert": {"name": "x"}}
    told = command_of("model.evaluated", path, subject, values)
    assert told is not None
    assert f"--subject {about} " in told


def test_where_nothing_of_the_kind_is_near_the_name_is_left_open() -> None:
    told = command_of("incident.opened", (), "model:m@1", {"model": MODEL})
    assert told is not None
    assert "--subject incident:… " in told


def test_of_an_event_type_that_is_not_known_there_is_no_command() -> None:
    assert command_of("x.own.thing.made", (), "model:m@1", {}) is None
