"""A local session as a person would begin it, with the memory that `spark-submit.sh` gives a driver."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from pyspark.sql import SparkSession

MEMORY = "2g"  # as spark-submit.sh has it


def session(cores: int, more: Mapping[str, str]) -> SparkSession:
    """Returns a local session with the settings of `spark-submit.sh`, and `more`."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master(f"local[{cores}]").config("spark.driver.memory", MEMORY)
    for key, value in {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", **more}.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark
