"""The table of settings is read from the sources, a built package and a zip, and refuses what says nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from batch_transform.pipeline.submit.archive import write_archive
from batch_transform.spark.setting_classes import SettingClass, parsed, setting_classes, user_settings

ROOT = Path(__file__).parents[3]
TABLE = "batch_transform/spark/session_settings.tsv"
COUNT = "from batch_transform.spark import setting_classes as of; print(of.__file__, len(of.user_settings()))"


@pytest.mark.parametrize(
    ("key", "of"),
    [
        ("spark.sql.session.timeZone", SettingClass.USER),
        ("spark.sql.ansi.enabled", SettingClass.USER),
        ("spark.sql.legacy.timeParserPolicy", SettingClass.USER),
        ("spark.sql.parquet.datetimeRebaseModeInRead", SettingClass.USER),
        ("spark.sql.parquet.mergeSchema", SettingClass.USER),
        ("spark.sql.hive.verifyPartitionPath", SettingClass.USER),  # of Spark 3.5
        ("spark.sql.parquet.outputTimestampType", SettingClass.OURS),
        ("spark.sql.parquet.datetimeRebaseModeInWrite", SettingClass.OURS),
        ("spark.sql.autoBroadcastJoinThreshold", SettingClass.NEITHER),
    ],
)
def test_a_setting_has_its_class(key, of):
    assert setting_classes()[key].of is of
    assert (key in user_settings()) == (of is SettingClass.USER)


def lines(*rows):
    return ["key\tclass\treason", *rows]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ([], "its first line is not key class reason"),
        (["key\treason\tclass"], "its first line is not key class reason"),
        (lines("a\tuser"), "line 2: it has not the three values"),
        (lines("a\tuser\tx", "b\tours\t "), "line 3: it has not the three values"),
        (lines("a\tuser\tx\ty"), "line 2: it has not the three values"),
        (lines("a\tmine\tx"), "line 2: a has the unknown class mine"),
        (lines("b\tuser\tx", "a\tours\tx"), "line 3: a is twice there or out of order"),
        (lines("a\tuser\tx", "a\tours\tx"), "line 3: a is twice there or out of order"),
    ],
)
def test_a_line_that_classes_nothing_is_refused(table, expected):
    with pytest.raises(ValueError, match=expected):
        parsed(table)


def test_the_table_is_in_the_built_package(tmp_path):
    command = [sys.executable, "setup.py", "-q", "build_py", "--build-lib", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert (tmp_path / TABLE).read_bytes() == (ROOT / "lib" / TABLE).read_bytes()


def test_the_table_is_read_from_a_zip_as_a_cluster_has_it(tmp_path):
    archive = write_archive(ROOT / "lib", tmp_path / "lib.zip")
    command = [sys.executable, "-c", COUNT]
    environment = {**os.environ, "PYTHONPATH": str(archive)}
    run = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    source, count = run.stdout.split()
    assert Path(source).is_relative_to(archive)
    assert int(count) == len(user_settings())
