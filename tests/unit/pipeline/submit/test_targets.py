"""`run RUNFILE --target`: what spark-submit is called with, what a service is asked for, and what is uploaded where."""

from __future__ import annotations

import json
import shlex
import sys
import zipfile
from pathlib import Path

import boto3
import pytest
import yaml
from botocore.stub import Stubber

from batch_transform import deploy
from batch_transform.config import load
from batch_transform.deploy.port import ServiceTarget, SparkTarget
from batch_transform.deploy.targets import target_named, target_names
from batch_transform.pipeline.commands.command_line import parse
from batch_transform.pipeline.commands.spark_submit_arguments import SparkArguments
from batch_transform.pipeline.handshake import Handshake
from batch_transform.pipeline.submit import console_script
from batch_transform.pipeline.submit.bundling import portable
from batch_transform.pipeline.submit.destination import destination, interpreter_settings
from batch_transform.pipeline.submit.submission import main

RUN = """\
run_id: "r1"
workspace: s3://bucket/prefix
input: {path: "s3://bucket/in"}
model: {name: churn}
output: {path: "s3://bucket/out"}
deploy:
  cluster_id: CLUSTER
  application_id: 00abcdefghijk09
  execution_role_arn: arn:aws:iam::123456789012:role/driver
"""
EMR, DATABRICKS = "j-2AXXXXXXGAPLF", "0524-123456-abcdef12"
ENVIRONMENT = "./environment/bin/python"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a run file, a Spark, and what `package` would have made."""
    monkeypatch.chdir(tmp_path)
    for name in ("bin/spark-submit", "jars/spark-core_2.13-4.2.0.jar", "jars/hadoop-client-api-3.5.0.jar"):
        (tmp_path / "spark" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "spark" / name).touch()
    (tmp_path / "run.yml").write_text(RUN.replace("CLUSTER", EMR))
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "environment.tar.gz").write_bytes(b"an archive")
    with zipfile.ZipFile(tmp_path / "dist" / "spark_batch_transform-0.1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("batch_transform/__init__.py", "")
    return tmp_path


@pytest.fixture
def asked(place):
    """Submits with the arguments and gives exit code and report."""

    def run(*arguments, **environ):
        work = place / "work"
        work.mkdir(exist_ok=True)
        known = {"SPARK_HOME": str(place / "spark"), "PATH": "/bin", "AWS_REGION": "eu-west-1", **environ}
        code = main([str(work), "score.py", *arguments], known, lambda config, environ, files_are_here: None)
        return code, json.loads((work / "fallback.json").read_text())

    return run


def settings_of(command):
    words = shlex.split(command)
    named = [words[place + 1] for place, word in enumerate(words) if word == "--conf"]
    return dict(word.split("=", 1) for word in named), words


# What the table has of bare workers in client mode, and what a person may have said instead.
def test_in_client_mode_three_settings_name_the_interpreters(asked, place):
    code, report = asked("run.yml", "--target", "standalone", "--master", "spark://h:7077", "--dry-run")
    assert (code, report["status"], report["target"]) == (0, "planned", "standalone")
    settings, words = settings_of(report["commands"][0])
    assert settings["spark.pyspark.python"] == settings["spark.executorEnv.PYSPARK_PYTHON"] == ENVIRONMENT
    assert settings["spark.pyspark.driver.python"] == sys.executable
    assert words[words.index("--archives") + 1] == f"{place / 'dist' / 'environment.tar.gz'}#environment"
    assert not (place / "work" / "command.json").exists()


def test_in_yarns_cluster_mode_the_driver_has_the_archives_as_well(asked):
    _, report = asked("run.yml", "--target", "yarn", "--deploy-mode", "cluster", "--dry-run")
    settings, _words = settings_of(report["commands"][0])
    assert settings["spark.master"] == "yarn"
    assert settings["spark.yarn.appMasterEnv.PYSPARK_PYTHON"] == settings["spark.pyspark.python"] == ENVIRONMENT
    assert "spark.pyspark.driver.python" not in settings
    assert {Path(each["source"].partition("#")[0]).name for each in report["uploads"]} == {
        "environment.tar.gz",
        "lib.zip",
        "resolved.json",
    }
    assert all(each["bytes"] > 0 for each in report["uploads"])


GIVEN = {
    "an archive, without a target": (["--master", "yarn", "--archives", "a.tgz#environment"], {}, ENVIRONMENT),
    "spark.archives": (["--master", "yarn", "--conf", "spark.archives=a.zip#d,a.tgz#environment"], {}, ENVIRONMENT),
    "a setting": (["--master", "yarn", "--conf", "spark.pyspark.python=/opt/p"], {}, "/opt/p"),
    "the executors' variable": (
        ["--master", "yarn", "--conf", "spark.executorEnv.PYSPARK_PYTHON=/opt/p"],
        {},
        "/opt/p",
    ),
    "a variable": (["--master", "yarn"], {"PYSPARK_PYTHON": "/opt/p"}, "/opt/p"),
    "a setting and an archive": (
        ["--master", "yarn", "--archives", "a.tgz#environment", "--conf", "spark.pyspark.python=/opt/p"],
        {},
        "/opt/p",
    ),
    "an archive of something else": (["--master", "yarn", "--archives", "a.tgz#data"], {}, None),
    "nothing": (["--master", "yarn"], {}, None),
    "a laptop": (["--master", "local[2]", "--archives", "a.tgz#environment"], {}, None),
}


@pytest.mark.parametrize("how", GIVEN)
def test_whoever_names_an_interpreter_names_it_for_driver_and_workers(how):
    words, environ, python = GIVEN[how]
    found = interpreter_settings(SparkArguments(parse(["run.yml", *words]).spark, {}), environ, "/driver")
    assert found.get("spark.pyspark.python") == python
    if python is not None:
        assert found["spark.executorEnv.PYSPARK_PYTHON"] == python
        assert found["spark.pyspark.driver.python"] == "/driver"


def test_an_archive_of_ones_own_is_the_only_one(asked):
    given = ["--archives", "s3://mine/env.tgz#environment", "--conf", "spark.executorEnv.PYSPARK_PYTHON=/opt/p"]
    _, report = asked("run.yml", "--target", "yarn", "--dry-run", *given)
    settings, words = settings_of(report["commands"][0])
    assert words.count("--archives") == 1
    assert words[words.index("--archives") + 1] == "s3://mine/env.tgz#environment"
    assert settings["spark.executorEnv.PYSPARK_PYTHON"] == "/opt/p"


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["--target", "emrr"], "--target: is no target that there is (did you mean emr?); valid: databricks, emr, "),
        (["--target", "standalone"], "--master: for target standalone it must be spark://HOST:PORT"),
        (["--target", "yarn", "--master", "local[2]"], "--master: for target yarn it is none of YARN's"),
        (["--target", "local", "--master", "yarn"], "--master: for target local it is a cluster's"),
        (["--target", "yarn", "--dist", "nowhere"], "nowhere/environment.tar.gz: is not there, and workers of yarn"),
        (["--target", "emr", "--set", "deploy.cluster_id=x"], "deploy.cluster_id: is 'x'; for target emr it is the id"),
        (["--target", "emr", "--set", "deploy=null"], "deploy.cluster_id: is needed for target emr: the id of a"),
        (["--set", "deploy.cluster=x"], "deploy.cluster"),
        (
            ["--target", "emr", "--emulator", "churn=http://h"],
            "emulator: listens on this machine only, the target is emr",
        ),
        (
            ["--target", "databricks", "--set", f"deploy.cluster_id={DATABRICKS}", "--conf", "a=b"],
            "--conf: is spark-subm",
        ),
    ],
)
def test_what_a_target_lacks_is_told_before_anything_is_done(asked, words, fault):
    code, report = asked("run.yml", *words, "--dry-run")
    assert (code, report["status"]) == (2, "refused")
    assert report["error"][0].startswith(fault) or fault in report["error"][0], report["error"]


@pytest.mark.parametrize("name", [name for name in target_names() if isinstance(target_named(name), ServiceTarget)])
def test_a_request_is_one_that_botocores_model_takes(asked, name):
    _, report = asked("run.yml", "--target", name, "--dry-run", "--conf", "spark.executor.memory=8g")
    target = target_named(name)
    assert report["operation"] == f"{target.service}.{target.operation}"
    client = boto3.client(target.service, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    answer = {
        "emr": {"StepIds": ["s-1"]},
        "emr-serverless": {
            "applicationId": "a",
            "jobRunId": "j",
            "arn": "arn:aws:emr-serverless:eu-west-1:123456789012:/applications/00a/jobruns/00b",
        },
    }[name]
    with Stubber(client) as stub:  # validates what it is sent
        stub.add_response(target.operation, answer)
        assert target.started(getattr(client, target.operation)(**report["request"])) in ("s-1", "j")
    assert "8g" in json.dumps(report["request"])


@pytest.mark.parametrize("target", ["emr", "emr-serverless"])
def test_without_a_region_nothing_is_uploaded(asked, monkeypatch, target):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setattr("batch_transform.pipeline.submit.deployment.Uploads.send", None)  # and so can not be called
    code, report = asked("run.yml", "--target", target, AWS_REGION="")
    assert (code, report["error"]) == (2, ["aws.region: is needed and not given; set it, or AWS_REGION"])


def test_an_emr_step_is_spark_submit_in_cluster_mode_with_all_of_it_on_s3(asked):
    _, report = asked("run.yml", "--target", "emr", "--dry-run")
    (step,) = report["request"]["Steps"]
    jar = step["HadoopJarStep"]
    assert (report["request"]["JobFlowId"], jar["Jar"], step["ActionOnFailure"]) == (
        EMR,
        "command-runner.jar",
        "CONTINUE",
    )
    assert report["request"]["ExecutionRoleArn"] == "arn:aws:iam::123456789012:role/driver"
    settings, words = settings_of(shlex.join(jar["Args"]))
    assert words[0] == "spark-submit"
    assert settings["spark.submit.deployMode"] == "cluster"
    assert settings["spark.app.name"] == step["Name"]  # YARN shows the entry point's name otherwise
    assert settings["spark.yarn.appMasterEnv.PYSPARK_PYTHON"] == ENVIRONMENT
    targets = {each["target"].rpartition("/")[2]: each["target"] for each in report["uploads"]}
    assert all(each.startswith("s3://bucket/prefix/artifacts/") for each in targets.values())
    assert words[-2:] == [targets["score.py"], targets["run.yml"]]
    assert words[words.index("--archives") + 1] == targets["environment.tar.gz"] + "#environment"
    assert words[words.index("--py-files") + 1] == targets["lib.zip"]


def test_emr_serverless_is_told_its_archive_by_settings(asked):
    _, report = asked("run.yml", "--target", "emr-serverless", "--set", "deploy.artifacts=s3://code/here", "--dry-run")
    job = report["request"]["jobDriver"]["sparkSubmit"]
    settings, words = settings_of(job["sparkSubmitParameters"])
    for name in ("PYSPARK_DRIVER_PYTHON", "PYSPARK_PYTHON"):
        assert settings[f"spark.emr-serverless.driverEnv.{name}"] == ENVIRONMENT
    assert settings["spark.executorEnv.PYSPARK_PYTHON"] == ENVIRONMENT
    assert settings["spark.archives"].startswith("s3://code/here/")
    assert job["entryPoint"].endswith("/score.py")
    assert job["entryPointArguments"][0].endswith("/run.yml")
    assert not {"--master", "--archives", "--deploy-mode"} & set(words)


def test_files_of_this_machine_go_along_and_those_elsewhere_stay(asked, place):
    (place / "mine.jar").write_bytes(b"a jar")
    _, report = asked("run.yml", "--target", "emr", "--jars", "mine.jar,s3://b/other.jar", "--dry-run")
    _, words = settings_of(shlex.join(report["request"]["Steps"][0]["HadoopJarStep"]["Args"]))
    mine, other = words[words.index("--jars") + 1].split(",")
    assert mine.startswith("s3://bucket/prefix/artifacts/")
    assert mine.endswith("/mine.jar")
    assert other == "s3://b/other.jar"
    assert asked("run.yml", "--target", "emr", "--jars", "none.jar", "--dry-run")[0] == 2


def test_what_looks_like_a_secret_is_sent_and_not_repeated(asked):
    given = ["--conf", "spark.hadoop.fs.s3a.secret.key=hunter2hunter2"]
    for words in (["--target", "emr"], ["--target", "local"], ["--master", "yarn"]):
        _, report = asked("run.yml", *words, *given, "--dry-run")
        assert "hunter2" not in json.dumps(report)
        assert "<secret>" in json.dumps(report)


def test_what_the_command_line_says_of_a_place_wins_over_the_run_file(place):
    (place / "run.yml").write_text(RUN.replace("CLUSTER", EMR) + "  target: emr\n")

    def name(*words, **environ):
        given = parse(["run.yml", *words])
        config = load("run.yml", sets=given.sets, emulator_models=given.emulator_models)
        target = destination(given, config, environ)
        return target and target.name

    assert name() == "emr"
    assert name("--target", "yarn") == "yarn"
    assert name("--master", "local[2]") is None
    assert name("--emulator", "churn=http://127.0.0.1:9") is None
    assert name(DATABRICKS_RUNTIME_VERSION="17.3") is None


def test_a_driver_that_a_target_has_started_sends_the_run_nowhere(place, monkeypatch):
    (place / "run.yml").write_text(RUN.replace("CLUSTER", EMR) + "  target: emr\n")
    monkeypatch.setattr(console_script, "_sent", lambda asked, printed: 9)
    monkeypatch.setattr("batch_transform.pipeline.commands.run.run_job", lambda *given, **named: 7)
    assert console_script.exit_code(["run", "run.yml"]) == 9
    assert console_script.exit_code(["run", "run.yml"], is_job=True) == 7


def test_a_bundle_has_wheel_and_run_file_and_is_run_by_the_platforms_own_commands(asked, place):
    code, report = asked("run.yml", "--target", "databricks", "--set", f"deploy.cluster_id={DATABRICKS}", "--dry-run")
    assert code == 0
    folder = place / "dist" / "databricks"
    assert report["commands"][1:] == ["databricks bundle deploy", "databricks bundle run score"]
    bundle = yaml.safe_load((folder / "databricks.yml").read_text())
    (task,) = bundle["resources"]["jobs"]["score"]["tasks"]
    assert (folder / task["libraries"][0]["whl"]).is_file()
    assert task["python_wheel_task"]["parameters"] == ["${workspace.file_path}/run.yml"]
    (synced,) = bundle["sync"]["include"]  # though git ignores `dist`, as in this project
    assert folder / "run.yml" in folder.glob(synced)
    assert load(folder / "run.yml").run_id == "r1"
    code, report = asked("run.yml", "--target", "databricks", "--set", f"deploy.cluster_id={DATABRICKS}")
    assert (code, report["error"][0][:27]) == (2, "databricks: is not on the P")


def test_a_bundles_job_is_one_that_databricks_own_model_takes(asked, place):
    jobs = pytest.importorskip("databricks.bundles.jobs")
    asked("run.yml", "--target", "databricks", "--set", f"deploy.cluster_id={DATABRICKS}", "--dry-run")
    for path in (place / "dist" / "databricks", Path(__file__).parents[4] / "conf" / "databricks"):
        bundle = yaml.safe_load((path / "databricks.yml").read_text())
        for job in bundle["resources"]["jobs"].values():
            assert jobs.Job.from_dict(job).tasks


def test_a_run_file_that_is_uploaded_says_what_was_checked(tmp_path):
    text = RUN.replace("CLUSTER", EMR).replace('"r1"', "${ds}") + (
        "record: {sql: \"concat('$${x}', 'é\\u2028\\x85 🙂', '${ds}')\"}\n"
        "transform: {environment: {API_TOKEN: '${TOKEN}', PLAIN: '$${x}'}, instance_mb_per_second: 1.0e-5}\n"
        "secrets: [transform.environment.API_TOKEN]\n"
    )
    (tmp_path / "run.yml").write_text(text)
    config = load(tmp_path / "run.yml", variables=["ds=2024"], environ={"TOKEN": "hunter2"})
    away = portable(config, "eu-west-1")
    assert "hunter2" not in away
    (tmp_path / "away.yml").write_text(away)
    there = load(tmp_path / "away.yml", environ={"TOKEN": "hunter2"}).to_document()
    here = config.to_document()
    assert there.pop("deploy") != here.pop("deploy")
    assert there["aws"].pop("region") == "eu-west-1"
    here["aws"].pop("region")
    assert there == here


def test_a_secret_in_the_run_file_itself_is_not_uploaded(asked, place):
    (place / "run.yml").write_text(RUN.replace("CLUSTER", EMR) + "transform: {environment: {API_TOKEN: hunter2}}\n")
    code, report = asked("run.yml", "--target", "emr", "--dry-run")
    assert (code, "hunter2" in json.dumps(report)) == (2, False)
    assert report["error"][0].startswith("transform.environment.API_TOKEN: is a secret, and the run file is uploaded")


def test_what_resumes_a_run_is_given_the_same_target(asked, place):
    code = (
        main(
            [str(place / "work2"), "score.py", "run.yml", "--target", "yarn"],
            {"SPARK_HOME": str(place / "spark"), "PATH": "/bin"},
            lambda config, environ, files_are_here: None,
        )
        if (place / "work2").mkdir() is None
        else 1
    )
    assert code == 0
    told = json.loads((place / "work2" / "command.json").read_text())["environment"]["BATCH_TRANSFORM_RESUME"]
    assert told.endswith("resume s3://bucket/prefix/r1 --target yarn")
    assert parse(shlex.split(told)[1:]).target == ("yarn",)


def test_every_target_is_a_module_with_one_of_its_name():
    folder = Path(deploy.__path__[0])
    modules = {path.stem for path in folder.glob("*.py") if "\nTARGET = " in path.read_text(encoding="utf-8")}
    assert set(target_names()) == {name.replace("_", "-") for name in modules}
    for name in target_names():
        assert target_named(name).name == name
    assert Handshake is not None
    assert all(isinstance(target_named(name), SparkTarget) for name in ("local", "standalone", "yarn"))


def test_a_target_of_the_run_file_that_is_misspelt_is_told_with_the_one_that_is_meant(asked, place):
    (place / "run.yml").write_text(RUN.replace("CLUSTER", EMR) + "  target: emr-serverles\n  clusterid: x\n")
    code, report = asked("run.yml", "--dry-run")
    told = " ".join(report["error"])
    assert code == 2
    assert "deploy.target: is 'emr-serverles' (did you mean emr-serverless?)" in told
    assert "deploy.clusterid: is no key; did you mean cluster_id?" in told
