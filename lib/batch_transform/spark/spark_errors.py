"""What Spark raises when a query fails, and what becomes of that: one place for all that open, stage and compute.

PySpark translates some of the JVM's exceptions and hands on the others. Which may pass is the core's to say
(`core.error_causes`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from pyspark.errors import PySparkException

from batch_transform.core.error_causes import Outlook, cause_of
from batch_transform.core.errors import BatchTransformError, ConfigurationError, ServiceFailure
from batch_transform.core.unread_inputs import doubted_options
from batch_transform.spark.error_chains import chain_of, told

_NANOSECONDS = (
    "set input.options: {nanosAsLong: true}, with which they are read as whole nanoseconds since 1970, of which "
    "timestamp_micros(COLUMN div 1000) in record.sql makes a timestamp; or write the files with microseconds (pandas "
    "and pyarrow: coerce_timestamps='us')"
)
_MAPPED = (
    "Delta takes such names in tables with column mapping alone: name the columns otherwise, or have new tables made "
    "so by the session's setting spark.databricks.delta.properties.defaults.columnMapping.mode=name"
)
_TOO_LONG = (
    "a line of CSV may have more columns than input.options: {maxColumns: ...} allows, 20,480 by default, or a value "
    "more characters than maxCharsPerColumn"
)
_CHANGED = (
    "a DataFrame knows the files that were there when it was made, and so does a session of a catalog's table once it "
    "has read that: make the DataFrame anew, of a table after spark.catalog.refreshTable(NAME)"
)
# Of Spark, of a file that is gone, and of s3a, of one whose ETag is another one (HTTP 412).
_OTHER_FILES = ("FILE_NOT_EXIST", "RemoteFileChangedException")
SPARK_ERRORS: tuple[type[Exception], ...] = (PySparkException,)
try:
    from py4j.protocol import Py4JJavaError
except ImportError:  # a client of Spark Connect, which has no JVM beside it
    pass
else:
    SPARK_ERRORS = (PySparkException, Py4JJavaError)


def failure_of(
    err: BaseException,
    what: str,
    *,
    is_begun: bool = True,
    is_scored: bool = False,
    options: Mapping[str, str] = MappingProxyType({}),
) -> BatchTransformError:
    """Returns a ConfigurationError for what cannot become right by itself, a ServiceFailure for what may.

    Args:
        err: of Spark's.
        what: failed, as the run file calls it.
        is_begun: whether the run has begun, so that what nobody knows is worth another try; else a person looks first.
        is_scored: whether jobs are paid, which no ConfigurationError may say.
        options: of the reader of what is read.
    """
    chain = list(chain_of(err))
    found = cause_of(chain)
    is_final = found.outlook is Outlook.FINAL or (found.outlook is Outlook.UNKNOWN and not is_begun)
    words = found.words + _remedy(found.words, what)
    doubt = doubted_options(options, [link.text for link in chain], words) if is_final else ""
    words = told(words + doubt, what)
    return (ConfigurationError if is_final and not is_scored else ServiceFailure)(words)


def _remedy(words: str, what: str) -> str:
    """What a person can do: about names, long lines, files that are others by now, or timestamps of nanoseconds.

    These are what pandas writes to Parquet.
    """
    if what.startswith("input") and any(name in words for name in _OTHER_FILES):
        return f"; {_CHANGED}"
    if "DELTA_INVALID_CHARACTERS_IN_COLUMN_NAME" in words:
        return f" {_MAPPED}"
    if "TextParsingException" in words:
        return f"; {_TOO_LONG}"
    if "TIMESTAMP(NANOS" in words:
        return f" Spark reads no timestamps of nanoseconds: {_NANOSECONDS}"
    is_maybe = all(word in words for word in ("PARQUET_COLUMN_DATA_TYPE_MISMATCH", "Spark type timestamp", "INT64"))
    return f" If the files have timestamps of nanoseconds: {_NANOSECONDS}" if is_maybe else ""


@contextmanager
def told_as(
    what: str,
    *,
    is_begun: bool = True,
    is_scored: bool = False,
    options: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[None]:
    """Raises what Spark raises in the block as `failure_of`; not as its cause, as a shown stack would quote rows.

    Raises:
        ConfigurationError: trying again does not help.
        ServiceFailure: it may, or everything is scored.
    """
    try:
        yield
    except SPARK_ERRORS as err:
        raise failure_of(err, what, is_begun=is_begun, is_scored=is_scored, options=options) from None
