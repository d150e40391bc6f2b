"""What is refused, and told of a published run, before Spark starts: the submission itself, against an emulator."""

from __future__ import annotations

import json

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.checks.before_spark import told_before_spark
from batch_transform.pipeline.submit import console_script
from batch_transform.pipeline.submit.submission import main
from support.memory_run import MemoryRun, echoing
from transform_emulator.emulator import Emulator
from transform_emulator.settings import Settings

RUN = """\
run_id: {run_id}
workspace: s3://{bucket}/runs
input: {{path: {path}}}
record: {{columns: [{columns}]}}
model: {{name: {model}}}
prediction: {{schema: p double}}
output: {{path: {folder}/out, partition_by: [day]}}
"""


@pytest.fixture
def submit(tmp_path, capsys):
    """Runs the submission on an input of one file; gives exit code, report, and whether Spark would be started."""
    (tmp_path / "in" / "day=1").mkdir(parents=True)
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), tmp_path / "in" / "day=1" / "part-0.parquet")
    with Emulator(Settings({"churn": "python -m model"}, buckets=["bucket"])) as emulator:
        environ = {
            "AWS_ENDPOINT_URL": emulator.endpoint_url,
            "AWS_REGION": "us-east-1",
            "SPARK_HOME": "",
            "PATH": "/usr/bin:/bin",
        }

        def run(
            *arguments, run_id="run", bucket="bucket", model="churn", columns="a, b", path=f"{tmp_path}/in", **more
        ):
            work = tmp_path / "work"
            work.mkdir(exist_ok=True)
            text = RUN.format(run_id=run_id, bucket=bucket, model=model, columns=columns, path=path, folder=tmp_path)
            (tmp_path / "run.yml").write_text(text)
            words = [str(work), "jobs/score.py", str(tmp_path / "run.yml"), *arguments]
            code = main(words, environ | more)
            return code, json.loads((work / "fallback.json").read_text()), (work / "command.json").exists()

        run.emulator = emulator
        yield run


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"bucket": "nowhere"}, "workspace: there is no bucket nowhere"),
        ({"model": "absent"}, "model.name: absent"),
        ({"columns": "a, c"}, "record.columns: no column c in the input; it has a, b, day"),
    ],
)
def test_what_needs_no_spark_to_be_seen_is_refused_without_it(submit, given, said):
    code, report, starts = submit(**given)
    assert (code, report["status"], starts) == (2, "refused", False)
    assert any(said in line for line in report["error"])


def test_all_of_it_is_told_at_once(submit):
    _, report, _ = submit(model="absent", columns="c")
    assert len(report["error"]) == 2


def test_an_output_that_is_there_and_may_not_be_is_among_it(submit, tmp_path):
    (tmp_path / "out" / "day=1").mkdir(parents=True)
    pq.write_table(pa.table({"a": [1]}), tmp_path / "out" / "day=1" / "part-0.parquet")
    _, report, starts = submit("--set", "output.mode=error", model="absent", columns="c")
    assert (len(report["error"]), starts) == (3, False)
    assert any(f"{tmp_path}/out" in line for line in report["error"])
    assert submit("--set", "output.mode=append")[2]


def test_partition_columns_and_other_cases_are_columns(submit):
    code, _, starts = submit(columns="A, DAY")
    assert (code, starts) == (0, True)


def test_the_installed_command_asks_aws_before_it_begins_spark(submit, tmp_path, monkeypatch, capsys):
    submit(columns="c")
    for name, value in {"AWS_ENDPOINT_URL": submit.emulator.endpoint_url, "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("batch_transform.pipeline.commands.run.run_job", None)
    assert console_script.exit_code(["run", str(tmp_path / "run.yml")]) == 2
    assert "record.columns: no column c in the input" in capsys.readouterr().out


@pytest.mark.parametrize("sets", [["input.options={basePath: /}"], ["input.format=json"]])
def test_what_only_spark_knows_is_left_to_spark(submit, sets):
    code, _, starts = submit(*(word for value in sets for word in ("--set", value)), columns="c")
    assert (code, starts) == (0, True)


@pytest.mark.parametrize("sets", ["input.where=a > 0", "input.options={mergeSchema: true}"])
def test_rows_that_are_chosen_and_schemas_that_are_merged_make_no_other_columns(submit, sets):
    code, report, starts = submit("--set", sets, columns="c")
    assert (code, report["status"], starts) == (2, "refused", False)
    assert submit("--set", sets)[2]


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        ("prediction.schema='q double, a boolean'", "prediction: the column a is in the input already"),
        ("prediction.column=b", "prediction: the column b is in the input already"),
        ("dead_letter={column: day}", "input: a column named day is in the input, but dead letters add one"),
    ],
)
def test_a_column_that_the_input_has_is_added_by_nothing(submit, sets, said):
    _, report, starts = submit("--set", sets)
    assert (any(said in line for line in report["error"]), starts) == (True, False)


