# ruff: noqa: E501 - what Spark said stands as it said it
"""What is told of an error of Spark's has its condition, its place and its cause, and never a row; as Spark said it."""

from __future__ import annotations

import pytest

from batch_transform.core.error_causes import Outlook, cause_of
from batch_transform.core.stack_traces import Link, of_stack

ROW = "ROWVALUE-7731"
SPARK, ANALYSIS = "org.apache.spark.SparkException", "org.apache.spark.sql.AnalysisException"
FINAL, PASSING = Outlook.FINAL, Outlook.PASSING
WORKER = "org.apache.spark.api.python.PythonException"


def of_worker(
    raised: str, frames: str = '  File "/opt/job/scoring.py", line 12, in cleaned\n    return {}[x]\n'
) -> str:
    head = "An exception was thrown from the Python worker. Please see the stack trace below.\n"
    main = '  File "/opt/spark/pyspark.zip/pyspark/worker.py", line 1247, in main\n    process()\n'
    return f"{head}Traceback (most recent call last):\n{main}{frames}{raised}\n"


IMPORTING = '  File "/opt/job/scoring.py", line 12, in cleaned\n    import pyarrow\n'
FOOTER = (
    "[FAILED_READ_FILE.CANNOT_READ_FILE_FOOTER] Encountered error while reading file file:/in/a.parquet. Could not read"
    " footer. Please ensure that the file is in either ORC or Parquet format.\nIf not, please convert it to a valid "
    "format. If the file is in the valid format, please check if it is corrupt.\nIf it is, you can choose to either "
    "ignore it or fix the corruption. SQLSTATE: KD001"
)
FILE = "[FAILED_READ_FILE.NO_HINT] Encountered error while reading file file:///in/a.csv.gz.  SQLSTATE: KD001"
ABORTED = (
    "Job aborted due to stage failure: Task 0 in stage 7.0 failed 4 times, most recent failure: Lost task 0.3 in stage "
    "7.0 (TID 18) (10.0.0.7 executor 2): "
)

