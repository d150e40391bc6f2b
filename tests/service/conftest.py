"""The S3 servers that tests of the store, the ledger and the publication run on, each with a bucket of its own."""

import uuid

import pytest
from moto.server import ThreadedMotoServer

from batch_transform.s3.store import S3Store
from support.memory_store import MemoryStore
from support.s3_clients import DRIVERS, RETRIES, client_of
from support.second_s3 import S3Server
from transform_emulator.emulator import Emulator
from transform_emulator.settings import Settings

SERVERS = ("moto_s3", "second_s3")


@pytest.fixture(scope="session")
def moto_s3():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield S3Server(f"http://{host}:{port}")
    server.stop()


@pytest.fixture(scope="session")
def emulator_s3():
    """Moto as users meet it; by itself it checks a condition and then writes, so of two puts both may win."""
    with Emulator(Settings({})) as emulator:
        yield S3Server(emulator.endpoint_url)


@pytest.fixture
def bucket():
    """A name that no other test uses; `client` and `store` make it, each where they are."""
    return f"b-{uuid.uuid4().hex[:12]}"


@pytest.fixture(params=SERVERS)
def server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def client(server, bucket):
    return client_of(server, bucket)


@pytest.fixture(params=["emulator_s3", "second_s3"])
def clients(request, bucket):
    """Clients of one server, made one after the other: boto3's default session is not for threads."""
    server = request.getfixturevalue(request.param)
    return [client_of(server, bucket), *(server.client(retries=RETRIES) for _ in range(DRIVERS - 1))]


@pytest.fixture(params=[*SERVERS, "memory"])
def store(request, bucket):
    return store_of(request, bucket)


@pytest.fixture(params=["second_s3", "memory"])
def strict_store(request, bucket):
    """A store that honours the condition of a copy; moto 5.2 does not read it."""
    return store_of(request, bucket)


def store_of(request, bucket):
    if request.param == "memory":
        memory = MemoryStore()
        memory.world.buckets.add(bucket)
        return memory
    return S3Store(client_of(request.getfixturevalue(request.param), bucket))
