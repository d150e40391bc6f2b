"""An input that cannot become right by itself ends with exit code 2, what may pass with 4; with its cause, no row."""

from __future__ import annotations

import gzip
import re
import traceback
from pathlib import Path

import pytest
import yaml
from pyspark.sql import functions as F

from batch_transform import score
from batch_transform.config.loading import load
from batch_transform.core.errors import BatchTransformError, ConfigurationError, ServiceFailure
from batch_transform.pipeline.ending.exits import exit_of
from batch_transform.pipeline.lifecycle.opening_run import open_run
from batch_transform.spark.reader_options import check_options
from batch_transform.spark.settings import session_settings
from batch_transform.spark.spark_errors import SPARK_ERRORS
from support.runs import run_file, silent
from support.sampling import one_in

pytestmark = [pytest.mark.spark, pytest.mark.slow]
ROW = "ROWVALUE-7731"

# Name: sections of the run file, what is told.
BROKEN = {
    "a cast in record.sql": (
        {"record": {"sql": "string(cast(key AS int))", "format": "text"}},
        ["record.sql: string(cast(key AS int))", "[CAST_INVALID_INPUT]"],
    ),
    "a cast in where": (
        {"input": {"path": "{folder}/in", "where": "cast(key AS int) > 1"}},
        ["input", "[CAST_INVALID_INPUT]", "cast(key AS int)"],
    ),
    "a number of a format": (
        {"input": {"path": "{folder}/in", "where": "to_number(key, '999') > 1"}},
        ["[INVALID_FORMAT.MISMATCH_INPUT]"],
    ),
    "an error that an expression raises": (
        {"input": {"path": "{folder}/in", "where": "assert_true(key = 'a', key) IS NULL"}},
        ["input.where: assert_true(key = 'a', key) IS NULL", "[USER_RAISED_EXCEPTION]"],
    ),
    "a pattern of a row": (
        {"input": {"path": "{folder}/in", "where": "key rlike concat('(', key)"}},
        ["input.where: key rlike concat('(', key)", "PatternSyntaxException"],
    ),
    "an empty CSV": (
        {"input": {"path": "{folder}/empty.csv", "format": "csv", "options": {"header": "true"}}},
        ["no column key in the input; it has none: its files are empty, or lack a header"],
    ),
    "a broken ORC": ({"input": {"path": "{folder}/broken.orc", "format": "orc"}}, ["broken.orc cannot be read"]),
    "a broken line of JSON": (
        {"input": {"path": "{folder}/broken.json", "format": "json", "options": {"mode": "FAILFAST"}}},
        ["broken.json cannot be read: [MALFORMED_RECORD_IN_PARSING", "the mode is FAILFAST"],
    ),
    "JSON over several lines": (
        {"input": {"path": "{folder}/lines.json", "format": "json"}},
        ["no line of its files is a document of JSON", "input.options: {multiLine: true}"],
    ),
    "JSON over several lines, with types": (
        {"input": {"path": "{folder}/lines.json", "format": "json", "schema": "key string"}},
        ["no line of its files is a document of JSON"],
    ),
    "JSON over several lines, below folders": (
        {"input": {"path": "{folder}/days", "format": "json"}},
        ["no line of its files is a document of JSON", "input.options: {multiLine: true}"],
    ),
    "JSON over several lines, dropped": (
        {"input": {"path": "{folder}/days", "format": "json", "options": {"mode": "DropMalformed"}}},
        ["no line of its files is a document of JSON", "input.options: {multiLine: true}"],
    ),
    "JSON over several lines, with types, dropped": (
        {
            "input": {
                "path": "{folder}/lines.json",
                "format": "json",
                "schema": "key string",
                "options": {"mode": "DROPMALFORMED"},
            }
        },
        ["no line of its files is a document of JSON", "input.options: {multiLine: true}"],
    ),
    "an option that is no flag": (
        {"input": {"path": "{folder}/no.csv", "format": "csv", "options": {"header": "yes"}}},
        ["no.csv cannot be read", "header flag can be true or false"],
    ),
    "an option that is no number": (
        {"input": {"path": "{folder}/no.csv", "format": "csv", "options": {"maxColumns": "x"}}},
        ["no.csv cannot be read", "Is input.options: {maxColumns: ...} as the reader takes it?"],
    ),
    "a mode that is none": (
        {"input": {"path": "{folder}/no.csv", "format": "csv", "options": {"mode": "FAILFATS"}}},
        ["input.options.mode: not FAILFATS (did you mean FAILFAST?)"],
    ),
    "a calendar that is none": (
        {"input": {"path": "{folder}/in", "options": {"datetimeRebaseMode": "OLD"}}},
        ["input.options.datetimeRebaseMode: not OLD; valid: EXCEPTION, CORRECTED, LEGACY"],
    ),
    "a pattern that is none, of dates": (
        {"input": {"path": "{folder}/no.csv", "format": "csv", "options": {"dateFormat": "nonsense{"}}},
        ["input.options.dateFormat: is no pattern"],
    ),
    "a pattern that is none, of times": (
        {"input": {"path": "{folder}/broken.json", "format": "json", "options": {"timestampFormat": "yyyy-bb"}}},
        ["input.options.timestampFormat: is no pattern"],
    ),
    "an option that is looked at with the rows": (
        {
            "input": {"path": "{folder}/no.csv", "format": "text", "options": {"wholetext": "x"}},
            "record": {"sql": "value", "format": "text"},
        },
        ["input: its rows cannot be staged", "Is input.options: {wholetext: ...} as the reader takes it?"],
    ),
    "a line of many columns": (
        {"input": {"path": "{folder}/wide.csv", "format": "csv", "options": {"header": "true", "maxColumns": "2"}}},
        ["wide.csv cannot be read", "a line of CSV may have more columns than input.options: {maxColumns: ...} allows"],
    ),
    "files of two types": (
        {"input": {"path": "{folder}/types", "options": {"mergeSchema": "true"}}},
        ["types cannot be read", "a column of one name in types that do not go together"],
    ),
    "an empty file": (
        {"input": {"path": "{folder}/empty.parquet"}},
        ["empty.parquet cannot be read", "is not a Parquet file (length is too low: 0)"],
    ),
    "a cut file": (
        {"input": {"path": "{folder}/cut.parquet"}},
        ["cut.parquet cannot be read", "is not a Parquet file. Expected magic number"],
    ),
    "a broken page": ({"input": {"path": "{folder}/broken.parquet"}}, ["[FAILED_READ_FILE", "broken.parquet"]),
    "a cut gzip": (
        {"input": {"path": "{folder}/cut.csv.gz", "format": "csv", "options": {"header": "true"}}},
        ["cut.csv.gz", "EOFException"],
    ),
    "no gzip": (
        {"input": {"path": "{folder}/no.csv.gz", "format": "csv", "options": {"header": "true"}}},
        ["no.csv.gz", "not a gzip file"],
    ),
    "no path": ({"input": {"path": "{folder}/nowhere"}}, ["nowhere cannot be read: there is no such file or folder"]),
    "no file system": ({"input": {"path": "odd://bucket/in"}}, ['No FileSystem for scheme "odd"']),
}


