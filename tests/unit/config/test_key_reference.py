"""The reference of keys is made of the code, and each key has its line."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from batch_transform import exports, records
from batch_transform.config.key_meanings import MEANINGS
from batch_transform.config.key_reference import keys, table
from batch_transform.config.runfile import RunConfig
from batch_transform.exports.export_ways import names as export_ways
from batch_transform.outputs import formats
from batch_transform.outputs.registry import output_formats
from batch_transform.records.registry import built_in
from batch_transform.spark import merge_ways as merge_ways_room
from batch_transform.spark.merge_way import merge_ways

PAGE = Path(__file__).parents[3] / "conf/README.md"


def test_each_key_has_a_line_and_each_line_a_key():
    assert [key.path for key in keys()] == list(MEANINGS)
    sections = {path.partition(".")[0] for path in MEANINGS}
    assert set(RunConfig.model_fields) - sections == {"secret_variables", "limit"}


def test_defaults_are_those_of_the_code():
    told = {key.path: key.default for key in keys()}
    assert (told["transform.instance_type"], told["lease_seconds"]) == ("`ml.m5.xlarge`", "`60.0`")
    assert (told["aws.s3.requester_pays"], told["model.name"], told["input.path"]) == ("`false`", "", "")


def test_the_page_has_what_the_command_prints():
    assert table() in PAGE.read_text(encoding="utf-8"), "python -m batch_transform.config.key_reference prints it anew"


REGISTRIES = {"record.format": built_in, "output.format": output_formats, "export": export_ways, "merge": merge_ways}
MODULES = {
    "record.format": (records, "text", '"text"\n', '"{}"\n'),
    "output.format": (formats, "parquet", '"parquet", "Parquet"', '"{}", "Added"'),
    "export": (exports, "arrow", "", ""),
    "merge": (merge_ways_room, "join", 'name = "join"', 'name = "{}"'),
}


@pytest.mark.parametrize("key", REGISTRIES)
def test_a_key_that_takes_a_name_of_a_registry_tells_them_all_the_default_first(key):
    told = {found.path: found for found in keys()}[key]
    named = re.findall("`([a-z]+)`", told.meaning.partition(";")[0])
    assert sorted(named) == sorted(REGISTRIES[key]())
    assert f"`{named[0]}`" == told.default


@pytest.mark.parametrize("key", REGISTRIES)
def test_a_module_is_all_that_a_name_in_the_reference_takes(tmp_path, monkeypatch, key):
    room, like, name, other = MODULES[key]
    source = (Path(room.__path__[0]) / f"{like}.py").read_text(encoding="utf-8")
    assert name in source
    (tmp_path / "added.py").write_text(source.replace(name, other.format("added")) if name else source)
    monkeypatch.setattr(room, "__path__", [*room.__path__, str(tmp_path)])
    REGISTRIES[key].cache_clear()
    try:
        assert "`added`" in {found.path: found.meaning for found in keys()}[key]
    finally:
        REGISTRIES[key].cache_clear()
        sys.modules.pop(f"{room.__name__}.added", None)
