# ruff: noqa: E501 - what Spark said stands as it said it
"""An application that ends under a run is told as that, whatever Spark comes upon first, and the run can be resumed."""

from __future__ import annotations

import pytest

from batch_transform.core.ended_applications import ENDED
from batch_transform.core.error_causes import Outlook, cause_of
from batch_transform.core.stack_traces import Link

SPARK, NULL = "org.apache.spark.SparkException", "java.lang.NullPointerException"
INTERNAL = Link(
    SPARK,
    "[INTERNAL_ERROR] Executed command failed. You hit a bug in Spark or the Spark plugins you use. Please, report this "
    "bug to the corresponding communities or vendors, and provide the full stack trace. SQLSTATE: XX000",
)
NO_SCHEDULER = Link(
    NULL,
    'Cannot invoke "org.apache.spark.scheduler.DAGScheduler.cleanupQueryJobs(long)" because the return value of '
    '"org.apache.spark.SparkContext.dagScheduler()" is null',
)
STOPPED = (
    "Cannot call methods on a stopped SparkContext.\nThis stopped SparkContext was created at:\n\norg.apache.spark.api"
    ".java.JavaSparkContext.<init>(JavaSparkContext.scala:59)\n\nAnd it was stopped at:\n\norg.apache.spark.Spark"
    "Context.stop(SparkContext.scala:2308)\n\nThe currently active SparkContext was created at:\n\n(No active SparkContext.)\n"
)
# Spark 4.2, its context stopped in the JVM while a query ran, and before one; 3.5 says the first and the last.
SAID = {
    "while a query runs": [Link(SPARK, "Job 2 cancelled because SparkContext was shut down")],
    "before a query": [NO_SCHEDULER],
    "before a write": [INTERNAL, NO_SCHEDULER],
    "before toArrow": [Link(SPARK, "Exception thrown in awaitResult: "), NO_SCHEDULER],
    "before a schema is read": [Link("java.lang.IllegalStateException", STOPPED)],
    "before a write, 3.5": [Link("java.util.NoSuchElementException", "None.get")],
}


@pytest.mark.parametrize("name", SAID)
def test_an_application_that_ends_under_a_run_is_told_as_that_and_may_pass(name):
    told = cause_of(SAID[name])
    assert (told.outlook, told.words) == (Outlook.PASSING, ENDED)


def test_it_says_where_the_reason_stands():
    assert "yarn logs -applicationId" in ENDED
    assert ENDED.isprintable()


ROW = "Job 2 cancelled because SparkContext was shut down"
OTHERS = {
    "a null of an executor that ends": Link(
        NULL,
        'Cannot invoke "org.apache.spark.SparkEnv.blockManager()" because the return value of "org.apache.spark.SparkEnv$.get()" is null',
    ),
    "a null of a function": Link(NULL, 'Cannot invoke "String.length()" because "<parameter1>" is null'),
    "a bug of Spark's": INTERNAL,
    "a job that was cancelled": Link(SPARK, "Job 2 cancelled part of cancelled job group score"),
    "a row that says so": Link(
        "org.apache.spark.SparkRuntimeException", f"[USER_RAISED_EXCEPTION] {ROW} SQLSTATE: P0001"
    ),
    "a worker that says so": Link("ValueError", ROW, place="scoring.py line 12, in cleaned"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_nothing_else_is(name):
    assert cause_of([OTHERS[name]]).words != ENDED


def test_a_none_of_a_function_is_no_end_of_the_application():
    none = Link("java.util.NoSuchElementException", "None.get")
    assert cause_of([Link(SPARK, "[FAILED_EXECUTE_UDF] User defined function failed"), none]).words != ENDED
