"""The rows that are about answers: their forms, where they lie, what becomes of them, and where they come from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from pyspark.sql import functions as F

from batch_transform import score
from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.spark.join_merge import with_outcomes_joined
from batch_transform.spark.prediction_columns import SQL_SETTINGS
from batch_transform.spark.settings import OWN_SETTINGS, session_settings
from batch_transform.spark.zip_merge import select_result
from support.runs import reopened
from support.sampling import one_in
from support.tables import assert_same_rows

pytestmark = [pytest.mark.spark, pytest.mark.slow]
ROWS = 60


@pytest.fixture(scope="module", autouse=True)
def _small_objects():
    """Several objects of some rows each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("batch_transform.core.sending.object_sizes.MAX_OBJECT_BYTES", 400)
        yield


@pytest.fixture(scope="module")
def rows(spark):
    return spark.range(ROWS, numPartitions=2).select(F.col("id").alias("key"), (F.col("id") * 2).alias("double"))


@contextmanager
def answering(world, answer: Callable[[list[int]], str], model: str = "formed") -> Iterator[None]:
    """Lets the model answer the keys of a request so."""
    script = world.models[model].script
    before = script.answer

    def answered(body: bytes) -> tuple[int, bytes]:
        return 200, answer([json.loads(line)["key"] for line in body.split(b"\n") if line]).encode()

    script.answer = answered
    try:
        yield
    finally:
        script.answer = before


def projections(ids: list[int]) -> str:
    """As SageMaker's built-in PCA answers a mini-batch."""
    return json.dumps({"projections": [{"projection": [i + 0.5, -i]} for i in ids]})


def joined_locally(driver, world, folder):
    """The result by `merge: join`, with the outputs on disk: reading S3 would take further jars."""
    ctx, state = driver.ctx, driver.state
    prefix = f"rows/{state.run_id}/output/"
    for key in world.objects(prefix):
        path = folder / "outputs" / key.removeprefix(prefix)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(world.body(key))
    shape, leaves = ctx.tables.shape, ctx.ledger.read_part(state.gate.parts[0])
    path_of = lambda job, name: f"file:{folder}/outputs/{job}/{name}.out"  # noqa: E731
    outcomes = with_outcomes_joined(ctx.tables.spark, state.staged, leaves, path_of, shape)
    return select_result(outcomes, shape, state.run_id, state.jobs[0].request["ModelName"])


@pytest.fixture(scope="module")
def unpacked(spark, world, rows, tmp_path_factory):
    """A run of which each answer is one document, with SQL over what it holds, and provenance; by zip and by join."""
    folder = tmp_path_factory.mktemp("unpacked")
    prediction = {
        "format": "json",
        "records_path": "projections",
        "schema": "projection array<double>",
        "sql": ["projection[0] AS first", "projection[7] AS none", "cast(projection[1] AS int) AS second"],
        "provenance": True,
    }
    arguments = world.arguments(folder, "formed", prediction=prediction)
    with answering(world, projections):
        result = score(rows, **arguments)
    return result, reopened(rows, world, arguments), arguments, folder


def test_b2_a_document_of_a_mini_batch_is_one_prediction_for_each_row(world, rows, unpacked):
    result, _, arguments, _ = unpacked
    outputs = [world.body(key) for key in world.objects(f"rows/{arguments['run_id']}/output/")]
    assert 2 <= len(outputs) < ROWS
    assert all(body.count(b"\n") == 1 for body in outputs)
    assert_same_rows(result.df.select("key", "first"), rows.select("key", (F.col("key") + 0.5).alias("first")))


def test_d2_sql_makes_columns_of_a_prediction_and_an_odd_index_is_null(rows, unpacked):
    result = unpacked[0]
    assert result.df.columns == ["key", "double", "first", "none", "second", "provenance"]
    wanted = rows.select(
        "key",
        "double",
        (F.col("key") + 0.5).alias("first"),
        F.lit(None).cast("double").alias("none"),
        (-F.col("key")).cast("int").alias("second"),
    )
    assert_same_rows(result.df.drop("provenance"), wanted)


def test_c6_without_the_services_join_outputs_are_joined_by_line_number(world, unpacked):
    result, driver, _, folder = unpacked
    with session_settings(driver.ctx.tables.spark, {**OWN_SETTINGS, **SQL_SETTINGS}):
        assert_same_rows(joined_locally(driver, world, folder), result.df)


def test_a11_outputs_are_merged_by_file_name_and_row_order_as_parquet(spark, world, unpacked):
    """Each row's object is the one whose name holds its row, and its job is one of the run's."""
    result, _, arguments, folder = unpacked
    assert_same_rows(spark.read.parquet(str(folder / "out")), result.df)
    origin = result.df.select("key", "provenance.*").collect()
    jobs = set(world.jobs(arguments["run_id"]))
    folder_of_inputs = f"rows/{arguments['run_id']}/input"
    records = {name: world.body(f"{folder_of_inputs}/{name}") for name in {row["object"] for row in origin}}
    for row in origin:
        assert any(json.loads(line)["key"] == row["key"] for line in records[row["object"]].split(b"\n") if line)
        assert row["job"] in jobs
    assert {(row["run_id"], row["model"]) for row in origin} == {(arguments["run_id"], "formed")}
    assert all(row["scored_at"] is not None for row in origin)


def test_a12_the_service_joins_only_if_it_is_asked_to(world, unpacked):
    request = world.client("sagemaker").describe_transform_job(TransformJobName=unpacked[0].report["jobs"][0]["name"])
    assert request["DataProcessing"].get("JoinSource", "None") == "None"


