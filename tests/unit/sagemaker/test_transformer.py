"""The request that the SageMaker SDK builds of a planned job, beside the one that is built without it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import boto3
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.sending.job_request import JobSettings, transform_request
from batch_transform.sagemaker import transformer
from batch_transform.sagemaker.transformer import built_request

SESSION = boto3.Session("x", "x", region_name="us-east-1")
PLAIN = JobSettings(
    name="run-r1-s0-a1",
    model_name="churn",
    data="s3://bucket/m.json",
    output_path="s3://bucket/out",
    instance_type="ml.m5.xlarge",
    instance_count=2,
    content_type="application/jsonlines",
    split_type="Line",
    assemble_with="Line",
    invocations_timeout_seconds=3600,
)
TEXT = st.text("abcXYZ09._:/=+@ -", min_size=1, max_size=20)
WORDS = st.text("abcXYZ09-", min_size=1, max_size=20)
URIS = st.builds("s3://bucket/{}".format, WORDS)
COUNTS = st.integers(1, 100)
JSON_PATHS = st.none() | st.sampled_from(["$", "$.features", "$[1:]"])
MEDIA_TYPES = st.sampled_from(["application/jsonlines", "text/csv", "application/json;verbose=true"])
JOBS = st.builds(
    JobSettings,
    name=WORDS,
    model_name=WORDS,
    data=URIS,
    output_path=URIS,
    instance_type=st.sampled_from(["ml.m5.xlarge", "ml.g5.2xlarge"]),
    instance_count=COUNTS,
    content_type=MEDIA_TYPES,
    split_type=st.sampled_from(["Line", "None"]),
    assemble_with=st.sampled_from(["Line", "None"]),
    invocations_timeout_seconds=st.integers(1, 3600),
    strategy=st.none() | st.sampled_from(["MultiRecord", "SingleRecord"]),
    max_payload=st.none() | COUNTS,
    max_concurrent_transforms=st.none() | COUNTS,
    invocations_max_retries=st.none() | st.integers(0, 3),
    compression_type=st.none() | st.just("Gzip"),
    accept=st.none() | MEDIA_TYPES,
    input_filter=JSON_PATHS,
    output_filter=JSON_PATHS,
    join_source=st.none() | st.just("Input"),
    output_kms_key=st.none() | WORDS,
    volume_kms_key=st.none() | WORDS,
    transform_ami_version=st.none() | WORDS,
    env=st.dictionaries(WORDS, TEXT, max_size=16),
    tags=st.dictionaries(WORDS, TEXT, max_size=5),
)
DEFAULTS = """
SchemaVersion: '1.0'
SageMaker:
  TransformJob:
    Environment: {A: b}
    Tags: [{Key: a, Value: b}]
    TransformOutput: {KmsKeyId: other}
    TransformResources: {VolumeKmsKeyId: other}
"""


@pytest.fixture
def without_sdk(monkeypatch):
    monkeypatch.setitem(sys.modules, "sagemaker.core", None)


@settings(max_examples=25, deadline=None, phases=[Phase.generate])  # to make one smaller takes minutes
@given(JOBS)
def test_the_sdk_builds_the_request_that_is_built_without_it(job):
    assert built_request(job, SESSION) == transform_request(job)


def test_it_is_the_sdk_that_builds_it_where_it_is_installed(monkeypatch):
    from sagemaker.core.transformer import Transformer

    seen = []
    transform = Transformer.transform
    monkeypatch.setattr(Transformer, "transform", lambda *args, **named: seen.append(transform(*args, **named)))
    built_request(PLAIN, SESSION)
    assert len(seen) == 1


def test_without_the_sdk_nothing_of_it_is_needed(without_sdk):
    assert built_request(PLAIN, SESSION) == transform_request(PLAIN)


@pytest.mark.parametrize("error", [RuntimeError, TypeError, AttributeError, SyntaxError, DeprecationWarning])
def test_an_sdk_that_cannot_be_imported_beside_what_a_platform_pins_is_as_none(monkeypatch, error):
    """Databricks 16.4 LTS has pydantic 2.8, of which the SDK makes a PydanticUserError, a RuntimeError."""

    class Failing:
        def find_spec(self, name, *_more):
            if name.startswith("sagemaker"):
                raise error("a non-annotated attribute was detected")

    for name in [name for name in sys.modules if name.partition(".")[0] == "sagemaker"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Failing(), *sys.meta_path])
    assert built_request(PLAIN, SESSION) == transform_request(PLAIN)


@pytest.mark.parametrize("defaults", [DEFAULTS, "SageMaker: [no map"], ids=["valid", "broken"])
def test_defaults_that_a_person_keeps_for_the_sdk_do_not_reach_a_run(defaults, monkeypatch, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(defaults, encoding="utf-8")
    monkeypatch.setenv("SAGEMAKER_USER_CONFIG_OVERRIDE", str(path))
    assert built_request(PLAIN, boto3.Session("x", "x", region_name="us-east-1")) == transform_request(PLAIN)


def test_the_session_of_the_sdk_is_made_once_for_all_jobs_of_a_run(monkeypatch):
    from sagemaker.core.helper.session_helper import Session

    made, begin = [], Session.__init__
    monkeypatch.setattr(Session, "__init__", lambda *args, **named: made.append(begin(*args, **named)))
    session = boto3.Session("x", "x", region_name="us-east-1")
    jobs = [replace(PLAIN, name=name, tags={"job": name}) for name in ("one", "two")]
    assert [built_request(job, session) for job in jobs] == [transform_request(job) for job in jobs]
    assert len(made) == 1


def test_a_version_of_the_sdk_that_loses_a_setting_is_told_of_before_anything_is_planned(monkeypatch):
    from sagemaker.core.transformer import Transformer

    transform = Transformer.transform
    lossy = lambda *args, **named: transform(*args, **{**named, "split_type": None})  # noqa: E731
    monkeypatch.setattr(Transformer, "transform", lossy)
    with pytest.raises(ConfigurationError, match=r"changed the request in TransformInput\.SplitType; no job was"):
        built_request(PLAIN, SESSION)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda request: request.pop("Tags"), "Tags"),
        (lambda request: request["Tags"].append({"Key": "sdk", "Value": "3"}), "Tags"),
        (lambda request: request.update(ExperimentConfig={"TrialName": "t"}), r"ExperimentConfig\.TrialName"),
        (lambda request: request.update(DataProcessing={}), "DataProcessing"),
        (lambda request: request.update(Environment={"SDK": "3"}), r"Environment\.SDK"),
        (lambda request: request["TransformOutput"].update(Accept="text/csv"), r"TransformOutput\.Accept"),
    ],
)
def test_a_version_of_the_sdk_that_adds_or_loses_a_field_is_told_of_too(monkeypatch, change, field):
    create = transformer._RequestKeeper.create_transform_job
    changed = lambda keeper, **request: (change(request), create(keeper, **request))  # noqa: E731
    monkeypatch.setattr(transformer._RequestKeeper, "create_transform_job", changed)
    with pytest.raises(ConfigurationError, match=f"changed the request in {field}; no job was"):
        built_request(replace(PLAIN, tags={"team": "a"}), SESSION)


def test_the_sdk_is_not_imported_before_a_job_is_planned():
    code = "import sys, batch_transform.sagemaker.jobs; sys.exit('sagemaker' in sys.modules)"
    environment = {"PYTHONPATH": ":".join(sys.path), "PATH": ""}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
