"""What the command lines of the steps mean, and what is refused before anything is reached."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

import pytest

from batch_transform.aws.access import AwsAccess
from batch_transform.config import load
from batch_transform.config.loading import surroundings
from batch_transform.config.surroundings import Surroundings
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.object_names import run_folder
from batch_transform.core.secret_values import sealed
from batch_transform.core.state.fold import fold
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.commands.command_line import parse
from batch_transform.pipeline.commands.named_run import Reached, reached, resumable
from batch_transform.pipeline.commands.other_command import spelled
from batch_transform.pipeline.commands.steps import going_on
from batch_transform.pipeline.places import places_of
from batch_transform.pipeline.recorded import check_same
from batch_transform.pipeline.submit import console_script
from batch_transform.pipeline.submit.submission import main as submission
from support.core_tables import step
from support.recorded_steps import EXPORTED, OPENED, STAGED, planned

RUN_FILE = """
run_id: a
workspace: s3://bucket/runs
input: {path: in.parquet}
model: {name: m}
output: {path: out}
emulator: {models: {m: "python -m none"}}
"""
MODEL = "m=python -m none"


@pytest.mark.parametrize("command", ["prepare", "submit", "collect"])
def test_what_would_end_with_its_emulator_is_refused_with_both_remedies(command, tmp_path, capsys):
    (tmp_path / "run.yml").write_text(RUN_FILE)
    assert console_script.exit_code([command, str(tmp_path / "run.yml")]) == 2
    (said,) = json.loads(capsys.readouterr().out)["error"]
    assert said.startswith(f"{command}: the embedded emulator's S3 and jobs end with the run's driver")
    assert "set emulator.state" in said
    assert "aws.endpoint_url" in said


def test_the_submission_leaves_the_refusal_and_no_command(tmp_path):
    (tmp_path / "run.yml").write_text(RUN_FILE)
    assert submission([str(tmp_path), "score.py", "submit", str(tmp_path / "run.yml")], {}) == 2
    assert json.loads((tmp_path / "fallback.json").read_text())["status"] == "refused"
    assert not (tmp_path / "command.json").exists()


def test_the_next_step_names_the_run_by_its_folder_and_repeats_no_secret(tmp_path):
    line = "prepare run.yml --var key=hidden --set model.environment.A=hidden --set aws.region=eu-west-1 --master yarn"
    asked = parse([*line.split(), "--conf", "spark.my.password=hidden", "--", "--weird"])
    config = built(asked, tmp_path)
    run, near = "s3://bucket/runs/a", f"--set aws.region=eu-west-1 --emulator {shlex.quote(MODEL)}"
    assert spelled("submit", asked, config, {}) == f"batch-transform submit {run} {near}"
    again = spelled("collect", asked, config, {"BATCH_TRANSFORM_PROGRAM": "./s.sh"})
    assert again == f"./s.sh collect {run} --master yarn {near} -- --weird"


def test_the_next_step_gets_to_the_run_as_this_one_does(tmp_path):
    """An orchestrator gives it as it is; the run's folder has the rest of the configuration."""
    asked = parse(["prepare", "run.yml", "--set", "emulator.state=/kept here", "--emulator", "n=http://h:1"])
    config = built(asked, tmp_path)
    once = parse(shlex.split(spelled("submit", asked, config, {}))[1:])
    assert surroundings(once.sets, once.emulator_models) == Surroundings(aws=config.aws, emulator=config.emulator)
    assert spelled("submit", once, config, {}) == spelled("submit", asked, config, {})


AIRFLOW = "scheduled__2024-05-01T00:00:00+00:00"


@pytest.mark.parametrize("named", [f"s3://bucket/my runs/{AIRFLOW}", f"s3a://bucket/my runs/{run_folder(AIRFLOW)}/"])
def test_a_run_is_found_by_the_id_that_was_given_and_by_its_folder(named):
    with reached(parse(["status", named, "--set", "aws.region=eu-west-1"]), {}) as there:
        assert there.uri == S3Uri("bucket", f"my runs/{run_folder(AIRFLOW)}")


@pytest.mark.parametrize("scheme", ["", "s3://"])
def test_a_run_below_an_access_points_arn_is_refused_with_the_remedy(scheme):
    named = f"{scheme}arn:aws:s3:eu-west-1:123456789012:accesspoint/sales/runs/a"
    with (
        pytest.raises(ConfigurationError, match=r"RUN: is .*, the ARN of an access point.* give its alias"),
        reached(parse(["status", named]), {}),
    ):
        pass


