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
    carried_on,
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
    """It spread work over the instances of one job, and so does whoever goes on with it."""
    of_before = RunSettings(is_of_frame=True, transform=TransformSettings(spread="instances"))
    assert RunSettings.of({}) == of_before
    document = dict.fromkeys(("record", "transform", "prediction", "output", "dead_letter", "model"))
    assert RunSettings.of(document) == of_before
    assert RunSettings.of({"transform": {"max_parallel_jobs": 2}}).transform.spread == "instances"


def test_what_is_null_has_its_default():
    asked = {"max_parallel_jobs": None, "instance_count": 3, "spread": None}
    assert RunSettings.of({"transform": asked}).transform == TransformSettings(instance_count=3, spread="jobs")


def test_a_run_of_before_goes_on_as_it_was_begun_unless_somebody_says_otherwise():
    before = {"transform": {"instance_count": 4}}
    silent, said = config().to_document(), config(transform={"spread": "jobs"}).to_document()
    assert carried_on(before, silent)["transform"] == {**silent["transform"], "spread": "instances"}
    assert carried_on(carried_on(before, silent), silent)["transform"]["spread"] == "instances"
    assert carried_on(before, said) == said
    assert carried_on(said, silent)["transform"]["spread"] == "jobs"
    assert carried_on(silent, silent) == silent


@pytest.mark.parametrize(
    ("asked", "jobs", "instances"),
    [
        ({"instance_count": 8}, 8, 1),
        ({"instance_count": 8, "max_parallel_jobs": 3}, 3, 1),
        ({"instance_count": 2, "max_parallel_jobs": 3}, 2, 1),
        ({"instance_count": 8, "spread": "instances"}, 2, 8),
        ({"instance_count": 8, "spread": "instances", "max_parallel_jobs": 3}, 3, 8),
    ],
)
def test_how_many_jobs_go_side_by_side_and_of_how_many_instances(asked, jobs, instances):
    transform = config(transform=asked).settings.transform
    assert (transform.most_jobs, transform.instances_of_a_job) == (jobs, instances)


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
        ("max_payload_mb", 7),
        ("max_concurrent_transforms", 3),
        ("invocations_timeout_seconds", 60),
        ("invocations_max_retries", 1),
        ("environment", {"A": "1"}),
        ("tags", {"a": "1"}),
        ("output_kms_key", "alias/out"),
        ("volume_kms_key", "alias/volume"),
        ("ami_version", "al2-ami-sagemaker-batch-gpu-535"),
    ],
)
def test_what_makes_another_request_is_asked_otherwise(key, value):
    changed = config(transform={key: value}).settings
    assert changed.asked_of_the_service != config().settings.asked_of_the_service


def test_more_instances_are_another_request_only_where_they_are_one_jobs():
    def asked(count, spread):
        return config(transform={"instance_count": count, "spread": spread}).settings.asked_of_the_service

    assert asked(2, "jobs") == asked(3, "jobs") != asked(3, "instances") != asked(2, "instances")


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
