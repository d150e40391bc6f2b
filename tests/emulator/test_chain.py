"""Models of several containers: each answer is the next one's body, with its own headers, variables and failures."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.emulator_aws import LOG_GROUP, TELLING_MODEL, Aws, Ran, request
from support.scripted_model import ScriptedModel
from transform_emulator.containers.chain import Between, Chain, InnerPayloadError, Part
from transform_emulator.containers.container import Call
from transform_emulator.containers.payload import InMemory, Payload, Streamed
from transform_emulator.emulator import Emulator
from transform_emulator.service.switches import InnerAccept, JobEnvironment, Switches
from transform_emulator.settings import Settings

ROLE = "arn:aws:iam::123456789012:role/r"
NAMES = ("first", "second", "third")
Chained = Callable[..., tuple[Ran, Aws]]


@pytest.fixture
def servers() -> Iterator[dict[str, ScriptedModel]]:
    """Three servers, of which each calls itself in its answer, as text/csv."""
    with ExitStack() as running:
        models = {name: ScriptedModel() for name in NAMES}
        for name, model in models.items():
            running.callback(model.close)
            model.script.answer = lambda body, name=name: (200, name.encode() + b"(" + body.strip() + b")")
            model.script.content_type = f"text/csv; of={name}"
        yield models


@contextmanager
def emulated(servers: dict[str, ScriptedModel], switches: Switches = Switches()) -> Iterator[Aws]:  # noqa: B008
    models = {name: server.url for name, server in servers.items()} | {"command": TELLING_MODEL}
    with Emulator(Settings(models, create_buckets=True, switches=switches)) as emulator:
        yield Aws.of(emulator.endpoint_url)


def chained(aws: Aws, name: str, containers: list[dict[str, Any]], files: dict[str, bytes], **changes: Any) -> Ran:
    """A job with a model of these containers."""
    for key, body in files.items():
        aws.s3.put_object(Bucket=name, Key=f"in/{key}", Body=body)
    aws.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, Containers=containers)
    aws.sagemaker.create_transform_job(**request(name, name, ModelName=name, **changes))
    description = aws.wait_until(name)
    logged = aws.logs.describe_log_groups()["logGroups"]  # there is no group where no instance has begun
    return Ran(description, aws.outputs(name), [], aws.log_lines(name, data_log=True) if logged else [])


@pytest.mark.parametrize("length", [2, 3])
def test_a_pipeline_gives_what_its_containers_composed_give(
    servers: dict[str, ScriptedModel], name: str, length: int
) -> None:
    """ "The first container in the pipeline handles the initial request, then the intermediate response is sent as a
    request to the second container, and so on" (developer guide, inference-pipelines)."""
    with emulated(servers) as aws:
        images = [{"Image": each} for each in NAMES[:length]]
        ran = chained(aws, name, images, {"a": b"1\n2\n"}, BatchStrategy="SingleRecord")
    composed = {2: b"second(first(%d))\n", 3: b"third(second(first(%d)))\n"}[length]
    assert ran.outputs == {"a.out": composed % 1 + composed % 2}


@pytest.mark.parametrize("length", [2, 3])
def test_a_pipeline_from_csv_to_json_is_filtered_by_the_types_of_both(
    servers: dict[str, ScriptedModel], name: str, length: int
) -> None:
    """Records are read as text/csv, the last container's answers as the JSON that they are."""

    def classified(body: bytes) -> tuple[int, bytes]:
        return 200, json.dumps({"class": body.decode(), "p": 1}).encode()

    last = servers[NAMES[length - 1]].script
    last.answer, last.content_type = classified, "application/json"
    filters = {"InputFilter": "$[1:]", "OutputFilter": "$['class']"}
    with emulated(servers) as aws:
        ran = chained(
            aws,
            name,
            [{"Image": each} for each in NAMES[:length]],
            {"a": b"7,1,2\n8,3,4\n"},
            BatchStrategy="SingleRecord",
            TransformInput__ContentType="text/csv",
            DataProcessing=filters,
        )
    composed = {2: '"first(%s)"\n', 3: '"second(first(%s))"\n'}[length]
    assert ran.outputs == {"a.out": (composed % "1,2" + composed % "3,4").encode()}


