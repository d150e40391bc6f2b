"""What each key takes and refuses, and in which words."""

from __future__ import annotations

import pytest

from batch_transform.config import FrameConfig, RunConfig, from_arguments
from batch_transform.config.changes import differences
from batch_transform.config.checking import check
from batch_transform.config.layers import Layer, nested
from batch_transform.config.result import DeadLetter
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.object_names import run_folder

LEAST = {
    "run_id": "r1",
    "workspace": "s3://bucket/prefix",
    "input": {"path": "in"},
    "model": {"name": "churn-v7"},
    "output": {"path": "out"},
}


def build(**changes):
    """The least run file with dotted keys changed (`__` for the dot)."""
    layers = [Layer("run.yml", LEAST)]
    for key, value in changes.items():
        path = tuple(key.split("__"))
        layers.append(Layer("run.yml", nested(path, value), replaces=path))
    return check(RunConfig, layers, {})


def faults(**changes):
    with pytest.raises(ConfigurationError) as caught:
        build(**changes)
    return [fault.removeprefix("run.yml: ") for fault in caught.value.faults]


def test_five_keys_are_enough_and_the_rest_has_the_designs_defaults():
    config = build()
    assert config.to_document()["transform"] == {
        "instance_type": "ml.m5.xlarge",
        "instance_count": 1,
        "spread": None,
        "instance_start_seconds": 240.0,
        "instance_mb_per_second": 1.0,
        "max_payload_mb": "auto",
        "max_concurrent_transforms": "auto",
        "strategy": "MultiRecord",
        "split": "Line",
        "join_source": "none",
        "input_filter": None,
        "output_filter": None,
        "max_parallel_jobs": None,
        "invocations_timeout_seconds": 3600,
        "invocations_max_retries": None,
        "job_timeout_minutes": 480,
        "on_interrupt": "stop",
        "environment": {},
        "environment_may_change": [],
        "accept": None,
        "tags": {},
        "output_kms_key": None,
        "volume_kms_key": None,
        "ami_version": None,
        "price_per_hour": None,
        "poll_seconds": None,
    }
    assert (config.output.format, config.output.mode, config.errors.max_rows, config.merge) == (
        "parquet",
        "error",
        0,
        "zip",
    )


