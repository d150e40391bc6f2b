"""What is told before Spark starts of a run in an embedded emulator: columns by footers, and servers that are gone."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batch_transform.core.uris import S3Uri
from batch_transform.outputs.local_tree import LocalTree
from batch_transform.outputs.s3_tree import S3Tree
from batch_transform.pipeline.checks import footer_columns, model_servers
from batch_transform.pipeline.submit import console_script
from batch_transform.pipeline.submit.submission import main
from support.memory_store import MemoryStore

RUN = """\
run_id: run
workspace: s3://bucket/runs
input: {{path: "{path}"}}
record: {{columns: [{columns}]}}
model: {{name: m}}
prediction: {{schema: p double}}
output: {{path: out, mode: append}}
"""
EMULATED, KEPT = ["--emulator", "m=http://127.0.0.1:9"], ["--set", "emulator.state=.emulator"]
MISSING = "record.columns: no column zz in the input; it has a, b"


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Nobody waits for a server that is not there."""
    monkeypatch.setattr(model_servers, "GRACE_SECONDS", 0.0)


@pytest.fixture
def submit(tmp_path, monkeypatch):
    """Runs the submission on one local file; gives its faults, and whether Spark would be started."""
    monkeypatch.chdir(tmp_path)
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), tmp_path / "customers.parquet")

    def run(*words, columns="a, b", path="customers.parquet"):
        (tmp_path / "run.yml").write_text(RUN.format(path=path.format(tmp_path), columns=columns))
        work = Path(tempfile.mkdtemp(dir=tmp_path))
        main([str(work), "jobs/score.py", *words], {"SPARK_HOME": "", "PATH": "/usr/bin:/bin"})
        report = json.loads((work / "fallback.json").read_text())
        return report["error"], (work / "command.json").exists()

    return run


@pytest.mark.parametrize("command", [["run"], ["plan"], []])
@pytest.mark.parametrize("state", [[], KEPT])
def test_a_column_that_the_one_file_of_the_input_has_not_is_told_of_a_run_and_of_its_plan(submit, command, state):
    faults, starts = submit(*command, "run.yml", *EMULATED, *state, columns="a, zz")
    assert (faults[-1], starts) == (MISSING, False)


@pytest.mark.parametrize("path", ["./customers.parquet", "{}/customers.parquet", "file://{}/customers.parquet"])
def test_however_the_file_is_named(submit, path):
    assert submit("plan", "run.yml", *EMULATED, columns="zz", path=path) == ([MISSING], False)


@pytest.mark.parametrize("command", ["run", "plan", "prepare"])
def test_a_file_that_is_not_there_is_told_at_once(submit, command):
    faults, starts = submit(command, "run.yml", *EMULATED, *KEPT, path="gone.parquet")
    assert "gone.parquet cannot be read: there is no such file or folder" in faults[-1]
    assert not starts


@pytest.mark.parametrize("path", ["s3://bucket/customers.parquet", "*.parquet"])
def test_what_cannot_be_seen_yet_is_left_to_spark(submit, path):
    assert submit("plan", "run.yml", *EMULATED, columns="zz", path=path)[1]


@pytest.mark.parametrize("state", [[], KEPT])
def test_a_plan_tells_a_server_that_is_missing_at_once_and_goes_on(submit, capsys, monkeypatch, state):
    monkeypatch.setattr(model_servers, "GRACE_SECONDS", 60.0)
    began = time.monotonic()
    assert submit("plan", "run.yml", *EMULATED, *state)[1]
    said = capsys.readouterr().err
    assert "missing: emulator.models.m: http://127.0.0.1:9: nobody listens there" in said
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("state", [[], KEPT])
def test_a_server_that_is_not_there_is_told_of_a_run_that_no_emulator_can_have_kept(submit, state):
    (fault,), starts = submit("run.yml", *EMULATED, *state)
    assert fault.startswith("emulator.models.m: http://127.0.0.1:9: nobody listens there")
    assert not starts


def test_an_output_that_is_there_and_may_not_be_is_told_of_a_run_that_no_emulator_can_have_kept(submit, tmp_path):
    words, mode = ["run.yml", *EMULATED, *KEPT], ["--set", "output.mode=error"]
    (tmp_path / "out").mkdir()
    assert len(submit(*words, *mode)[0]) == 1  # of the server
    pq.write_table(pa.table({"a": [1]}), tmp_path / "out" / "part-0.parquet")
    faults, starts = submit(*words, *mode)
    assert not starts
    assert [fault.partition(":")[0] for fault in faults] == ["emulator.models.m", "output"]
    assert "output.mode" in faults[1]
    assert len(submit(*words, "--set", "output.mode=append")[0]) == 1
    (tmp_path / ".emulator").mkdir()
    (tmp_path / ".emulator" / "state.db").write_bytes(b"")
    assert submit(*words, *mode)[1]  # it may be that run's own


def test_a_place_of_staged_rows_that_cannot_be_written_is_told_of_a_run_that_no_emulator_can_have_kept(
    submit, tmp_path
):
    faults, starts = submit("run.yml", *EMULATED, *KEPT, "--set", "staging=customers.parquet/staged")
    assert not starts
    assert [fault.partition(":")[0] for fault in faults] == ["emulator.models.m", "staging"]
    (tmp_path / ".emulator").mkdir()
    (tmp_path / ".emulator" / "state.db").write_bytes(b"")
    assert submit("run.yml", *EMULATED, *KEPT, "--set", "staging=customers.parquet/staged")[1]


def test_what_an_emulator_has_kept_may_need_no_server(submit, tmp_path):
    (tmp_path / ".emulator").mkdir()
    assert not submit("run.yml", *EMULATED, *KEPT)[1]
    (tmp_path / ".emulator" / "state.db").write_bytes(b"")
    assert submit("run.yml", *EMULATED, *KEPT)[1]


@pytest.mark.parametrize("command", ["run", "plan"])
def test_the_installed_command_tells_it_before_it_begins_spark_as_well(submit, monkeypatch, command):
    submit("plan", "run.yml", *EMULATED, columns="zz")
    for module in ("run", "plan"):
        monkeypatch.setattr(f"batch_transform.pipeline.commands.{module}.{module}_job", None)
    assert console_script.exit_code([command, "run.yml", *EMULATED, *KEPT]) == 2


def test_a_file_alone_is_found_in_its_tree(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "a").write_bytes(b"12")
    store = MemoryStore()
    store.put(S3Uri("bucket", "in/a"), b"12")
    for tree in (LocalTree(str(tmp_path)), S3Tree(store, S3Uri("bucket", "in"))):
        found = tree.find("a")
        assert found is not None
        assert (found.name, found.size_bytes, tree.read_tail(found, 1)) == ("a", 2, b"2")
        assert tree.find("folder") is tree.find("gone") is None


def test_one_object_is_a_file_too():
    store = MemoryStore()
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), sink)
    store.put(S3Uri("bucket", "in/customers.parquet"), sink.getvalue().to_pybytes())
    given = footer_columns.Input(path="s3://bucket/in/customers.parquet")
    assert footer_columns._columns(given, store).some == ("a", "b")