def test_a_workspace_is_no_run_whatever_its_name():
    asked = parse(["clean", "s3://bucket/my runs+", "--older-than", "3", "--set", "aws.region=eu-west-1"])
    with reached(asked, {}) as there:
        assert there.uri == S3Uri("bucket", "my runs+")


def test_the_next_step_and_a_run_file_name_the_same_folder(tmp_path):
    asked = parse(["prepare", "run.yml", "--set", f"run_id={AIRFLOW}"])
    config = built(asked, tmp_path)
    assert config.run_id == AIRFLOW, "it is shown as it was given"
    assert shlex.split(spelled("submit", asked, config, {}))[2] == f"s3://bucket/runs/{run_folder(AIRFLOW)}"
    assert config.layout.run == places_of(config, config.layout, None).run


def test_a_folder_that_holds_another_run_is_not_gone_on_with(tmp_path):
    state = fold([OPENED, STAGED, EXPORTED, planned("j1")])
    config = built(parse(["prepare", "run.yml", "--set", "run_id=a:b"]), tmp_path)
    with pytest.raises(ConfigurationError, match=f"holds the run '{state.run_id}', and not 'a:b'; choose another"):
        check_same(state, config)


def built(asked, folder):
    (folder / "run.yml").write_text(RUN_FILE)
    sets = [text for text in asked.sets if not text.startswith("model.")]
    return load(folder / "run.yml", sets=sets, emulator_models=asked.emulator_models)


def test_a_step_goes_on_with_the_file_that_prepare_made_of_a_package_path(tmp_path, monkeypatch):
    """The ledger has the file's path; package:// would count as another input."""
    (tmp_path / "shipped").mkdir()
    (tmp_path / "shipped" / "in.csv").write_text("a\n1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "run.yml").write_text(RUN_FILE.replace("in.parquet", "package://shipped/in.csv"))
    asked, there = parse(["submit", str(tmp_path / "run.yml")]), Reached(S3Uri("bucket", "runs/a"), AwsAccess())
    state = fold([OPENED, STAGED, EXPORTED, planned("j1")])
    assert going_on(asked, {}, there, state).input.path == str(tmp_path / "shipped" / "in.csv")


SECRET = {"TOKEN": "hunter2marker"}


@pytest.mark.parametrize("command", ["submit", "collect", "resume"])
def test_whoever_goes_on_with_a_run_by_its_folder_needs_its_secrets_until_it_is_published(command, tmp_path):
    secret = 'transform: {environment: {API_TOKEN: "${TOKEN}"}}\n'
    (tmp_path / "run.yml").write_text(RUN_FILE + secret)
    document = sealed(load(tmp_path / "run.yml", environ=SECRET).to_document(), "n")
    opened = step("opened", run_id="a", nonce="n", config=document, at="2024-05-01T00:00:00+00:00")
    state = fold([opened, STAGED, EXPORTED, planned("j1")])
    asked, there = parse([command, "s3://bucket/runs/a"]), Reached(S3Uri("bucket", "runs/a"), AwsAccess())
    with pytest.raises(ConfigurationError, match=r"environment\.API_TOKEN: is a secret.*set the variable TOKEN in the"):
        resumable(asked, {}, there, state)
    config = resumable(asked, SECRET, there, state)
    assert config.transform.environment == {"API_TOKEN": "hunter2marker"}
    check_same(state, config)
    with pytest.raises(ConfigurationError, match=r"environment\.API_TOKEN: differs \(its values may be secret\)"):
        check_same(state, resumable(asked, {"TOKEN": "another"}, there, state))
    published = replace(state, report={"status": "published"})
    check_same(published, resumable(asked, {}, there, published))


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["submit", "run.yml", "--master", "yarn"], "--master: is spark-submit's, and submit runs without Spark"),
        (["collect", "run.yml", "--no-merge", "--master", "yarn"], "and collect runs without Spark"),
        (["submit", "run.yml", "--no-merge"], "--no-merge: belongs to collect, not to submit"),
        (["prepare"], "RUNFILE: exactly one is needed"),
        (["list"], "WORKSPACE .* exactly one is needed, none given"),
    ],
)
def test_what_does_not_fit_a_step_is_refused(words, fault):
    with pytest.raises(ConfigurationError, match=fault):
        parse(words)