@pytest.mark.parametrize("missing", ["workspace", "input", "model", "output", "run_id"])
def test_each_of_the_five_keys_is_required(missing):
    [fault] = faults(**{missing: None})
    assert fault.startswith(f"{missing}: is required")


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("transform__instance_count", "4", "must be a whole number, not the text '4'; write it without quotes"),
        ("transform__instance_count", True, "must be a whole number, not true"),
        ("transform__instance_count", 101, "is 101; it must be at most 100"),
        ("transform__instance_count", 0, "is 0; it must be at least 1"),
        ("transform__invocations_timeout_seconds", 3601, "is 3601; it must be at most 3600"),
        ("transform__invocations_max_retries", 4, "is 4; it must be at most 3"),
        ("transform__max_payload_mb", 101, "is 101; the service takes 1 to 100 (or auto, model)"),
        ("transform__max_payload_mb", 0, "is 0; the service takes 1 to 100 (or auto, model)"),
        ("transform__max_payload_mb", True, "is true; valid: auto, model, or a whole number from 1 to 100"),
        ("transform__price_per_hour", "0.23", "is '0.23'; valid: US dollars for an hour, as 0.23, or those of each"),
        ("transform__price_per_hour", -1, "is -1; valid: US dollars"),
        ("transform__price_per_hour", float("inf"), "is inf; valid: US dollars"),
        ("transform__price_per_hour", True, "is true; valid: US dollars"),
        ("transform__price_per_hour", {"m5": 0.23}, "is 'm5'; valid: an ML instance type"),
        ("budget_usd", 0, "is 0; it must be more than 0"),
        ("expect", "avg(p) > 0", "must be a list, not the text 'avg(p) > 0'"),
        ("expect", ["avg(p) > 0"] * 2, "names avg(p) > 0 more than once"),
        ("transform__poll_seconds", 0, "is 0; it must be more than 0"),
        (
            "transform__instance_type",
            "m5.xlarge",
            "is 'm5.xlarge'; valid: an ML instance type such as ml.m5.xlarge",
        ),
        ("transform__instance_type", [], "is []; valid: an ML instance type such as ml.m5.xlarge, or a list of them"),
        ("transform__instance_type", ["ml.m5.xlarge", 4], "is [ml.m5.xlarge, 4]; valid: an ML instance type"),
        ("transform__instance_type", ["ml.m5.xlarge", "m5"], "is 'm5'; valid: an ML instance type such as ml.m5"),
        ("transform__instance_type", ["ml.m5.xlarge"] * 2, "names ml.m5.xlarge more than once"),
        ("transform__environment_may_change", ["A", "A"], "names A more than once"),
        ("transform__tags", {"aws:a": "b"}, "has 'aws:a': valid are letters"),
        ("transform__tags", {str(n): "" for n in range(51)}, "has 51 entries; the limit is 50"),
        ("transform__environment", {str(n): "" for n in range(17)}, "has 17 entries; the limit is 16"),
        ("transform__environment", {"1A": "x"}, "has the name '1A'"),
        ("transform__environment", {"A": "x" * 10_241}, "has a value of 10241 characters under A; the limit is 10240"),
        ("transform__tags", {"a": "b\n"}, "has 'a': valid are letters, digits, spaces"),
        ("transform__tags", {"a\tb": "c"}, "has 'a\\tb': valid are letters, digits, spaces"),
        ("transform__accept", "text/csv\nx: y", "is 'text/csv\\nx: y'; valid: a media type such as text/csv"),
        ("record__content_type", "text/csv; charset=ü", "is 'text/csv; charset=ü'; valid: a media type"),
        ("transform__accept", "x" * 257, "has 257 characters; the limit is 256"),
        ("model__name", "a" * 64, "has 64 characters; the limit is 63"),
        ("model__name", "-a", "is '-a'; valid: letters, digits and inner hyphens"),
        ("run_id", "a/b", "is 'a/b'; valid:"),
        ("run_id", " a", "is ' a'; valid:"),
        ("run_id", "a\u202eb", "is 'a\\u202eb'; valid:"),
        ("run_id", "a..0a1b2c3d", "is 'a..0a1b2c3d', which is how the folder of a run is named; give the id"),
        ("run_id", "a" * 251, "has 251 characters; the limit is 250"),
        ("transform__ami_version", "al2 ami", "is 'al2 ami'; valid: an AMI version of SageMaker's, as al2-ami-sage"),
        ("transform__ami_version", "-a", "is '-a'; valid:"),
        ("transform__ami_version", "a" * 64, "has 64 characters; the limit is 63"),
        ("run_id", 20240501, "must be text, not 20240501; put it in quotes"),
        ("workspace", "/tmp/x", "is '/tmp/x'; valid: s3://BUCKET"),
        ("workspace", "s3://Bucket/x", "is 's3://Bucket/x'; valid: s3://BUCKET"),
        (
            "workspace",
            "s3://ml/x",
            "is 's3://ml/x'; valid: s3://BUCKET or s3://BUCKET/PREFIX, a bucket's name having 3 to",
        ),
        ("workspace", "s3://bucket/a/../b", "is 's3://bucket/a/../b'; the prefix has"),
        ("workspace", "s3://ml--usw2-az1--x-s3/a", "is 's3://ml--usw2-az1--x-s3/a', a directory bucket (S3 Express"),
        ("workspace", "s3://ml--usw2-az1--xa-s3", "is 's3://ml--usw2-az1--xa-s3', a directory bucket"),
        ("workspace", "s3://ab12cd.mrap/a", "is 's3://ab12cd.mrap/a', the alias of a multi-region access point"),
        ("workspace", "s3://ab12--table-s3/a", "is 's3://ab12--table-s3/a', a bucket of S3 Tables"),
        ("aws__endpoint_url", "localhost:5000", "is 'localhost:5000'; valid: http://"),
        (
            "aws__service_endpoints",
            {"dynamo": "http://x"},
            "names dynamo; valid: logs, s3, sagemaker, sagemaker-runtime, sts",
        ),
        ("record__columns", ["a", "b", "a"], "names a more than once"),
        ("record__columns", [], "is an empty list"),
        ("record__columns", "a", "must be a list, not the text 'a'"),
        ("errors__max_fraction", 1.1, "is 1.1; it must be at most 1"),
        ("export", "row", "is 'row' (did you mean rows?); valid: arrow, rows"),
        ("merge", "zipp", "is 'zipp' (did you mean zip?); valid: zip, join"),
        ("output__mode", True, "is true; valid: error, append, overwrite, overwrite_partitions"),
        ("output__path", "package://a/b", "is 'package://a/b'; a Python package can only be read"),
    ],
)
def test_a_wrong_value_is_named_with_its_limit_or_the_choices(key, value, expected):
    [fault] = faults(**{key: value})
    assert fault.startswith(f"{key.replace('__', '.')}: {expected}")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("transform__instance_count", 100),
        ("transform__instance_type", ["ml.m5.xlarge", "ml.m5.2xlarge"]),
        ("transform__max_payload_mb", 100),
        ("transform__price_per_hour", 0),
        ("transform__price_per_hour", {"ml.m5.xlarge": 0.23, "ml.p3.2xlarge": 3.825}),
        ("transform__max_payload_mb", "model"),
        ("transform__strategy", "SingleRecord"),
        ("transform__tags", {"team": "growth", "cost center": "a/b", "Straße": "ü\u00a0²"}),
        ("record__content_type", "text/csv; charset=utf-8"),
        ("run_id", "churn-ds=2024-05-01.a_b"),
        ("run_id", "scheduled__2024-05-01T00:00:00+00:00"),
        ("run_id", "_a..b é" * 35),
        ("export", "rows"),
        ("merge", "join"),
        ("errors__max_fraction", 1),
    ],
)
def test_a_value_at_its_limit_is_taken(key, value):
    document = build(**{key: value}).to_document()
    for part in key.split("__"):
        document = document[part]
    assert document == value


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("input__schema", ", ".join(f"feature_{place} double" for place in range(2_000))),
        ("input__where", " and ".join(f"feature_{place} is not null" for place in range(2_000))),
        ("record__sql", f"array({', '.join(f'feature_{place}' for place in range(2_000))})"),
        ("prediction__schema", ", ".join(f"logit_{place} float" for place in range(2_000))),
    ],
)
def test_a_schema_and_sql_may_name_thousands_of_columns(key, text):
    files = {"input__format": "csv"} if key == "input__schema" else {}
    document = build(**files, **{key: text}).to_document()
    for part in key.split("__"):
        document = document[part]
    assert document == text


