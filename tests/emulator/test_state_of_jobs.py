"""Transform jobs in a state on disk: in flight when the emulator was killed, and ended before."""

import json
import signal
import sqlite3
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from support.emulator_aws import Aws, request
from support.kept_process import SECONDS, KeptProcess, kept_process
from support.sampling import one_in
from support.scripted_model import ScriptedModel, echo
from transform_emulator.control_plane.jobs import FINAL, Job, Life
from transform_emulator.emulator import Emulator
from transform_emulator.settings import Settings
from transform_emulator.state.kept_jobs import KeptJobs

LINES = {f"{letter}": f"{letter}\n".encode() for letter in "abcdef"}
ROLE = "arn:aws:iam::123456789012:role/of-models"


class Gate:
    """An answer that some bodies do not get before the gate is open; `asked` tells that one of them waits."""

    def __init__(self, *held: bytes, answer: Callable[[bytes], tuple[int, bytes]] = echo) -> None:
        self._held = held
        self._answer = answer
        self._open = threading.Event()
        self.asked = threading.Event()

    def __call__(self, body: bytes) -> tuple[int, bytes]:
        if body in self._held:
            self.asked.set()
            self._open.wait(SECONDS)
        return self._answer(body)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def kept(tmp_path: Path, model: ScriptedModel) -> Iterator[KeptProcess]:
    """An emulator whose model server outlives it, and so knows what each process has asked."""
    with kept_process(tmp_path / "state", "--model", f"scripted={model.url}") as process:
        yield process


def begin(aws: Aws, job: str = "job", files: dict[str, bytes] = LINES, **changes: Any) -> None:
    for key, body in files.items():
        aws.s3.put_object(Bucket="data", Key=f"in/{key}", Body=body)
    aws.sagemaker.create_transform_job(**request(job, "data", **changes))


def described(aws: Aws, job: str = "job") -> dict[str, Any]:
    answer = aws.sagemaker.describe_transform_job(TransformJobName=job)
    del answer["ResponseMetadata"]
    return answer


def outputs_seen(aws: Aws, count: int) -> dict[str, Any]:
    """The outputs as a listing shows them, once there are so many."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found = aws.s3.list_objects_v2(Bucket="data", Prefix="out/").get("Contents", [])
        if len(found) >= count:
            return {item["Key"]: item for item in found}
        time.sleep(0.01)
    raise AssertionError("the outputs do not come")


@pytest.mark.parametrize("ending", one_in(2, [signal.SIGKILL, signal.SIGTERM]))
def test_a_job_in_flight_goes_on(kept: KeptProcess, model: ScriptedModel, ending: signal.Signals) -> None:
    """What was written stays and is not asked for again; the rest is transformed; times of the first process hold."""
    gate = model.script.answer = Gate(b"d\n")
    begin(kept.aws)
    assert gate.asked.wait(SECONDS)
    written, before = outputs_seen(kept.aws, 3), described(kept.aws)
    kept.end(ending)
    gate.open()
    model.seen.clear()
    kept.start()
    after = kept.aws.wait_until("job")
    assert after["TransformJobStatus"] == "Completed"
    assert [after[name] for name in ("CreationTime", "TransformStartTime", "TransformJobArn")] == [
        before[name] for name in ("CreationTime", "TransformStartTime", "TransformJobArn")
    ]
    assert kept.aws.outputs("data") == {f"{key}.out": body for key, body in LINES.items()}
    assert {key: outputs_seen(kept.aws, 6)[key] for key in written} == written
    assert sorted(model.bodies) == [b"d\n", b"e\n", b"f\n"]


def test_a_job_that_goes_on_reads_what_it_read_before(kept: KeptProcess, model: ScriptedModel) -> None:
    """Neither an object that came below the prefix since, nor the job's own outputs where they lie there too."""
    gate = model.script.answer = Gate(b"d\n")
    begin(kept.aws, TransformOutput__S3OutputPath="s3://data/in/")
    assert gate.asked.wait(SECONDS)
    kept.end()
    gate.open()
    kept.start()
    kept.aws.s3.put_object(Bucket="data", Key="in/late", Body=b"late\n")
    kept.aws.wait_until("job")
    assert set(kept.aws.outputs("data", "in/")) == {*LINES, *(f"{key}.out" for key in LINES), "late"}