@pytest.fixture(scope="module")
def folder(spark, tmp_path_factory) -> Path:
    """Inputs, of which each but `in` is broken."""
    path = tmp_path_factory.mktemp("broken")
    spark.range(3, numPartitions=1).select(F.lit(ROW).alias("key")).write.parquet(f"{path}/in")
    (whole,) = (file.read_bytes() for file in (path / "in").glob("*.parquet"))
    (path / "empty.parquet").write_bytes(b"")
    (path / "empty.csv").write_bytes(b"")
    (path / "broken.orc").write_bytes(b"ORC" + ROW.encode() * 20)
    (path / "broken.json").write_text(f'{{"key": {ROW}}}\n')
    (path / "lines.json").write_text(f'[\n  {{\n    "key": "{ROW}"\n  }}\n]\n')
    (path / "days/ds=2024-05-01").mkdir(parents=True)
    (path / "days/ds=2024-05-01/lines.json").write_text((path / "lines.json").read_text())
    (path / "no.csv").write_text(f"key\n{ROW}\n")
    (path / "wide.csv").write_text(f"key,{ROW},x\n")
    spark.sql("SELECT 1 AS key").write.parquet(f"{path}/types")
    spark.sql("SELECT current_date() AS key").write.mode("append").parquet(f"{path}/types")
    (path / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    page = bytes(byte ^ 0x5A for byte in whole[4:60])
    (path / "broken.parquet").write_bytes(whole[:4] + page + whole[60:])
    lines = gzip.compress(b"key,other\n" + f"{ROW},2\n".encode() * 100_000)
    (path / "cut.csv.gz").write_bytes(lines[: len(lines) // 2])
    (path / "no.csv.gz").write_bytes(f"key,other\n{ROW},2\n".encode())
    return path


def ended(spark, world, folder, run_id, changes) -> BatchTransformError:
    document = run_file(world, run_id, **changes)
    (folder / "run.yml").write_text(yaml.safe_dump(document).replace("{folder}", str(folder)))
    with pytest.raises(BatchTransformError) as raised:
        open_run(spark, load(folder / "run.yml"), world.access, silent).run()
    return raised.value


@pytest.mark.parametrize("name", one_in(2, BROKEN))
def test_a_broken_input_is_refused_with_its_cause_and_without_a_row(spark, world, folder, name, capfd):
    changes, words = BROKEN[name]
    run_id = re.sub(r"\W", "-", name)  # of each its own, or it would wait for the lease of the one before
    with session_settings(spark, {"spark.sql.ansi.enabled": "true"}):
        error = ended(spark, world, folder, run_id, changes)
    assert type(error) is ConfigurationError, str(error)
    assert [word for word in words if word not in str(error)] == [], str(error)
    assert ROW not in str(error)
    assert ROW not in "".join(traceback.format_exception(error))
    assert world.jobs(run_id) == []


@pytest.mark.parametrize(
    "pattern", ["yyyy-MM-dd", "d.M.yy H:mm", "MMM d, yyyy", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "E, d MMM"]
)
@pytest.mark.parametrize("policy", ["CORRECTED", "EXCEPTION", "LEGACY"])
def test_a_pattern_is_refused_as_spark_itself_refuses_it(spark, pattern, policy):
    with session_settings(spark, {"spark.sql.legacy.timeParserPolicy": policy, "spark.sql.ansi.enabled": "true"}):
        if pattern.startswith("E") and policy != "LEGACY":
            with pytest.raises(ConfigurationError, match=r"input\.options\.DateFormat: is no pattern"):
                check_options(spark, "csv", {"DateFormat": pattern})
        else:
            check_options(spark, "csv", {"DateFormat": pattern})


def test_a_reader_of_xml_that_is_not_sparks_has_patterns_of_its_own(spark, monkeypatch):
    given = {"timestampFormat": "EEE MMM dd HH:mm:ss yyyy"}
    with pytest.raises(ConfigurationError, match=r"input\.options\.timestampFormat: is no pattern"):
        check_options(spark, "xml", given)
    monkeypatch.setattr(type(spark), "version", property(lambda _: "3.5.7"))
    check_options(spark, "xml", given)


def test_an_expression_over_predictions_that_fails_on_a_row_is_told_and_the_run_can_go_on(spark, world, folder):
    """Jobs are paid by then: exit code 2 would say that nothing was."""
    changes = {"prediction": {"schema": "echo string", "sql": ["raise_error(echo) AS p"]}}
    error = ended(spark, world, folder, "predictions", changes)
    assert type(error) is ServiceFailure
    assert "its rows cannot be merged (prediction.sql: raise_error(echo) AS p): [USER_RAISED_EXCEPTION]" in str(error)
    assert ROW not in "".join(traceback.format_exception(error))


def raising(error):
    def work(batches):
        for batch in batches:
            if len(batch):
                raise error
            yield batch

    return work


def test_a_worker_whose_disk_is_full_may_be_tried_again(spark, world, tmp_path):
    df = spark.range(3).selectExpr("string(id) AS key")
    broken = df.mapInPandas(raising(OSError(28, "No space left on device")), "key string")
    with pytest.raises(ServiceFailure, match=r"No space left on device at test_broken_inputs\.py line \d+, in work"):
        score(broken, **world.arguments(tmp_path))


def test_a_function_of_the_input_that_raises_is_refused_and_its_words_are_left_out(spark, world, tmp_path):
    df = spark.range(3).selectExpr("string(id) AS key")
    broken = df.mapInPandas(raising(ValueError(ROW)), "key string")
    with pytest.raises(ConfigurationError, match=r"ValueError at test_broken_inputs\.py line \d+, in work") as raised:
        score(broken, **world.arguments(tmp_path))
    assert ROW not in "".join(traceback.format_exception(raised.value))


def test_what_nobody_has_named_is_told_with_its_condition_and_without_a_row(spark):
    with pytest.raises(SPARK_ERRORS) as raised, session_settings(spark, {"spark.sql.ansi.enabled": "true"}):
        spark.range(1).select(F.expr("cast(concat('ROW', 'VALUE-773', id + 1) AS int)")).collect()
    found = exit_of(raised.value)
    assert found.lines[0].startswith("Spark: [CAST_INVALID_INPUT]")
    assert ROW not in found.lines[0] + found.stack
