"""Where a model's script lies, what is refused before anything starts, and how its server ends."""

import io
import os
import shlex
import subprocess
import sys
import tarfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

import transform_emulator
from support.emulator_aws import WAIT_SECONDS, Aws, request
from transform_emulator.emulator import Emulator
from transform_emulator.scripts.handler import ScriptError
from transform_emulator.scripts.serving import SERVER, Serving, serving
from transform_emulator.settings import Settings

LIB = str(Path(transform_emulator.__file__).parents[1])
SCRIPT = "def model_fn(model_dir):\n    return model_dir\n"
TELLS = """
import os

def model_fn(model_dir):
    print("loaded from", model_dir)
    if os.environ.get("BREAK") == "model":
        raise RuntimeError("no such weights")
    return model_dir

def predict_fn(data, model):
    if os.environ.get("BREAK") == "request":
        raise ValueError("no such column")
    return [os.path.basename(model)]
"""


def packed(place: Path, **files: str) -> Path:
    """An archive of these files; __ in a name stands for the slash."""
    with tarfile.open(place, "w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name.replace("__", "/") + ".py")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return place


def folder_of(place: Path, **files: str) -> Path:
    for name, text in files.items():
        file = place / (name.replace("__", "/") + ".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return place


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:1",
        "python -m some.server",
        "python x.py --on a.py:b",
        "gunicorn app:app",
        "./serve --model m.tar.gz",
        "x " * 3000,
    ],
)
def test_commands_and_urls_are_what_they_were(text: str) -> None:
    """Nothing that starts a server is taken for a script."""
    assert serving(text) == Serving(text)


def test_a_folder_or_an_archive_becomes_the_command_of_its_server(tmp_path: Path) -> None:
    """Absolute and quoted, so that neither a blank nor another working directory matters."""
    folder = folder_of(tmp_path / "a model", code__inference=SCRIPT)
    archive = packed(tmp_path / "model.tar.gz", inference=SCRIPT)
    script = folder / "code" / "inference.py"
    assert serving(str(folder)).command_or_url == f"{SERVER} {shlex.quote(str(folder))}"
    assert serving(str(archive)).command_or_url == f"{SERVER} {archive}"
    assert serving(f"{script}:{archive}").command_or_url == f"{SERVER} --script {shlex.quote(str(script))} {archive}"


def test_only_a_script_without_an_artifact_takes_one(tmp_path: Path) -> None:
    """It may be an image, whose models have a ModelDataUrl."""
    script = folder_of(tmp_path, code__inference=SCRIPT) / "code" / "inference.py"
    assert [serving(text).takes_artifact for text in (str(script), str(tmp_path))] == [True, False]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{0}/nothing", "neither a folder nor an archive nor a command"),
        ("{0}/nothing.tar.gz", "does not exist"),
        ("{0}/nothing.py", "does not exist"),
        ("{0}/good.py:{0}/nothing", "nothing does not exist"),
        ("{0}/empty", "neither code/inference.py nor inference.py; a script elsewhere is named as SCRIPT.py:"),
        ("{0}/empty.tar.gz", "neither code/inference.py nor inference.py"),
        ("{0}/text.tar.gz", "no archive that can be unpacked"),
        ("{0}/good.py:{0}/text.tar.gz", "no archive that can be unpacked"),
        ("{0}/wrong.py", r"wrong.py is not Python: .*line 1"),
        ("{0}/without.py", "has no model_fn"),
        ("{0}/inner.py", "has no model_fn"),
        ("{0}/both.py", "cannot stand beside predict_fn"),
        ("{0}/without.tar.gz", "without.tar.gz:code/inference.py: it has no model_fn"),
    ],
)
def test_what_cannot_be_served_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """By what is in the files, none of which is run."""
    (tmp_path / "empty").mkdir()
    folder_of(
        tmp_path,
        good=SCRIPT,
        wrong="def (:",
        without="raise SystemExit",
        inner="class A:\n    def model_fn(self, model_dir): ...",
        both=SCRIPT + "def transform_fn(*a): ...\nfrom x import predict_fn",
    )
    packed(tmp_path / "empty.tar.gz", other=SCRIPT)
    packed(tmp_path / "without.tar.gz", code__inference="x = 1")
    (tmp_path / "text.tar.gz").write_text("no archive")
    with pytest.raises(ScriptError, match=words):
        serving(text.format(tmp_path))


