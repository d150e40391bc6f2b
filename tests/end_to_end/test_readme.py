"""Every example of the pages for users is run, or is what another test here runs."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from pyspark.errors import StreamingQueryException
from pyspark.sql import functions as F

from batch_transform import score
from batch_transform.config import load
from batch_transform.records.jsonlines import FORMAT
from batch_transform.spark.settings import OWN_SETTINGS, session_settings
from support.model_server import model_command

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CHURN_MODEL = model_command("churn")
FRONT, *OTHERS = (
    (ROOT / page).read_text(encoding="utf-8")
    for page in ("README.md", "conf/README.md", "jobs/README.md", "tests/README.md")
)
PAGES = "\n".join([FRONT, *OTHERS])


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGES, re.M | re.S)


def _rows_of_table(header: str) -> list[list[str]]:
    lines = PAGES[PAGES.index(header) :].split("\n\n")[0].split("\n")[2:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_run_files_are_accepted_as_they_stand(tmp_path):
    """The run files of the pages, of a table and of its dead letters: no unknown key, no value beyond a limit."""
    least, churn, again = _blocks("yaml")
    (tmp_path / "churn.yml").write_text(churn)
    (tmp_path / "again.yml").write_text(again)
    (tmp_path / "least.yml").write_text(least)
    for name in ("least", "churn"):
        config = load(tmp_path / f"{name}.yml", variables=["ds=2024-05-01"], environ={})
        assert config.run_id == "churn-2024-05-01"
    config = load(tmp_path / "again.yml", variables=["ds=2024-05-01"], environ={})
    assert (config.run_id, config.input.dead_letters) == ("churn-2024-05-01-again", "churn-2024-05-01")


@pytest.mark.parametrize("fragment", [block for block in _blocks("yml") if not block.startswith("faults:")])
def test_each_part_of_a_run_file_is_accepted(tmp_path, fragment):
    """Sections that the pages show alone go with a run file that says the rest."""
    base = "run_id: a\nworkspace: s3://bucket/w\ninput: {path: s3://bucket/in}\noutput: {path: s3://bucket/out}\n"
    (tmp_path / "base.yml").write_text(base if fragment.startswith("model:") else f"{base}model: {{name: m}}\n")
    (tmp_path / "run.yml").write_text(f"extends: base.yml\n{fragment}")
    environ = dict.fromkeys(re.findall(r"\$\{([A-Z_]+)\}", fragment), "of-the-environment")
    assert load(tmp_path / "run.yml", environ=environ).run_id == "a"


def test_commands_name_files_and_modules_that_are_there():
    """Each command of the pages starts something that the repository holds or the environment brings."""
    commands = [line for block in _blocks("bash") for line in block.strip().split("\n")]
    commands += re.findall(r"`(\.venv/bin/python tests[^`]+)`", PAGES)
    for command in commands:
        for word in shlex.split(command, comments=True):
            if word.endswith((".py", ".yml", ".sh")) and word != "churn.yml":  # which the front page shows itself
                assert (ROOT / word).is_file(), word
    assert "./spark-submit.sh conf/demo.yml" in commands


@pytest.mark.spark
def test_json_of_each_type_is_what_the_table_says(spark):
    """The table of types is what `to_json` does with the pipeline's options, in a session with another time zone."""
    rows = _rows_of_table("| type | a value in SQL | in the record |")
    assert len(rows) >= 15
    columns = ", ".join(f"{value} AS c{i}" for i, (_, value, _) in enumerate(rows))
    with session_settings(spark, OWN_SETTINGS):
        frame = spark.sql(f"SELECT {columns}")
        record = frame.select(FORMAT.record(frame.schema, F.struct("*"))).first()[0]
    expected = ",".join(f'"c{i}":{shown}' for i, (_, _, shown) in enumerate(rows))
    assert record == "{" + expected + "}"