def test_a_bare_quote_is_in_the_data_log_as_the_service_has_it(servers: dict[str, ScriptedModel], name: str) -> None:
    """amazon-sagemaker-examples#1620: three lines before the record, which is quoted with its newline."""
    csv = {"TransformInput__ContentType": "text/csv", "DataProcessing__InputFilter": "$[1:]"}
    with emulated(servers) as aws:
        ran = chained(aws, name, [{"Image": "first"}], {"a": b'1,2\n3,a"b\n', "b": b"4,5\n"}, **csv)
    assert ran.outputs == {"b.out": b"first(5)\n"}
    assert ran.description["FailureReason"] == "ClientError: See job logs for more information"
    assert [line.partition("in/a: ")[2] for line in ran.data_log[1:]] == [
        *("ClientError: 400", "", "Message:"),
        "Failed to parse line: '3,a\"b",
        '\' as CSV: bare " in non quoted field found near: 3,a"b',
        "",
    ]


@pytest.mark.parametrize(
    ("switches", "inner"),
    [
        (Switches(), None),
        (Switches(inner_accept=InnerAccept.ANY), "*/*"),
        (Switches(inner_accept=InnerAccept.JOBS), "application/json"),
    ],
)
def test_types_go_down_the_pipeline(
    servers: dict[str, ScriptedModel], name: str, switches: Switches, inner: str | None
) -> None:
    """Each gets the Content-Type of the answer before, as it is (amazon-sagemaker-examples#3235); the last alone has
    the job's Accept, unless the switch says otherwise (#729)."""
    changes = {"TransformInput__ContentType": "text/plain", "TransformOutput__Accept": "application/json"}
    with emulated(servers, switches) as aws:
        chained(aws, name, [{"Image": each} for each in NAMES], {"a": b"1\n"}, **changes)
    seen = [servers[each].invocations[0].headers for each in NAMES]
    assert [each.get("Content-Type") for each in seen] == ["text/plain", "text/csv; of=first", "text/csv; of=second"]
    assert [each.get("Accept") for each in seen] == [inner, inner, "application/json"]


def test_an_answer_without_a_type_is_sent_on_without_one(servers: dict[str, ScriptedModel], name: str) -> None:
    """Nothing is made up that the container has not said."""
    servers["first"].script.content_type = None
    with emulated(servers) as aws:
        chained(aws, name, [{"Image": "first"}, {"Image": "second"}], {"a": b"1\n"})
    assert "Content-Type" not in servers["second"].invocations[0].headers


def test_the_first_container_says_how_it_wants_to_be_called(servers: dict[str, ScriptedModel], name: str) -> None:
    """/execution-parameters of the one that gets the requests; the others are not asked."""
    servers["first"].script.parameters = b'{"BatchStrategy": "SINGLE_RECORD"}'
    servers["second"].script.parameters = b'{"BatchStrategy": "MULTI_RECORD"}'
    with emulated(servers) as aws:
        chained(aws, name, [{"Image": "first"}, {"Image": "second"}], {"a": b"1\n2\n"})
    assert servers["first"].bodies == [b"1\n", b"2\n"]
    assert not [each for each in servers["second"].seen if each.path == "/execution-parameters"]


@pytest.mark.parametrize("failing", NAMES)
def test_a_failing_containers_error_is_the_pipelines(
    servers: dict[str, ScriptedModel], name: str, failing: str
) -> None:
    """Its status and words are in the data log, and no container after it is asked."""
    servers[failing].script.answer = lambda _: (415, b"not by " + failing.encode())
    with emulated(servers) as aws:
        ran = chained(aws, name, [{"Image": each} for each in NAMES], {"a": b"1\n"})
    assert (ran.status, ran.outputs) == ("Failed", {})
    assert [line.partition("in/a: ")[2] for line in ran.data_log[1:]] == [
        *("ClientError: 415", "", "Message:", f"not by {failing}")
    ]
    assert [bool(servers[each].invocations) for each in NAMES] == [
        NAMES.index(each) <= NAMES.index(failing) for each in NAMES
    ]


