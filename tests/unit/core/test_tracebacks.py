"""A traceback is found with whatever margin it stands, and nothing in what an error says counts as one."""

from __future__ import annotations

import textwrap

from batch_transform.core.error_causes import cause_of
from batch_transform.core.stack_traces import Link
from batch_transform.core.tracebacks import raised_in

HEAD = "Traceback (most recent call last):\n"
INNER = f"{HEAD}  File \"/a/b.py\", line 3, in f\n    g(x)\nKeyError: 'x'\n"
OUTER = f'{HEAD}  File "/a/c.py", line 5, in h\n    raise\nRuntimeError: r\n'
THEN = "\nDuring handling of the above exception, another exception occurred:\n\n"
# As Python 3.12 writes it and Spark 4.2 hands it on.
GROUP = """[PYTHON_EXCEPTION] An exception was thrown from the Python worker:   + Exception Group \
Traceback (most recent call last):
  |   File "/a/c.py", line 8, in g
  |     raise ExceptionGroup("g " + x, found)
  |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  | ExceptionGroup: g XSECRETROWX (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/a/b.py", line 3, in f
    |     h(x)
    | ValueError: XSECRETROWX
    +---------------- 2 ----------------
    | KeyError: XSECRETROWX
    +------------------------------------
 SQLSTATE: 38000"""


def named(text):
    return [(found.name, found.place) for found in raised_in(text)]


def test_the_last_error_stands_before_its_cause():
    expected = [("RuntimeError", "c.py line 5, in h"), ("KeyError", "b.py line 3, in f")]
    assert named(f"{INNER}{THEN}{OUTER}") == expected


def test_a_traceback_that_is_indented_is_one():
    """As what a worker's daemon writes to its standard error is in Spark's message."""
    text = "\nError from python worker:\n" + textwrap.indent(f"{INNER}{THEN}{OUTER}", "  ") + "PYTHONPATH was:\n  /a\n"
    assert named(text) == named(f"{INNER}{THEN}{OUTER}")
    assert "KeyError at b.py line 3, in f" in cause_of([Link("org.apache.spark.SparkException", text)]).words


def test_a_group_has_its_class_and_place_and_so_do_its_errors():
    assert named(GROUP) == [("ExceptionGroup", "c.py line 8, in g"), ("ValueError", "b.py line 3, in f")]
    told = cause_of([Link("org.apache.spark.api.python.PythonException", GROUP)]).words
    assert "ExceptionGroup at c.py line 8, in g" in told
    assert "XSECRETROWX" not in told


def test_a_traceback_in_what_an_error_says_is_not_its_cause():
    assert named(f"{OUTER}\n{INNER}") == [("RuntimeError", "c.py line 5, in h")]
    assert named(OUTER.replace(": r\n", f": {INNER}")) == [("RuntimeError", "c.py line 5, in h")]


def test_the_traceback_of_another_process_is_a_cause():
    """As `multiprocessing` hands it on, in quotes."""
    of_remote = (
        f'multiprocessing.pool.RemoteTraceback: \n"""\n{INNER}"""\n\nThe above exception was the direct cause of '
    )
    assert len(named(f"{of_remote}the following exception:\n\n{OUTER}")) == 2
