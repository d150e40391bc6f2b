"""A format is named in one module of its room alone, and so is a way to merge; all else asks the registry."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from batch_transform.config.result import OutputFormat
from batch_transform.config.runfile import RunConfig
from batch_transform.config.typed_values import Refused, checker
from batch_transform.outputs.registry import DEFAULT, format_named, names_that, output_formats
from batch_transform.spark import merge_way
from batch_transform.spark.merge_way import merge_ways

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "lib" / "batch_transform"
README = (ROOT / "conf/README.md").read_text(encoding="utf-8")
# What is called by a format's name elsewhere, and is no output.
ELSEWHERE = {
    ("config/sections.py", "parquet"),  # the input's, unless told: any format of Spark's will do there
    ("core/run_settings.py", "parquet"),  # the default, which is written once
    ("spark/settings.py", "parquet"),  # of staged rows
    ("spark/input_reading.py", "parquet"),  # the input's, as in config/sections.py
    ("spark/input_settings.py", "parquet"),  # the names of settings of Spark's readers
    ("spark/input_settings.py", "orc"),
    *(("core/unread_inputs.py", name) for name in ("parquet", "orc", "delta")),  # the input's, as it is misspelt
    ("core/plain_paths.py", "delta"),  # an input whose path is one table's, and no pattern
}


OWN = ("batch_transform.outputs.formats", "batch_transform.outputs.delta")


def named_in(tree, names):
    """The names that a module asks for: in a text that is no more, as an attribute, or by what is_<name> is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.lower() in names:
            yield node.value.lower()
        if isinstance(node, ast.Attribute | ast.Name | ast.FunctionDef):
            called = {ast.Attribute: "attr", ast.Name: "id", ast.FunctionDef: "name"}[type(node)]
            words = getattr(node, called).lower()
            yield from (name for name in names if words == name or words in (f"is_{name}", f"{name}_outputs"))


def modules(but):
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE).as_posix()
        if not place.startswith(but):
            yield place, ast.parse(path.read_text(encoding="utf-8"))


def test_no_module_outside_the_room_names_a_format():
    found = {(place, name) for place, tree in modules("outputs/") for name in named_in(tree, set(output_formats()))}
    assert found == ELSEWHERE


@pytest.mark.parametrize(
    "source",
    [
        'if output.format == "delta": pass',
        'kind = "Parquet"',
        "df.write.parquet(path)",
        "targets.is_delta",
        "delta.exists()",
    ],
)
def test_a_format_that_is_named_is_seen(source):
    assert list(named_in(ast.parse(source), {"parquet", "delta"})) != []


def test_no_module_outside_the_room_imports_a_format():
    wrong = {
        place
        for place, tree in modules("outputs/")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and re.match(r"batch_transform\.outputs\.(formats|delta)", node.module or "")
    }
    assert wrong == set()


def test_only_the_registry_and_the_ways_name_a_way_to_merge():
    wrong = {
        place
        for place, tree in modules("spark/merge_way")
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        and any(isinstance(side, ast.Constant) and side.value in merge_ways() for side in node.comparators)
        and "merge" in ast.unparse(node.left)
    }
    assert wrong == set()


def test_a_module_is_called_as_what_it_holds():
    formats = {path.stem for path in (PACKAGE / "outputs" / "formats").glob("[a-z]*.py")}
    assert set(output_formats()) == formats
    assert {name: format.can.name for name, format in output_formats().items()} == {name: name for name in formats}
    ways = {path.stem for path in (PACKAGE / "spark" / "merge_ways").glob("[a-z]*.py")}
    assert {name: way.name for name, way in merge_ways().items()} == {name: name for name in ways}


def test_the_defaults_are_the_first_that_a_message_names():
    assert next(iter(output_formats())) == DEFAULT
    assert next(iter(merge_ways())) == merge_way.DEFAULT
    assert RunConfig.model_fields["merge"].default == merge_way.DEFAULT


def test_a_configuration_takes_each_format_and_names_them_all():
    check = checker(OutputFormat)
    assert [check(name) for name in output_formats()] == list(output_formats())
    with pytest.raises(Refused, match=f"valid: {', '.join(output_formats())}"):
        check("cvs")


def test_the_readme_lists_each_format_and_each_way():
    (line,) = re.findall(r"^  format: (\w+) +# or (.+)$", README, re.MULTILINE)
    assert sorted([line[0], *line[1].split(", ")]) == sorted(output_formats())
    (line,) = re.findall(r"^merge: (\w+) +# or (.+)$", README, re.MULTILINE)
    assert sorted([line[0], *line[1].split(", ")]) == sorted(merge_ways())


def test_where_there_is_no_spark_they_are_known():
    script = """
import sys
class NoSpark:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "pyspark":
            raise ImportError(name)
sys.meta_path.insert(0, NoSpark())
from batch_transform.outputs.registry import output_formats
from batch_transform.spark.merge_way import merge_ways
from batch_transform.pipeline.submit import submission
print(*output_formats(), *merge_ways())
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert told.split() == [*output_formats(), *merge_ways()]


def test_a_file_is_all_that_a_format_takes(tmp_path, monkeypatch):
    from batch_transform.outputs import formats

    source = (PACKAGE / "outputs" / "formats" / "parquet.py").read_text(encoding="utf-8")
    (tmp_path / "other.py").write_text(source.replace('"parquet", "Parquet"', '"other", "Other"'))
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    output_formats.cache_clear()
    try:
        assert format_named("other").can.title == "Other"
        assert "other" not in names_that(lambda can: can.takes_tables)
    finally:
        output_formats.cache_clear()
        sys.modules.pop(f"{formats.__name__}.other")