def test_a_request_is_tried_again_from_the_first_container(servers: dict[str, ScriptedModel], name: str) -> None:
    """A retry is of the invocation, which is the whole pipeline's."""
    answers = iter([(503, b"later"), (200, b"done")])
    servers["second"].script.answer = lambda _: next(answers)
    with emulated(servers) as aws:
        ran = chained(aws, name, [{"Image": "first"}, {"Image": "second"}], {"a": b"1\n"})
    assert ran.outputs == {"a.out": b"done\n"}
    assert len(servers["first"].invocations) == 2


def test_a_container_that_is_not_healthy_fails_the_job(servers: dict[str, ScriptedModel], name: str) -> None:
    """Every container has to answer the ping."""
    servers["second"].script.ping_status = 500
    models = {name: server.url for name, server in servers.items()}
    with Emulator(Settings(models, create_buckets=True, ping_deadline_seconds=0.5)) as emulator:
        ran = chained(Aws.of(emulator.endpoint_url), name, [{"Image": "first"}, {"Image": "second"}], {"a": b"1\n"})
    assert ran.description["FailureReason"].startswith("AlgorithmError: Model container failed to respond to ping")


@pytest.mark.parametrize(
    ("switches", "of_job"),
    [(Switches(), [True, True]), (Switches(job_environment=JobEnvironment.FIRST), [True, False])],
)
def test_each_container_has_its_own_variables_server_and_stream(
    servers: dict[str, ScriptedModel], name: str, switches: Switches, of_job: list[bool]
) -> None:
    """`[job]/[instance]-[epoch]/[container-name]` for pipelines, and `container-2` for one that has no name (developer
    guide, logging-cloudwatch). Which containers have the job's own variables is a switch."""
    containers = [
        {"Image": "command", "ContainerHostname": "prepare", "Environment": {"OWN": "1", "BOTH": "model"}},
        {"Image": "command", "Environment": {"OWN": "2", "BOTH": "model"}},
    ]
    with emulated(servers, switches) as aws:
        ran = chained(aws, name, containers, {"a": b"1\n"}, Environment={"BOTH": "job"})
        streams = aws.logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{name}/")["logStreams"]
        by_end = {each["logStreamName"].split("/", 2)[2]: each["logStreamName"] for each in streams}
        lines = {
            end: aws.logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=stream)["events"][0]["message"]
            for end, stream in by_end.items()
            if end != "data-log"
        }
    told = [json.loads(lines[end])["environment"] for end in ("prepare", "container-2")]
    assert ran.outputs == {"a.out": b"1\n"}
    assert [each["OWN"] for each in told] == ["1", "2"]
    assert [each["BOTH"] == "job" for each in told] == of_job
    assert {each["SAGEMAKER_BATCH"] for each in told} == {"true"}
    assert len({each["SAGEMAKER_BIND_TO_PORT"] for each in told}) == 2
    ranges = [[int(port) for port in each["SAGEMAKER_SAFE_PORT_RANGE"].split("-")] for each in told]
    assert [last - first for first, last in ranges] == [9, 9]


def test_a_container_that_nobody_serves_fails_the_job_by_its_name(servers: dict[str, ScriptedModel], name: str) -> None:
    """Running the others would be a false result."""
    with emulated(servers) as aws:
        ran = chained(aws, name, [{"Image": "first"}, {"Image": "nobodys"}], {"a": b"1\n"})
    assert (ran.status, ran.outputs) == ("Failed", {})
    assert "serves no nobodys" in ran.description["FailureReason"]


@pytest.mark.parametrize("model_name", ["first", "another"])
def test_the_models_name_does_not_stand_for_a_pipeline(
    servers: dict[str, ScriptedModel], name: str, model_name: str
) -> None:
    """A server that is registered under the name of the model is one container, not two."""
    with emulated(servers) as aws:
        aws.s3.put_object(Bucket=name, Key="in/a", Body=b"1\n")
        images = [{"Image": "second"}, {"Image": "third"}]
        aws.sagemaker.create_model(ModelName=model_name, ExecutionRoleArn=ROLE, Containers=images)
        aws.sagemaker.create_transform_job(**request(name, name, ModelName=model_name))
        aws.wait_until(name)
        assert aws.outputs(name) == {"a.out": b"third(second(1))\n"}