@pytest.mark.parametrize("ddl", ["struct<a:int>", "A double", "b map<string,int>", "q double comment 'a b, a int'"])
def test_of_names_that_a_session_may_tell_apart_or_a_ddl_that_is_more_than_them_spark_tells(submit, ddl):
    assert submit("--set", f"prediction.schema={json.dumps(ddl)}")[2]


@pytest.mark.parametrize("command", [[], ["plan"]])
def test_a_profile_that_is_not_there_refuses_what_asks_aws_and_nothing_else(submit, tmp_path, command):
    submit()
    environ = {"AWS_PROFILE": "absent", "AWS_REGION": "us-east-1", "SPARK_HOME": "", "PATH": "/usr/bin:/bin"}
    words = [str(tmp_path / "work"), "jobs/score.py", *command, str(tmp_path / "run.yml")]
    assert main(words, environ) == 2
    assert "AWS_PROFILE: " in (tmp_path / "work" / "fallback.json").read_text()
    assert main([*words, "--set", "emulator={models: {churn: 'python -m model'}}"], environ) == 0


@pytest.mark.parametrize("key", ["output", "dead_letter"])
def test_a_bucket_that_is_not_there_is_refused_in_any_mode(submit, key):
    words = ["--set", "output.mode=overwrite", "--set", f"{key}.path=s3://nowhere/table"]
    _, report, starts = submit(*words)
    assert not starts
    assert [line for line in report["error"] if line.startswith("output: s3://nowhere/table cannot be written")]


def test_a_file_that_is_not_there_is_refused_with_what_to_look_at(submit, tmp_path):
    gone = f"{tmp_path}/gone"
    said = f"input: file:{gone} cannot be read: there is no such file or folder; check input.path"
    for format in ("parquet", "csv"):
        _, report, starts = submit("--set", f"input.format={format}", path=gone)
        assert (report["error"], starts) == ([said], False)


EMULATED = ["--set", "emulator={models: {churn: 'python -m model'}, state: kept}"]


@pytest.mark.parametrize("where", [[], EMULATED])
@pytest.mark.parametrize("command", ["run", "prepare", "plan"])
def test_a_file_that_is_not_there_is_refused_by_whatever_reads_it(submit, tmp_path, monkeypatch, command, where):
    monkeypatch.chdir(tmp_path)
    submit()
    environ = {"AWS_ENDPOINT_URL": submit.emulator.endpoint_url, "AWS_REGION": "us-east-1", "PATH": "/usr/bin:/bin"}
    words = [command, str(tmp_path / "run.yml"), *where, "--set", f"input.path={tmp_path}/gone"]
    (tmp_path / "work" / "command.json").unlink()
    assert main([str(tmp_path / "work"), "jobs/score.py", *words], environ | {"SPARK_HOME": ""}) == 2
    assert "there is no such file or folder" in (tmp_path / "work" / "fallback.json").read_text()
    assert not (tmp_path / "work" / "command.json").exists()


@pytest.mark.parametrize("command", ["run", "prepare", "plan"])
def test_the_installed_command_looks_for_it_where_the_emulator_is(submit, tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    submit()
    for module in ("run.run_job", "plan.plan_job"):
        monkeypatch.setattr(f"batch_transform.pipeline.commands.{module}", None)
    words = [command, str(tmp_path / "run.yml"), *EMULATED, "--set", f"input.path={tmp_path}/gone"]
    assert console_script.exit_code(words) == 2
    assert "there is no such file or folder" in capsys.readouterr().out


def test_a_file_that_another_machine_may_have_is_left_to_spark(submit, tmp_path):
    assert submit("--master", "spark://h:7077", path=f"{tmp_path}/gone")[2]


@pytest.mark.parametrize("path", ["s3://nowhere/in", "hdfs://h/gone", "dbfs:/gone", "/gone/*.parquet", "/gone/{a,b}"])
def test_a_place_that_is_not_on_this_machine_or_a_pattern_is_left_to_spark(submit, path):
    assert submit(path=f'"{path}"')[2]


def test_of_an_embedded_emulator_only_the_columns_are_looked_at(submit):
    words = ["--set", "emulator={models: {churn: 'python -m model'}}"]
    assert submit(*words, bucket="nowhere")[0] == 0
    assert submit(*words, columns="c")[0] == 2


def test_a_published_run_is_told_and_another_configuration_of_it_refused(submit):
    run = MemoryRun([5, 5], echoing(lambda row: None))
    run.to_the_end()
    client = boto3.client("s3", "us-east-1", endpoint_url=submit.emulator.endpoint_url)
    for (bucket, key), (body, _) in run.store.world.objects.items():
        client.put_object(Bucket=bucket, Key=key, Body=body)
    config = run.driver().ctx.config
    environ = {"AWS_ENDPOINT_URL": submit.emulator.endpoint_url, "AWS_REGION": "us-east-1"}
    assert told_before_spark(config, environ) == run.state().report
    with pytest.raises(ConfigurationError, match="another configuration"):
        told_before_spark(config.model_copy(update={"output": None}), environ)
