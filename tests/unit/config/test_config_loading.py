"""Run files on disk: YAML, `extends`, variables, overrides, and where a fault is said to come from."""

from __future__ import annotations

import textwrap

import pytest

from batch_transform.config import load
from batch_transform.core.errors import ConfigurationError

RUN = """\
    run_id: churn-${ds}
    workspace: s3://bucket/prefix
    input: {path: in}
    model: {name: churn-v7}
    output: {path: out}
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes run files into the working folder, so that a message names them as they were named."""
    monkeypatch.chdir(tmp_path)

    def to_file(text, name="run.yml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(text), encoding="utf-8")
        return name

    return to_file


def refusal(*args, **kwargs):
    with pytest.raises(ConfigurationError) as caught:
        load(*args, **kwargs)
    return list(caught.value.faults)


def test_variables_come_from_the_command_line_before_the_environment(write):
    path = write(RUN)
    assert load(path, environ={"ds": "env"}).run_id == "churn-env"
    assert load(path, environ={"ds": "env"}, variables=["ds=2024-05-01"]).run_id == "churn-2024-05-01"


def test_all_undefined_variables_are_named_and_hide_no_other_fault(write):
    path = write(RUN + "    transform: {instance_count: '${n}', job_timeout_minutes: 0}\n")
    assert refusal(path) == [
        "run.yml: run_id: needs the variable ds, which is undefined; give --var ds=...",
        "run.yml: transform.instance_count: needs the variable n, which is undefined; give --var n=...",
        "run.yml: transform.job_timeout_minutes: is 0; it must be at least 1",
    ]


def test_a_value_that_is_one_variable_takes_the_type_of_its_key(write):
    path = write(RUN + "    transform: {instance_count: '${n}'}\n")
    config = load(path, variables=["n=4", "ds=20240501"])
    assert config.transform.instance_count == 4
    assert load(path, variables=["n=4", "ds=1"], sets=["run_id=${ds}"]).run_id == "1"


def test_an_override_wins_and_takes_the_type_of_its_key(write):
    path = write(RUN)
    config = load(
        path,
        sets=[
            "run_id=20240501",
            "transform.instance_count=4",
            "transform.environment={WORKERS: '2'}",
            "record.columns=[age, plan]",
            "errors.max_fraction=0.5",
            "input.where=ds = '2024' and a = 1",
        ],
    )
    assert (config.run_id, config.transform.instance_count) == ("20240501", 4)
    assert config.transform.environment == {"WORKERS": "2"}
    assert config.record.columns == ("age", "plan")
    assert config.errors.max_fraction == 0.5
    assert config.input.where == "ds = '2024' and a = 1"


def test_a_quoted_override_is_text(write):
    [fault] = refusal(write(RUN), variables=["ds=1"], sets=["transform.instance_count='4'"])
    assert (
        fault == "--set: transform.instance_count: must be a whole number, not the text '...'; write it without quotes"
    )


def test_the_clusters_file_runs_on_a_laptop_unedited(write):
    path = write(
        """\
        run_id: churn-${ds}
        workspace: s3://bucket/prefix
        input: {table: lake.people}
        model: {name: churn-v7}
        output: {table: lake.scored, format: delta}
        """
    )
    config = load(
        path,
        variables=["ds=2024-05-01"],
        sets=["input.path=sample.parquet", "output.path=out"],
        emulator_models=["churn-v7=http://127.0.0.1:8080"],
    )
    assert (config.input.path, config.input.table) == ("sample.parquet", None)
    assert (config.output.path, config.output.table) == ("out", None)
    assert config.emulator.models == {"churn-v7": "http://127.0.0.1:8080"}


def test_null_gives_a_key_back_its_default(write):
    path = write(RUN + "    emulator: {models: {churn-v7: 'python -m m'}}\n    merge: join\n")
    config = load(path, variables=["ds=1"], sets=["emulator=null", "merge=~"])
    assert (config.emulator, config.merge) == (None, "zip")


def test_extends_lies_beside_the_file_and_below_it(write):
    write("transform: {instance_count: 2, tags: {a: '1', b: '2'}}\nrecord: {columns: [x, y]}\n", "shared/base.yml")
    write("extends: base.yml\ntransform: {instance_count: 3, tags: {b: '3'}}\n", "shared/team.yml")
    path = write(RUN + "    extends: shared/${team}.yml\n    record: {columns: [z]}\n")
    config = load(path, variables=["ds=1", "team=team"])
    assert config.transform.instance_count == 3
    assert config.transform.tags == {"a": "1", "b": "3"}
    assert config.record.columns == ("z",)


def test_a_fault_names_the_file_or_the_argument_that_it_came_from(write):
    write("transform: {instance_count: 0, max_payload_mb: 0}\nzzz: 1\n", "base.yml")
    path = write(RUN + "    extends: base.yml\n    transform: {max_payload_mb: 101}\n    merge: x\n")
    assert [fault.split(": ")[:2] for fault in refusal(path, variables=["ds=1"], sets=["output.mode=x"])] == [
        ["base.yml", "transform.instance_count"],
        ["run.yml", "transform.max_payload_mb"],
        ["--set", "output.mode"],
        ["run.yml", "merge"],
        ["base.yml", "zzz"],
    ]


def test_extends_in_a_circle_is_refused(write):
    write("extends: run.yml\n", "base.yml")
    assert refusal(write("extends: base.yml\n")) == [
        "base.yml: extends: goes in a circle: run.yml -> base.yml -> run.yml"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [1\nb: 2", "run.yml: line 2, column 2: "),
        ("run_id: a\nmerge: zip\nrun_id: b\n", "run.yml: line 3, column 1: the key run_id stands twice"),
        ("input: {path: a, path: b}\n", "run.yml: line 1, column 18: the key path stands twice"),
        ("input: {1: a}\n", "run.yml: line 1, column 9: a key must be text; quote it"),
        ("- a\n", "run.yml: is no map of keys"),
        ("extends: other.yml\n", "other.yml: no such file"),
        ("extends: [a]\n", "run.yml: extends: must be the path of a run file"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_place(write, text, expected):
    [fault] = refusal(write(text))
    assert fault.startswith(expected)


def test_a_missing_file_is_refused(tmp_path):
    assert refusal(tmp_path / "none.yml") == [f"{tmp_path / 'none.yml'}: no such file"]


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "run.yml").write_bytes(b"run_id: \xff\xfe")
    [fault] = refusal(tmp_path / "run.yml")
    assert fault.endswith("run.yml: is not text in UTF-8; save it as UTF-8")


def test_arguments_that_make_no_sense_are_told_with_the_files_faults(write):
    path = write(RUN + "    merge: x\n")
    found = refusal(path, variables=["ds"], sets=["nonsense", "a.b=[1", "=3"], emulator_models=["churn"])
    assert found[:5] == [
        "--var: is not NAME=VALUE",
        "--emulator: is not NAME=COMMAND_OR_URL",
        "--set: is not KEY=VALUE with a dotted key, such as output.mode=append",
        "--set: a.b: is no YAML value: expected ',' or ']', but got '<stream end>'",
        "--set: is not KEY=VALUE with a dotted key, such as output.mode=append",
    ]
    assert "run.yml: merge: is 'x'; valid: zip, join" in found


def test_yaml_is_read_by_the_core_schema(write):
    path = write(
        """\
        run_id: 2024-05-01
        workspace: s3://bucket/p
        input: {path: in, options: {nullValue: no, dateFormat: 1:30, header: true}}
        model: {name: m}
        output: {path: out}
        transform: {instance_count: 010, poll_seconds: 1e1}
        """
    )
    config = load(path)
    assert config.run_id == "2024-05-01"
    assert config.input.options == {"nullValue": "no", "dateFormat": "1:30", "header": "true"}
    assert (config.transform.instance_count, config.transform.poll_seconds) == (10, 10.0)


def test_a_run_file_that_may_be_meant_is_named(tmp_path):
    (tmp_path / "churn.yml").write_text("run_id: a\n")
    [fault] = refusal(tmp_path / "chrun.yml")
    assert fault == f"{tmp_path / 'chrun.yml'}: no such file (did you mean {tmp_path / 'churn.yml'}?)"


def test_what_is_valid_is_told_whole_though_the_command_line_gives_a_part_of_it(tmp_path):
    (tmp_path / "run.yml").write_text("run_id: a\n")
    [fault, *_] = [
        line for line in refusal(tmp_path / "run.yml", sets=["transform.instance_type=m5.xlarge"]) if "5" in line
    ]
    assert fault.endswith("is '...'; valid: an ML instance type such as ml.m5.xlarge")