def test_an_endpoint_of_a_pipeline_runs_all_of_it(servers: dict[str, ScriptedModel], name: str) -> None:
    """ "SageMaker returns the final response to the client"; a failure names its container (examples#729)."""
    with emulated(servers) as aws:
        images = [{"Image": "first"}, {"Image": "second"}]
        aws.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, Containers=images)
        variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        aws.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        aws.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        runtime = aws.client("sagemaker-runtime")
        answer = runtime.invoke_endpoint(EndpointName=name, Body=b"1", ContentType="text/csv")
        assert (answer["Body"].read(), answer["ContentType"]) == (b"second(first(1))", "text/csv; of=second")
        servers["second"].script.answer = lambda _: (415, b"no")
        with pytest.raises(ClientError, match=r"client error \(415\) from container-2"):
            runtime.invoke_endpoint(EndpointName=name, Body=b"1", ContentType="text/csv")


@pytest.mark.parametrize("limit_mb", [0, 5])
def test_what_goes_between_two_containers_may_have_a_limit(servers: dict[str, ScriptedModel], limit_mb: int) -> None:
    """The developer guide's words for endpoints; none is known of jobs, so that it is a switch."""
    servers["first"].script.answer = lambda _: (200, b"x" * 6_000_000)
    parts = [Part(f"MyContainerName{number}", servers[each].url, {}) for number, each in enumerate(NAMES[:2], 1)]
    chain = Chain(parts, lambda *_: None, Between(limit_mb=limit_mb))
    words = (
        "Received response from MyContainerName1 with status code 200. However, the request payload from "
        "MyContainerName1 to MyContainerName2 is 6000000 bytes, which has exceeded the maximum limit of 5 MB."
    )
    try:
        if limit_mb:
            with pytest.raises(InnerPayloadError, match=words):
                chain.invoke(InMemory(b"1"), Call(None, None, 10))
        else:
            assert chain.invoke(InMemory(b"1"), Call(None, None, 10)).status == 200
    finally:
        chain.close()


def test_the_limit_between_containers_fails_the_file(servers: dict[str, ScriptedModel], name: str) -> None:
    """As a request that the pipeline refuses, which is not tried again."""
    servers["first"].script.answer = lambda _: (200, b"x" * 2_000_000)
    with emulated(servers, Switches(inner_payload_limit_mb=1)) as aws:
        ran = chained(aws, name, [{"Image": "first"}, {"Image": "second"}], {"a": b"1\n"})
    assert ran.status == "Failed"
    assert "exceeded the maximum limit of 1 MB" in ran.data_log[1]
    assert len(servers["first"].invocations) == 1


@pytest.mark.parametrize("body", [InMemory(b"12"), Streamed(lambda: iter([b"1", b"2"]))])
def test_bodies_that_are_streamed_go_down_the_pipeline_as_well(
    servers: dict[str, ScriptedModel], body: Payload
) -> None:
    """MaxPayloadInMB=0: the first answer is spooled, and sent on from there."""
    chain = Chain([Part(each, servers[each].url, {}) for each in NAMES], lambda *_: None, Between())
    try:
        answer = chain.invoke(body, Call(None, None, 10, chunked=isinstance(body, Streamed)))
    finally:
        chain.close()
    assert b"".join(answer.body.chunks()) == b"third(second(first(12)))"


def test_the_time_out_is_that_of_the_whole_pipeline(servers: dict[str, ScriptedModel], name: str) -> None:
    """One invocation, one InvocationsTimeoutInSeconds: two containers of 0.7 seconds do not fit into 1."""
    for each in NAMES[:2]:
        servers[each].script.answer = lambda body: (time.sleep(0.7), (200, body))[1]
    client = {"InvocationsTimeoutInSeconds": 1, "InvocationsMaxRetries": 0}
    with emulated(servers) as aws:
        ran = chained(aws, name, [{"Image": "first"}, {"Image": "second"}], {"a": b"1\n"}, ModelClientConfig=client)
    assert "did not respond to /invocations request within 1 seconds" in ran.data_log[1]
