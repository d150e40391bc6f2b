"""A stream is scored batch by batch, in a function for foreachBatch; each batch is a run of its own."""

from __future__ import annotations

import pytest
from pyspark.errors import StreamingQueryException

from batch_transform import score
from support import answers

pytestmark = [pytest.mark.spark, pytest.mark.slow]
BAD = "3"


def refusing(body):
    return (400, b"bad row") if BAD in answers.keys(body) else answers.echo(body)


def test_a_batch_whose_rows_die_ends_the_query_and_is_gone_on_with(spark, world, tmp_path, monkeypatch):
    """With state, which a batch that is given again has once more; the batch behind the watermark has no rows."""
    model, script = world.models["echo"], world.models["echo"].script
    monkeypatch.setattr(script, "answer", refusing)
    keys = spark.range(20, numPartitions=1).selectExpr("CAST(id AS STRING) AS key", "timestamp_seconds(100 + id) AS at")
    keys.write.parquet(f"{tmp_path}/in")
    arguments = world.arguments(
        tmp_path, output={"path": f"{tmp_path}/out", "mode": "append"}, prediction="echo string"
    )
    name, rows_in = arguments.pop("run_id"), []

    def go(**more):
        def score_batch(batch, number):
            report = score(batch, run_id=f"{name}-{number}", **arguments, **more).report
            rows_in.append((number, report["rows_in"], len(report["jobs"])))

        stream = spark.readStream.schema(keys.schema).parquet(f"{tmp_path}/in")
        stream = stream.withWatermark("at", "1 second").dropDuplicates(["key", "at"])
        query = stream.writeStream.foreachBatch(score_batch).trigger(availableNow=True)
        query.option("checkpointLocation", f"{tmp_path}/checkpoint").start().awaitTermination()

    with pytest.raises(StreamingQueryException, match="retry_dead=True"):
        go()
    assert rows_in == []
    monkeypatch.setattr(script, "answer", answers.echo)
    before = len(model.bodies)
    go(retry_dead=True)
    assert {key for body in model.bodies[before:] for key in answers.keys(body)} == {BAD}
    assert [(number, rows) for number, rows, _ in rows_in] == [(0, 20), (1, 0)]
    assert rows_in[1][2] == 0
    out = spark.read.parquet(f"{tmp_path}/out").collect()
    assert sorted(int(row["key"]) for row in out) == list(range(20))