# Name: chain, outlook, what is told, in this order.
SAID = {
    "a cast in SQL, 4.x": (
        [
            Link(
                "org.apache.spark.SparkNumberFormatException",
                f"[CAST_INVALID_INPUT] The value '{ROW}' of the type \"STRING\" cannot be cast to \"INT\" because it is "
                "malformed. Correct the value as per the syntax, or change its target type. SQLSTATE: 22018\n"
                "== SQL (line 1, position 1) ==\ncast(x as int) > 1\n^^^^^^^^^^^^^^\n",
            )
        ],
        FINAL,
        ["[CAST_INVALID_INPUT]", "cast(x as int) > 1"],
    ),
    "a cast in SQL, 3.5": (
        [
            Link(
                "NumberFormatException",
                f"[CAST_INVALID_INPUT] The value '{ROW}' of the type \"STRING\" cannot be cast to \"INT\" because it is "
                'malformed. If necessary set "spark.sql.ansi.enabled" to "false" to bypass this error.\n'
                "== SQL(line 1, position 1) ==\ncast(x as int)\n^^^^^^^^^^^^^^\n",
                "CAST_INVALID_INPUT",
                "22018",
            )
        ],
        FINAL,
        ["[CAST_INVALID_INPUT]", "cast(x as int)"],
    ),
    "a cast of the DataFrame API": (
        [
            Link(
                "NumberFormatException",
                f"[CAST_INVALID_INPUT] The value '{ROW}' of the type \"STRING\" cannot be cast. SQLSTATE: 22018\n"
                '== DataFrame ==\n"cast" was called from\njob.py:12\n',
            )
        ],
        FINAL,
        ["[CAST_INVALID_INPUT]", "cast", "job.py:12"],
    ),
    "a row that looks like SQL": (
        [
            Link(
                "NumberFormatException",
                f"[CAST_INVALID_INPUT] The value '\n== SQL ==\n{ROW}\n^^' of the type \"STRING\" cannot be cast to "
                '"INT". SQLSTATE: 22018\n== SQL (line 1, position 1) ==\ncast(x as int)\n^^^^^^^^^^^^^^\n',
            )
        ],
        FINAL,
        ["[CAST_INVALID_INPUT]", "cast(x as int)"],
    ),
    "a row that looks like SQL, and no SQL": (
        [Link("SparkRuntimeException", f"[USER_RAISED_EXCEPTION] x\n== SQL ==\n{ROW}\n^^ SQLSTATE: P0001")],
        FINAL,
        ["[USER_RAISED_EXCEPTION]"],
    ),
    "a row that looks like a cause": (
        [
            Link(
                SPARK,
                "[MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION] Malformed records are detected in record parsing: "
                f"[\nCaused by: java.io.IOException: {ROW}\n\tat x]. SQLSTATE: 22023",
            )
        ],
        FINAL,
        ["[MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION]"],
    ),
    "a timestamp": (
        [
            Link(
                "DateTimeException",
                f"[CANNOT_PARSE_TIMESTAMP] Text '{ROW}' could not be parsed at index 0. SQLSTATE: 22007",
            )
        ],
        FINAL,
        ["[CANNOT_PARSE_TIMESTAMP]"],
    ),
    "a timestamp, 3.5": (
        [
            Link("org.apache.spark.SparkUpgradeException", "[INCONSISTENT_BEHAVIOR_CROSS_VERSION.PARSE_DATETIME_BY_NEW"
                 f"_PARSER] Fail to parse '{ROW}' in the new parser."),
            Link("java.time.format.DateTimeParseException", f"Text '{ROW}' could not be parsed at index 0"),
        ],
        FINAL,
        ["[INCONSISTENT_BEHAVIOR_CROSS_VERSION.PARSE_DATETIME_BY_NEW_PARSER]", "DateTimeParseException"],
    ),
    "a number of a format": (
        [
            Link(
                "org.apache.spark.SparkIllegalArgumentException",
                f'[INVALID_FORMAT.MISMATCH_INPUT] The format is invalid: 999. The input "STRING" {ROW} does not match '
                "the format. SQLSTATE: 42601",
            )
        ],
        FINAL,
        ["[INVALID_FORMAT.MISMATCH_INPUT]"],
    ),
    "a map": (
        [Link("SparkRuntimeException", f"[DUPLICATED_MAP_KEY] Duplicate map key {ROW} was found. SQLSTATE: 23505")],
        FINAL,
        ["[DUPLICATED_MAP_KEY]"],
    ),
    "JSON within a row": (
        [
            Link(SPARK, "[MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION] Malformed records are detected in record "
                 f"parsing: [{ROW}].\nParse Mode: FAILFAST. SQLSTATE: 22023"),
            Link("com.fasterxml.jackson.core.JsonParseException", f"Unrecognized token '{ROW}': was expecting (JSON "
                 "String)\n at [Source: UNKNOWN; line: 1, column: 1]"),
        ],
        FINAL,
        ["[MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION]", "JsonParseException"],
    ),
    "a line of CSV": (
        [
            Link(SPARK, FILE),
            Link("org.apache.spark.SparkRuntimeException", f'[MALFORMED_CSV_RECORD] Malformed CSV record: "{ROW},2 SQLSTATE'
                 ": KD000"),
        ],
        FINAL,
        ["[FAILED_READ_FILE.NO_HINT]", "file:///in/a.csv.gz", "[MALFORMED_CSV_RECORD]"],
    ),
    "a number that Java cannot read": (
        [Link("java.lang.NumberFormatException", f'For input string: "{ROW}"')],
        FINAL,
        ["NumberFormatException", "left out"],
    ),
    "an error of a file that quotes one of a row": (
        [Link("java.io.IOException", f'java.lang.NumberFormatException: For input string: "{ROW}"')],
        FINAL,
        ["IOException", "NumberFormatException"],
    ),
    "Delta, a length": (
        [
            Link(
                "org.apache.spark.sql.delta.schema.DeltaInvariantViolationException",
                f'[DELTA_EXCEED_CHAR_VARCHAR_LIMIT] Value "{ROW}" exceeds char/varchar type length limitation. Failed '
                "check: (isnull(x) OR (length(x) <= 3)). SQLSTATE: 22001",
            )
        ],
        FINAL,
        ["[DELTA_EXCEED_CHAR_VARCHAR_LIMIT]", "demands: the length in (isnull(x) OR (length(x) <= 3))"],
    ),
    "Delta 3, a length": (
        [
            Link(
                "org.apache.spark.sql.delta.schema.DeltaInvariantViolationException",
                f'Value "{ROW}" exceeds char/varchar type length limitation. Failed check: (length(x) <= 3).',
            )
        ],
        FINAL,
        ["[DeltaInvariantViolationException]", "demands: the length in (length(x) <= 3)"],
    ),
    "Delta, a constraint": (
        [
            Link(
                "org.apache.spark.sql.delta.schema.DeltaInvariantViolationException",
                "[DELTA_VIOLATE_CONSTRAINT_WITH_VALUES] CHECK constraint positive (x > 0) violated by row with values:\n"
                f" - x : {ROW} SQLSTATE: 23001",
            )
        ],
        FINAL,
        ["[DELTA_VIOLATE_CONSTRAINT_WITH_VALUES]", "demands: CHECK constraint positive (x > 0)"],
    ),
    "Delta 3, a constraint": (
        [
            Link(
                "org.apache.spark.sql.delta.schema.DeltaInvariantViolationException",
                f"CHECK constraint a b ((x > 0)) violated by row with values:\n - x : {ROW} violated by row with values:",
            )
        ],
        FINAL,
        ["[DeltaInvariantViolationException]", "demands: CHECK constraint a b ((x > 0))"],
    ),
    "Delta, a null": (
        [
            Link(
                "org.apache.spark.sql.delta.schema.DeltaInvariantViolationException",
                "[DELTA_NOT_NULL_CONSTRAINT_VIOLATED] NOT NULL constraint violated for column: s.p.\n SQLSTATE: 23502",
            )
        ],
        FINAL,
        ["[DELTA_NOT_NULL_CONSTRAINT_VIOLATED]", "demands: NOT NULL of column s.p"],
    ),
    "Delta, a length of a value that says so itself": (
        [
            Link(
                "org.apache.spark.sql.delta.schema.DeltaInvariantViolationException",
                '[DELTA_EXCEED_CHAR_VARCHAR_LIMIT] Value "x" exceeds char/varchar type length limitation. Failed check: '
                f'{ROW}" exceeds char/varchar type length limitation. Failed check: (length(x) <= 3).',
            )
        ],
        FINAL,
        ["demands: the length in (length(x) <= 3)"],
    ),
    "Delta, other partitions": (
        [
            Link(
                "org.apache.spark.sql.delta.DeltaAnalysisException",
                "[DELTA_REPLACE_WHERE_MISMATCH] Written data does not conform to partial table overwrite condition or "
                f"constraint 'x = 1'.\nInvalid data would be written to partitions x={ROW}. SQLSTATE: 44000",
            )
        ],
        FINAL,
        ["[DELTA_REPLACE_WHERE_MISMATCH]"],
    ),
    "an empty file": (
        [Link(SPARK, FOOTER), Link("java.lang.RuntimeException", "file:/in/a.parquet is not a Parquet file (length is too low: 0)")],
        FINAL,
        ["[FAILED_READ_FILE.CANNOT_READ_FILE_FOOTER]", "file:/in/a.parquet", "is not a Parquet file (length is too low: 0)"],
    ),
    "an empty file, 3.5": (
        [
            Link(SPARK, "Exception thrown in awaitResult: "),
            Link(SPARK, "[CANNOT_READ_FILE_FOOTER] Could not read footer for file: file:/in/a.parquet. Please ensure that "
                 "the file is in either ORC or Parquet format."),
            Link("java.lang.RuntimeException", "file:/in/a.parquet is not a Parquet file (length is too low: 0)"),
        ],
        FINAL,
        ["[CANNOT_READ_FILE_FOOTER]", "file:/in/a.parquet", "length is too low: 0"],
    ),
    "a cut gzip": (
        [Link(SPARK, FILE), Link("java.io.EOFException", "Unexpected end of input stream")],
        FINAL,
        ["file:///in/a.csv.gz", "EOFException: Unexpected end of input stream"],
    ),
    "a broken page": (
        [
            Link(SPARK, FILE),
            Link("java.io.IOException", "can not read class org.apache.parquet.format.PageHeader: don't know what type: 15"),
            Link("shaded.parquet.org.apache.thrift.protocol.TProtocolException", "don't know what type: 15"),
        ],
        FINAL,
        ["file:///in/a.csv.gz", "can not read class org.apache.parquet.format.PageHeader"],
    ),
    "S3 that does not answer": (
        [Link(SPARK, FILE), Link("java.net.SocketTimeoutException", "Read timed out")],
        PASSING,
        ["file:///in/a.csv.gz", "SocketTimeoutException: Read timed out"],
    ),
    "S3 that forbids": (
        [Link("java.nio.file.AccessDeniedException", "s3a://b/in: getFileStatus: Access Denied (Status Code: 403)")],
        FINAL,
        ["AccessDeniedException: s3a://b/in", "Access Denied"],
    ),
    "an option that is no flag": (
        [Link(SPARK, "header flag can be true or false.")],
        Outlook.UNKNOWN,
        ["header flag can be true or false."],
    ),
    "no path": (
        [Link(ANALYSIS, "[PATH_NOT_FOUND] Path does not exist: file:/nowhere. SQLSTATE: 42K03")],
        FINAL,
        ["[PATH_NOT_FOUND] Path does not exist: file:/nowhere."],
    ),
    "no rows to tell a schema": (
        [Link(ANALYSIS, "[UNABLE_TO_INFER_SCHEMA] Unable to infer schema for Parquet. It must be specified manually.")],
        FINAL,
        ["[UNABLE_TO_INFER_SCHEMA] Unable to infer schema for Parquet."],
    ),
    "no jar": (
        [
            Link("java.lang.RuntimeException", "java.lang.ClassNotFoundException: Class org.apache.hadoop.fs.s3a.S3AFileSystem not found"),
            Link("java.lang.ClassNotFoundException", "Class org.apache.hadoop.fs.s3a.S3AFileSystem not found"),
        ],
        FINAL,
        ["Class org.apache.hadoop.fs.s3a.S3AFileSystem not found"],
    ),
    "no file system": (
        [Link("org.apache.hadoop.fs.UnsupportedFileSystemException", 'No FileSystem for scheme "foo"')],
        FINAL,
        ['No FileSystem for scheme "foo"'],
    ),
    "a setting of serverless": (
        [Link("SparkConnectGrpcException", "[CONFIG_NOT_AVAILABLE] Configuration spark.x is not available. SQLSTATE: 42K0I")],
        FINAL,
        ["[CONFIG_NOT_AVAILABLE] Configuration spark.x is not available."],
    ),
    "a full disk": (
        [
            Link(SPARK, "[TASK_WRITE_FAILED] Task failed while writing rows to file:/staging/rows. SQLSTATE: 58030"),
            Link("java.io.IOException", "No space left on device"),
        ],
        PASSING,
        ["[TASK_WRITE_FAILED] Task failed while writing rows to file:/staging/rows.", "IOException: No space left on device"],
    ),
    "a full disk, 3.5": (
        [
            Link(SPARK, "Job aborted due to stage failure: Task 0 in stage 1.0 failed 1 times, most recent failure: Lost task"
                 " 0.0 in stage 1.0 (TID 1) (host executor driver): org.apache.spark.SparkException: [TASK_WRITE_FAILED] "
                 "Task failed while writing rows to file:/staging/rows.\n\tat org.apache.spark.X.y(X.scala:1)\nCaused by: "
                 "java.io.IOException: No space left on device\n\tat java.base/java.io.F.w(F.java)\n\t... 12 more\n\n"
                 "Driver stacktrace:"),
        ],
        PASSING,
        ["[TASK_WRITE_FAILED]", "No space left on device"],
    ),
    "a cast on another machine": (
        [
            Link(SPARK, f"{ABORTED}org.apache.spark.SparkNumberFormatException: [CAST_INVALID_INPUT] The value '{ROW}' of "
                 'the type "STRING" cannot be cast to "INT" because it is malformed. SQLSTATE: 22018\n== SQL (line 1, '
                 "position 1) ==\ncast(x as int)\n^^^^^^^^^^^^^^\n\n\tat org.apache.spark.X.y(X.scala:1)\n\nDriver "
                 "stacktrace:"),
        ],
        FINAL,
        ["[CAST_INVALID_INPUT]", "cast(x as int)"],
    ),
    "an executor that dies": (
        [Link(SPARK, f"{ABORTED}ExecutorLostFailure (executor 2 exited caused by one of the running tasks) Reason: "
              "Container killed by YARN for exceeding physical memory limits.\nDriver stacktrace:")],
        PASSING,
        ["ExecutorLostFailure (executor 2", "exceeding physical memory limits"],
    ),
    "a function that raises": (
        [Link("PythonException", of_worker(f"KeyError: '{ROW}'"))],
        FINAL,
        ["in a Python worker", "KeyError at scoring.py line 12, in cleaned"],
    ),
    "a function that raises, 4.x": (
        [Link(WORKER, "[PYTHON_EXCEPTION] An exception was thrown from the Python worker: " + of_worker(f"ValueError: {ROW}")
              .partition("\n")[2] + "\n SQLSTATE: 38000")],
        FINAL,
        ["ValueError at scoring.py line 12, in cleaned"],
    ),
    "a function whose error has a cause": (
        [
            Link(
                WORKER,
                f"Traceback (most recent call last):\n  File \"/a/b.py\", line 3, in f\nOSError: [Errno 28] No space left on"
                f" device: '{ROW}'\n\nDuring handling of the above exception, another exception occurred:\n\n"
                f'Traceback (most recent call last):\n  File "/a/b.py", line 5, in g\n    raise\nRuntimeError: {ROW}\n',
            )
        ],
        PASSING,
        ["RuntimeError at b.py line 5, in g", "OSError: [Errno 28] No space left on device at b.py line 3, in f"],
    ),
    "a library that a worker lacks": (
        [Link("PythonException", of_worker("ModuleNotFoundError: No module named 'pyarrow'", IMPORTING))],
        FINAL,
        ["ModuleNotFoundError: No module named 'pyarrow'"],
    ),
    "S3 that refuses a worker": (
        [Link("PythonException", of_worker("botocore.exceptions.ClientError: An error occurred (SlowDown) when calling the "
              "PutObject operation: Reduce your request rate"))],
        PASSING,
        ["ClientError: An error occurred (SlowDown) when calling the PutObject operation"],
    ),
    "a put of ours that fails": (
        [Link("PythonException", of_worker("batch_transform.core.object_store.StoreFailure: PutObject s3://b/rows/r/input/"
              "s0.jsonl: InternalError: An error occurred (InternalError) when calling the PutObject operation (reached max "
              "retries: 8): We encountered an internal error. Please try again."))],
        PASSING,
        ["in a Python worker: PutObject s3://b/rows/r/input/s0.jsonl: InternalError: ", "Please try again."],
    ),
    "S3 that a worker does not reach": (
        [Link("PythonException", of_worker("botocore.exceptions.EndpointConnectionError: Could not connect to the "
              'endpoint URL: "http://10.0.0.7:9/b/' + ROW + '"'))],
        PASSING,
        ["EndpointConnectionError: Could not connect to the endpoint URL of 10.0.0.7:9 at scoring.py line 12"],
    ),
    "control characters": (
        [Link(ANALYSIS, "[PATH_NOT_FOUND] Path does not exist: file:/no\x1b[31mwhere.")],
        FINAL,
        [r"file:/no\x1b[31mwhere"],
    ),
    "an XML that a row does not hold": (
        [Link("java.lang.RuntimeException", f"Error loading expression '{ROW}'"),
         Link("org.xml.sax.SAXParseException", f"{ROW} is no XML")],
        FINAL,
        ["RuntimeException", "left out", "SAXParseException"],
    ),
    "nobody knows": ([Link("com.example.Odd", f"the row {ROW}")], Outlook.UNKNOWN, ["Odd", "left out"]),
}  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_what_is_told_has_the_condition_the_place_and_the_cause_and_no_row(name):
    chain, outlook, words = SAID[name]
    told = cause_of(chain)
    assert ROW not in told.words
    assert told.words.isprintable()
    at = [told.words.find(word) for word in words]
    assert -1 not in at, told.words
    assert at == sorted(at), told.words
    assert told.outlook is outlook


