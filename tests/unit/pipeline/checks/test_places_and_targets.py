"""Where a run keeps what, and where it publishes."""

from __future__ import annotations

import os

import pytest

from batch_transform.config.loading import FrameConfig
from batch_transform.config.result import DeadLetter, Output
from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.plain_paths import escaped
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.checks.before_spark import check_staging
from batch_transform.pipeline.checks.collected_faults import Faults
from batch_transform.pipeline.places import Targets, places_of, targets_of

DOCUMENT = {
    "run_id": "r",
    "workspace": "s3://lake/scoring",
    "input": {"path": "s3://lake/in"},
    "model": {"name": "m"},
    "output": {"path": "s3://lake/out"},
}
LAYOUT = RunLayout(S3Uri("lake", "scoring"), "r")


def config(**changes):
    return RunConfig.from_document({**DOCUMENT, **changes})


EMR, SPARK = "3.5.4-amzn-0", "4.2.0"


def places(version=EMR, **changes):
    return places_of(config(**changes), LAYOUT, version, {})


def test_what_holds_rows_lies_apart_from_all_else():
    found = places()
    assert found.run == S3Uri("lake", "scoring/r")
    assert (str(found.layout.input), str(found.layout.outputs)) == (
        "s3://lake/scoring/rows/r/input",
        "s3://lake/scoring/rows/r/output",
    )
    assert found.layout.manifest("m") == S3Uri("lake", "scoring/runs/r/manifests/m.json")


DATABRICKS = {"DATABRICKS_RUNTIME_VERSION": "16.4"}


@pytest.mark.parametrize(
    ("version", "environ", "scheme"),
    [(EMR, {}, "s3"), (SPARK, DATABRICKS, "s3"), (SPARK, {}, "s3a"), (None, {}, "s3a"), (None, DATABRICKS, "s3a")],
)
def test_s3_is_s3a_to_each_spark_but_that_of_emr_and_databricks(version, environ, scheme):
    """A cluster of one's own has Hadoop's file systems, whoever manages it, and none of them answers to `s3`."""
    found = places_of(config(), LAYOUT, version, environ)
    assert found.scratch == f"{scheme}://lake/scoring/rows/r"
    assert found.spark_path("s3n://lake/x/") == f"{scheme}://lake/x"
    emulated = config(emulator={"models": {"m": "http://127.0.0.1:1"}})
    assert places_of(emulated, LAYOUT, version, environ).s3_scheme == "s3a", "the one that is told of an emulator"


def test_staging_of_its_own_takes_what_spark_writes():
    assert places(staging="dbfs:/staging/").scratch == "dbfs:/staging/r"
    assert places(staging="/mnt/staging").scratch == "file:/mnt/staging/r"
    assert places(staging="/mnt/staging").run == S3Uri("lake", "scoring/r")


@pytest.mark.parametrize("staging", ["s3://lake/scoring", "s3a://lake/scoring/"])
def test_staging_in_the_workspace_itself_is_where_the_rule_reaches_it(staging):
    assert places(staging=staging).scratch == f"{places().s3_scheme}://lake/scoring/rows/r"


def test_staging_elsewhere_on_s3_is_reached_by_one_rule_as_well():
    assert places(staging="s3://other/x").scratch == "s3://other/x/rows/r"


def test_an_emulated_run_stages_on_the_laptop():
    emulated = places("local[2]", emulator={"models": {"m": "http://127.0.0.1:8080"}})
    assert emulated.scratch == f"file:{os.getcwd()}/.batch_transform/staging/r"


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/data/out", "file:/data/out"),
        ("file:/data/out", "file:/data/out"),
        ("file:///data/out", "file:///data/out"),
        ("hdfs://host/data", "hdfs://host/data"),
        ("dbfs:/data", "dbfs:/data"),
    ],
)
def test_how_spark_names_a_location(location, path):
    assert places().spark_path(location) == path


