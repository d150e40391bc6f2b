"""The command line as a process of its own: what it prints and how it ends."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import transform_emulator
from support.emulator_aws import TELLING_MODEL, WAIT_SECONDS, Aws, request
from support.sampling import one_in
from transform_emulator.cli import main

LIB = str(Path(transform_emulator.__file__).parents[1])
MODEL = f"echo={TELLING_MODEL}"


@contextlib.contextmanager
def emulator(*arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A started emulator, which is ended in any case."""
    process = subprocess.Popen(
        [sys.executable, "-m", "transform_emulator", "--port", "0", "--model", MODEL, "--bucket", "data", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": LIB},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def running_servers(aws: Aws) -> list[psutil.Process]:
    """Starts a job of two instances that sends line by line, and gives the processes of its model servers."""
    for key in range(8):  # by the hash of their keys both instances get some, so that neither ends early
        aws.s3.put_object(Bucket="data", Key=f"in/{key}", Body=b"1\n" * 500_000)
    shape = {"BatchStrategy": "SingleRecord", "TransformResources__InstanceCount": 2}
    aws.sagemaker.create_transform_job(**request("job", "data", ModelName="echo", **shape))
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(aws.logs.exceptions.ResourceNotFoundException):
            lines = aws.log_lines("job", data_log=False)
            if len(lines) == 2:
                return [psutil.Process(pid) for line in lines for pid in json.loads(line)["pids"]]
        time.sleep(0.02)
    raise AssertionError("the model servers did not start")


def invoke_an_endpoint(aws: Aws) -> bytes:
    """The answer of an endpoint, whose server runs from now on."""
    variant = {"VariantName": "all", "ModelName": "echo", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    aws.sagemaker.create_endpoint_config(EndpointConfigName="one", ProductionVariants=[variant])
    aws.sagemaker.create_endpoint(EndpointName="one", EndpointConfigName="one")
    answer: bytes = aws.client("sagemaker-runtime").invoke_endpoint(EndpointName="one", Body=b"1")["Body"].read()
    return answer


def test_one_line_on_standard_output() -> None:
    """The emulator's interface: one JSON line with `endpoint_url` when it is ready, and nothing else on stdout."""
    with emulator() as process:
        assert process.stdout is not None
        document = json.loads(process.stdout.readline())
        aws = Aws.of(document["endpoint_url"])
        assert list(document) == ["endpoint_url"]
        assert aws.endpoint_url.startswith("http://127.0.0.1:")
        assert [bucket["Name"] for bucket in aws.s3.list_buckets()["Buckets"]] == ["data"]
        with pytest.raises(aws.s3.exceptions.NoSuchBucket):  # not created unless --create-buckets
            aws.s3.put_object(Bucket="other", Key="k", Body=b"")
        process.terminate()
        rest, _ = process.communicate(timeout=WAIT_SECONDS)
        assert (rest, process.returncode) == (b"", 0)


@pytest.mark.parametrize("ending", one_in(2, ["SIGKILL", "SIGTERM", "stdin", "SIGINT"]))
def test_no_model_server_outlives_the_emulator(ending: str) -> None:
    """However the emulator ends, its model servers end, with the workers that they started; an endpoint's too."""
    with emulator("--exit-with-stdin") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        aws = Aws.of(json.loads(process.stdout.readline())["endpoint_url"])
        servers = running_servers(aws)
        assert invoke_an_endpoint(aws) == b"1"
        servers = {*servers, *psutil.Process(process.pid).children(recursive=True)}
        assert len(servers) == 9  # two instances and an endpoint: a launcher, a server and its worker each
        if ending == "stdin":
            process.stdin.close()
            process.stdin = None
        else:
            process.send_signal(signal.Signals[ending])
        process.wait(WAIT_SECONDS)
        _, alive = psutil.wait_procs(servers, timeout=10)
        assert [server for server in alive if server.status() != psutil.STATUS_ZOMBIE] == []


def test_switches_faults_and_time_are_arguments(tmp_path: Path) -> None:
    """`--switch`, `--faults` and `--describes-in-progress` reach the jobs."""
    faults = tmp_path / "faults.yml"
    faults.write_text("faults:\n- {fault: status, status: 400, key: in/bad}\n")
    chosen = ["--faults", str(faults), "--switch", "empty_object_fails=true", "--describes-in-progress", "1"]
    with emulator(*chosen) as process:
        assert process.stdout is not None
        aws = Aws.of(json.loads(process.stdout.readline())["endpoint_url"])
        for key, body in {"bad": b"1\n", "empty": b"", "good": b"2\n"}.items():
            aws.s3.put_object(Bucket="data", Key=f"in/{key}", Body=body)
        aws.sagemaker.create_transform_job(**request("job", "data", ModelName="echo"))
        statuses = [
            aws.sagemaker.describe_transform_job(TransformJobName="job")["TransformJobStatus"] for _ in range(2)
        ]
        assert statuses == ["InProgress", "Failed"]
        assert list(aws.outputs("data")) == ["good.out"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--switch", "nothing=1"], b"is not NAME=VALUE with one of the names"),
        (["--switch", "shardin=1"], b"(did you mean sharding?)"),
        (["--port", "70000"], b"argument --port: is '70000'; valid: a number from 0, a free one, to 65535"),
        (["--s3-endpoint", "minio:9000"], b"argument --s3-endpoint: is no URL; valid: http://HOST[:PORT] or https://"),
        (
            ["--switch", "sharding=random"],
            b"sharding is 'random'; valid: hash_of_key, contiguous_ranges, all_to_one",
        ),
        (["--emulated-time", "--describes-in-progress", "1"], b"are two ways of passing time; leave one out"),
        (["--emulated-time", "--s3-endpoint", "http://127.0.0.1:9"], b"needs the emulator's own S3"),
        (["--faults", "/no/such/file"], b"--faults: /no/such/file cannot be read: No such file or directory; name"),
        (["--allow-host", "localhost:5000"], b"--allow-host 'localhost:5000' is not a name without a port"),
        (["--allow-origin", "*"], b"--allow-origin '*' is not one origin"),
        (["--pass-env", "AWS_SECRET_ACCESS_KEY"], b"the emulator's AWS keys stay with it"),
    ],
)
def test_wrong_arguments(arguments: list[str], words: bytes, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Exit code 2, and what is wrong on standard error; standard output is for the one line only."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    out, err = capsysbinary.readouterr()
    assert (ended.value.code, out) == (2, b"")
    assert words in err


@pytest.mark.parametrize("model", ["name", "=command", "name="])
def test_a_model_needs_a_name_and_something_that_serves_it(model: str) -> None:
    """Wrong arguments: exit code 2 and one line that says what is wrong."""
    command = [sys.executable, "-m", "transform_emulator", "--model", model]
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": LIB}, capture_output=True, timeout=WAIT_SECONDS)
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert b"is not NAME=COMMAND_OR_URL" in ended.stderr


@pytest.mark.parametrize(
    "name", ["Data", "ab", "a" * 64, "my_bucket", "s3://data", "", "-a1", "a..b", "10.0.0.1", "dät"]
)
def test_a_bucket_that_s3_would_not_make_is_refused_with_what_one_is(name: str) -> None:
    """It was passed over, and its first object told that there is no such bucket."""
    command = [sys.executable, "-m", "transform_emulator", "--port", "0", "--exit-with-stdin", f"--bucket={name}"]
    environ = {**os.environ, "PYTHONPATH": LIB}
    ended = subprocess.run(command, env=environ, capture_output=True, input=b"", timeout=WAIT_SECONDS)
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert b"which no bucket is called; valid: 3 to 63 lower-case letters" in ended.stderr


URLS = ["--model=m=http://u:m4rk@h", "--model=m=https://u:m4r/k@h", "--s3-endpoint=http://m4rk@h"]


@pytest.mark.parametrize("option", URLS)
def test_a_secret_in_an_address_is_refused_and_not_repeated(option: str) -> None:
    command = [sys.executable, "-m", "transform_emulator", option]
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": LIB}, capture_output=True, timeout=WAIT_SECONDS)
    assert ended.returncode == 2
    assert b"has a user, or a password, in front of the host" in ended.stderr
    assert b"m4r" not in ended.stderr


@pytest.mark.parametrize("missing", ["moto", "flask", "boto3"])
def test_without_its_extra_it_says_what_to_install(tmp_path: Path, missing: str) -> None:
    """Somebody who installed the package for a cluster has none of what the emulator is made of."""
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules[{missing!r}] = None\n")
    command = [sys.executable, "-W", "ignore", "-m", "transform_emulator", "--help"]
    paths = os.pathsep.join([str(tmp_path), LIB])
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, timeout=WAIT_SECONDS)
    assert (ended.returncode, ended.stdout) == (2, b"")
    words = (
        f"transform-emulator: it needs {missing}, which is not installed: pip install 'spark-batch-transform[emulator]'"
    )
    assert ended.stderr.decode().splitlines()[-1] == words
