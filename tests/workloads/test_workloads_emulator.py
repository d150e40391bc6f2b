"""Rows E1 to E3 of the workloads: a model of four functions, the smallest request, the order of the service's steps."""

import contextlib
import io
import json
import tarfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import joblib
import numpy as np
import pytest
from botocore.exceptions import ClientError
from sklearn.linear_model import LogisticRegression

from batch_transform.config.surroundings import Emulator as EmulatorConfig
from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.world.emulation import embedded_emulator
from support.emulator_aws import Aws, request
from transform_emulator.emulator import Emulator
from transform_emulator.settings import Settings

pytestmark = pytest.mark.slow

FEATURES = np.random.default_rng(7).normal(size=(200, 3)).astype(np.float32)
LABELS = (FEATURES @ np.array([1.0, -2.0, 0.5]) > 0).astype(int)

LOADS = """
import os, joblib

def model_fn(model_dir):
    assert model_dir == os.environ["SM_MODEL_DIR"]
    return joblib.load(os.path.join(model_dir, "model.joblib"))
"""
FOUR_FUNCTIONS = (
    LOADS
    + """
import csv, io, json
from helper import probability

def input_fn(request_body, content_type):
    assert content_type == "text/csv" and isinstance(request_body, str)
    return [[float(cell) for cell in row] for row in csv.reader(io.StringIO(request_body)) if row]

def predict_fn(data, model):
    return probability(model, data)

def output_fn(prediction, accept):
    assert accept == "application/jsonlines"
    return "".join(json.dumps({"p": p}) + "\\n" for p in prediction), accept
"""
)
HELPER = "def probability(model, data):\n    return model.predict_proba(data)[:, 1].tolist()\n"


def classifier() -> LogisticRegression:
    """The model, fitted on the same rows each time."""
    return LogisticRegression().fit(FEATURES, LABELS)


def csv_of(rows: np.ndarray) -> bytes:
    return "".join(",".join(map(repr, row)) + "\n" for row in rows.tolist()).encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model's folder as people have it: the artifact, and code/ with a script and a module beside it."""
    model = tmp_path_factory.mktemp("churn model")
    (model / "code").mkdir()
    joblib.dump(classifier(), model / "model.joblib")
    (model / "code" / "inference.py").write_text(FOUR_FUNCTIONS)
    (model / "code" / "helper.py").write_text(HELPER)
    return model


