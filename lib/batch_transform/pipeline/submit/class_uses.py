"""What runs do with Spark, once: the classes that it needs for that come into an archive (`class_archive`)."""

from __future__ import annotations

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def use(spark: SparkSession, folder: str) -> None:
    """Writes tables below a folder and reads them again, with Python and a shuffle in between."""
    rows = spark.createDataFrame([(place, str(place), 0.5) for place in range(9)], "id long, key string, value double")
    records = rows.select("id", F.to_json(F.struct("key", "value")).alias("record"), (F.col("id") % 2).alias("part"))
    records.repartitionByRange(2, "id").sortWithinPartitions("id").write.partitionBy("part").save(f"{folder}/a")
    staged = spark.read.load(f"{folder}/a")
    echoed = staged.mapInArrow(lambda batches: batches, staged.schema)
    parsed = echoed.select("id", F.from_json("record", "key string, value double").alias("answer"))
    joined = rows.join(parsed, "id", "left").where("answer IS NOT NULL").select("*", "answer.key")
    joined.select("id", "value").coalesce(1).write.option("header", True).csv(f"{folder}/b")
    spark.read.option("header", True).option("inferSchema", True).csv(f"{folder}/b").groupBy("value").count().collect()
    staged.agg(F.count("*"), F.max("id"), F.sum(F.length("record"))).toPandas()
    spark.sql("SELECT named_struct('a', array(1), 'b', map('k', timestamp'2024-05-01')) AS s").collect()


if __name__ == "__main__":
    session = SparkSession.builder.config("spark.ui.enabled", "false").getOrCreate()
    use(session, sys.argv[1])
    session.stop()
