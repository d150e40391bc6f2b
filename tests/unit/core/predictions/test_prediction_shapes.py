"""`.out` objects as model servers write them when they do not write JSON Lines: no crash, no shifted row."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc

import pyarrow as pa
import pytest

from batch_transform.core.predictions.output_lines import lines_of
from batch_transform.core.predictions.reader import NOTHING_FOUND, PredictionReader

READER = PredictionReader(pa.schema([("p", pa.int64())]))


def line(number: int) -> bytes:
    return b'{"p":%d}\n' % number


def outcome(block: bytes, reader: PredictionReader = READER) -> list[int | str]:
    """Each line's prediction, or the reason why it has none."""
    answers = reader.read(lines_of(block))
    reasons = answers.reasons
    nulls = {index for index, row in enumerate(answers.values.to_pylist()) if row is None}
    assert nulls == set(reasons)
    return [reasons.get(index, row and row["p"]) for index, row in enumerate(answers.values.to_pylist())]


@pytest.mark.parametrize(
    "block",
    [b"null\n" * 3, b"null\n" * 200_000, b"null", b"{}\n" * 200_000, b'{"p":null}\n' * 3, b"[]\n" * 9, b"\n" * 9, b""],
    ids=lambda block: f"{block[:8]!r} and so on, {len(block)} bytes",
)
def test_an_object_without_any_value_does_not_crash_the_process(block: bytes):
    # In a process of its own, since a crash would end this one.
    script = """
import sys, pyarrow as pa
from batch_transform.core.predictions.output_lines import lines_of
from batch_transform.core.predictions.reader import PredictionReader
answers = PredictionReader(pa.schema([("p", pa.float64())])).read(lines_of(sys.stdin.buffer.read()))
print(len(answers), answers.values.null_count, len(answers.reasons))
"""
    run = subprocess.run(
        [sys.executable, "-c", script], input=block, capture_output=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    lines = block.count(b"\n") + (block[-1:] not in (b"", b"\n"))
    assert (run.returncode, run.stdout.split()) == (0, [b"%d" % lines] * 3), run.stderr.decode()[-500:]


def test_glued_lines_do_not_shift_those_behind():
    glued = line(1).strip() + line(2)
    assert outcome(line(0) + glued + line(3)) == [0, "more than one JSON value (the first has 7 of 14 characters)", 3]


def test_a_glued_line_that_makes_up_for_a_blank_one_is_found():
    first, second, third, fourth = outcome(b"\n" + line(1).strip() + line(2) + b'{"p":3}\r\n' + line(4))
    assert (first, third, fourth) == ("a blank line", 3, 4)
    assert "more than one" in str(second)


@pytest.mark.parametrize("blank", [b"\n", b"  \n", b"\t\r\n"])
def test_blank_lines_do_not_shift_those_behind(blank: bytes):
    assert outcome(line(0) + blank + line(2)) == [0, "a blank line", 2]


def test_each_line_of_a_pretty_printed_object_is_unreadable_alone():
    pretty = json.dumps({"p": 1, "q": {"p": 2}}, indent=1).encode() + b"\n"
    found = outcome(line(0) + pretty + line(9))
    assert found[0] == 0
    assert found[-1] == 9
    assert len(found) == 2 + pretty.count(b"\n")
    assert all(isinstance(reason, str) for reason in found[1:-1])


@pytest.mark.parametrize("opened", ['{"x":{}', '{"x":', '{"x":\r', '{"x":[', '{"x":{"y":[{}'])
def test_an_object_over_two_lines_does_not_make_up_for_a_glued_one(opened: str):
    # As many lines as objects, and each line begins as an object does.
    closed = '{"p":3}' + {'{"x":[': "]}", '{"x":{"y":[{}': "]}}"}.get(opened, "}")
    found = outcome(f'{{"p":1}}{{"p":2}}\n{opened}\n{closed}\n{{"p":4}}\n'.encode())
    assert [type(reason) for reason in found] == [str, str, str, int]


def test_a_line_of_three_megabytes_is_read():
    long = b'{"x":"' + b"y" * 3_000_000 + b'","p":1}\n'
    assert outcome(line(0) + long + line(2)) == [0, 1, 2]


def test_a_list_of_three_megabytes_is_read_exactly():
    numbers = [index / 7 for index in range(170_000)]
    reader = PredictionReader(pa.schema([("v", pa.list_(pa.float64()))]))
    assert reader.read(lines_of(json.dumps({"v": numbers}).encode())).values[0].as_py() == {"v": numbers}


def test_a_truncated_last_line_is_unreadable_alone():
    assert outcome(line(0) + line(1) + b'{"p":') == [0, 1, "not JSON: read up to character 5 of 5"]


def test_a_last_line_without_a_newline_is_read():
    assert outcome(line(0) + b'{"p":1}') == [0, 1]


@pytest.mark.parametrize("inside", ["\u2028", "\u0085", "\u2029", "\x1c", "\x0b"])
def test_only_the_newline_byte_ends_a_line(inside: str):
    reader = PredictionReader(pa.schema([("s", pa.string())]))
    escaped = json.dumps({"s": inside}, ensure_ascii=inside < " ").encode()
    assert reader.read(lines_of(escaped + b"\n" + escaped)).values.to_pylist() == [{"s": inside}] * 2


def test_windows_line_ends_are_read():
    assert outcome(b'{"p":1}\r\n{"p":2}\r\n') == [1, 2]


@pytest.mark.parametrize(("space", "readable"), [(b" ", True), (b"\t", True), (b"\x0b", False), (b"\xc2\xa0", False)])
def test_only_the_white_space_of_json_may_surround_an_object(space: bytes, readable: bool):
    answers = READER.read(lines_of(space + b'{"p":1}' + space))
    assert (not answers.reasons) is readable


def test_a_byte_order_mark_makes_only_its_own_line_unreadable():
    assert outcome(b"\xef\xbb\xbf" + line(0) + line(1))[1] == 1


def test_bytes_that_are_not_utf8_make_only_their_line_unreadable():
    assert outcome(line(0) + b'{"x":"\xff","p":1}\n{"x":"\xc3\xa9","p":2}\n') == [0, "not UTF-8", 2]


@pytest.mark.parametrize("empty", ["{}", '{"p":null}', '{"P":1}', '{"q":{"p":1}}'])
def test_a_line_with_none_of_the_fields_is_unreadable(empty: str):
    assert outcome(line(0) + empty.encode() + b"\n" + line(2)) == [0, NOTHING_FOUND, 2]


def test_unknown_fields_nested_beyond_pythons_depth_are_ignored_like_others():
    deep = b'{"x":' + b"[" * 50_000 + b"]" * 50_000 + b',"p":1}\n'
    assert outcome(deep + b"\n") == [1, "a blank line"]


def test_a_deep_line_that_pyarrow_cannot_read_either_is_unreadable():
    deep = b'{"x":' + b"[" * 50_000 + b"]" * 50_000 + b',"p":"no number"}\n'
    assert outcome(deep + line(1)) == ["nested too deeply", 1]


def test_the_python_memory_of_a_well_formed_block_is_that_of_its_offsets():
    block = line(12_345) * 100_000
    READER.read(lines_of(block[:110]))
    tracemalloc.start()
    READER.read(lines_of(block))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * len(block)
