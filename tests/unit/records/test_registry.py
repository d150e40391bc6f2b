"""The record formats that there are, and what they say of themselves without Spark."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from batch_transform.config.record import check_format
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.framing import Framing
from batch_transform.core.run_settings import RunSettings
from batch_transform.records.registry import built_in, framing_of, record_format
from support import tab_separated

LIB = Path(__file__).parents[3] / "lib" / "batch_transform"
# Predictions have formats of their own (core.predictions.answer_form), of which some share a name with a record's.
# Spark's readers have names of their own, and a type of SQL's is called text.
OF_INPUTS = tuple(
    LIB / path
    for path in (
        "spark/input_schema.py",
        "spark/reader_options.py",
        "spark/csv_line_breaks.py",
        "core/unread_inputs.py",
        "spark/ddl.py",
    )
)
OF_PREDICTIONS = (LIB / "core" / "predictions", LIB / "config" / "joining.py", LIB / "config" / "prediction.py")


def asked(format="jsonlines", split="Line", **record):
    return RunSettings.of({"record": {"format": format, **record}, "transform": {"split": split}})


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (asked(), Framing()),
        (asked(compression="gzip"), Framing(".jsonl.gz", compressed=True)),
        (asked("csv", "None"), Framing(".csv", whole=True)),
        (asked("json"), Framing(".json")),
        (asked("json", "None"), Framing(".json", newline=False, whole=True)),
        (asked("binary", "None"), Framing(".bin", newline=False, whole=True)),
        (asked("raw"), Framing(".raw")),
        (asked("text"), Framing(".txt")),
    ],
)
def test_the_framing_follows_from_the_configuration(settings, expected):
    assert framing_of(settings) == expected


def test_a_header_is_the_bytes_that_were_recorded():
    assert framing_of(asked("csv", "None"), "é,b\n").header == "é,b\n".encode()


def test_the_formats_are_the_modules_of_the_folder():
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (LIB / "records").glob("*.py")}
    assert set(built_in()) == {name for name, text in texts.items() if "\nFORMAT = " in text}
    assert RunSettings.of({}).record.format in built_in()


def test_a_format_may_be_a_module_anywhere():
    assert record_format("support.tab_separated") is tab_separated.FORMAT
    assert framing_of(asked("support.tab_separated")) == Framing(".tsv")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("avro", f"avro is none; valid: {', '.join(built_in())}, or the import path of a module"),
        ("os.path", "os.path: the module has no FORMAT; valid: "),
        ("support.tables", "support.tables: the module has no FORMAT; valid: "),
        ("support.no_such", "support.no_such: No module named 'support.no_such'; valid: "),
    ],
)
def test_what_is_no_format_is_told_with_those_that_are(name, words):
    with pytest.raises(ConfigurationError, match=f"record.format: {words}"):
        record_format(name)


OWN = (
    "from batch_transform.records.port import RecordFormat\n"
    "class Own(RecordFormat):\n"
    "    name, media_type, suffix = 'own', 'text/own', 'own'\n"
    "    def record(self, kind, value): ...\n"
    "FORMAT = Own()\n"
)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def (", "importing it raised SyntaxError: "),
        ("raise ValueError('no')", "importing it raised ValueError: no; valid: "),
        ("raise OSError('no')", "importing it raised OSError: no; valid: "),
        ("raise SystemExit(0)", "importing it raised SystemExit: 0; valid: "),
        ("import no_such", "No module named 'no_such'; valid: "),
        (OWN.replace("def record", "def rekord"), "importing it raised TypeError: Can't instantiate abstract"),
        (OWN.replace("Own()", "Own"), "broken_format: its FORMAT is the class Own; it must be an instance of a class"),
        ("FORMAT = 'csv'", "its FORMAT is of the type str; it must be an instance of a class made from RecordFormat"),
        ("FORMAT = None", "its FORMAT is of the type NoneType; it must be an instance"),
        (OWN.replace("'own', 'text", "3, 'text"), "its FORMAT has 3 as its name; it must be text"),
        (OWN.replace("'text/own'", "5"), "its FORMAT has 5 as its media_type; it must be one"),
        (OWN.replace("'text/own'", r"'text/o\nwn'"), "its FORMAT has 'text/o.*nwn' as its media_type"),
        (OWN.replace(", media_type", ", other"), "its FORMAT has none as its media_type"),
        (OWN.replace(", 'own'\n", ", '.o/n'\n"), "its FORMAT has '.o/n' as its suffix; it must be letters and digits"),
        (OWN.replace("    def", "    split = 'Lines'\n    def"), "has 'Lines' as its split; it must be Line or None"),
    ],
)
def test_a_format_of_ones_own_that_is_broken_is_a_fault_of_the_run_file(tmp_path, monkeypatch, code, words):
    (tmp_path / "of_users").mkdir()
    (tmp_path / "of_users" / "broken_format.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("of_users.broken_format", "of_users"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(ValueError, match=words):
        check_format("of_users.broken_format")
    for name in ("of_users.broken_format", "of_users"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", [".csv", "..csv", ".", "csv.", "a..b", "a/b.py", "a.b\n", "a-b.c"])
def test_what_is_no_import_path_is_told_as_such(name):
    with pytest.raises(ValueError, match="is no import path; valid: "):
        check_format(name)


def test_formats_are_asked_without_spark():
    code = (
        "import sys; sys.modules['pyspark'] = None\n"
        "from batch_transform.records.registry import built_in\n"
        "for each in built_in().values(): each.framing(each.split), each.media_type, each.remedy"
    )
    environment = {"PYTHONPATH": ":".join(sys.path), "PATH": ""}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


def asks_which(tree):
    """The names of formats that are compared, looked up in a collection, or keys of a table."""
    for node in ast.walk(tree):
        parts = node.keys if isinstance(node, ast.Dict) else ()
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        for inner in [each for part in parts if part is not None for each in ast.walk(part)]:
            if isinstance(inner, ast.Constant) and inner.value in built_in():
                yield inner.value


def test_nobody_outside_the_folder_asks_which_format_it_is():
    others = [
        path
        for path in LIB.rglob("*.py")
        if not any(path.is_relative_to(own) for own in (LIB / "records", *OF_PREDICTIONS, *OF_INPUTS))
    ]
    asked = {path.name: [*asks_which(ast.parse(path.read_text(encoding="utf-8")))] for path in others}
    assert {name: found for name, found in asked.items() if found} == {}


@pytest.mark.parametrize("code", ["a == 'csv'", "a in ('json', 'x')", "{'raw': 1}[a]", "a.format != 'text'"])
def test_who_asks_is_seen(code):
    assert [*asks_which(ast.parse(code))]
