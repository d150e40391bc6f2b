"""No peer, but what Spark itself takes: it reads a table and counts it. Called by a bare `spark-submit`."""

from __future__ import annotations

import json
import sys
import time

from pyspark.sql import SparkSession


def main() -> None:
    """Counts the table."""
    spark = SparkSession.builder.getOrCreate()
    began = time.monotonic()
    rows = spark.read.parquet(sys.argv[1]).count()
    settings = f"spark-submit {' '.join(sys.argv[2:])}: {rows:,} rows read and counted, nothing scored"
    print(json.dumps({"work_seconds": time.monotonic() - began, "settings": settings}), flush=True)
    spark.stop()


if __name__ == "__main__":
    main()
