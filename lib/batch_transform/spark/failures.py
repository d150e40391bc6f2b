"""What Spark raises when a query fails, and what of it a person needs.

PySpark translates some of the JVM's exceptions and hands on the others.
"""

from __future__ import annotations

from pyspark.errors import PySparkException

SPARK_ERRORS: tuple[type[Exception], ...] = (PySparkException,)
try:
    from py4j.protocol import Py4JJavaError
except ImportError:  # a client of Spark Connect, which has no JVM beside it
    pass
else:
    SPARK_ERRORS = (PySparkException, Py4JJavaError)


def first_line(err: BaseException) -> str:
    """Returns an error of Spark's without its plan and its stack."""
    head, _, rest = str(err).strip().partition("\n")
    # py4j names the object that it called; what went wrong stands in the next line.
    return rest.partition("\n")[0].lstrip(": ") if head.startswith("An error occurred while calling") else head
