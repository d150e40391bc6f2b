"""What Spark raises when a query fails.

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
