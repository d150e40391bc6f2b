"""Whoever looks for a run, or gives it up, needs to know where it is, and none of its secrets."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from batch_transform.config.loading import whereabouts
from batch_transform.config.run_files import read_text
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.commands import named_run
from batch_transform.pipeline.commands.command_line import CommandLine
from batch_transform.pipeline.commands.command_options import CLEAN, COMPARE, LIST, SHOW, STATUS, STOP
from batch_transform.pipeline.commands.named_run import reached
from batch_transform.pipeline.world.emulation import StateInUse

RUN = """
run_id: ${day}
workspace: s3://bucket/w
aws: {region: eu-west-1}
input: {path: in, options: {sfPassword: "${K}"}, where: "day = '${unknown}'"}
transform: {environment: {API_KEY: "${K}"}, instance_count: "${count}"}
model: {name: m}
output: {path: out}
"""


@pytest.fixture
def run_file(tmp_path):
    def write(text=RUN, name="run.yml"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


@pytest.mark.parametrize(
    "options", [{"command": name} for name in (STATUS, STOP, CLEAN, COMPARE)] + [{"lifecycle": ("3",)}]
)
def test_a_run_is_found_by_its_file_without_the_variables_of_other_keys(run_file, options):
    asked = CommandLine(run_file(), **{"command": CLEAN, **options}, variables=("day=monday",))
    with reached(asked, {}) as there:
        assert (there.uri, there.is_of_file) == (S3Uri("bucket", "w/monday"), True)
        assert there.access.region == "eu-west-1"


def found(path, *, sets=(), variables=(), environ=None):
    return whereabouts(
        path, sets=sets, variables=variables, emulator_models=(), environ=environ or {}, read=read_text, names_run=True
    )


def test_what_says_where_it_is_comes_from_all_layers(run_file):
    run_file()
    child = run_file("extends: run.yml\nworkspace: s3://bucket/other\n", "child.yml")
    assert str(found(child, environ={"day": "monday"}).layout.run) == "s3://bucket/other/monday"
    assert found(child, sets=["run_id=x", "transform.instance_count=3"]).run_id == "x"


def test_a_variable_that_says_where_it_is_is_still_needed(run_file):
    with pytest.raises(ConfigurationError) as refused:
        found(run_file())
    (fault,) = refused.value.faults
    assert fault.endswith("run_id: needs the variable day, which is undefined; give --var day=...")


def test_a_bare_word_is_neither_a_run_file_nor_a_run():
    asked = CommandLine("churn-2024-05-01", command=STATUS)
    words = "churn-2024-05-01: is no run file that there is; name a run by its folder, s3://"
    with pytest.raises(ConfigurationError, match=words), reached(asked, {}):
        pass


def test_the_runs_of_a_workspace_are_listed_by_a_file_without_what_names_one(run_file):
    for text in (RUN, RUN.replace("run_id: ${day}\n", "")):
        with reached(CommandLine(run_file(text), command=LIST), {}) as there:
            assert (str(there.uri), there.is_of_file) == ("s3://bucket/w", False)


def test_whoever_looks_at_a_run_makes_no_folder_of_a_mistyped_name(run_file, tmp_path):
    (tmp_path / ".emulator").mkdir()
    state = tmp_path / ".emulatr"
    for command in (SHOW, STATUS, STOP, CLEAN, LIST):
        asked = CommandLine(
            "s3://bucket/w/monday", command=command, sets=(f"emulator={{models: {{}}, state: {state}}}",)
        )
        with (
            pytest.raises(ConfigurationError, match=r"there is no folder .*\.emulatr \(did you mean \.emulator\?\)"),
            reached(asked, {}, borrows=True),
        ):
            pass
    assert not state.exists()


def test_of_a_run_that_is_at_work_with_the_emulator_and_has_recorded_nothing_nobody_says_that_it_is_not_there(
    tmp_path, monkeypatch, capsys
):
    def held(config, wait_seconds, tell):
        tell("waits")
        raise StateInUse("emulator.state: is in use", "http://127.0.0.1:9")

    monkeypatch.setattr(named_run, "embedded_emulator", held)
    monkeypatch.setattr(named_run.Reached, "recorded", lambda there: SimpleNamespace(state=None))
    asked = CommandLine("s3://bucket/w/monday", command=SHOW, sets=(f"emulator={{models: {{}}, state: {tmp_path}}}",))
    with reached(asked, {}, borrows=True) as there:
        assert there.is_borrowed
        with pytest.raises(ConfigurationError, match="a run is at work with the same"):
            there.run()
    assert capsys.readouterr() == ("", "")  # whoever may ask that one waits for nobody
    with pytest.raises(StateInUse), reached(asked, {}):
        pass
    out, err = capsys.readouterr()
    assert (out, "waits" in err) == ("", True)  # on standard output is the report alone


def test_a_file_without_a_run_id_names_no_run(run_file):
    asked = CommandLine(run_file(RUN.replace("run_id: ${day}\n", "")), command=STATUS)
    with (
        pytest.raises(ConfigurationError, match="has no run_id, without which no run can be found"),
        reached(asked, {}),
    ):
        pass
