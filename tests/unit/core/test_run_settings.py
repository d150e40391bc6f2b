"""What a run is asked for is read from its configuration document, that of an earlier version included."""

from __future__ import annotations

from dataclasses import fields

import pytest

from batch_transform.config.prediction import Prediction
from batch_transform.config.result import DeadLetter, Output
from batch_transform.config.runfile import RunConfig
from batch_transform.core.run_settings import (
    DeadLetterSettings,
    OutputSettings,
    PredictionSettings,
    RunSettings,
    TransformSettings,
)

LEAST = {
    "run_id": "r",
    "workspace": "s3://bucket/work",
    "input": {"path": "s3://bucket/in"},
    "model": {"name": "churn"},
    "output": {"path": "s3://bucket/out"},
}


def config(**sections):
    return RunConfig.from_document({**LEAST, **sections})


def test_a_run_file_that_says_nothing_asks_for_the_defaults():
    assert config().settings == RunSettings("churn", output=OutputSettings("s3://bucket/out"))


def test_a_document_of_a_version_that_knew_no_key_is_read():
    assert RunSettings.of({}) == RunSettings(is_of_frame=True)
    document = dict.fromkeys(("record", "transform", "prediction", "output", "dead_letter", "model"))
    assert RunSettings.of(document) == RunSettings(is_of_frame=True)


def test_what_is_null_has_its_default():
    assert RunSettings.of({"transform": {"max_parallel_jobs": None, "instance_count": 3}}).transform == (
        TransformSettings(instance_count=3)
    )


def test_a_list_of_instance_types_is_tried_in_its_order():
    several = config(transform={"instance_type": ["ml.m5.large", "ml.c5.large"]}).settings
    assert several.transform.instance_types == ("ml.m5.large", "ml.c5.large")
    assert config().settings.transform.instance_types == ("ml.m5.xlarge",)


@pytest.mark.parametrize(
    ("section", "settings"),
    [(Prediction, PredictionSettings), (Output, OutputSettings), (DeadLetter, DeadLetterSettings)],
)
def test_no_key_of_a_section_that_is_compared_as_a_whole_is_left_out(section, settings):
    keys = {field.alias or name for name, field in section.model_fields.items()}
    assert {each.name for each in fields(settings)} == keys


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("instance_type", "ml.c5.large"),
        ("instance_count", 2),
        ("max_payload_mb", 7),
        ("max_concurrent_transforms", 3),
        ("invocations_timeout_seconds", 60),
        ("invocations_max_retries", 1),
        ("environment", {"A": "1"}),
        ("tags", {"a": "1"}),
        ("output_kms_key", "alias/out"),
        ("volume_kms_key", "alias/volume"),
    ],
)
def test_what_makes_another_request_is_asked_otherwise(key, value):
    changed = config(transform={key: value}).settings
    assert changed.asked_of_the_service != config().settings.asked_of_the_service


@pytest.mark.parametrize(
    ("section", "changed"),
    [
        ("output", {"path": "s3://bucket/other"}),
        ("output", {"path": "s3://bucket/out", "mode": "append"}),
        ("dead_letter", {"path": "s3://bucket/dead"}),
        ("prediction", {"column": "answer"}),
        ("prediction", {"provenance": True}),
        ("prediction", {"schema": "p double", "sql": ["p + 1 as q"]}),
    ],
)
def test_what_is_published_otherwise_is_told(section, changed):
    assert config(**{section: changed}).settings.published != config().settings.published


def test_neither_is_changed_by_how_a_run_is_watched():
    watched = config(transform={"max_parallel_jobs": 3, "poll_seconds": 2}, lease_seconds=9).settings
    plain = config().settings
    assert (watched.asked_of_the_service, watched.published) == (plain.asked_of_the_service, plain.published)