def test_a_list_of_one_instance_type_is_that_one():
    assert build(transform__instance_type=["ml.m5.xlarge"]) == build(transform__instance_type="ml.m5.xlarge")


@pytest.mark.parametrize("column", ["", 3])
def test_a_column_of_errors_that_is_refused_asks_for_no_place_as_well(column):
    [fault] = faults(dead_letter={"column": column})
    assert fault.startswith("dead_letter.column: ")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "input: needs path, table or dead_letters"),
        ({"path": "a", "dead_letters": "r1"}, "input: path and dead_letters stand beside each other; give one"),
        ({"path": "a", "table": "t"}, "input: path and table stand beside each other; give one"),
        ({"dead_letters": "a/b"}, "input.dead_letters: is 'a/b'; valid: a run id of this workspace, or a run's folder"),
        ({"dead_letters": "s3://bucket"}, "input.dead_letters: is 's3://bucket'; valid: a run's folder"),
        ({"dead_letters": "s3://A_b/r1"}, "input.dead_letters: is 's3://A_b/r1'; valid: s3://BUCKET"),
        ({"dead_letters": "r1"}, "input: names this run itself in dead_letters"),
        ({"dead_letters": "s3a://bucket/prefix/r1/"}, "input: names this run itself in dead_letters"),
    ],
)
def test_the_input_is_one_of_three(given, expected):
    [fault] = faults(input=given, run_id="r1")
    assert fault.startswith(expected)


