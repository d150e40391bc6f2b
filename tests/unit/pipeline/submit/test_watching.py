"""Of what spark-submit wrote the lines are shown that say why it has ended."""

from __future__ import annotations

import subprocess
import sys

from batch_transform.pipeline.submit.watching import CODE, EVENTS, telling

USAGE = [f"  --option-{number}\n" for number in range(100)]


def test_an_error_before_a_long_usage_is_shown_with_the_last_lines():
    shown = telling(["warning\n", "Error: Unrecognized option: --no-such-option\n", "\n", *USAGE])
    assert shown == ["Error: Unrecognized option: --no-such-option", *(line.rstrip() for line in USAGE[-8:])]


def test_a_few_lines_are_shown_once_in_their_order_and_without_a_stack():
    stack = ["\tat org.apache.spark.deploy.SparkSubmit.main(SparkSubmit.scala)\n"] * 20
    assert telling(["a\n", "java.lang.IllegalStateException: b\n", *stack, "c\n"]) == [
        "a",
        "java.lang.IllegalStateException: b",
        "c",
    ]


def test_nothing_is_left_open_which_a_python_that_tells_warnings_would_say_below_a_run(tmp_path):
    for name, text in ((EVENTS, ""), (CODE, "0")):
        (tmp_path / name).write_text(text)
    command = [sys.executable, "-W", "error", "-m", "batch_transform.pipeline.submit.watching", str(tmp_path)]
    watched = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=True)
    assert watched.stderr == b""
