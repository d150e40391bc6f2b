"""What instances cost, and the clock that stands while clients work."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.emulator_aws import LOG_GROUP, Aws, Ran, request
from support.scripted_model import ScriptedModel
from transform_emulator.data_plane.timing import file_ends
from transform_emulator.emulator import Emulator
from transform_emulator.faults.model import Fault, Kind
from transform_emulator.service.switches import Sharding, Switches
from transform_emulator.settings import Settings

COSTS = {"instance_start_seconds": 180, "milliseconds_per_request": 250, "nanoseconds_per_byte": 1_000_000}
SECONDS_PER_REQUEST, SECONDS_PER_BYTE = 0.25, 0.001
Describe = Callable[..., dict[str, Any]]


@contextmanager
def emulated(
    model: ScriptedModel, switches: Switches | None = None, faults: tuple[Fault, ...] = (), state: Path | None = None
) -> Iterator[Aws]:
    settings = Settings(
        {"scripted": model.url},
        buckets=["data"],
        switches=switches or Switches(**COSTS),
        faults=faults,
        emulated_time=True,
        state=state,
    )
    with Emulator(settings) as emulator:
        yield Aws.of(emulator.endpoint_url)


def begin(aws: Aws, job: str, files: dict[str, bytes], **changes: Any) -> None:
    """A job over objects of its own, with one request for each line."""
    for key, body in files.items():
        aws.s3.put_object(Bucket="data", Key=f"{job}/{key}", Body=body)
    places = {
        "TransformInput__DataSource__S3DataSource__S3Uri": f"s3://data/{job}/",
        "TransformOutput__S3OutputPath": f"s3://data/out-{job}",
    }
    aws.sagemaker.create_transform_job(**request(job, "data", BatchStrategy="SingleRecord", **places, **changes))


def describe(aws: Aws, job: str) -> dict[str, Any]:
    """DescribeTransformJob's answer, with what boto3 does not know of it as well."""
    told = {}

    def keep(http_response: Any = None, **_: Any) -> None:
        told.update(json.loads(http_response.content))

    aws.sagemaker.meta.events.register("after-call.sagemaker.DescribeTransformJob", keep, "keep")
    known = aws.sagemaker.describe_transform_job(TransformJobName=job)
    aws.sagemaker.meta.events.unregister("after-call.sagemaker.DescribeTransformJob", keep, "keep")
    return known | {name: value for name, value in told.items() if name not in known}


def seconds(description: dict[str, Any], since: str = "CreationTime", until: str = "TransformEndTime") -> float:
    return (description[until] - description[since]).total_seconds()


def lines(*sizes: int) -> bytes:
    """Lines of so many bytes each, newlines included."""
    return b"".join(b"x" * (size - 1) + b"\n" for size in sizes)


def cost(*sizes: int) -> float:
    return sum(SECONDS_PER_REQUEST + size * SECONDS_PER_BYTE for size in sizes)


def test_an_instance_takes_its_start_and_the_cost_of_each_request_and_byte(model: ScriptedModel) -> None:
    """One describe shows the end; nobody has waited for it, and what is billed is what the service says is."""
    before = time.monotonic()
    with emulated(model) as aws:
        begin(aws, "one", {"a": lines(1000, 500), "b": lines(10)})
        told = describe(aws, "one")
    assert told["TransformJobStatus"] == "Completed"
    assert seconds(told) == pytest.approx(180 + cost(1000, 500, 10))
    assert told["TransformStartTime"] == told["CreationTime"]
    assert time.monotonic() - before < 20
    assert told["Emulated"] == {
        "BilledSeconds": pytest.approx(180 + cost(1000, 500, 10)),
        "Instances": [
            {"Requests": 3, "Bytes": 1510, "StartSeconds": 180, "WorkSeconds": pytest.approx(cost(1000, 500, 10))}
        ],
    }


def test_whether_the_start_is_billed_is_a_switch(model: ScriptedModel) -> None:
    """TransformStartTime before the start-up, or after it; the end is the same."""
    with emulated(model, Switches(**COSTS, start_is_billed=False)) as aws:
        begin(aws, "one", {"a": lines(1000)})
        told = describe(aws, "one")
    assert seconds(told) == pytest.approx(180 + cost(1000))
    assert seconds(told, "TransformStartTime") == told["Emulated"]["BilledSeconds"] == pytest.approx(cost(1000))