@pytest.mark.parametrize("place", ["", "s3://bucket/prefix/"])
@pytest.mark.parametrize("named", ["a:b", run_folder("a:b")])
def test_a_run_names_itself_by_its_id_and_by_its_folder(place, named):
    [fault] = faults(input={"dead_letters": place + named}, run_id="a:b")
    assert fault.startswith("input: names this run itself in dead_letters")
    assert build(input={"dead_letters": place + named}, run_id="a-b").input.dead_letters == place + named


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"table": "t"}, "input.schema: stands beside table, whose columns have types"),
        ({"dead_letters": "s3://bucket/runs/x"}, "input.schema: stands beside dead_letters, whose columns have types"),
        (
            {"path": "in", "format": "Delta"},
            "input.schema: is given, but a table of Delta has types of its own; cast in",
        ),
        ({"path": "in", "schema": 3}, "input.schema: must be text, not 3"),
        ({"path": "in", "schema": " "}, "input.schema: is empty"),
    ],
)
def test_a_schema_belongs_to_the_files_of_a_path(given, fault):
    [found] = faults(input={"schema": "a int", **given})
    assert found.startswith(fault)


def test_what_is_for_a_reader_stands_beside_no_dead_letters():
    dead = {"dead_letters": "s3://bucket/runs/x"}
    for given in ({"format": "csv"}, {"options": {"versionAsOf": 3}}):
        [fault] = faults(input={**dead, **given})
        assert (
            fault
            == f"input.{next(iter(given))}: stands beside dead_letters, whose rows the run itself reads; leave it out"
        )
    config = build(input=dead)
    assert RunConfig.from_document(config.to_document()) == config


def test_a_schema_is_recorded_under_its_key():
    config = build(input={"path": "in", "format": "csv", "schema": "a int"})
    assert config.to_document()["input"]["schema"] == "a int"
    assert RunConfig.from_document(config.to_document()) == config


AP = "arn:aws:s3:eu-west-1:123456789012:accesspoint/sales/prefix/x"


@pytest.mark.parametrize("arn", [AP, f"s3://{AP}", f"s3a://{AP}"])
@pytest.mark.parametrize(
    "key", ["workspace", "staging", "input__path", "input__dead_letters", "output__path", "dead_letter__path"]
)
def test_an_access_points_arn_is_refused_with_the_remedy_wherever_a_location_is_taken(key, arn):
    base = {"input": {}} if key == "input__dead_letters" else {}
    found = [fault for fault in faults(**base, **{key: arn}) if "access point" in fault]
    assert found == [fault for fault in found if fault.startswith(f"{key.replace('__', '.')}: is '{arn}', the ARN of")]
    assert len(found) == 1


def test_dead_letters_are_appended_and_replace_nothing():
    dead = {"dead_letters": "s3a://bucket/runs/r1/"}
    config = build(input=dead)
    assert (config.input.dead_letters, config.output.mode) == ("s3://bucket/runs/r1", "append")
    assert RunConfig.from_document(config.to_document()) == config
    assert build(input=dead, output={"path": "out", "mode": "error"}).output.mode == "error"
    [fault] = faults(input=dead, output={"path": "out", "mode": "overwrite"})
    assert fault.startswith("output: has mode: overwrite, which would put the rows of input.dead_letters in the place")


def test_payload_times_concurrency_is_limited_only_if_both_are_pinned():
    [fault] = faults(transform={"max_payload_mb": 6, "max_concurrent_transforms": 17})
    assert fault == (
        "transform.max_concurrent_transforms: is 17; times max_payload_mb (6) that is 102, the service's limit is 100"
    )
    assert build(transform={"max_payload_mb": 6, "max_concurrent_transforms": 16}).transform.max_payload_mb == 6
    assert build(transform={"max_payload_mb": 20, "max_concurrent_transforms": 5}).transform.max_payload_mb == 20
    assert build(transform={"max_concurrent_transforms": 17}).transform.max_concurrent_transforms == 17


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ({}, "output: needs path or table"),
        ({"path": "a", "table": "b", "format": "delta"}, "output.table: is given beside path; give one of the two"),
        ({"table": "c.s.t"}, "output.format: is parquet, which is published into a path; a table needs format: delta"),
        ({"path": "hdfs://n/x"}, "output.format: is parquet, but path is 'hdfs://n/x'"),
        ({"path": "a", "mode": "overwrite_partitions"}, "output.partition_by: is empty; mode: overwrite_partitions"),
        (
            {"path": "a", "mode": "overwrite", "replace_where": "a = 1"},
            "output.replace_where: needs format: delta and mode: overwrite, not format: parquet and mode: overwrite",
        ),
        (
            {"path": "a", "format": "delta", "mode": "append", "replace_where": "a = 1"},
            "output.replace_where: needs format: delta and mode: overwrite, not format: delta and mode: append",
        ),
    ],
)
def test_keys_of_the_output_that_contradict_each_other_are_refused(output, expected):
    [fault] = faults(output=output)
    assert fault.startswith(expected)


