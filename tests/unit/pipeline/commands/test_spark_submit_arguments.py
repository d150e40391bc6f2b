"""What spark-submit is told: given arguments win, lists are joined, a cluster gets nothing of a laptop's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.commands.command_line import CommandLine, parse
from batch_transform.pipeline.commands.spark_submit_arguments import SparkArguments, parse_properties
from batch_transform.pipeline.run_switches import RunSwitches


def arguments(*options, **defaults):
    return SparkArguments(tuple(options), {key.replace("_", "."): value for key, value in defaults.items()})


def test_own_arguments_are_told_from_those_of_spark_submit():
    asked = parse(
        [
            "run",
            "--set",
            "a.b=c",
            "run.yml",
            "--master",
            "yarn",
            "--verbose",
            "--var=x=1=2",
            "--conf",
            "k=v",
            "--emulator",
            "m=http://h",
            "--set",
            "d=e",
            "--",
            "--anything",
            "at",
            "all",
        ]
    )
    assert asked == CommandLine(
        "run.yml",
        "run",
        variables=("x=1=2",),
        sets=("a.b=c", "d=e"),
        emulator_models=("m=http://h",),
        spark=(("--master", "yarn"), ("--verbose", None), ("--conf", "k=v")),
        rest=("--anything", "at", "all"),
    )


def test_the_value_of_an_option_is_not_taken_for_the_run_file():
    assert parse(["--master", "yarn", "run.yml"]).subject == "run.yml"


def test_all_faults_of_the_arguments_come_together():
    with pytest.raises(ConfigurationError) as caught:
        parse(["a.yml", "b.yml", "--sett", "--zzzzzz=1", "--var"])
    assert list(caught.value.faults) == [
        "--sett: is no option of this command nor of spark-submit; did you mean --set?",
        "--zzzzzz: is no option of this command nor of spark-submit; after -- anything is passed on",
        "--var: needs a value",
        "RUNFILE: exactly one is needed, 2 were given; see --help",
    ]


@pytest.mark.parametrize(
    "words",
    [
        "run.yml --limt 10",
        "--limt 10 run.yml",
        "--limt ten run.yml",
        "plan run.yml --limt 10",
        "--limt 10 plan run.yml",
        "--limt run.yml",
        "package --limt 10",
        "init in.csv --limt 10",
        "status s3://bucket/runs/r --limt 10",
    ],
)
def test_a_word_behind_an_option_that_nobody_knows_may_be_its_value_and_is_no_fault_of_its_own(words):
    with pytest.raises(ConfigurationError) as caught:
        parse(words.split())
    assert [fault.partition(":")[0] for fault in caught.value.faults] == ["--limt"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--limt", "RUNFILE: exactly one is needed, none given; see --help"),
        ("plam run.yml --limt 10", "plam: is no command; did you mean plan?"),
        ("a.yml b.yml --limt 10", "RUNFILE: exactly one is needed, 2 were given; see --help"),
        ("a.yml b.yml --limt=10", "RUNFILE: exactly one is needed, 2 were given; see --help"),
    ],
)
def test_what_is_wrong_whatever_such_an_option_means_is_told_beside_it(words, said):
    with pytest.raises(ConfigurationError) as caught:
        parse(words.split())
    assert len(caught.value.faults) == 2
    assert caught.value.faults[1].startswith(said)


@pytest.mark.parametrize("command", ["resume", "status", "stop", "clean", "compare"])
def test_the_other_commands_take_a_run(command):
    asked = parse([command, "s3://bucket/runs/r1", "--set", "aws.region=eu-west-1"])
    assert asked == CommandLine("s3://bucket/runs/r1", command, sets=("aws.region=eu-west-1",))


def test_what_clean_alone_understands():
    asked = parse(["clean", "s3://bucket", "--older-than", "30", "--unfinished"])
    assert (asked.older_than, asked.unfinished) == (("30",), True)
    with pytest.raises(ConfigurationError, match=r"--older-than, --unfinished: belongs to clean, not to run"):
        parse(["run.yml", "--older-than=30", "--unfinished"])


def test_what_resume_alone_understands():
    assert parse(["resume", "s3://bucket/runs/r1", "--retry-dead"]).retry_dead
    with pytest.raises(ConfigurationError, match="--retry-dead: belongs to resume, not to run"):
        parse(["run.yml", "--retry-dead"])


@pytest.mark.parametrize("command", ["run", "resume", "submit", "collect"])
def test_whoever_goes_on_with_a_run_may_accept_its_model(command):
    assert parse([command, "s3://bucket/runs/r", "--accept-model"]).accept_model
    assert not parse([command, "s3://bucket/runs/r"]).accept_model


@pytest.mark.parametrize("command", ["run", "resume", "collect"])
def test_whoever_may_publish_may_accept_predictions_that_are_not_as_expected(command):
    asked = parse([command, "s3://bucket/runs/r", "--accept-expectations"])
    assert asked.accept_expectations
    assert asked.switches.flags == ["--accept-expectations"]
    with pytest.raises(ConfigurationError, match="belongs to run, resume, collect, not to submit"):
        parse(["submit", "s3://bucket/runs/r", "--accept-expectations"])


@pytest.mark.parametrize("command", ["plan", "prepare", "status", "stop", "clean", "compare"])
def test_nobody_else_may(command):
    with pytest.raises(ConfigurationError, match=f"belongs to run, resume, submit, collect, not to {command}"):
        parse([command, "s3://bucket/runs/r", "--accept-model"])


def test_what_compare_alone_understands():
    asked = parse(["compare", "s3://bucket/runs/r", "--endpoint", "live", "--rows=10", "--tolerance=1e-6"])
    assert (asked.endpoint, asked.rows, asked.tolerance) == (("live",), ("10",), ("1e-6",))
    with pytest.raises(ConfigurationError, match="--endpoint: belongs to compare, not to plan"):
        parse(["plan", "run.yml", "--endpoint", "live"])


def test_a_plan_takes_a_run_file_and_sparks_options():
    asked = parse(["plan", "run.yml", "--master", "yarn", "--set", "transform.instance_count=4"])
    assert (asked.subject, asked.command, asked.spark) == ("run.yml", "plan", (("--master", "yarn"),))


def test_a_command_without_spark_takes_none_of_its_options():
    with pytest.raises(ConfigurationError, match="--master: is spark-submit's, and status runs without Spark"):
        parse(["status", "s3://bucket/runs/r", "--master", "yarn"])
    with pytest.raises(ConfigurationError, match=r"RUN \(a run's folder.*exactly one is needed, none given"):
        parse(["stop"])


@pytest.mark.parametrize(
    ("given_arguments", "local", "in_cluster"),
    [
        (arguments(), True, False),
        (arguments(("--master", "local[2]")), True, False),
        (arguments(("--master", "yarn"), ("--deploy-mode", "cluster")), False, True),
        (arguments(("--conf", "spark.master=yarn")), False, False),
        (arguments(("--conf", "spark.submit.deployMode=cluster")), True, True),
        (arguments(spark_master="yarn"), False, False),
        (arguments(("--master", "local"), spark_master="yarn"), True, False),
        (arguments(("--remote", "sc://host")), False, False),
    ],
)
def test_the_master_is_what_spark_would_take(given_arguments, local, in_cluster):
    assert (given_arguments.local, given_arguments.in_cluster) == (local, in_cluster)


def test_the_last_setting_holds_and_an_option_wins_over_it():
    assert arguments(("--conf", "k=1"), ("--conf", "k=2=3"), k="0").setting("k") == "2=3"
    assert arguments(("--master", "local"), ("--conf", "spark.master=yarn")).setting("spark.master") == "local"


def test_a_default_gives_way_to_what_is_given_anywhere():
    assert arguments().with_default("k", "v").command_line() == ["--conf", "k=v"]
    for given_arguments in (arguments(("--conf", "k=w")), arguments(k="w")):
        assert given_arguments.with_default("k", "v") == given_arguments
    memory = arguments(("--driver-memory", "8g"))
    assert memory.with_default("spark.driver.memory", "2g") == memory


@pytest.mark.parametrize(
    "before",
    [
        arguments(("--packages", "g:mine:1")),
        arguments(("--conf", "spark.jars.packages=g:mine:1")),
        SparkArguments((), {"spark.jars.packages": "g:mine:1"}),
    ],
)
def test_packages_are_added_to_those_that_are_given(before):
    after = before.with_added("spark.jars.packages", ["g:ours:1", "g:mine:1"])
    assert after.command_line() == ["--packages", "g:mine:1,g:ours:1"]


def test_adding_nothing_changes_nothing():
    assert arguments().with_added("spark.jars.packages", []) == arguments()


@given(
    st.dictionaries(st.text("abc.", min_size=1).map("spark.{}".format), st.text("xyz=/:", min_size=1).map("v{}".format))
)
def test_a_properties_file_is_read_in_both_spellings(settings):
    for separator in (" ", "=", " = ", "\t"):
        text = "# a comment\n\n" + "".join(f"{key}{separator}{value}\n" for key, value in settings.items())
        assert parse_properties(text) == settings


def test_what_a_driver_is_told_is_what_the_command_line_says():
    said = ["--retry-dead", "--accept-model", "--accept-expectations"]
    assert parse(["resume", "s3://bucket/runs/r", *said]).switches.flags == said
    assert parse(["resume", "s3://bucket/runs/r"]).switches == RunSwitches()
