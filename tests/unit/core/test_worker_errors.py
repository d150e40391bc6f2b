# ruff: noqa: E501 - what Python said stands as it said it
"""An error that a user's function raises in a worker has its class, its place and its cause, and no row."""

from __future__ import annotations

import pytest
from botocore.config import Config

from batch_transform.core.error_causes import Outlook, cause_of
from batch_transform.core.stack_traces import Link
from support.stubbed_clients import unreached

ROW = "XSECRETROWX"
WORKER = "org.apache.spark.api.python.PythonException"
AT = " at job.py line 26, in cleaned"


def told_of(raised: str, source: str = "raise it", *, more: str = "") -> str:
    return caused_by(raised, source, more=more).words.removeprefix("in a Python worker: ")


def caused_by(raised: str, source: str = "raise it", *, more: str = ""):
    frame = f'  File "/opt/job.py", line 26, in cleaned\n    {source}\n{more}'
    head = "[PYTHON_EXCEPTION] An exception was thrown from the Python worker: Traceback (most recent call last):\n"
    return cause_of([Link(WORKER, f"{head}{frame}{raised}\n SQLSTATE: 38000")])


QUOTING = {
    "an import with words of its own": f"ImportError: value {ROW}",
    "a module's name without quotes": f"ModuleNotFoundError: No module named {ROW}",
    "a module's name that no import has looked for": f"ModuleNotFoundError: No module named '{ROW}'",
    "memory": f"MemoryError: value {ROW}",
    "an URL": f"urllib3.exceptions.LocationParseError: Failed to parse: {ROW}",
    "a host that does not answer": f"urllib3.exceptions.MaxRetryError: HTTPSConnectionPool(host='{ROW}', port=443): Max "
    f"retries exceeded with url: /{ROW} (Caused by NewConnectionError(': [Errno 111] Connection refused'))",
    "a parameter": f'botocore.exceptions.ParamValidationError: Parameter validation failed: Invalid bucket "{ROW}"',
    "a service's words": "botocore.errorfactory.ValidationException: An error occurred (ValidationException) when calling "
    f"the GetItem operation: no key {ROW}",
    "a bucket and a key": "botocore.exceptions.ConnectTimeoutError: Connect timeout on endpoint URL: "
    f'"https://{ROW}.s3.eu-west-1.amazonaws.com/{ROW}"',
    "a number and words": f"ConnectionError: [Errno 5] {ROW}",
    "a number that is none": f"ConnectionError: [Errno 77{ROW}] x",
    "a path": f"FileNotFoundError: [Errno 2] No such file or directory: '/in/{ROW}'",
    "what looks like a condition": f"ValueError: [{ROW}] ",
    "what looks like a traceback": "Exception: x\n\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\n"
    f"ModuleNotFoundError: {ROW}",
    "what looks like one of ours": "Exception: x\n\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\n"
    f"batch_transform.core.object_store.StoreFailure: {ROW}",
    "a class of a function": f"cleaned.<locals>.Odd: {ROW}",
}  # fmt: skip


@pytest.mark.parametrize("name", QUOTING)
def test_words_that_a_program_chose_are_left_out_and_class_and_place_stay(name):
    raised = QUOTING[name]
    told = told_of(raised)
    assert ROW not in told
    assert told.startswith(raised.partition(":")[0].rpartition(".")[2])
    assert AT in told


def test_the_name_that_a_program_gives_to_code_of_its_own_is_no_place():
    """compile(source, x, "exec") has a row for a file."""
    assert told_of("ValueError: q", more=f'  File "{ROW}", line 1, in <module>\n').startswith(f"ValueError{AT}")


TOLD = {
    "a module": ("ModuleNotFoundError: No module named 'pyarrow.lib'", "import pyarrow.lib as p"),
    "a name": ("ImportError: cannot import name 'udf' from 'tools.names'", "try: from tools.names import udf"),
    "a library of the system": ("ImportError: libGL.so.1: cannot open shared object file", "from .cv2 import *"),
    "a full disk": ("OSError: [Errno 28] No space left on device", "f.write(x)"),
    "a service": ("ClientError: An error occurred (AccessDenied) when calling the GetObject operation", "get(x)"),
}
BEHIND = {
    "a name": " (/opt/tools/names.py)",
    "a library of the system": ": No such file or directory",
    "a full disk": f": '/out/{ROW}'",
    "a service": f": not allowed for {ROW}",
}


@pytest.mark.parametrize("name", TOLD)
def test_words_of_the_interpreter_the_system_and_a_service_are_told(name):
    words, source = TOLD[name]
    said = words.replace("ClientError", "botocore.exceptions.ClientError") + BEHIND.get(name, "")
    assert told_of(said, source) == words + AT


def test_what_a_worker_cannot_unpickle_for_want_of_a_module_names_it():
    said = "ModuleNotFoundError: No module named 'tools'"
    frame = (
        '  File "/opt/spark/python/lib/pyspark.zip/pyspark/serializers.py", line 4, in loads\n    return loads(obj)\n'
    )
    assert told_of(said, more=frame) == f"{said} at serializers.py line 4, in loads"


def test_the_endpoint_that_is_not_reached_is_told_without_what_was_asked_of_it():
    told = told_of(QUOTING["a bucket and a key"])
    assert "Connect timeout on endpoint URL of s3.eu-west-1.amazonaws.com" in told


@pytest.mark.parametrize("region", ["eu-west-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1", "us-iso-east-1"])
@pytest.mark.parametrize("options", [{}, {"use_dualstack_endpoint": True}, {"use_fips_endpoint": True}], ids=str)
def test_the_endpoint_of_any_partition_is_told(region, options):
    client = unreached("s3", region=region, endpoint_url=None, config=Config(**options))
    host = client.meta.endpoint_url.removeprefix("https://")
    told = told_of(QUOTING["a bucket and a key"].replace("s3.eu-west-1.amazonaws.com", host))
    assert f"Connect timeout on endpoint URL of {host} at" in told


@pytest.mark.parametrize("said", [QUOTING["an URL"], QUOTING["a parameter"]])
def test_what_was_given_to_a_library_never_becomes_right(said):
    assert caused_by(said).outlook is Outlook.FINAL


@pytest.mark.parametrize(
    "said", [QUOTING["a host that does not answer"], QUOTING["a bucket and a key"], QUOTING["memory"]]
)
def test_a_host_that_does_not_answer_may_answer_later(said):
    assert caused_by(said).outlook is Outlook.PASSING


def test_the_condition_of_an_error_of_sparks_own_is_told():
    said = "pyspark.errors.exceptions.base.PySparkImportError: [PACKAGE_NOT_INSTALLED] pandas must be installed"
    assert told_of(said).startswith(f"PySparkImportError [PACKAGE_NOT_INSTALLED]{AT}")