def test_the_text_of_a_stack_is_the_same_chain():
    stack = (
        "org.apache.spark.SparkException\n\tat org.apache.spark.X.y(X.scala:1)\n"
        f"Caused by: org.apache.spark.SparkNumberFormatException: [CAST_INVALID_INPUT] The value '{ROW}'. SQLSTATE: 22018\n"
        "== SQL (line 1, position 1) ==\ncast(x as int)\n^^^^\n\n\tat a.B.c(D.java:1)\n\t... 3 more\n"
        "Caused by: java.io.IOException: No space left on device\n\tat java.io.F.w(F.java:7)"
    )
    found = list(of_stack(stack))
    names = [link.name.rpartition(".")[2] for link in found]
    assert names == ["SparkException", "SparkNumberFormatException", "IOException"]
    assert ROW not in cause_of(found).words
    assert "No space left on device" in cause_of(found).words


@pytest.mark.parametrize("text", [ROW, f"[X] {ROW}", f"a\n{ROW}", f"Traceback (most recent call last):\n{ROW}: {ROW}"])
@pytest.mark.parametrize(
    "name", ["", "ValueError", "UnknownException", "org.apache.spark.SparkRuntimeException", SPARK]
)
def test_an_error_that_nobody_knows_shows_its_class_alone(name, text):
    assert ROW not in cause_of([Link(name, text)]).words


