"""A record format that the package does not know, named by its import path, takes a table through a whole run."""

from __future__ import annotations

import json

import pytest
from pyspark.sql import functions as F

from batch_transform import score
from batch_transform.core.errors import ConfigurationError
from support.tables import assert_same_rows

pytestmark = pytest.mark.spark
FORMAT = "support.tab_separated"


def refusing_seven(body):
    """The number of a record's cells and the first of them; a body in which it is seven is refused as a whole."""
    records = [line.split("\t") for line in body.decode().removesuffix("\n").split("\n")]
    if any(cells[0] == "7" for cells in records):
        return 400, b"no"
    return 200, "\n".join(json.dumps({"cells": len(cells), "first": int(cells[0])}) for cells in records).encode()


def test_a_format_of_ones_own_is_exported_split_and_scored(spark, world, tmp_path, monkeypatch):
    served = world.models["echo"]
    monkeypatch.setattr(served, "seen", [])
    monkeypatch.setattr(served.script, "answer", refusing_seven)
    df = spark.range(40, numPartitions=2).select(
        F.col("id").alias("key"), F.concat(F.lit("é "), F.col("id")).alias("text")
    )
    arguments = world.arguments(
        tmp_path, record={"format": FORMAT}, prediction="cells int, first int", errors={"max_rows": 1}
    )
    result = score(df, **arguments)
    scored = df.where("key != 7").select("*", F.lit(2).alias("cells"), F.col("key").cast("int").alias("first"))
    assert_same_rows(result.df, scored)
    assert [row["key"] for row in result.dead_letters.collect()] == [7]
    names = world.objects(f"rows/{arguments['run_id']}/input/")
    assert {name.rpartition(".")[2] for name in names} == {"tsv"}
    assert {seen.headers["Content-Type"] for seen in served.invocations} == {"text/tab-separated-values"}


def test_what_it_cannot_carry_is_refused_in_its_words_before_anything_is_paid_for(spark, world, tmp_path):
    for df, words in [
        (
            spark.sql("SELECT 'a\tb' AS a"),
            "1 row cannot be sent as tab-separated: a tab or a newline.*Replace tabs",
        ),
        (spark.sql("SELECT array(1) AS a"), "record.columns: a is no text or number"),
    ]:
        arguments = world.arguments(tmp_path, record={"format": FORMAT})
        with pytest.raises(ConfigurationError, match=words):
            score(df, **arguments)
        assert world.jobs(arguments["run_id"]) == []
