"""The chain of causes is followed in the JVM where there is one, and in Spark Connect's text where there is none."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.spark.error_chains import chain_of, is_of_spark, said
from batch_transform.spark.settings import known
from batch_transform.spark.spark_errors import failure_of, told_as

ROW = "ROWVALUE-7731"


class Thrown:
    """An error in the JVM; `state` only where it is Spark's own."""

    def __init__(self, name, message, cause=None, state=None):
        self.name, self.message, self.cause, self.state = name, message, cause, state

    def getClass(self):
        return SimpleNamespace(getName=lambda: self.name)

    def getMessage(self):
        return self.message

    def getCause(self):
        return self.cause

    def getSqlState(self):
        if self.state is None:
            raise Py4JError("Method getSqlState([]) does not exist")
        return self.state


class Gone(Thrown):
    """An error in a JVM that has ended."""

    def getClass(self):
        raise Py4JError("An error occurred while calling o1.getClass")


class Captured(PySparkException):
    def __init__(self, origin):
        self._origin = origin

    def __str__(self):
        return f"[SAID] {ROW}"

    def getCondition(self):
        return "SAID"

    def getSqlState(self):
        return "22000"


class SparkConnectGrpcException(Captured):
    def __init__(self, stack):
        self._stacktrace = stack

    def __str__(self):
        return "Job aborted."

    def getCondition(self):
        return None

    def getSqlState(self):
        return None


FULL = Thrown("java.io.IOException", "No space left on device")
WRITE = Thrown("org.apache.spark.SparkException", "[TASK_WRITE_FAILED] Task failed while writing rows.", FULL, "58030")


def test_the_causes_of_a_jvms_error_are_followed():
    links = chain_of(Captured(Thrown("org.apache.spark.SparkException", None, WRITE)))
    assert [(link.name.rpartition(".")[2], link.state) for link in links] == [
        ("SparkException", None),
        ("SparkException", "58030"),
        ("IOException", None),
    ]
    assert "No space left on device" in said(Captured(WRITE))


def test_an_error_whose_jvm_is_gone_is_told_by_what_is_here():
    assert said(Captured(Gone("", ""))) == "[SAID]"


def test_an_error_that_is_its_own_cause_has_an_end():
    own = Thrown("java.io.IOException", "odd")
    own.cause = own
    assert said(Captured(own)) == "IOException: odd"


def test_the_stack_that_connect_sends_has_the_cause():
    stack = (
        "org.apache.spark.SparkException\n\tat a.B.c(D.scala:1)\n"
        f"Caused by: org.apache.spark.SparkRuntimeException: [USER_RAISED_EXCEPTION] {ROW} SQLSTATE: P0001\n"
        "\tat a.B.c(D.scala:1)"
    )
    words = said(SparkConnectGrpcException(stack))
    assert "[USER_RAISED_EXCEPTION]" in words
    assert ROW not in words


@pytest.mark.parametrize(
    ("thrown", "is_begun", "kind"),
    [
        (WRITE, True, ServiceFailure),
        (WRITE, False, ServiceFailure),
        (Thrown("java.io.EOFException", "Unexpected end"), True, ConfigurationError),
        (Thrown("com.example.Odd", ROW), True, ServiceFailure),
        (Thrown("com.example.Odd", ROW), False, ConfigurationError),
    ],
)
def test_what_may_pass_is_a_failure_and_what_cannot_is_refused(thrown, is_begun, kind):
    assert type(failure_of(Captured(thrown), "input", is_begun=is_begun)) is kind


def test_a_shown_stack_has_no_error_of_sparks_that_quotes_a_row():
    with pytest.raises(ServiceFailure) as raised, told_as("input"):
        raise Captured(WRITE)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_only_sparks_errors_are_sparks():
    assert is_of_spark(Captured(WRITE))
    assert not is_of_spark(ValueError(ROW))
    assert ROW not in said(ValueError(ROW))


def test_a_setting_that_a_platform_hides_is_none():
    class Hidden(Captured):
        def __str__(self):
            return "[CONFIG_NOT_AVAILABLE] Configuration spark.master is not available. SQLSTATE: 42K0I"

    def get(key, default):
        raise Hidden(None)

    assert known(SimpleNamespace(conf=SimpleNamespace(get=get)), "spark.master") is None


def test_a_jar_that_the_session_lacks_is_told_before_what_has_failed_for_want_of_it():
    missed = Thrown("java.lang.ClassNotFoundException", "Class org.apache.hadoop.fs.s3a.S3AFileSystem not found")
    failure = failure_of(
        Captured(Thrown("java.lang.RuntimeException", "x", missed)), "a table of columns", is_begun=False
    )
    assert isinstance(failure, ConfigurationError)
    assert str(failure).startswith("this Spark session has no jar for s3a://: begin the session with it")
    assert "(a table of columns: " in str(failure)
    assert "S3AFileSystem not found" in str(failure)