def test_a_job_whose_server_is_not_healthy_yet(kept: KeptProcess, model: ScriptedModel) -> None:
    """Killed after its start and before any object."""
    model.script.ping_status = 500
    begin(kept.aws)
    kept.restart()
    assert described(kept.aws)["TransformJobStatus"] == "InProgress"
    model.script.ping_status = 200
    assert kept.aws.wait_until("job")["TransformJobStatus"] == "Completed"
    assert len(kept.aws.outputs("data")) == len(LINES)


def test_a_job_that_has_not_begun(kept: KeptProcess) -> None:
    """Killed between its creation and its start; a fault's counts begin anew, and this one's declaration is gone."""
    slow = json.dumps({"faults": [{"fault": "slow_start", "seconds": 600}]}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{kept.aws.endpoint_url}/_emulator/faults", slow, method="PUT"))
    begin(kept.aws)
    created = described(kept.aws)["CreationTime"]
    kept.restart()
    assert kept.aws.wait_until("job")["CreationTime"] == created
    assert len(kept.aws.outputs("data")) == len(LINES)


def test_a_failed_object_stays_failed(kept: KeptProcess, model: ScriptedModel) -> None:
    """The service asks once: its data-log lines are there once, and the job fails for its reason after the restart."""
    gate = model.script.answer = Gate(b"d\n", answer=lambda body: (400, b"bad") if body == b"b\n" else echo(body))
    begin(kept.aws)
    assert gate.asked.wait(SECONDS)
    kept.end()
    gate.open()
    model.script.answer = echo
    kept.start()
    ended = kept.aws.wait_until("job")
    assert ended["FailureReason"] == "ClientError: See job logs for more information"
    assert set(kept.aws.outputs("data")) == {f"{key}.out" for key in LINES if key != "b"}
    lines = [line for line in kept.aws.log_lines("job", data_log=True) if "data/in/b: " in line]
    assert [line.partition("data/in/b: ")[2] for line in lines] == ["ClientError: 400", "", "Message:", "bad"]


def test_a_job_that_was_stopping_is_stopped(kept: KeptProcess, model: ScriptedModel) -> None:
    """Without its outputs ("doesn't store the job's output in S3", StopTransformJob), and nothing more is asked."""
    model.script.answer = Gate(b"d\n")
    begin(kept.aws)
    assert model.script.answer.asked.wait(SECONDS)
    outputs_seen(kept.aws, 3)
    kept.end()
    with sqlite3.connect(kept.state / "state.db") as connection:  # the moment between Stopping and Stopped, made long
        ((life,),) = connection.execute("SELECT life FROM jobs")
        connection.execute("UPDATE jobs SET life = ?", (life.replace('"InProgress"', '"Stopping"'),))
    connection.close()
    model.seen.clear()
    kept.start()
    assert kept.aws.wait_until("job")["TransformJobStatus"] == "Stopped"
    assert kept.aws.outputs("data") == {}
    assert model.seen == []
    kept.restart()
    assert kept.aws.outputs("data") == {}


def test_jobs_that_ended(kept: KeptProcess, model: ScriptedModel) -> None:
    """Described and listed as before, with reasons, tags and log lines; their names cannot be used again."""
    begin(kept.aws, "fine", Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    arn = kept.aws.wait_until("fine")["TransformJobArn"]
    kept.aws.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "c", "Value": "3"}])
    kept.aws.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a"])
    model.script.answer = lambda _: (400, b"bad")
    begin(kept.aws, "failed")
    kept.aws.wait_until("failed")
    gate = model.script.answer = Gate(*LINES.values())
    begin(kept.aws, "stopped")
    assert gate.asked.wait(SECONDS)
    kept.aws.sagemaker.stop_transform_job(TransformJobName="stopped")
    gate.open()
    kept.aws.wait_until("stopped")
    names = ("fine", "failed", "stopped")

    def world() -> list[Any]:
        jobs = [described(kept.aws, name) for name in names]
        listed = kept.aws.sagemaker.list_transform_jobs()["TransformJobSummaries"]
        logs = [kept.aws.log_lines(name, data_log=True) for name in names]
        return [jobs, listed, logs, kept.aws.sagemaker.list_tags(ResourceArn=arn)["Tags"]]

    before = world()
    model.seen.clear()
    kept.restart()
    assert world() == before
    assert [job["TransformJobStatus"] for job in before[0]] == ["Completed", "Failed", "Stopped"]
    assert len(before[2][1]) == 1 + 4 * len(LINES)
    for name in names:
        with pytest.raises(ClientError, match="ResourceInUse"):
            kept.aws.sagemaker.create_transform_job(**request(name, "data"))
    assert model.seen == []