@pytest.mark.parametrize(
    "output",
    [
        {"table": "c.s.t", "format": "delta"},
        {"path": "hdfs://n/x", "format": "delta"},
        {"path": "a", "mode": "overwrite_partitions", "partition_by": ["ds"]},
        {"path": "a", "format": "delta", "mode": "overwrite", "replace_where": "a = 1"},
    ],
)
def test_keys_of_the_output_that_belong_together_are_taken(output):
    assert output.items() <= build(output=output).to_document()["output"].items()


def test_all_faults_come_in_one_message_each_with_its_key():
    found = faults(
        inptu={"path": "x"}, record__formt="jsonlines", transform__instance_count=0, output__mode="apend", run_id=None
    )
    assert [fault.partition(":")[0] for fault in found] == [
        "run_id",
        "record.formt",
        "transform.instance_count",
        "output.mode",
        "inptu",
    ]
    assert found[1] == "record.formt: is no key; did you mean format?"
    assert found[4] == "inptu: is no key; did you mean input?"


@pytest.mark.parametrize("key", ["model", "input", "workspace"])
def test_a_required_key_that_is_misspelled_is_not_missing_as_well(key):
    given = {**{name: value for name, value in LEAST.items() if name != key}, key[:-2] + key[-1] + key[-2]: LEAST[key]}
    emulated = Layer("--emulator", {"emulator": {"models": {"churn-v7": "python -m x"}}})
    with pytest.raises(ConfigurationError) as caught:
        check(RunConfig, [Layer("run.yml", given), emulated], {})
    assert caught.value.faults == (f"run.yml: {key[:-2]}{key[-1]}{key[-2]}: is no key; did you mean {key}?",)


def test_an_unknown_key_without_a_near_match_lists_the_valid_ones():
    [fault] = faults(output__zzz=1)
    assert fault == "output.zzz: is no key; valid: format, mode, partition_by, path, replace_where, table"


def test_a_value_that_may_be_secret_is_not_repeated():
    [fault] = faults(transform__environment={"TOKEN": 7391})
    assert "7391" not in fault


def test_reader_options_are_spelled_as_spark_spells_them():
    options = {"header": True, "inferSchema": False, "samplingRatio": 0.5, "maxColumns": 20, "sep": ";"}
    assert build(input__options=options).input.options == {
        "header": "true",
        "inferSchema": "false",
        "samplingRatio": "0.5",
        "maxColumns": "20",
        "sep": ";",
    }


def test_a_run_without_a_name_is_for_the_emulator_only():
    config = build(run_id=None, emulator={"models": {"churn-v7": "http://127.0.0.1:1"}})
    assert config.run_id is None
    assert config.emulated


def test_variables_that_the_emulator_passes_on():
    """`emulator.pass_env`: names, and never of what the AWS SDK takes credentials from."""
    models = {"churn-v7": "http://127.0.0.1:1"}
    assert build(emulator={"models": models, "pass_env": ["CUDA_VISIBLE_DEVICES"]}).emulator.pass_env == (
        "CUDA_VISIBLE_DEVICES",
    )
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "aws_session_token"):
        [fault] = faults(emulator={"models": models, "pass_env": [name]})
        assert fault.startswith(f"emulator.pass_env: names {name}; the driver's AWS keys stay with it")
    [fault] = faults(emulator={"models": models, "pass_env": ["A=B"]})
    assert fault == "emulator.pass_env: names 'A=B'; valid: letters, digits and _, no digit first"


def test_a_model_that_the_emulator_does_not_have_is_refused():
    [fault] = faults(emulator={"models": {"other": "x", "b": "y"}})
    assert fault == "model: no model churn-v7 in emulator.models; it has b, other"


