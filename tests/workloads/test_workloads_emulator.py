"""Rows E1 to E3 of the workloads: a model of four functions, the smallest request, the order of the service's steps."""

import io
import json
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from emulator.conftest import Aws, request
from transform_emulator.emulator import Emulator, Settings

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
    scripts.s3.put_object(Bucket="models", Key="churn/model.tar.gz", Body=archive.read_bytes())
    container = {"Image": "lone", "ModelDataUrl": "s3://models/churn/model.tar.gz"}
    role = "arn:aws:iam::123456789012:role/any"
    scripts.sagemaker.create_model(ModelName="churn-v8", PrimaryContainer=container, ExecutionRoleArn=role)
    assert json.loads(scored(scripts, "churn-v8")) == classifier().predict(FEATURES).tolist()
