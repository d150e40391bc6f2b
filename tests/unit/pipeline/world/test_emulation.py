"""What is told where the embedded emulator cannot have the folder in which it is to keep a run."""

from __future__ import annotations

import json
import os

import pytest

from batch_transform.config.surroundings import Emulator
from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.world import emulation
from transform_emulator import cli
from transform_emulator.state import directory


@pytest.fixture(autouse=True)
def signals_stay(monkeypatch):
    """The signals stay the tests'."""
    monkeypatch.setattr(cli.signal, "signal", lambda number, handler: None)


def told(monkeypatch, capsys, tmp_path, state):
    """What the pipeline tells where the emulator ends with what its own command line has written."""
    return refusal(monkeypatch, capsys, tmp_path, state).faults[0]


def refusal(monkeypatch, capsys, tmp_path, state):
    arguments = ["--port", "0", "--state", str(state), "--state-wait-seconds", "0", "--exit-with-stdin"]
    assert cli.main(arguments) == 1
    said = capsys.readouterr()
    code = f"import sys; sys.stdout.write({said.out!r}); sys.stderr.write({said.err!r}); sys.exit(1)"
    return refusal_of(code, monkeypatch, tmp_path, str(state))


def refusal_of(code, monkeypatch, tmp_path, state=None):
    """What is told of an emulator that does no more than this."""
    (tmp_path / "transform_emulator.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with (
        pytest.raises(ConfigurationError) as refused,
        emulation.embedded_emulator(Emulator(models={"m": "http://127.0.0.1:9"}, state=state)),
    ):
        pytest.fail("it began")
    assert len(refused.value.faults) == 1
    return refused.value


def test_a_folder_in_which_a_run_is_at_work_is_told_by_its_key_and_with_what_to_do(monkeypatch, capsys, tmp_path):
    held = directory.Directory(tmp_path / "kept", 0, pytest.fail)
    line = told(monkeypatch, capsys, tmp_path, held.path)
    held.release()
    assert line.startswith(
        f"emulator.state: {held.path} is in use by process {os.getpid()}, the emulator of a run or a command that is "
        "still at work with it"
    )
    assert "Wait until that has ended" in line
    assert "transform-emulator" not in line


def test_that_another_run_is_waited_for_is_told_at_once(monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("BATCH_TRANSFORM_EVENTS_FILE", raising=False)
    held = directory.Directory(tmp_path / "kept", 0, pytest.fail)
    arguments = ["--port", "0", "--state", str(held.path), "--state-wait-seconds", "0.2", "--exit-with-stdin"]
    assert cli.main(arguments) == 1
    held.release()
    said = capsys.readouterr().out
    first, second = map(json.loads, said.splitlines())
    assert (first["state_waits_for"], second["state_owner"]) == (str(os.getpid()), str(os.getpid()))
    # It begins all the same, once the other one has left.
    code = f'import time\nprint({said.splitlines()[0]!r}, flush=True)\nprint(\'{{"endpoint_url": "u"}}\', flush=True)\n'
    (tmp_path / "transform_emulator.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with emulation.embedded_emulator(Emulator(models={"m": "http://127.0.0.1:9"}, state="kept")) as url:
        assert url == "u"
    assert (
        f"emulator.state: kept is in use by process {os.getpid()}, the emulator of another run or command; waits until "
        "that has ended, 0.2 seconds at most"
    ) in capsys.readouterr().err


def test_no_setting_of_awss_sdks_reaches_the_emulator_but_keys_and_what_is_passed():
    environ = {"PATH": "/bin", "AWS_PROFILE": "absent", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "r", "AWS_X": "y"}
    none = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    kept = {name: environ[name] for name in ("PATH", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")}
    assert emulation._environment(environ, ["AWS_REGION"]) == kept | none


def test_who_may_borrow_is_told_where_the_emulator_answers_that_has_the_folder(monkeypatch, capsys, tmp_path):
    held = directory.Directory(tmp_path / "kept", 0, pytest.fail)
    assert refusal(monkeypatch, capsys, tmp_path, held.path).endpoint_url == ""
    held.tell("http://127.0.0.1:4711")
    refused = refusal(monkeypatch, capsys, tmp_path, held.path)
    held.release()
    assert refused.endpoint_url == "http://127.0.0.1:4711"
    assert f"is in use by process {os.getpid()}, " in refused.faults[0]


def test_a_folder_that_holds_something_else_is_told_by_its_key(monkeypatch, capsys, tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "thesis.txt").write_text("all of it")
    line = told(monkeypatch, capsys, tmp_path, tmp_path / "kept")
    assert line.startswith(f"emulator.state: {tmp_path / 'kept'} holds something else than an emulator's state; give ")


def test_a_program_alone_is_told_of_it_on_standard_output(capsys, tmp_path):
    (tmp_path / "thesis.txt").write_text("all of it")
    assert cli.main(["--port", "0", "--state", str(tmp_path), "--state-wait-seconds", "0"]) == 1
    assert capsys.readouterr().out == ""
    assert cli.main(["--port", "0", "--state", str(tmp_path), "--exit-with-stdin"]) == 1
    assert set(json.loads(capsys.readouterr().out)) == {"state_error", "state_owner", "state_endpoint_url"}


def test_a_folder_that_has_lost_its_index_is_told_by_its_key_and_with_what_to_do(monkeypatch, capsys, tmp_path):
    (tmp_path / "kept" / "objects").mkdir(parents=True)
    (tmp_path / "kept" / "objects" / ("0" * 32)).write_bytes(b"row")
    line = told(monkeypatch, capsys, tmp_path, tmp_path / "kept")
    assert line.startswith(f"emulator.state: {tmp_path / 'kept'} holds 1 file of objects and no index: ")
    assert line.endswith("; put state.db back from a copy, or give an empty folder")


@pytest.mark.parametrize("depth", [1, 200], ids=["a whole stack", "the end of a stack"])
def test_of_a_stack_of_the_emulators_its_last_line_is_told(monkeypatch, tmp_path, depth):
    code = f"def deep(n):\n    if not n: raise OSError('no port is free')\n    [deep, len][0](n - 1)\ndeep({depth})\n"
    refused = refusal_of(code, monkeypatch, tmp_path)
    assert refused.faults == ("emulator: it did not start: OSError: no port is free",)