@pytest.mark.parametrize(
    "source",
    [
        "from models import *",
        "from models import load as model_fn",
        "model_fn = print",
        "if 1:\n    " + SCRIPT.replace("\n ", "\n     "),
    ],
)
def test_a_model_fn_may_come_from_elsewhere(tmp_path: Path, source: str) -> None:
    """What may well be there is left for the script itself to show."""
    assert serving(str(folder_of(tmp_path, inference=source))).command_or_url.startswith(SERVER)


def test_the_command_line_refuses_a_bad_script() -> None:
    """Exit code 2 and one line, before anything listens."""
    command = [sys.executable, "-m", "transform_emulator", "--port", "0", "--model", "churn=/no/such/model.tar.gz"]
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": LIB}, capture_output=True, timeout=WAIT_SECONDS)
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert ended.stderr == b"transform-emulator: model churn: /no/such/model.tar.gz does not exist\n"


@pytest.fixture(scope="module")
def unpacking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Aws, Path]]:
    """An emulator that serves an archive, and the folder below which it is unpacked."""
    place = tmp_path_factory.mktemp("archive")
    temporary = tmp_path_factory.mktemp("temporary")
    archive = packed(place / "model.tar.gz", code__inference=TELLS)
    command = serving(str(archive)).command_or_url.replace("python", sys.executable, 1)  # behind `env` it is the PATH's
    models = {
        "archive": f"env TMPDIR={temporary} {command}",
        "lone": str(folder_of(place, lone=TELLS) / "lone.py"),
    }
    with Emulator(Settings(models, create_buckets=True)) as emulator:
        yield Aws.of(emulator.endpoint_url), temporary


def run(aws: Aws, model: str, **changes: object) -> tuple[dict, dict[str, bytes], list[str], list[str]]:
    """A job's description, its outputs, its data-log and its container's log."""
    job = f"job-{uuid.uuid4().hex[:12]}"
    aws.s3.put_object(Bucket=job, Key="in/a.csv", Body=b"1,2\n")
    body = request(job, job, ModelName=model, TransformInput__ContentType="text/csv", **changes)
    body["ModelClientConfig"] = {"InvocationsMaxRetries": 0}
    aws.sagemaker.create_transform_job(**body)
    ended = aws.wait_until(job)
    has_data_log = ended.get("FailureReason", "").startswith("AlgorithmError: See") or "FailureReason" not in ended
    return (
        ended,
        aws.outputs(job),
        aws.log_lines(job, data_log=True) if has_data_log else [],
        aws.log_lines(job, data_log=False),
    )


def test_an_unpacked_archive_is_removed_with_its_server(unpacking: tuple[Aws, Path]) -> None:
    """The model lies in a temporary folder while the job runs, and nowhere after it."""
    aws, temporary = unpacking
    ended, outputs, _, log = run(aws, "archive")
    assert ended["TransformJobStatus"] == "Completed"
    assert log[0].startswith(f"loaded from {temporary}/model-")
    assert list(outputs) == ["a.csv.out"]
    assert list(temporary.iterdir()) == []


def test_a_functions_exception_is_in_both_logs(unpacking: tuple[Aws, Path]) -> None:
    """The job fails as for any 500; the traceback is where people look for it."""
    ended, outputs, data_log, log = run(unpacking[0], "archive", Environment__BREAK="request")
    assert (ended["TransformJobStatus"], outputs) == ("Failed", {})
    assert any(line.endswith("Bad HTTP status received from algorithm: 500") for line in data_log)
    assert any(line.endswith("ValueError: no such column") for line in data_log)
    assert "ValueError: no such column" in log


def test_a_model_that_cannot_be_loaded_never_answers_a_ping(unpacking: tuple[Aws, Path]) -> None:
    """model_fn raises: the server ends, and the traceback is in the container's log."""
    ended, _, _, log = run(unpacking[0], "archive", Environment__BREAK="model")
    assert ended["FailureReason"].startswith("AlgorithmError: Model container failed to respond to ping")
    assert "RuntimeError: no such weights" in log
    assert list(unpacking[1].iterdir()) == []


def test_an_artifact_that_is_not_there_fails_the_job(unpacking: tuple[Aws, Path]) -> None:
    """ModelDataUrl without an object: the job says which URL."""
    aws, _ = unpacking
    container = {"Image": "lone", "ModelDataUrl": "s3://nowhere/model.tar.gz"}
    aws.sagemaker.create_model(ModelName="gone", PrimaryContainer=container, ExecutionRoleArn="arn:aws:iam::1:role/r")
    job = f"job-{uuid.uuid4().hex[:12]}"
    aws.s3.put_object(Bucket=job, Key="in/a.csv", Body=b"1,2\n")
    aws.sagemaker.create_transform_job(**request(job, job, ModelName="gone"))
    assert "s3://nowhere/model.tar.gz" in aws.wait_until(job)["FailureReason"]


def test_an_endpoint_serves_a_script_too(unpacking: tuple[Aws, Path], tmp_path: Path) -> None:
    """InvokeEndpoint answers as a job does, with the artifact that the model has on S3."""
    aws, _ = unpacking
    aws.s3.put_object(
        Bucket="script-models", Key="m.tar.gz", Body=packed(tmp_path / "m.tar.gz", other="x = 1").read_bytes()
    )
    container = {"Image": "lone", "ModelDataUrl": "s3://script-models/m.tar.gz"}
    aws.sagemaker.create_model(ModelName="there", PrimaryContainer=container, ExecutionRoleArn="arn:aws:iam::1:role/r")
    variant = {"VariantName": "all", "ModelName": "there", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    aws.sagemaker.create_endpoint_config(EndpointConfigName="one", ProductionVariants=[variant])
    aws.sagemaker.create_endpoint(EndpointName="one", EndpointConfigName="one")
    invoke = aws.client("sagemaker-runtime").invoke_endpoint
    assert invoke(EndpointName="one", Body=b"1,2\n", ContentType="text/csv")["Body"].read().startswith(b'["model-')


def test_a_script_is_served_whatever_lies_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A json.py there ended its server, and the job with it; a module that the script wants from there is found."""
    folder_of(tmp_path, json="raise SystemExit('not meant')", words="HELLO = 'hello'")
    predict = "def predict_fn(data, model):\n    return [HELLO, json.loads('1')]\n"
    script = f"import json\nfrom words import HELLO\n{SCRIPT}{predict}"
    serves = folder_of(tmp_path / "model", inference=script) / "inference.py"
    monkeypatch.chdir(tmp_path)
    with Emulator(Settings({"here": str(serves)}, create_buckets=True)) as emulator:
        ended, outputs, *_ = run(Aws.of(emulator.endpoint_url), "here")
    assert ended["TransformJobStatus"] == "Completed", ended
    assert b"hello" in b"".join(outputs.values())


def test_a_prediction_in_hand_does_not_keep_an_unpacked_model(tmp_path: Path) -> None:
    """The end of a job in the middle of a request removes it at once: the launcher waits for two seconds only."""
    slow = SCRIPT + "def input_fn(body, content_type):\n    import time\n    time.sleep(60)\n"
    archive = packed(tmp_path / "model.tar.gz", inference=slow)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    server = serving(str(archive)).command_or_url.replace("python", sys.executable, 1)
    command = f"env TMPDIR={temporary} {server}"
    with Emulator(Settings({"slow": command}, create_buckets=True)) as emulator:
        aws = Aws.of(emulator.endpoint_url)
        aws.s3.put_object(Bucket="slow-script", Key="in/a.csv", Body=b"1,2\n")
        aws.sagemaker.create_transform_job(**request("slow", "slow-script", ModelName="slow"))
        deadline = time.monotonic() + WAIT_SECONDS
        while not list(temporary.rglob("*.py")) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1)  # into the request
        aws.sagemaker.stop_transform_job(TransformJobName="slow")
        assert aws.wait_until("slow")["TransformJobStatus"] == "Stopped"
    assert list(temporary.iterdir()) == []