def test_a_class_that_stands_in_the_words_counts_as_one():
    """As Spark Connect tells what it does not know, where the server sends no stack."""
    text = "(java.lang.RuntimeException) java.lang.ClassNotFoundException: Class a.S3AFileSystem not found"
    told = cause_of([Link("SparkConnectGrpcException", text)])
    assert told.outlook is FINAL
    assert told.words == "ClassNotFoundException: Class a.S3AFileSystem not found"


# As the JVM calls what a function of Spark's raises over a value, with the words that quote it; of none is there more.
OF_VALUES = [
    "java.util.regex.PatternSyntaxException",
    "org.apache.spark.SparkIllegalArgumentException",
    "java.lang.reflect.InvocationTargetException > java.lang.IllegalArgumentException",
    "java.security.ProviderException > javax.crypto.ShortBufferException",
    "java.lang.StringIndexOutOfBoundsException",
    "java.util.IllegalFormatConversionException",
    "java.time.zone.ZoneRulesException",
    "java.text.ParseException",
]
OF_MACHINES = [
    "java.lang.RuntimeException",
    "java.lang.IllegalStateException",
    "java.lang.InterruptedException",
    "java.util.concurrent.TimeoutException",
    "java.util.concurrent.ExecutionException",
    "java.util.ConcurrentModificationException",
    "org.postgresql.util.PSQLException",
    "java.sql.SQLTransientConnectionException",
]