def test_e6_another_model_is_another_run_and_both_results_can_be_told_apart(world, rows, unpacked, tmp_path):
    result, _, arguments, _ = unpacked
    with pytest.raises(ConfigurationError, match=r"model\.name: was 'formed', now 'echo'"):
        score(rows, **{**arguments, "model": "echo"})
    with answering(world, projections, "shaped"):
        again = score(rows, **world.arguments(tmp_path, "shaped", prediction=arguments["prediction"]))
    both = result.df.unionByName(again.df).groupBy("provenance.model", "provenance.run_id").count().collect()
    assert {row["model"]: row["count"] for row in both} == {"formed": ROWS, "shaped": ROWS}
    assert len({row["run_id"] for row in both}) == 2


def test_c4_the_service_joins_record_and_prediction(world, rows, tmp_path):
    """The prediction is found in the joined line, whose record has a field of the same name."""
    answer = lambda i: json.dumps({"double": i + 0.25, "more": [i]}) if i % 2 else str(i + 0.25)  # noqa: E731
    transform = {"join_source": "input", "poll_seconds": 0.1}
    prediction = {"schema": "double double", "column": "scored"}
    arguments = world.arguments(tmp_path, "formed", prediction=prediction, transform=transform)
    with answering(world, lambda ids: "\n".join(map(answer, ids))):
        result = score(rows, **arguments)
    score_of = F.struct((F.col("key") + 0.25).alias("double")).alias("scored")
    assert_same_rows(result.df, rows.select("*", score_of))
    output = world.body(world.objects(f"rows/{arguments['run_id']}/output/")[0]).split(b"\n")[0]
    assert set(json.loads(output)) == {"key", "double", "SageMakerOutput"}


def value(i: int) -> dict[str, float]:
    return {"p": i + 0.5}


# What the model answers, what the message says, and the settings that it names.
SHAPES = {
    "pretty-printed": (
        lambda ids: "\n".join(json.dumps(value(i), indent=1) for i in ids),
        r"\d+ JSON documents printed over several lines each where \d+ lines were expected",
        {"format": "json"},
    ),
    "an array a batch": (
        lambda ids: json.dumps([i + 0.5 for i in ids]),
        r"1 JSON array of \d+ values where \d+ lines were expected",
        {"format": "json", "records_path": "[]"},
    ),
    "a document of many": (
        lambda ids: json.dumps({"model": "m", "predictions": [value(i) for i in ids]}),
        r"1 JSON document with \d+ predictions in 'predictions' where \d+ lines were expected",
        {"format": "json", "records_path": "predictions"},
    ),
    "comma-joined": (
        lambda ids: ",".join(str(i + 0.5) for i in ids),
        r"\d+ values joined by commas on 1 line where \d+ lines were expected",
        {"format": "text", "separator": ","},
    ),
}


@pytest.mark.parametrize("shape", one_in(2, SHAPES))
def test_another_shape_stops_the_run_with_the_setting_that_reads_it_and_nothing_is_paid_twice(
    world, rows, tmp_path, shape
):
    answer, words, settings = SHAPES[shape]
    arguments = world.arguments(tmp_path, "formed", prediction={"schema": "p double"})
    with answering(world, answer):
        with pytest.raises(ServiceFailure, match=words) as stopped:
            score(rows, **arguments)
        jobs = world.jobs(arguments["run_id"])
        assert len(jobs) == 1
        for key, setting in settings.items():
            assert f"prediction.{key}: {setting}" in str(stopped.value).replace("'", "")
        result = score(rows, **{**arguments, "prediction": {"schema": "p double", **settings}})
    assert_same_rows(result.df, rows.withColumn("p", F.col("key") + 0.5))
    assert world.jobs(arguments["run_id"]) == jobs


def test_a_newline_behind_each_answer_needs_no_setting_where_a_blank_line_is_no_prediction(world, rows, tmp_path):
    with answering(world, lambda ids: "\n".join(json.dumps(value(i)) + "\n" for i in ids)):
        result = score(rows, **world.arguments(tmp_path, "formed", prediction={"schema": "p double"}))
    assert_same_rows(result.df, rows.withColumn("p", F.col("key") + 0.5))
    assert len(result.report["jobs"]) == 1


def test_a_schema_is_inferred_from_the_first_answers_and_told(spark, world, rows, tmp_path):
    """A field that the input has is refused with the setting that helps; the answers are kept for it."""
    events = []
    answer = lambda ids: "\n".join(json.dumps({"key": i, "p": i if i % 2 else i + 0.5}) for i in ids)  # noqa: E731
    arguments = world.arguments(tmp_path, "formed", prediction={"schema": "infer"})
    with answering(world, answer):
        with pytest.raises(ServiceFailure, match=r"key are columns of the input already; set prediction\.column"):
            score(rows, **arguments)
        jobs = world.jobs(arguments["run_id"])
        arguments["prediction"] = {"schema": "infer", "column": "answer"}
        result = score(rows, **arguments, listener=events.append)
    p = F.col("key") + F.when(F.col("key") % 2 == 0, 0.5).otherwise(0.0)
    assert_same_rows(result.df, rows.withColumn("answer", F.struct("key", p.alias("p"))))
    assert result.report["prediction_schema"] == "key bigint, p double"
    assert any("prediction.schema: key bigint, p double" in event.text for event in events)
    assert world.jobs(arguments["run_id"]) == jobs
    assert_same_rows(score(rows, **arguments).df, result.df)