def test_an_error_budget_is_a_number_or_a_fraction():
    assert not build().errors.accepts(1, 1_000_000)
    assert build(errors={"max_rows": 2}).errors.accepts(2, 2)
    assert not build(errors={"max_rows": 2}).errors.accepts(3, 1_000_000)
    assert build(errors={"max_fraction": 0.01}).errors.accepts(10, 1000)
    assert not build(errors={"max_fraction": 0.01}).errors.accepts(11, 1000)
    # 0.29 * 100 is 28.999999999999996.
    assert all(build(errors={"max_fraction": n / 100}).errors.most(100) == n for n in range(101))
    [fault] = faults(errors={"max_rows": 0, "max_fraction": 0.1})
    assert fault.startswith("errors.max_rows: is 0 beside max_fraction (0.1)")


@pytest.mark.parametrize("key", ["output", "dead_letter", "staging"])
@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("s3://lake/a//out", "s3://lake/a/out"),
        ("s3a://lake//out/", "s3a://lake/out"),
        ("s3://lake/a/./b/../out", "s3://lake/a/out"),
        ("s3://lake/../out", "s3://lake/out"),
        ("s3://lake", "s3://lake"),
        ("s3://lake/a b%20/o=1", "s3://lake/a b%20/o=1"),
        ("a//b/../out", "a//b/../out"),  # a file system makes of it what Hadoop does
    ],
)
def test_what_is_written_on_s3_lies_where_spark_reads_it(key, given, taken):
    """As of `s3://lake/${stage}/out` with an empty variable: files were published under keys that no path leads to."""
    made = build(**{key: given if key == "staging" else {"path": given}})
    assert (made.staging if key == "staging" else getattr(made, key).path) == taken


def test_dead_letters_lie_beside_the_output_unless_given():
    assert build().dead_letter_place.path == "out_dead_letter"
    assert build(output={"table": "s.t", "format": "delta"}).dead_letter_place.table == "s.t_dead_letter"
    assert build(dead_letter={"path": "dl"}).dead_letter_place.path == "dl"


@pytest.mark.parametrize(
    ("table", "beside"),
    [
        ("s.`a-b`", "s.`a-b_dead_letter`"),
        ("`s-1`.t", "`s-1`.t_dead_letter"),
        ("delta.`/x/y`", "delta.`/x/y_dead_letter`"),
    ],
)
def test_dead_letters_of_a_table_in_backticks_lie_beside_it(table, beside):
    """The name that was made was none, and the run was refused with a parser's words for a name nobody had given."""
    assert build(output={"table": table, "format": "delta"}).dead_letter_place.table == beside


@pytest.mark.parametrize("output", [{"path": "out"}, {"table": "s.t", "format": "delta"}])
def test_the_errors_of_dead_letters_can_be_renamed_wherever_those_lie(output):
    assert build(output=output).dead_letter_place.error_column == "error"
    renamed = build(output=output, dead_letter={"column": "failure"}).dead_letter_place
    assert renamed.error_column == "failure"
    assert (renamed.path, renamed.table) == (
        ("out_dead_letter", None) if "path" in output else (None, "s.t_dead_letter")
    )
    assert build(dead_letter={"path": "dl", "column": "failure"}).dead_letter_place.error_column == "failure"
    assert build(
        output={"table": "s.t", "format": "delta"}, dead_letter={"table": "s.d", "column": "f"}
    ).dead_letter_place == DeadLetter(table="s.d", column="f")


def test_a_dead_letter_section_says_something():
    assert faults(dead_letter={}) == ["dead_letter: needs path or table"]
    assert faults(dead_letter={"path": "a", "table": "b", "column": "c"})[0].startswith(
        "dead_letter.table: is given beside path"
    )
    assert faults(output={"path": "out", "column": "c"}) != []


def test_a_run_of_before_the_errors_had_a_name_is_the_same_run():
    document = build(dead_letter={"path": "dl"}).to_document()
    before = {**document, "dead_letter": {"path": "dl", "table": None}}
    assert differences(before, document, publishing=True) == []
    renamed = build(dead_letter={"path": "dl", "column": "failure"}).to_document()
    assert differences(before, renamed, publishing=False) == []
    assert differences(before, renamed, publishing=True) == ["dead_letter.column: was not given, now 'failure'"]