@pytest.mark.parametrize(("names", "final"), [*((n, True) for n in OF_VALUES), *((n, False) for n in OF_MACHINES)])
def test_what_a_function_raises_over_a_value_is_final_and_what_comes_of_other_threads_and_machines_is_not(names, final):
    told = cause_of([Link(name, f"no good: {ROW}") for name in names.split(" > ")])
    assert (told.outlook is FINAL) == final
    assert ROW not in told.words


def test_an_error_of_ours_ends_with_its_own_words():
    """And not with our class, nor with the line of our program that raised it, which help nobody."""
    chain, _, _ = SAID["a put of ours that fails"]
    assert cause_of(chain).words.endswith("We encountered an internal error. Please try again.")


# Parsers that a library has within it quote what they read, and what refuses a name quotes that.
WITHIN_LIBRARIES = [
    "org.apache.hadoop.shaded.com.ctc.wstx.exc.WstxParsingException",
    "com.ctc.wstx.exc.WstxUnexpectedCharException",
    "com.amazonaws.thirdparty.jackson.core.JsonParseException",
    "com.google.cloud.hadoop.repackaged.gcs.com.google.gson.JsonParseException",
    "org.sparkproject.jetty.util.ajax.ParseException",
    "software.amazon.awssdk.thirdparty.jackson.core.JsonParseException",
    "java.io.UnsupportedEncodingException",
    "java.nio.charset.IllegalCharsetNameException",
    "java.nio.file.InvalidPathException",
]