def test_a_relative_path_is_on_the_drivers_disk_not_in_the_clusters_home():
    assert places().spark_path("out") == f"file:{os.getcwd()}/out"


@pytest.mark.parametrize(
    ("location", "path", "is_pattern"),
    [
        ("in.csv", "file:/{}/in.csv", False),
        ("../x/in [1].csv", "file:/{up}/x/in [1].csv", True),
        ("in*.csv", "file:/{escaped}/in*.csv", True),
        (r"in\*.csv", "file:/{}/in*.csv", False),
        ("/data/in*.csv", "file:/data/in*.csv", True),
        (r"s3://lake/\[1\]", "s3://lake/[1]", False),
        ("s3a://lake/{a,b}/", "s3://lake/{a,b}", True),
        ("hdfs:///in/*", "hdfs:///in/*", True),
    ],
)
def test_an_input_may_be_a_pattern_below_a_working_directory_that_is_none(
    location, path, is_pattern, tmp_path, monkeypatch
):
    folder = tmp_path / "a [1]{b}*"
    folder.mkdir()
    monkeypatch.chdir(folder)
    here = str(folder)[1:]
    wanted = path.replace("{}", here).replace("{escaped}", escaped(here)).replace("{up}", str(tmp_path)[1:])
    assert places().input_path(location, takes_patterns=True) == (wanted, is_pattern)


def test_the_path_of_a_table_is_no_pattern():
    assert places().input_path("/data/a[1]", takes_patterns=False) == ("file:/data/a[1]", False)
    assert places().input_path(r"/data/a\[1\]", takes_patterns=False) == ("file:/data/a[1]", False)


@pytest.mark.parametrize(
    "location", ["/data/out", "/data/out/", "file:/data/out", "file:///data/out", "FILE:/data/out"]
)
def test_a_local_output_is_merged_in_a_hidden_folder_beside_it(location):
    assert places().sibling(location, "w1") == "/data/.out.batch_transform-w1"


def test_an_output_on_s3_is_merged_in_the_runs_folder():
    assert places().sibling("s3a://elsewhere/out", "w1") == "s3://lake/scoring/rows/r/merged/w1"


def test_two_writers_never_merge_in_one_place():
    assert places().sibling("/data/out", "w1") != places().sibling("/data/out", "w2")


def targets(version=EMR, **changes):
    made = config(**changes)
    found = places_of(made, LAYOUT, version, {})
    return targets_of(made, found), found


def test_dead_letters_go_beside_the_output_unless_told():
    assert targets()[0].named() == {"output": "s3://lake/out", "dead_letter": "s3://lake/out_dead_letter"}
    assert targets(dead_letter={"path": "s3://lake/dead"})[0].named()["dead_letter"] == "s3://lake/dead"


def test_tables_are_named_as_tables():
    found, _ = targets(output={"table": "c.s.t", "format": "delta", "mode": "append"})
    assert found.named() == {"output": "c.s.t", "dead_letter": "c.s.t_dead_letter"}
    assert (found.format.can.name, found.mode) == ("delta", "append")
    assert targets()[0].format.can.name == "parquet"


def test_the_delta_tables_share_mode_and_rules():
    output = {"path": "s3://lake/out", "format": "delta", "mode": "overwrite", "partition_by": ["ds"]}
    found, at = targets(SPARK, output={**output, "replace_where": "ds = '1'"})
    result, dead = found.tables(at).values()
    assert (result.path, dead.path) == ("s3a://lake/out", "s3a://lake/out_dead_letter")
    for table in (result, dead):
        assert (table.mode, table.table, table.partition_by) == ("overwrite", None, ("ds",))
        assert table.replace_where == "ds = '1'"


def test_a_delta_table_by_name_has_no_path():
    found, at = targets(output={"table": "c.s.t", "format": "delta"})
    tables = found.tables(at).values()
    assert [(table.path, table.table) for table in tables] == [
        (None, "c.s.t"),
        (None, "c.s.t_dead_letter"),
    ]