def test_dead_letters_go_where_the_outputs_format_can():
    assert faults(dead_letter={"table": "t"}) == [
        "dead_letter: is a table, but output.format is parquet, which is published into a path; give dead_letter.path"
    ]
    assert faults(dead_letter={"path": "out"}) == ["dead_letter: is the same place as output; name another one"]


def test_polling_and_staging_depend_on_what_is_run_against():
    emulator = {"models": {"churn-v7": "http://127.0.0.1:1"}}
    assert [build().poll_seconds(emulated=emulated) for emulated in (False, True)] == [30, 0.3]
    assert build(emulator=emulator, transform__poll_seconds=5).poll_seconds(emulated=True) == 5
    assert build().staging_place == "s3://bucket/prefix"
    assert build(emulator=emulator).staging_place == ".batch_transform/staging"
    assert build(staging="hdfs:///s").staging_place == "hdfs:///s"


def test_a_workspace_has_one_spelling():
    assert build(workspace="s3a://bucket/a/b/").workspace == "s3://bucket/a/b"
    assert build(workspace="s3://bucket/").workspace == "s3://bucket"


def test_a_document_gives_back_the_same_configuration():
    config = build(record__columns=["a", "b"], prediction__schema="p double", transform__max_payload_mb=6)
    document = config.to_document()
    assert RunConfig.from_document(document) == config
    assert RunConfig.from_document(document).to_document() == document
    assert config.prediction.ddl == "p double"


def test_a_configuration_does_not_change():
    with pytest.raises(AttributeError, match="frozen"):
        build().run_id = "other"


def test_a_notebook_needs_neither_input_nor_output():
    config = from_arguments(
        run_id="r", model="churn-v7", workspace="s3://models/scoring", columns=["age", "plan"], prediction="p double"
    )
    assert (config.input, config.output, config.dead_letter_place) == (None, None, None)
    assert (config.record.columns, config.prediction.ddl) == (("age", "plan"), "p double")
    assert FrameConfig.from_document(config.to_document()) == config


def test_a_notebooks_arguments_are_checked_like_a_run_file():
    with pytest.raises(ConfigurationError) as caught:
        from_arguments(run_id=None, model="a b", workspace="x", transform={"instance_count": 0}, input={"path": "x"})
    assert [fault.split(": ")[:2] for fault in caught.value.faults] == [
        ["score()", "run_id"],
        ["score()", "workspace"],
        ["score()", "input"],
        ["score()", "model.name"],
        ["score()", "transform.instance_count"],
    ]


def test_a_notebooks_text_is_taken_as_it_is():
    config = from_arguments(run_id="r", model="m", workspace="s3://models/s", output={"path": "out/${x}"})
    assert config.output.path == "out/${x}"


@pytest.mark.parametrize(
    ("section", "key", "value", "words"),
    [
        ("record", "format", "no.such", "record.format: no.such: No module named 'no'"),
        ("transform", "instances", 3, "transform.instances: is no key; did you mean instance_type"),
    ],
)
def test_a_document_that_does_not_hold_here_says_at_which_key(section, key, value, words):
    document = build().to_document()
    document[section][key] = value
    with pytest.raises(ConfigurationError, match=f"^was begun by another version, or where other modules are: {words}"):
        RunConfig.from_document(document)


def test_a_list_that_an_earlier_version_did_not_know_is_the_empty_one_also_of_a_published_run():
    document = build().to_document()
    unsaid = [key for key, value in document.items() if value in ([], ())]
    assert "expect" in unsaid
    before = {key: value for key, value in document.items() if key not in unsaid}
    assert differences(before, document, publishing=True) == []
    assert differences(before, {**document, "expect": ["count(*) > 1"]}, publishing=True) != []


LONG = int("9" * 299)


@pytest.mark.parametrize(
    "keys",
    [
        {"lease_seconds": LONG},
        {"transform": {"instance_count": LONG}},
        {"transform": {"max_payload_mb": LONG}},
        {"record": {"rows_per_object": -LONG}},
        {"errors": {"max_fraction": 0.5, "max_rows": LONG}},
        {"export": LONG},
    ],
)
def test_a_number_of_hundreds_of_digits_is_told_by_its_first_ones(keys):
    (fault,) = faults(**keys)
    assert "9" * 40 in fault
    assert "9" * 61 not in fault
    assert "..." in fault