@pytest.fixture(scope="module")
def archive(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model.tar.gz whose script has model_fn alone."""
    place = tmp_path_factory.mktemp("archives") / "model.tar.gz"
    with tarfile.open(place, "w:gz") as tar:
        tar.add(folder / "model.joblib", "./model.joblib")
        script = tarfile.TarInfo("./code/inference.py")
        script.size = len(LOADS)
        tar.addfile(script, io.BytesIO(LOADS.encode()))
    return place


@pytest.fixture(scope="module")
def lone_script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("script") / "serve_it.py"
    place.write_text(LOADS)
    return place


@pytest.fixture(scope="module")
def scripts(folder: Path, archive: Path, lone_script: Path) -> Iterator[Aws]:
    """An emulator that serves the same classifier in four ways."""
    models = {
        "folder": str(folder),
        "archive": str(archive),
        "pair": f"{lone_script}:{folder}",
        "lone": str(lone_script),
    }
    with Emulator(Settings(models, create_buckets=True)) as emulator:
        yield Aws.of(emulator.endpoint_url)


def scored(aws: Aws, model: str, **changes: object) -> bytes:
    """The output of a job over the features as CSV, which must complete."""
    job = f"job-{uuid.uuid4().hex[:12]}"
    aws.s3.put_object(Bucket=job, Key="in/a.csv", Body=csv_of(FEATURES))
    aws.sagemaker.create_transform_job(
        **request(job, job, ModelName=model, TransformInput__ContentType="text/csv", **changes)
    )
    ended = aws.wait_until(job)
    assert ended["TransformJobStatus"] == "Completed", aws.log_lines(job, data_log=False)
    return aws.outputs(job)["a.csv.out"]


def test_e1_a_folder_with_four_functions_is_served_as_a_model(scripts: Aws, folder: Path) -> None:
    """The script's own functions make each prediction, with what lies beside it; nothing is left in the folder."""
    before = sorted(folder.rglob("*"))
    answers = [
        json.loads(line)["p"]
        for line in scored(scripts, "folder", TransformOutput__Accept="application/jsonlines").splitlines()
        if line
    ]
    assert answers == classifier().predict_proba(FEATURES.astype(float))[:, 1].tolist()
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("model", ["archive", "pair"])
def test_e1_functions_that_are_missing_have_the_toolkits_defaults(scripts: Aws, model: str) -> None:
    """With model_fn alone: CSV becomes float32, the model's predict is called, and the answer is one JSON list."""
    assert json.loads(scored(scripts, model)) == classifier().predict(FEATURES).tolist()


def test_e1_a_default_answer_follows_accept(scripts: Aws) -> None:
    """text/csv: one prediction a line, so that lines of output are those of the input."""
    lines = scored(scripts, "archive", TransformOutput__Accept="text/csv", TransformOutput__AssembleWith="None")
    assert lines == "".join(f"{label}\n" for label in classifier().predict(FEATURES)).encode()


def test_e1_a_created_models_artifact_is_fetched_from_s3(scripts: Aws, archive: Path) -> None:
    """A script without an artifact of its own is an image: CreateModel's ModelDataUrl is its model."""
    scripts.s3.put_object(Bucket="churn-models", Key="churn/model.tar.gz", Body=archive.read_bytes())
    container = {"Image": "lone", "ModelDataUrl": "s3://churn-models/churn/model.tar.gz"}
    role = "arn:aws:iam::123456789012:role/any"
    scripts.sagemaker.create_model(ModelName="churn-v8", PrimaryContainer=container, ExecutionRoleArn=role)
    assert json.loads(scored(scripts, "churn-v8")) == classifier().predict(FEATURES).tolist()


def test_e1_a_run_files_emulator_takes_a_script(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`emulator: {models: {churn: FOLDER}}`, relative to where the run is started; a bad one is refused in one line."""
    monkeypatch.chdir(folder.parent)
    with embedded_emulator(EmulatorConfig(models={"churn": folder.name})) as url:
        lines = scored(Aws.of(url), "churn", TransformOutput__Accept="application/jsonlines").splitlines()
        assert len([line for line in lines if line]) == len(FEATURES)
    with pytest.raises(ConfigurationError) as refused, embedded_emulator(EmulatorConfig(models={"churn": "./nothing"})):
        pass
    assert refused.value.faults == (
        "emulator: it did not start: transform-emulator: model churn: "
        "./nothing is neither a folder nor an archive nor a command that can be started",
    )


def test_e2_the_smallest_request_is_accepted_as_boto3_sends_it(scripts: Aws) -> None:
    """S3Prefix, text/csv, Line, MultiRecord and an environment; without AssembleWith the answers follow each other."""
    job = f"job-{uuid.uuid4().hex[:12]}"
    for name, rows in {"a.csv": FEATURES[:3], "b.csv": FEATURES[3:5]}.items():
        scripts.s3.put_object(Bucket=job, Key=f"in/{name}", Body=csv_of(rows))
    scripts.sagemaker.create_transform_job(
        TransformJobName=job,
        ModelName="archive",
        BatchStrategy="MultiRecord",
        Environment={"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv"},
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{job}/in/"}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        TransformOutput={"S3OutputPath": f"s3://{job}/out"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    assert scripts.wait_until(job)["TransformJobStatus"] == "Completed"
    labels = [f"{label}\n" for label in classifier().predict(FEATURES[:5])]
    assert scripts.outputs(job) == {
        "a.csv.out": "".join(labels[:3]).encode(),
        "b.csv.out": "".join(labels[3:]).encode(),
    }


ORDERED = """
import os, time

def model_fn(model_dir):
    print("model", os.environ["COLOUR"], os.environ["SHAPE"])
    while not os.path.exists(os.environ["GO"]):
        time.sleep(0.02)

def execution_parameters_fn():
    print("parameters")
    return {"MaxConcurrentTransforms": 1, "MaxPayloadInMB": 3, "BatchStrategy": "SINGLE_RECORD"}

def transform_fn(model, data, content_type, accept):
    print("request", data.strip())
    return data
"""
STEPS = [
    "starts",
    "sets up the model ordered:",
    "loads the environment: COLOUR, GO, ",
    "is healthy: /ping answered 200",
    "determines its input: 2 objects",
    "fills in from /execution-parameters what was not given: 1 concurrent, 3 MB, MULTI_RECORD",
    "invokes /invocations",
    "has saved its results",
    "stops",
]


def test_e3_a_job_takes_the_services_steps_in_their_order(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Instance, model, environment (the job's wins), ping, input, execution parameters, requests, results, end."""
    (tmp_path / "inference.py").write_text(ORDERED)
    caplog.set_level("INFO", "transform_emulator")
    job, go = f"job-{uuid.uuid4().hex[:12]}", tmp_path / "go"
    with Emulator(Settings({"image": str(tmp_path)}, create_buckets=True)) as emulator:
        aws = Aws.of(emulator.endpoint_url)
        aws.s3.put_object(Bucket=job, Key="in/a.csv", Body=b"1\n2\n")
        model = {"Image": "image", "Environment": {"COLOUR": "model's", "SHAPE": "model's", "GO": str(go)}}
        aws.sagemaker.create_model(
            ModelName="ordered", PrimaryContainer=model, ExecutionRoleArn="arn:aws:iam::1:role/r"
        )
        given = {
            "BatchStrategy": "MultiRecord",
            "TransformInput__ContentType": "text/csv",
            "Environment__COLOUR": "job's",
        }
        aws.sagemaker.create_transform_job(**request(job, job, ModelName="ordered", **given))
        wait_for(lambda: aws.log_lines(job, data_log=False))
        # The model is not ready, so the input is not determined: what comes now is part of it.
        aws.s3.put_object(Bucket=job, Key="in/b.csv", Body=b"3\n")
        go.touch()
        assert aws.wait_until(job)["TransformJobStatus"] == "Completed"
        assert list(aws.outputs(job)) == ["a.csv.out", "b.csv.out"]
        assert aws.log_lines(job, data_log=False) == [
            "model job's model's",
            "parameters",
            "request 1",
            "2",
            "request 3",
        ]
    told = [line.partition("instance 0 ")[2] for line in caplog.messages if f"job {job}" in line]
    assert [step[: len(begins)] for step, begins in zip(told, STEPS, strict=True)] == STEPS


def wait_for(condition: Callable[[], object]) -> None:
    """Returns once the condition holds; the job's first log line makes its group."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(ClientError):
            if condition():
                return
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")