@pytest.mark.parametrize(
    ("output", "dead_letter", "are_one"),
    [
        ({"table": "c.`s-t`", "format": "delta"}, None, True),
        ({"table": "c.s.t", "format": "delta"}, None, True),
        ({"table": "c.s.t", "format": "delta"}, {"table": "c.s.dead"}, False),
        ({"path": "s3://lake/out"}, None, True),
        ({"path": "s3://lake/out"}, {"path": "s3://lake/dead"}, False),
        ({"path": "s3://lake/out", "format": "delta"}, {"table": "c.s.dead"}, False),
    ],
)
def test_dead_letters_that_lie_beside_the_output_by_its_name_are_known(output, dead_letter, are_one):
    given = {"output": output} | ({"dead_letter": dead_letter} if dead_letter else {})
    assert targets(**given)[0].are_one == are_one


def test_without_an_output_the_result_stays_in_the_scratch_folder():
    frame = {key: value for key, value in DOCUMENT.items() if key not in ("input", "output")}
    made = FrameConfig.from_document(frame)
    found = targets_of(made, places_of(made, LAYOUT, EMR, {}))
    assert found.named() == {
        "output": "s3://lake/scoring/rows/r/result",
        "dead_letter": "s3://lake/scoring/rows/r/result_dead_letter",
    }
    assert (found.format.can.name, found.mode) == ("parquet", "error")


def refusing(words):
    def check():
        raise ConfigurationError(words)

    return check


@pytest.mark.parametrize(("are_one", "told"), [(True, ("a",)), (False, ("a", "b"))])
def test_what_is_wrong_with_an_output_is_not_told_again_of_the_dead_letters_beside_it(are_one, told):
    faults = Faults()
    faults.of_tables([refusing("a"), refusing("b")], are_one=are_one)
    assert faults.found == told


def test_what_is_wrong_with_the_dead_letters_alone_is_told():
    faults = Faults()
    faults.of_tables([lambda: None, refusing("b")], are_one=True)
    assert faults.found == ("b",)


@pytest.mark.parametrize(
    ("output", "dead_letter", "are_one"),
    [
        ({"path": "s3://b/out"}, {"path": "s3://b/out_dead_letter"}, True),
        ({"table": "a.b", "format": "delta"}, {"table": "a.b_dead_letter"}, True),
        ({"path": "s3://b/out"}, {"path": "s3://b/bad"}, False),
    ],
)
def test_dead_letters_go_elsewhere_with_the_output_unless_they_have_a_place_of_their_own(output, dead_letter, are_one):
    assert Targets(Output(**output), DeadLetter(**dead_letter), run_id="").are_one is are_one


def test_a_place_of_staged_rows_that_cannot_be_written_is_refused_by_its_key(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"staging: file:.*/file/run cannot be written: .*is no directory"):
        check_staging(f"file:{tmp_path}/file/run")
    check_staging(f"file:{tmp_path}/none/run")
    check_staging("s3a://lake/scoring/run")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "staging", ["hdfs://nn/staged", "dbfs:/staged", "abfss://c@account.dfs.core.windows.net/staged"]
)
def test_a_result_that_no_output_takes_is_staged_where_the_driver_reaches_it(staging):
    """Of `score()`, and of a run with `--limit` whatever output its run file has: Spark alone reaches these."""
    frame = FrameConfig.from_document({**DOCUMENT, "input": None, "output": None, "staging": staging})
    delta = config(staging=staging, output={"path": "dbfs:/scores", "format": "delta"})
    for given in (frame, delta.limited(10)):
        with pytest.raises(ConfigurationError, match=r"^staging: is '.*', .*without an output.*: name an output"):
            targets_of(given, places_of(given, LAYOUT, EMR, {}))
    assert targets_of(delta, places_of(delta, LAYOUT, EMR, {})).output.path == "dbfs:/scores"