@pytest.mark.spark
def test_the_notebook_example_runs(spark, tmp_path, monkeypatch):
    """The call of the pages, unchanged, the same on each, against a stand-alone emulator that the environment names."""
    command = [sys.executable, "-m", "transform_emulator", "--port", "0", "--bucket", "my-bucket", "--exit-with-stdin"]
    command += ["--model", f"churn-v7={CHURN_MODEL}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "lib")}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as emulator:
        endpoint = json.loads(emulator.stdout.readline())["endpoint_url"]
        _use(monkeypatch, endpoint, tmp_path)
        names = {"df": spark.sql("SELECT id, CAST(id % 90 AS INT) AS age, 'basic' AS plan FROM range(100)")}
        (block,) = {block for block in _blocks("python") if "result = " in block and "run_id=" in block}
        # Spark here has no jars for s3a, so what it writes itself goes to disk.
        block = block.replace(
            '    columns=["age", "plan"],', f'    columns=["age", "plan"], staging={str(tmp_path)!r},'
        )
        exec(block, names)
        rows = names["result"].df.orderBy("id").collect()
        emulator.stdin.close()
    assert [(row["id"], row["age"], row["p"]) for row in rows] == [(i, i % 90, i % 90 / 100) for i in range(100)]
    assert names["result"].report["status"] == "published"


@pytest.mark.spark
def test_the_notebook_example_with_an_emulator_runs(spark, tmp_path, monkeypatch):
    """As the page has it, but that a command starts the model's server; Spark here has no jars for s3a."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'lib'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    names = {"df": spark.sql("SELECT id, CAST(id % 90 AS INT) AS age, 'basic' AS plan FROM range(100)"), "score": score}
    (block,) = [block for block in _blocks("python") if "emulator=" in block]
    exec(block.replace("http://127.0.0.1:8080", str(CHURN_MODEL)), names)
    rows = names["result"].df.orderBy("id").collect()
    assert [(row["id"], row["p"]) for row in rows] == [(i, i % 90 / 100) for i in range(100)]


@pytest.mark.spark
def test_the_example_of_a_stream_appends_each_batch_once(spark, tmp_path, monkeypatch):
    """As the page has it, with places on this disk; a caller who dies behind a batch is given it again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'lib'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    people = spark.sql("SELECT id, CAST(id % 90 AS INT) AS age, 'basic' AS plan FROM range(0, 60, 1, 2)")
    people.write.parquet(f"{tmp_path}/arrived")
    published = []

    def score_and_die_once(batch, **arguments):
        emulator = {"models": {"churn-v7": str(CHURN_MODEL)}, "state": str(tmp_path / "state")}
        published.append((arguments["run_id"], score(batch, emulator=emulator, **arguments).report["resumed"]))
        if len(published) == 2:
            raise RuntimeError("this caller dies")

    arriving = spark.readStream.schema(people.schema).option("maxFilesPerTrigger", 1).parquet(f"{tmp_path}/arrived")
    (block,) = [block for block in _blocks("python") if "foreachBatch" in block]
    block = re.sub(r"s3://my-bucket/(scores\w*)", rf"{tmp_path}/\1", block)
    with pytest.raises(StreamingQueryException, match="this caller dies"):
        exec(block, {"stream": arriving, "score": score_and_die_once})
    exec(block, {"stream": arriving, "score": score_and_die_once})
    assert [run for run, _ in published] == ["churn-stream-0", "churn-stream-1", "churn-stream-1"]
    rows = spark.read.parquet(f"{tmp_path}/scores").orderBy("id").collect()
    assert [(row["id"], row["p"]) for row in rows] == [(i, i % 90 / 100) for i in range(60)]


def _use(monkeypatch, endpoint: str, folder: Path) -> None:
    settings = {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
    settings |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    config = folder / "aws-config"
    # Python workers are children of a JVM that is there already: only files reach them, not this environment.
    config.write_text("[default]\n")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert boto3.client("s3").list_buckets()["Buckets"][0]["Name"] == "my-bucket"
