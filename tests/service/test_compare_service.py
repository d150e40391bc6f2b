"""compare, on runs that were made in memory and put on the emulator's S3, with endpoints of the emulator."""

from __future__ import annotations

import json
import os
import time
from contextlib import ExitStack, closing

import boto3
import pytest

from batch_transform.core.errors import ConfigurationError, PredictionsDiffer
from batch_transform.pipeline.commands import compare
from batch_transform.pipeline.commands import dispatch as commands
from batch_transform.pipeline.commands.command_line import parse
from batch_transform.pipeline.submit import console_script
from support.memory_run import MemoryRun, echoing
from support.scripted_model import ScriptedModel
from transform_emulator.emulator import Emulator
from transform_emulator.settings import Settings

URI = "s3://bucket/run"
BAD = 7


def lines(answer):
    """A model that answers each record with what `answer` makes of its id."""

    def model(body: bytes):
        ids = [json.loads(line)["id"] for line in body.removesuffix(b"\n").split(b"\n")]
        return 200, "\n".join(json.dumps({"echo": answer(row)}) for row in ids).encode()

    return model


def refusing(body: bytes):
    return 400, b"no: " + body


def slow(body: bytes):
    time.sleep(3)
    return lines(lambda row: row)(body)


MODELS = {
    "same": lines(lambda row: row),
    "other": lines(lambda row: row + (row % 2) * 5),
    "refusing": refusing,
    "short": lambda body: (200, b'{"echo": 1}'),
    "broken": lambda body: (503, b"no: " + body),
    "more": lambda body: (200, b'{"echo": 1}\n' * 100),
    "empty": lambda body: (200, b""),
    "slow": slow,
    "unreadable": lines(lambda row: "no number" if row == 3 else row),
}


@pytest.fixture(scope="module")
def world():
    """Model servers by name, and an emulator with an endpoint of each, in which `run` is scored."""
    with ExitStack() as resources:
        models = {name: resources.enter_context(closing(ScriptedModel())) for name in MODELS}
        for name, answer in MODELS.items():
            models[name].script.answer = answer
        settings = Settings({name: model.url for name, model in models.items()}, buckets=["bucket"])
        emulator = resources.enter_context(Emulator(settings))
        patch = resources.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("AWS_ENDPOINT_URL", emulator.endpoint_url)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "x")
        patch.setenv("AWS_REGION", "us-east-1")
        sagemaker = boto3.client("sagemaker", "us-east-1")
        for name in MODELS:
            variant = {
                "VariantName": "all",
                "ModelName": name,
                "InitialInstanceCount": 1,
                "InstanceType": "ml.m5.large",
            }
            sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
            sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        yield models


@pytest.fixture(scope="module")
def usual():
    """A run of 30 rows, of which one has no prediction."""
    return scored()


@pytest.fixture(scope="module")
def there():
    """The run whose objects are on S3."""
    return []


@pytest.fixture
def put(world, there):
    """Puts a run on S3 instead of the one that was there."""
    s3 = boto3.client("s3", "us-east-1")

    def put(run):
        if any(run is other for other in there):
            return
        there[:] = [run]
        for found in s3.list_objects_v2(Bucket="bucket").get("Contents", ()):
            s3.delete_object(Bucket="bucket", Key=found["Key"])
        for (bucket, key), (body, _) in run.store.world.objects.items():
            s3.put_object(Bucket=bucket, Key=key, Body=body)

    for model in world.values():
        model.seen.clear()
    return put


def scored(**options):
    run = MemoryRun([20, 10], echoing(lambda row: 400 if row == BAD else None), **options)
    run.to_the_end()
    return run


def ask(*words, told=None):
    return commands.execute(parse(["compare", *words]), os.environ, (told if told is not None else []).append)


def differs(*words, told=None):
    with pytest.raises(PredictionsDiffer) as caught:
        ask(URI, *words, told=told)
    return caught.value.report


def ids_of(model):
    return [json.loads(line)["id"] for body in model.bodies for line in body.removesuffix(b"\n").split(b"\n")]


def test_an_endpoint_of_the_same_model_predicts_the_same(world, put, usual):
    put(usual)
    told = []
    report = ask(URI, "--endpoint", "same", told=told)
    assert (report["status"], report["run_id"], report["rows_compared"]) == ("alike", "run", 29)
    assert report["fields"] == [{"field": "echo", "rows_different": 0, "largest_difference": 0.0}]
    assert told == ["29 rows compared with endpoint same: all are alike"]
    sent = ids_of(world["same"])
    assert len(sent) == len(set(sent)) == 29
    kinds = {name.lower(): value for name, value in world["same"].invocations[0].headers.items()}
    assert kinds["content-type"] == "application/jsonlines"


def test_a_sample_is_as_large_as_asked_for(world, put, usual):
    put(usual)
    assert ask(URI, "--endpoint", "same", "--rows", "11")["rows_compared"] == 11
    assert len(ids_of(world["same"])) == 11


