"""What keeps the steps fast, on few rows: the shapes of their plans, and how often S3 is asked.

How fast they are is measured by `tests/benchmarks/speed.py`; this is what it rests on.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace

import pytest
from pyspark import cloudpickle
from pyspark.sql import functions as F

from batch_transform import score
from batch_transform.core.sending.object_sizes import ToPython
from batch_transform.core.spans import StagedFile
from batch_transform.core.staged_table import Staged
from batch_transform.spark.input_reading import file_versions
from batch_transform.spark.job_settings import own_job
from batch_transform.spark.source_identity import identify
from benchmarks.peers import local_objects
from benchmarks.peers.input_tables import NUMBER, check_predictions, input_table
from benchmarks.peers.steps import Steps
from support.sampling import one_in
from support.watching_proxy import watching

pytestmark = [pytest.mark.spark, pytest.mark.slow]
ROWS = 20_000
MOST_S3_REQUESTS = 4  # for each object, parts of a multipart upload apart
SORTED_FIRST = "spark.sql.execution.sortBeforeRepartition"
BATCH_ROWS, BATCH_BYTES = (f"spark.sql.execution.arrow.max{what}PerBatch" for what in ("Records", "Bytes"))
DEFAULT_ROWS = "10000"


@dataclass(frozen=True)
class Plan:
    """A query that Spark has run: its physical plan, and what the session said."""

    text: str
    settings: dict[str, str]

    @property
    def sorts(self):
        """Whether rows are sorted, also where a repartition does it without a node of its own."""
        round_robin = "RoundRobinPartitioning" in self.text and self.settings.get(SORTED_FIRST, "true") == "true"
        return round_robin or bool(re.search(r"\bSort\b", self.text))

    @property
    def batch_rows(self):
        return self.settings.get(BATCH_ROWS, DEFAULT_ROWS)  # what is as Spark's default is no setting of a query

    @property
    def shuffles(self):
        return bool(re.search(r"\bExchange\b", self.text))


def plans_of(spark, work):
    """The plans of all queries that some work runs."""
    spark.sparkContext._jsc.sc().listenerBus().waitUntilEmpty()
    store = spark._jsparkSession.sharedState().statusStore()
    before = {each.executionId() for each in executions(store)}
    work()
    spark.sparkContext._jsc.sc().listenerBus().waitUntilEmpty()
    return [plan_of(spark, each) for each in executions(store) if each.executionId() not in before]


def executions(store):
    found = store.executionsList()
    return [found.apply(place) for place in range(found.size())]


def plan_of(spark, execution):
    settings = spark._jvm.scala.jdk.javaapi.CollectionConverters.asJava(execution.modifiedConfigs())
    return Plan(execution.physicalPlanDescription(), dict(settings))


@dataclass(frozen=True)
class Done:
    """A run of which the steps were done one by one, with the plans of each."""

    staging: list[Plan]
    export: list[Plan]
    merging: list[Plan]
    is_copied: bool


@pytest.fixture(scope="module")
def _workers_get_the_store():
    """Workers of the tests find the library alone."""
    cloudpickle.register_pickle_by_value(local_objects)
    yield
    cloudpickle.unregister_pickle_by_value(local_objects)


@pytest.fixture(scope="module", params=one_in(2, [True, False]), ids=["by path", "by score"])
def done(request, spark, world, tmp_path_factory, _workers_get_the_store):
    """All steps over eight files, staged in several partitions, with every prediction right."""
    folder = tmp_path_factory.mktemp("steps")
    source = input_table("330b-8-files", ROWS).write(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("batch_transform.core.sending.partitioning.PARTITION_BYTES", 1_000_000)
        patch.setattr("batch_transform.spark.staging.parallelism", lambda spark: 100)  # cores that want work
        for way in ("exported_by_workers", "merged_by_workers"):  # these are about Spark's plans
            patch.setattr(f"batch_transform.pipeline.tables.spark_tables.{way}", lambda *given: None)
        steps = Steps(spark, world, source, "parquet", folder, request.param).open()
        merged: list[str] = []
        staging, export = plans_of(spark, steps.stage), plans_of(spark, steps.export)
        steps.answer()
        merging = plans_of(spark, lambda: merged.append(steps.merge()))
        steps.close()
    check_predictions(merged[0], ROWS)
    return Done(staging, export, merging, steps.state.staged.is_copied)


def writes(plans):
    found = [plan for plan in plans if "InsertIntoHadoopFsRelationCommand" in plan.text]
    assert found
    return found


def test_the_merge_shuffles_and_sorts_nothing(done):
    assert not any(plan.shuffles or plan.sorts for plan in writes(done.merging))


@pytest.mark.usefixtures("_workers_get_the_store")
@pytest.mark.long
def test_a_merge_into_delta_shuffles_and_sorts_nothing(spark, world, tmp_path):
    place = str(tmp_path / "delta")
    spark.range(ROWS, numPartitions=3).withColumnRenamed("id", NUMBER).write.format("delta").save(place)
    steps = Steps(spark, world, place, "delta", tmp_path).open()
    steps.stage()
    steps.export()
    steps.answer()
    merging = plans_of(spark, steps.merge)
    steps.close()
    asking = [plan for plan in merging if "ArrowEvalPython" in plan.text]
    assert asking
    assert not any(plan.shuffles or plan.sorts for plan in asking)
    assert spark.read.format("delta").load(steps.output).where(f"{NUMBER} = p").count() == ROWS


def test_the_export_shuffles_and_sorts_nothing(done):
    assert done.export
    assert not any(plan.shuffles or plan.sorts for plan in done.export)


def test_no_batch_of_small_records_is_asked_for_its_bytes_after_each_row(done):
    """Its rows bound it. Of copies no more is known than that no record is over 16 kB."""
    asking = ("export", "MapInArrow", done.export), ("merge", "ArrowEvalPython", done.merging)
    plans = [(step, plan) for step, node, found in asking for plan in found if node in plan.text]
    found = {(step, plan.batch_rows, plan.settings[BATCH_BYTES]) for step, plan in plans}
    rows = "2000" if done.is_copied else DEFAULT_ROWS
    assert found == {("export", rows, str(2**31 - 1)), ("merge", rows, str(2**31 - 1))}


@pytest.mark.parametrize(
    ("sent", "largest", "limit"),
    [
        (ToPython.RECORD, 533, 2**31 - 1),
        (ToPython.RECORD, 534, 32_000_000),
        (ToPython.RECORD, 20_000_000, 32_000_000),
        (ToPython.NUMBER, 20_000_000, 2**31 - 1),
        (ToPython.ANYTHING, 1, 32_000_000),
    ],
)
def test_a_batch_that_its_rows_may_not_bound_has_a_limit_of_bytes(spark, sent, largest, limit):
    staged = Staged("{}", (StagedFile("file", 1, 0, 0, largest, largest),))
    with own_job(spark, staged, sent=sent):
        assert spark.conf.get(BATCH_BYTES).rstrip("b") == str(limit)


def test_staging_sorts_nothing(done):
    assert not any(plan.sorts for plan in writes(done.staging))


def test_staging_takes_its_sample_from_the_first_partitions(done):
    """Below an aggregate a limit is one of each partition: of 50,000 of them all would be opened for 1,000 rows."""
    assert not any("LocalLimit" in plan.text for plan in done.staging)


def test_a_plan_that_sorts_or_shuffles_is_seen(spark, tmp_path):
    rows = spark.range(100)
    written = {
        "plain": (rows, False, False),
        "dealt": (rows.repartition(3), True, True),
        "hashed": (rows.repartition(3, "id"), True, False),
        "sorted": (rows.sortWithinPartitions(F.hash("id")), False, True),
    }
    for name, (df, shuffles, sorts) in written.items():
        (plan,) = plans_of(spark, lambda df=df, name=name: df.write.parquet(str(tmp_path / name)))
        assert (plan.shuffles, plan.sorts) == (shuffles, sorts), name


def test_s3_is_asked_four_times_at_most_for_each_object(spark, world, tmp_path):
    """A put, the service's own requests apart, a look at it before its job, and its output counted and merged."""
    source = input_table("330b-8-files", ROWS).write(tmp_path)
    with watching(world.url, ask_who=False) as proxy:
        proxied = replace(world, url=proxy.url)
        small = {"max_payload_mb": 1, "poll_seconds": 0.1}
        rows = spark.read.parquet(source).withColumn("key", F.col(NUMBER).cast("string"))  # which the model echoes
        report = score(rows, **proxied.arguments(tmp_path, transform=small)).report
        asked = [passing for passing in proxy.passed if not passing.operation]
    names = {passing.path.rpartition("/")[2] for passing in asked if passing.start is not None}
    assert len(names) == sum(job["objects"] for job in report["jobs"]) >= 5
    of_object = Counter(name for passing in asked if (name := object_of(passing)) in names)
    print(f"{len(asked)} requests to S3, {sum(of_object.values())} of them for {len(names)} objects")
    assert set(of_object) == names
    assert max(of_object.values()) <= MOST_S3_REQUESTS


def object_of(passing):
    """The input object that a request is about, be it of itself or of its output; parts of an upload are none."""
    return None if "partNumber=" in passing.query else passing.path.rpartition("/")[2].removesuffix(".out")


def jobs_begun(spark):
    spark.sparkContext._jsc.sc().listenerBus().waitUntilEmpty()
    return spark.sparkContext._jsc.sc().statusStore().jobsList(None).size()


def test_a_table_is_told_from_others_without_a_job(spark, tmp_path):
    """To plan a scan, Delta runs one over its log."""
    place = str(tmp_path / "delta")
    spark.range(9).write.format("delta").save(place)
    df = spark.read.format("delta").load(place)
    versions = file_versions(df)
    before = jobs_begun(spark)
    assert identify(df, versions).plan.is_firm
    assert jobs_begun(spark) == before
