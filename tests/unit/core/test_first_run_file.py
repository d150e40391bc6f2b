"""A first run file is one that a run can be begun with, whatever its columns are called."""

from __future__ import annotations

import pytest

from batch_transform.config.loading import load
from batch_transform.core.first_run_file import FirstRun, InputColumn, run_file_text

COLUMNS = [
    InputColumn("customer_id", "int64"),
    InputColumn("age", "int32"),
    InputColumn("plan", "string"),
    InputColumn("photo", "binary"),
    InputColumn("ds", None),
]


def loaded(tmp_path, run):
    place = tmp_path / "run.yml"
    place.write_text(run_file_text(run), encoding="utf-8")
    return load(place, variables=["ds=2024-05-01"], environ={})


def test_it_scores_what_a_model_may_learn_from_beside_its_input(tmp_path):
    run = FirstRun("s3://lake/customers/", False, "parquet", "churn-v7", COLUMNS, "part-0.parquet")
    config = loaded(tmp_path, run)
    assert (config.run_id, config.workspace) == ("churn-v7-2024-05-01", "s3://lake/scoring")
    assert config.input.path == "s3://lake/customers/"
    assert config.record.columns == ("age", "plan")
    assert (config.output.path, config.output.mode) == ("s3://lake/customers_scored_2024-05-01", "error")
    text = run_file_text(run)
    assert "# Left out: customer_id (names the row), photo (rarely what a model is asked), ds (a partition)." in text
    assert "#   ds           in names of folders" in text


def test_times_as_pandas_writes_them_are_told_of_with_what_to_do(tmp_path):
    times = [
        InputColumn("age", "int32"),
        InputColumn("signed_up", "timestamp[ns]"),
        InputColumn("seen", "timestamp[us]"),
    ]
    run = FirstRun("customers.parquet", False, "parquet", "churn-v7", times, "customers.parquet")
    text = run_file_text(run)
    assert "# Spark reads no nanoseconds (signed_up): write microseconds (pandas: coerce_timestamps='us'), or" in text
    told = "  # options: {nanosAsLong: true}"
    assert told in text
    place = tmp_path / "asked.yml"
    place.write_text(text.replace(told, told.replace("# ", "")), encoding="utf-8")  # as whoever chooses that makes it
    asked = load(place, variables=["ds=2024-05-01"], environ={})
    assert asked.input.options == {"nanosAsLong": "true"}
    assert "nanoseconds" not in run_file_text(FirstRun("c.parquet", False, "parquet", "m", COLUMNS, "c.parquet"))


def test_a_named_table_is_scored_into_a_named_table(tmp_path):
    config = loaded(tmp_path, FirstRun("ml.customers", True, "delta", "churn-v7"))
    assert (config.input.table, config.output.table, config.output.format) == (
        "ml.customers",
        "ml.customers_scored",
        "delta",
    )
    assert config.record.columns is None


@pytest.mark.parametrize(
    "run",
    [
        FirstRun("s3://lake/customers", False, "parquet", "m", COLUMNS, "x"),
        FirstRun("in.parquet", False, "parquet", "m", COLUMNS, "x", output="out/scored"),
        FirstRun("ml.customers", True, "delta", "m"),
    ],
)
def test_the_run_of_another_day_is_not_refused_for_what_the_first_has_published(tmp_path, run):
    loaded(tmp_path, run)
    one, other = (load(tmp_path / "run.yml", variables=[f"ds={day}"], environ={}).output for day in ("a", "b"))
    assert one.mode == "append" or one.path != other.path


@pytest.mark.parametrize("taken", [(), (InputColumn("Prediction", "double"),)])
def test_what_it_suggests_of_predictions_is_what_a_run_of_it_has(tmp_path, taken):
    run = FirstRun("in.parquet", False, "parquet", "m", [*COLUMNS, *taken], "x")
    config = loaded(tmp_path, run)
    column = config.prediction.column or "prediction"
    text = run_file_text(run)
    expected = f'["count(distinct {column}) > 1"]'
    assert f"# expect: {expected}" in text
    for suggested in ("expect:", "prediction:", "  schema: infer"):  # as whoever wants it makes it
        text = text.replace(f"# {suggested}", suggested)
    text = text.replace("  # schema: infer", "  schema: infer")
    place = tmp_path / "wanted.yml"
    place.write_text(text, encoding="utf-8")
    wanted = load(place, variables=["ds=2024-05-01"], environ={})
    assert (list(wanted.expect), wanted.prediction.ddl) == ([f"count(distinct {column}) > 1"], "infer")


def test_the_last_line_of_a_run_file_has_an_end():
    text = run_file_text(FirstRun("ml.customers", True, "delta", "churn-v7"))
    assert text.endswith("overwrite_partitions\n")


def test_what_is_given_is_not_suggested(tmp_path):
    config = loaded(
        tmp_path, FirstRun("in.parquet", False, "parquet", "m", COLUMNS, "x", "s3://b/out", "s3://mine/runs")
    )
    assert (config.output.path, config.workspace) == ("s3://b/out", "s3://mine/runs")


@pytest.mark.parametrize(
    "name", ["yes", "null", "1e3", "a b", "a: b", "a#b", "'", '"', "ünïcode", "a\nb", "-", "*", "a, b"]
)
def test_a_column_of_any_name_is_read_back(tmp_path, name):
    columns = [InputColumn(name, "double"), InputColumn("Prediction", "double")]
    config = loaded(tmp_path, FirstRun("in.parquet", False, "parquet", "m", columns, "x\ny"))
    assert config.record.columns == (name, "Prediction")
    assert config.prediction.column == "answer"