def test_another_models_differences_are_counted_by_field_and_named_by_place(world, put, usual):
    put(usual)
    told = []
    report = differs("--endpoint", "other", told=told)
    odd = [row for row in ids_of(world["other"]) if row % 2]
    assert (report["rows_compared"], report["rows_different"]) == (29, len(odd))
    assert report["fields"] == [{"field": "echo", "rows_different": len(odd), "largest_difference": 5.0}]
    for example in report["examples"]:
        record = usual.store.world.objects["bucket", f"rows/run/input/{example['object']}"][0].split(b"\n")[
            example["line"]
        ]
        assert json.loads(record)["id"] % 2
    assert told[0] == f"echo: differs in {len(odd)} rows, by up to 5"


def test_a_tolerance_holds_for_no_whole_numbers(put, usual):
    put(usual)
    assert differs("--endpoint", "other", "--tolerance", "100")["rows_different"] > 0


def test_rows_that_are_not_answered_are_told_with_the_reason_and_without_the_models_words(put, usual):
    put(usual)
    report = differs("--endpoint", "refusing")
    assert (report["rows_compared"], report["rows_unanswered"]) == (0, 29)
    assert {entry["reason"] for entry in report["unanswered"]} == {"the model answered with HTTP 400"}
    assert '"id"' not in json.dumps(report)
    reasons = [entry["reason"] for entry in differs("--endpoint", "short")["unanswered"]]
    assert all(reason.startswith("the model answered 1 line to ") for reason in reasons)
    assert differs("--endpoint", "unreadable")["unanswered"] == [
        {"reason": "the answer holds no prediction that can be read", "rows": 1}
    ]


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [("broken", "HTTP 503"), ("more", "the model answered 100 lines to "), ("empty", "the model answered 0 lines to ")],
)
def test_an_endpoint_that_is_broken_or_answers_other_counts_compares_nothing(put, usual, endpoint, words):
    put(usual)
    report = differs("--endpoint", endpoint, "--rows", "5")
    assert (report["rows_compared"], report["rows_unanswered"]) == (0, 5)
    assert all(words in entry["reason"] for entry in report["unanswered"])


def test_an_endpoint_that_is_slow_is_waited_for(put, usual):
    put(usual)
    assert ask(URI, "--endpoint", "slow", "--rows", "2")["rows_compared"] == 2


def test_mini_batches_stay_below_the_limit_of_a_request(world, put, monkeypatch):
    monkeypatch.setattr(compare, "MINI_BATCH_BYTES", 100)
    monkeypatch.setattr(compare, "MAX_ENDPOINT_BODY_BYTES", 200)
    put(scored(padding={3: 120, 5: 300}))
    report = ask(URI, "--endpoint", "same")
    assert (report["rows_compared"], report["rows_too_large"]) == (28, 1)
    sizes = [(len(body), body.count(b"\n")) for body in world["same"].bodies]
    assert all(size <= 100 or records == 1 for size, records in sizes)
    assert len(sizes) > 3


def test_a_model_of_one_record_is_asked_for_one_at_a_time(world, put):
    put(scored(transform={"strategy": "SingleRecord"}))
    assert ask(URI, "--endpoint", "same", "--rows", "9")["rows_compared"] == 9
    assert [body.count(b"\n") for body in world["same"].bodies] == [1] * 9


def test_what_cannot_be_compared_is_refused_with_the_reason(put, there):
    run = MemoryRun([5, 5], echoing(lambda row: None))
    put(run)
    with pytest.raises(ConfigurationError, match="not every row of it has an outcome yet; resume it first"):
        ask(URI, "--endpoint", "same")
    run.to_the_end()
    there.clear()
    put(run)
    with pytest.raises(ConfigurationError, match=r"--endpoint: nobody: ValidationException.*not found"):
        ask(URI, "--endpoint", "nobody")
    there.clear()
    commands.execute(parse(["clean", URI]), os.environ, lambda text: None)
    with pytest.raises(ConfigurationError, match="its records and answers are forgotten"):
        ask(URI, "--endpoint", "same")
    with pytest.raises(ConfigurationError, match="there is no run"):
        ask("s3://bucket/runs/nope", "--endpoint", "same")


@pytest.mark.parametrize(
    ("key", "value"), [("join_source", "input"), ("input_filter", "$.row"), ("output_filter", "$.echo")]
)
def test_what_it_cannot_read_is_refused_and_not_misread(put, key, value):
    run = MemoryRun([5, 5], echoing(lambda row: None), transform={key: value})
    run.to_the_end()
    put(run)
    with pytest.raises(ConfigurationError, match=rf"compare reads no run with transform\.{key}: "):
        ask(URI, "--endpoint", "same")


def test_wrong_arguments_come_together():
    with pytest.raises(ConfigurationError) as caught:
        ask(URI, "--endpoint", "a_b", "--rows", "0", "--tolerance", "-1")
    assert list(caught.value.faults) == [
        "--endpoint: is none; valid: the name of a real-time endpoint",
        "--rows: is no number of rows; valid: a whole number from 1 to 100000",
        "--tolerance: is none; valid: a number, 0 or more, such as 1e-6",
    ]
    with pytest.raises(ConfigurationError, match="--endpoint: is required"):
        ask(URI, "--tolerance", "nan")


@pytest.mark.parametrize(("endpoint", "code", "status"), [("same", 0, "alike"), ("other", 3, "different")])
def test_the_exit_code_says_whether_they_are_alike(put, usual, capsys, endpoint, code, status):
    put(usual)
    assert console_script.exit_code(["compare", URI, "--endpoint", endpoint]) == code
    assert json.loads(capsys.readouterr().out)["status"] == status
