"""The session of a run: one that is there is used and left as it was; one that is begun is stopped."""

from __future__ import annotations

from contextlib import suppress

import pytest
from pyspark.errors import PySparkRuntimeError

from batch_transform.aws.access import AwsAccess
from batch_transform.config import RunConfig
from batch_transform.config.identities import S3Access
from batch_transform.config.surroundings import Aws
from batch_transform.pipeline.world import session as sessions
from batch_transform.pipeline.world.session import reaching_s3, run_session

EMULATED = AwsAccess(endpoint_url="http://127.0.0.1:9", emulated=True)
AWS = AwsAccess("eu-west-1")
PLAIN = RunConfig.from_document(
    {
        "run_id": "a",
        "workspace": "s3://bucket/runs",
        "input": {"path": "in"},
        "model": {"name": "m"},
        "output": {"path": "out"},
    }
)
ROLE = "arn:aws:iam::111122223333:role/data"
AS_ANOTHER = PLAIN.model_copy(update={"aws": Aws(s3=S3Access(role_arn=ROLE, external_id="partner"))})
THEIRS = {"fs.s3a.endpoint": "theirs", "spark.sql.ansi.enabled": "false"}


class Session:
    """As far as a session is asked here."""

    def __init__(self, **settings):
        self.settings, self.stopped, self.conf = settings, False, self

    def get(self, key, default=None):
        return self.settings.get(key, default)

    def set(self, key, value):
        self.settings[key] = value

    def unset(self, key):
        self.settings.pop(key, None)

    def stop(self):
        self.stopped = True


@pytest.fixture
def spark(monkeypatch):
    """Spark's own class, with a session that is there or not; the one that is begun is `made`."""
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    monkeypatch.setenv("PYSPARK_PYTHON", "python")

    class Spark:
        there = None
        made = Session()

        @classmethod
        def active(cls):
            if cls.there is None:
                raise PySparkRuntimeError("[NO_ACTIVE_OR_DEFAULT_SESSION] none")
            return cls.there

        class builder:
            @classmethod
            def appName(cls, name):
                Spark.made.set("spark.app.name", name)
                return cls

            @classmethod
            def config(cls, key, value):
                Spark.made.set(key, value)
                return cls

            @classmethod
            def getOrCreate(cls):
                return Spark.made

    monkeypatch.setattr(sessions, "SparkSession", Spark)
    return Spark


@pytest.mark.parametrize("access", [AWS, EMULATED])
def test_a_session_that_is_there_is_left_as_it_was(spark, access):
    spark.there = Session(**THEIRS)
    with run_session("r1") as used, reaching_s3(used, access, PLAIN):
        assert used is spark.there
        assert (used.get("fs.s3a.endpoint") == "http://127.0.0.1:9") == access.emulated
    assert (spark.there.settings, spark.there.stopped, spark.made.settings) == (THEIRS, False, {})


def test_it_is_left_as_it_was_by_a_run_that_fails_too(spark):
    spark.there = Session(**THEIRS)
    with pytest.raises(KeyError), run_session("r1") as used, reaching_s3(used, EMULATED, PLAIN):
        raise KeyError
    assert (spark.there.settings, spark.there.stopped) == (THEIRS, False)


def test_a_session_that_the_run_has_begun_is_stopped_once_all_is_well(spark):
    with run_session("r1") as used, reaching_s3(used, EMULATED, PLAIN):
        assert (used, used.stopped) == (spark.made, False)
        assert used.get("spark.app.name") == "batch-transform r1"
        assert used.get("fs.s3a.endpoint") == "http://127.0.0.1:9"
    assert spark.made.stopped


def test_the_name_that_spark_submit_was_given_wins(spark, monkeypatch):
    spark.made = Session(**{"spark.app.name": "nightly"})
    monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "1")
    with run_session("r1") as used:
        assert used.get("spark.app.name") == "nightly"


def test_of_a_run_that_fails_the_end_of_the_process_is_the_end(spark):
    """Spark may be in a call of an hour, and `stop` would wait for it."""
    with pytest.raises(KeyError), run_session("r1"):
        raise KeyError
    assert not spark.made.stopped


def test_a_platforms_session_is_its_own_whoever_asks_for_it_first(spark, monkeypatch):
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "16.4")
    with run_session("r1"):
        pass
    assert not spark.made.stopped
    assert spark.made.settings == {}  # a name is a static setting, which its shared and serverless compute refuse


@pytest.mark.parametrize("fails", [False, True])
def test_pyspark_does_not_log_what_quotes_a_row_while_the_run_has_the_session(spark, fails, caplog):
    loggers = pytest.importorskip("pyspark.logger").PySparkLogger
    spark.there = Session()

    def say(text):
        for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
            loggers.getLogger(name).error(text, errorClass="CAST_INVALID_INPUT")

    with suppress(KeyError), run_session("a"):
        say("within")
        if fails:
            raise KeyError
    say("after")
    assert caplog.messages == ["after", "after"]


def test_sparks_own_s3a_is_the_identity_of_s3_and_what_was_given_wins(spark):
    """The external id is set here, and here only: others see a command line."""
    spark.there = Session(**{"spark.hadoop.fs.s3a.aws.credentials.provider": "theirs"})
    with run_session("r1") as used, reaching_s3(used, AWS, AS_ANOTHER):
        assert used.get("fs.s3a.assumed.role.external.id") == "partner"
        assert used.get("fs.s3a.assumed.role.arn") == ROLE
        assert used.get("fs.s3a.aws.credentials.provider") is None
    assert list(spark.there.settings) == ["spark.hadoop.fs.s3a.aws.credentials.provider"]


def test_databricks_reaches_s3_in_its_own_way(spark, monkeypatch):
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "16.4")
    spark.there = Session()
    with run_session("r1") as used, reaching_s3(used, AWS, AS_ANOTHER):
        assert used.settings == {}