@pytest.mark.parametrize("name", WITHIN_LIBRARIES)
def test_a_parser_within_a_library_of_machines_tells_its_class_alone(name):
    told = cause_of([Link(name, f'Undeclared general entity "{ROW}"')])
    assert told.words.startswith(f"{name.rpartition('.')[2]} (what it says may quote a row")
    if "Pars" in name or "Wstx" in name:
        assert told.outlook is FINAL


def test_the_metadata_of_a_broken_file_are_left_out():
    """They have the least and the greatest value of each column."""
    said = "can not read class org.apache.parquet.format.FileMetaData: Required field 'codec' was not found in serialized data!"
    told = cause_of([Link("java.io.IOException", f"{said} Struct: ColumnMetaData(statistics:Statistics(max:{ROW}))")])
    assert told.words == f"IOException: {said}"


def test_the_last_bytes_of_a_file_of_text_are_left_out():
    said = "file:/in/a.parquet is not a Parquet file. Expected magic number at tail"
    for between in (",", " [80, 65, 82, 49]"):
        told = cause_of([Link("java.lang.RuntimeException", f"{said}{between} but found [87, 88, 10, 10]")])
        assert told.words.startswith(f"RuntimeException: {said}")
        assert "87, 88" not in told.words
        assert told.outlook is FINAL


