"""What a person can do about an error of Spark's stands behind its words."""

from __future__ import annotations

import pytest
from pyspark.errors import PySparkException

from batch_transform.spark.spark_errors import failure_of

GONE = (
    "[FAILED_READ_FILE.FILE_NOT_EXIST] Encountered error while reading file s3a://lake/in/part-0.parquet. File does "
    "not exist. It is possible the underlying files have been updated. SQLSTATE: KD001"
)
REMEDY = "make the DataFrame anew, of a table after spark.catalog.refreshTable(NAME)"


def told(what, words=GONE):
    return str(failure_of(PySparkException(words), what))


def test_of_an_input_whose_files_are_others_by_now_it_is_told_how_it_is_read_anew():
    """Spark lists them when the DataFrame is made; its own words name a file that the user does not know of."""
    assert told("input: its rows cannot be staged").endswith(REMEDY)


@pytest.mark.parametrize("what", ["merging", "the staged rows cannot be read"])
def test_files_that_are_not_the_users_are_not_read_anew(what):
    assert REMEDY not in told(what)