def test_old_log_lines(kept: KeptProcess) -> None:
    """CloudWatch refuses lines of more than 14 days ago, but keeps those that it has taken."""
    begin(kept.aws)
    kept.aws.wait_until("job")
    before = kept.aws.log_lines("job", data_log=True)
    kept.end()
    with sqlite3.connect(kept.state / "state.db") as connection:
        connection.execute("UPDATE log_lines SET timestamp_ms = timestamp_ms - 30 * 86400000")
    connection.close()
    kept.start()
    assert kept.aws.log_lines("job", data_log=True) == before


def test_models_and_endpoints_of_clients(kept: KeptProcess) -> None:
    """As they are described; a model's job runs, an endpoint answers; what was deleted stays away."""
    sagemaker = kept.aws.sagemaker
    for name in ("mine", "deleted"):
        container = {"Image": "scripted", "Environment": {"A": "1"}}
        vpc = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}
        more = {"EnableNetworkIsolation": True, "VpcConfig": vpc}
        sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE, **more)
    sagemaker.delete_model(ModelName="deleted")
    variant = {"VariantName": "all", "ModelName": "mine", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(EndpointConfigName="one", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="one", EndpointConfigName="one")

    def world() -> list[dict[str, Any]]:
        client = kept.aws.sagemaker
        answers = [
            client.describe_model(ModelName="mine"),
            client.describe_endpoint_config(EndpointConfigName="one"),
            client.describe_endpoint(EndpointName="one"),
            {"names": [each["ModelName"] for each in client.list_models(SortBy="Name")["Models"]]},
        ]
        return [{k: v for k, v in answer.items() if k != "ResponseMetadata"} for answer in answers]

    before = world()
    kept.restart()
    assert world() == before
    assert before[3] == {"names": ["scripted", "mine"]}
    begin(kept.aws, ModelName="mine")
    assert kept.aws.wait_until("job")["TransformJobStatus"] == "Completed"
    invoke = kept.aws.client("sagemaker-runtime").invoke_endpoint
    assert invoke(EndpointName="one", Body=b"1")["Body"].read() == b"1"


def test_models_of_the_command_line(kept: KeptProcess) -> None:
    """They are there for as long as the command line names them: `--model` comes from it each time."""
    container = {"Image": "scripted"}
    kept.aws.sagemaker.create_model(ModelName="mine", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    kept.end()
    with kept_process(kept.state) as without:
        assert [each["ModelName"] for each in without.aws.sagemaker.list_models()["Models"]] == ["mine"]
        with pytest.raises(ClientError, match="Could not find model"):
            begin(without.aws, "another")


def test_time_by_describes(tmp_path: Path, model: ScriptedModel) -> None:
    """With `--describes-in-progress` a job that has not begun waits for its describes, counted anew."""
    arguments = ["--model", f"scripted={model.url}", "--describes-in-progress", "1"]
    with kept_process(tmp_path / "state", *arguments) as kept:
        begin(kept.aws)
        statuses = [described(kept.aws)["TransformJobStatus"]]
        kept.restart()
        statuses += [described(kept.aws)["TransformJobStatus"] for _ in range(2)]
        assert statuses == ["InProgress", "InProgress", "Completed"]


def describe_while_in_progress(client: Any) -> None:
    deadline = time.monotonic() + SECONDS
    while client.describe_transform_job(TransformJobName="job")["TransformJobStatus"] == "InProgress":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_job_whose_end_cannot_be_kept_says_so_and_ends_once_it_can(
    tmp_path: Path, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a full disk it was in progress for ever, and whoever waited for it waited as long."""
    full, keep = threading.Event(), KeptJobs.keep

    def keep_if_there_is_room(kept: KeptJobs, job: Job, life: Life) -> None:
        if life.status in FINAL and full.is_set():
            raise sqlite3.OperationalError("database or disk is full")
        keep(kept, job, life)

    monkeypatch.setattr(KeptJobs, "keep", keep_if_there_is_room)
    full.set()
    with Emulator(Settings({"scripted": model.url}, buckets=["data"], state=tmp_path / "state")) as emulator:
        aws = Aws.of(emulator.endpoint_url)
        client = aws.client("sagemaker", config=boto3.session.Config(retries={"total_max_attempts": 1}))
        aws.s3.put_object(Bucket="data", Key="in/a", Body=b"1\n")
        aws.sagemaker.create_transform_job(**request("job", "data"))
        with pytest.raises(ClientError, match="database or disk is full"):
            describe_while_in_progress(client)
        full.clear()
        assert client.describe_transform_job(TransformJobName="job")["TransformJobStatus"] == "Completed"