def test_two_columns_of_one_name_are_told_without_it():
    """In a CSV file without a header, of which `header: true` makes one, a row's values are names of columns."""
    said = f"[COLUMN_ALREADY_EXISTS] The column `{ROW.lower()}` already exists. Choose another name. SQLSTATE: 42711"
    told = cause_of([Link(ANALYSIS, said)])
    assert ROW.lower() not in told.words
    assert told.words.startswith("[COLUMN_ALREADY_EXISTS] two columns have one name")
    assert told.outlook is FINAL


NEVER_RIGHT = {
    "an array of too many": (
        Link("org.apache.spark.SparkRuntimeException", "Cannot create array with 2147483647 elements of data due to exceeding"
             " the limit 2147483632 elements for ArrayData.  array_repeat failed."),
        "SparkRuntimeException: an array would have more elements than Spark can hold",
    ),
    "a text that is too long": (
        Link("java.lang.OutOfMemoryError", "Requested array size exceeds VM limit"),
        "OutOfMemoryError: Requested array size exceeds VM limit",
    ),
    "a folder in a file": (
        Link("org.apache.hadoop.fs.ParentNotDirectoryException", "Parent path is not a directory: file:/dev/full"),
        "ParentNotDirectoryException: Parent path is not a directory: file:/dev/full",
    ),
    "a file of ORC that is cut": (
        Link("org.apache.orc.protobuf.InvalidProtocolBufferException", "While parsing a protocol message, the input ended"),
        "InvalidProtocolBufferException: While parsing a protocol message, the input ended",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NEVER_RIGHT)
def test_what_no_machine_does_is_final(name):
    link, words = NEVER_RIGHT[name]
    told = cause_of([Link(SPARK, "Job aborted due to stage failure"), link])
    assert told.outlook is FINAL
    assert told.words == f"Job aborted due to stage failure: {words}"


def test_a_heap_that_is_full_may_have_room_later():
    assert cause_of([Link("java.lang.OutOfMemoryError", "Java heap space")]).outlook is PASSING