@pytest.mark.parametrize("concurrent", [1, 2, 5])
def test_requests_share_the_time_of_an_instance(model: ScriptedModel, concurrent: int) -> None:
    """MaxConcurrentTransforms of them at once, each in the slot that is free first."""
    with emulated(model) as aws:
        begin(aws, "one", {"a": lines(*[1000] * 10)}, MaxConcurrentTransforms=concurrent)
        told = describe(aws, "one")
    assert seconds(told) == pytest.approx(180 + cost(*[1000] * (10 // concurrent)))


@pytest.mark.parametrize(("side_by_side", "turns"), [(True, 2), (False, 3)])
def test_files_share_the_time_as_the_switch_says(model: ScriptedModel, side_by_side: bool, turns: int) -> None:
    """Two at once: three requests and one take two turns together, or two and one, file after file."""
    with emulated(model, Switches(**COSTS, files_in_parallel=side_by_side)) as aws:
        begin(aws, "one", {"a": lines(1000, 1000, 1000), "b": lines(1000)}, MaxConcurrentTransforms=2)
        assert seconds(describe(aws, "one")) == pytest.approx(180 + cost(*[1000] * turns))


@pytest.mark.parametrize(
    ("sharding", "longest"),
    [(Sharding.CONTIGUOUS_RANGES, 4), (Sharding.ALL_TO_ONE, 8), (Sharding.HASH_OF_KEY, None)],
)
def test_all_instances_are_billed_until_the_last_is_done(
    model: ScriptedModel, sharding: Sharding, longest: int | None
) -> None:
    """Each map of objects to instances has its own longest instance; all objects are scored under each."""
    with emulated(model, Switches(**COSTS, sharding=sharding)) as aws:
        begin(aws, "one", {f"{n}": lines(1000) for n in range(8)}, TransformResources__InstanceCount=2)
        told = describe(aws, "one")
        assert len(aws.outputs("data", "out-one/")) == 8
    each = [instance["Requests"] for instance in told["Emulated"]["Instances"]]
    assert sum(each) == 8
    assert longest is None or max(each) == longest
    assert seconds(told) == pytest.approx(180 + cost(*[1000] * max(each)))
    assert told["Emulated"]["BilledSeconds"] == pytest.approx(2 * seconds(told))


def test_the_clock_moves_to_the_next_end_of_any_job(model: ScriptedModel) -> None:
    """A job that is described is still in flight when another one ends first."""
    with emulated(model) as aws:
        begin(aws, "long", {"a": lines(1000, 1000)})
        begin(aws, "short", {"a": lines(1000)})
        assert describe(aws, "long")["TransformJobStatus"] == "InProgress"
        short = describe(aws, "short")
        assert short["TransformJobStatus"] == "Completed"
        begin(aws, "next", {"a": lines(10)})
        long = describe(aws, "long")
    assert long["TransformJobStatus"] == "Completed"
    assert long["CreationTime"] == short["CreationTime"]
    assert seconds(short) == pytest.approx(180 + cost(1000))
    assert seconds(long) == pytest.approx(180 + cost(1000, 1000))


def test_the_clock_stands_while_a_client_works(model: ScriptedModel) -> None:
    """What is created after an end is created at that moment, whatever time has really passed."""
    with emulated(model) as aws:
        begin(aws, "one", {"a": lines(1000)})
        one = describe(aws, "one")
        time.sleep(0.2)
        begin(aws, "two", {"a": lines(1000)})
        two = describe(aws, "two")
    assert two["TransformJobStatus"] == "Completed"
    assert two["CreationTime"] == one["TransformEndTime"]


def test_a_client_that_looks_at_all_its_jobs_sees_each_end_before_the_next(model: ScriptedModel) -> None:
    """Three jobs in turn: the look that moves the clock is followed by looks that do not, so that the client can act
    at each end."""
    sizes = {"a": 3000, "b": 1000, "c": 2000}
    with emulated(model) as aws:
        for job, size in sizes.items():
            begin(aws, job, {"x": lines(size)})
        sweeps = [[describe(aws, job)["TransformJobStatus"][0] for job in sizes] for _ in range(3)]
    assert sweeps == [["I", "C", "I"], ["I", "C", "C"], ["C", "C", "C"]]


def test_two_clients_that_look_at_once_move_the_clock_once(model: ScriptedModel) -> None:
    """Both find their job in flight while its requests are still made; the clock goes to the first end only."""
    answers = threading.Event()

    def late(body: bytes) -> tuple[int, bytes]:
        answers.wait(20)
        return 200, body

    model.script.answer = late
    with emulated(model) as aws, ThreadPoolExecutor(2) as clients:
        for job, size in {"a": 3000, "b": 2000, "c": 1000}.items():
            begin(aws, job, {"x": lines(size)})
        client = aws.sagemaker
        looks = [clients.submit(client.describe_transform_job, TransformJobName=job) for job in ("a", "b")]
        time.sleep(0.5)
        answers.set()
        assert [look.result()["TransformJobStatus"] for look in looks] == ["InProgress"] * 2
        assert describe(aws, "c")["TransformJobStatus"] == "Completed"


def test_all_times_of_a_job_are_those_of_the_clock(model: ScriptedModel, name: str) -> None:
    """CreationTime, both of the transform, LastModified of outputs and the lines of the data log."""
    model.script.answer = lambda body: (400, b"no") if body.startswith(b"bad") else (200, body)
    with emulated(model) as aws:
        begin(aws, "before", {"a": lines(1000)})
        end = describe(aws, "before")["TransformEndTime"]
        begin(aws, name, {"a": lines(1000), "b": b"bad\n"})
        told = describe(aws, name)
        (output,) = aws.s3.list_objects_v2(Bucket="data", Prefix=f"out-{name}/")["Contents"]
        stream = next(
            each["logStreamName"]
            for each in aws.logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{name}/")[
                "logStreams"
            ]
            if each["logStreamName"].endswith("data-log")
        )
        events = aws.logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=stream)["events"]
    assert told["CreationTime"] == end
    done = told["CreationTime"] + timedelta(seconds=180 + cost(1000))
    assert abs(output["LastModified"] - done) < timedelta(seconds=1)
    assert output["LastModified"] >= told["CreationTime"].replace(microsecond=0)
    offsets = [each["timestamp"] / 1000 - told["CreationTime"].timestamp() for each in events]
    assert offsets[0] == pytest.approx(180, abs=0.01)
    assert offsets[1:] == pytest.approx([180 + cost(1000, 4)] * (len(offsets) - 1), abs=0.01)
    assert told["TransformEndTime"] == told["CreationTime"] + timedelta(seconds=180 + cost(1000, 4))
    first = datetime.fromisoformat(events[1]["message"].partition(":[sagemaker")[0] + "+00:00")
    assert first.timestamp() == pytest.approx(events[1]["timestamp"] / 1000, abs=0.01)


@pytest.mark.parametrize(
    ("fault", "start", "end"),
    [
        (Fault(Kind.SLOW_START, seconds=300), 300, 480 + cost(1000)),
        (Fault(Kind.SLOW_PING, seconds=300), 0, 480 + cost(1000)),
        (Fault(Kind.NO_PING), 0, 180 + 1800),
        (Fault(Kind.SLOW_ANSWER, seconds=300), 0, 480 + cost(1000)),
        (Fault(Kind.STATUS, status=500, attempts=(1,), seconds=300), 0, 480 + cost(1000)),
    ],
    ids=lambda value: value.kind.value if isinstance(value, Fault) else None,
)
def test_what_a_fault_delays_is_counted_as_well(model: ScriptedModel, fault: Fault, start: float, end: float) -> None:
    """Five minutes that nobody waits for."""
    with emulated(model, faults=(fault,)) as aws:
        begin(aws, "one", {"a": lines(1000)})
        told = describe(aws, "one")
    assert seconds(told, until="TransformStartTime") == pytest.approx(start)
    assert seconds(told) == pytest.approx(end)


def test_a_start_that_is_still_to_come_is_not_described(model: ScriptedModel) -> None:
    """TransformStartTime is there once instances have started."""
    fault = Fault(Kind.SLOW_START, job="slow", seconds=1000)
    with emulated(model, faults=(fault,)) as aws:
        begin(aws, "slow", {"a": lines(1000)})
        begin(aws, "quick", {"a": lines(1000)})
        assert "TransformStartTime" not in describe(aws, "slow")
        assert seconds(describe(aws, "slow"), until="TransformStartTime") == 1000


@pytest.mark.parametrize("keeps", [False, True])
def test_a_job_is_stopped_at_the_moment_of_the_call(model: ScriptedModel, keeps: bool) -> None:
    """What it had done by then may stay; what it would have done later is not there, whatever the switch says."""
    with emulated(model, Switches(**COSTS, stop_keeps_outputs=keeps)) as aws:
        begin(aws, "long", {"a": lines(1000), "b": lines(9000)})
        begin(aws, "short", {"a": lines(2000)})
        assert describe(aws, "long")["TransformJobStatus"] == "InProgress"
        aws.sagemaker.stop_transform_job(TransformJobName="long")
        told = describe(aws, "long")
        assert set(aws.outputs("data", "out-long/")) == ({"a.out"} if keeps else set())
        short = describe(aws, "short")
    assert told["TransformJobStatus"] == "Stopped"
    assert told["TransformEndTime"] == short["TransformEndTime"]


def test_a_pipelines_request_costs_once(model: ScriptedModel) -> None:
    """The costs are of the requests that the job makes, not of those between two containers."""
    with emulated(model) as aws:
        images = [{"Image": "scripted"}, {"Image": "scripted"}]
        aws.sagemaker.create_model(ModelName="chain", Containers=images)
        begin(aws, "one", {"a": lines(1000)}, ModelName="chain")
        assert seconds(describe(aws, "one")) == pytest.approx(180 + cost(1000))


def test_a_streamed_body_costs_its_bytes(model: ScriptedModel) -> None:
    """MaxPayloadInMB=0: one request of all of it."""
    with emulated(model) as aws:
        begin(aws, "one", {"a": lines(1000, 1000)}, MaxPayloadInMB=0, TransformInput__SplitType="None")
        assert seconds(describe(aws, "one")) == pytest.approx(180 + cost(2000))


def test_the_clock_goes_on_where_a_state_was_left(model: ScriptedModel, tmp_path: Path) -> None:
    """A job that is created after a restart is no older than what ended before it."""
    with emulated(model, state=tmp_path) as aws:
        begin(aws, "one", {"a": lines(1000)})
        end = describe(aws, "one")["TransformEndTime"]
        (output,) = aws.s3.list_objects_v2(Bucket="data", Prefix="out-one/")["Contents"]
        begin(aws, "in-flight", {"a": lines(1000)})
    with emulated(model, state=tmp_path) as aws:
        begin(aws, "two", {"a": lines(1000)})
        assert describe(aws, "two")["CreationTime"] >= end
        assert aws.s3.list_objects_v2(Bucket="data", Prefix="out-one/")["Contents"] == [output]
        while describe(aws, "in-flight")["TransformJobStatus"] == "InProgress":
            pass
        assert describe(aws, "in-flight")["TransformJobStatus"] == "Completed"


def test_in_real_time_costs_are_waited_for(
    make_aws: Callable[..., Aws], run: Callable[..., Ran], model: ScriptedModel
) -> None:
    """Start-up and two requests, one after the other."""
    switches = Switches(instance_start_seconds=1, milliseconds_per_request=200, nanoseconds_per_byte=50_000_000)
    before = time.monotonic()
    ran = run({"a": b"1\n2\n"}, on=make_aws(switches), BatchStrategy="SingleRecord")
    assert ran.status == "Completed"
    assert 1.6 <= seconds(ran.description, "TransformStartTime") <= time.monotonic() - before


COST = st.floats(0, 100)


@given(st.lists(st.lists(COST, max_size=5), max_size=6), st.integers(1, 5), st.booleans())
def test_files_end_as_slots_are_free(costs: list[list[float]], slots: int, side_by_side: bool) -> None:
    """No slot does two things at once, none waits while there is work, and one slot takes the sum."""
    ends = file_ends(costs, slots, side_by_side)
    total, most = sum(map(sum, costs)), max((cost for file in costs for cost in file), default=0.0)
    assert len(ends) == len(costs)
    longest = max(ends, default=0.0)
    assert longest >= total / slots - 1e-6
    assert longest >= most
    if side_by_side:
        assert longest <= total / slots + most + 1e-6
    if slots == 1:
        assert ends == pytest.approx([sum(map(sum, costs[: place + 1])) for place in range(len(costs))])
    if not side_by_side:
        assert ends == sorted(ends)
