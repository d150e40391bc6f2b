"""What Ivy says of jars is one line where all is well, and whole where it is not."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.pipeline.submit.jar_resolution import told

BEFORE = [b"WARNING: Using incubator modules: jdk.incubator.vector\n"]
BLOCK = b"""\
:: loading settings :: url = jar:file:/spark/jars/ivy-2.5.3.jar!/org/apache/ivy/core/settings/ivysettings.xml
Ivy Default Cache set to: /home/me/.ivy2.5.2/cache
The jars for the packages stored in: /home/me/.ivy2.5.2/jars
io.delta#delta-spark_4.2_2.13 added as a dependency
org.apache.hadoop#hadoop-aws added as a dependency
software.amazon.awssdk#s3 added as a dependency
:: resolving dependencies :: org.apache.spark#spark-submit-parent-57124317-520b-4ca8-b457-873c3ffc530e;1.0
	confs: [default]
	found io.delta#delta-spark_4.2_2.13;4.4.0 in central
	found org.slf4j#slf4j-api;2.0.13 in central
:: resolution report :: resolve 3509ms :: artifacts dl 186ms
	:: modules in use:
	io.delta#delta-spark_4.2_2.13;4.4.0 from central in [default]
	:: evicted modules:
	org.slf4j#slf4j-api;2.0.17 by [org.slf4j#slf4j-api;2.0.13] in [default]
	---------------------------------------------------------------------
	|                  |            modules            ||   artifacts   |
	|       conf       | number| search|dwnlded|evicted|| number|dwnlded|
	---------------------------------------------------------------------
	|      default     |   37  |   0   |   0   |   4   ||   33  |   0   |
	---------------------------------------------------------------------
:: retrieving :: org.apache.spark#spark-submit-parent-57124317-520b-4ca8-b457-873c3ffc530e
	confs: [default]
""".splitlines(keepends=True)
DONE = b"\t3 artifacts copied, 30 already retrieved (0kB/26ms)\n"
AFTER = [b"[batch-transform] stage     10 rows\n", b":: loading settings :: of a message\n", b"no end of line"]
ONE_LINE = b"[batch-transform] jars      resolved 33 jars for Delta, S3\n"
FETCHED = [
    b"downloading https://repository.example/io/delta/delta-spark.jar ...\n",
    b"\t[SUCCESSFUL ] io.delta#delta-spark_4.2_2.13;4.4.0!delta-spark_4.2_2.13.jar (143ms)\n",
] * 3
FAILED = b"""\
\t:: modules in use:

:: problems summary ::
:::: WARNINGS
	\tmodule not found: io.delta#delta-spark_4.2_2.13;99.4.0
Exception in thread "main" java.lang.RuntimeException: [unresolved dependency: io.delta#delta-spark;99: not found]
""".splitlines(keepends=True)


def test_jars_that_are_resolved_are_one_line():
    assert list(told([*BEFORE, *BLOCK, DONE, *AFTER])) == [*BEFORE, ONE_LINE, *AFTER]


def test_who_waits_for_jars_to_be_fetched_is_told_so_once():
    first, *rest = list(told([*BLOCK[:10], *FETCHED, *BLOCK[10:], DONE]))
    assert first.startswith(b"[batch-transform] jars      fetching the jars for Delta, S3")
    assert rest == [ONE_LINE]


STACK = [b"\tat org.apache.spark.util.MavenUtils$.resolve(MavenUtils.scala:459)\n"] * 3


def test_a_resolution_that_fails_is_shown_whole_with_a_remedy_in_place_of_a_stack():
    lines = [*BEFORE, *BLOCK[:11], *FAILED]
    *shown, remedy, after = list(told([*lines, *STACK, AFTER[0]]))
    assert (shown, after) == (lines, AFTER[0])
    assert remedy.startswith(
        b"[batch-transform] jars      not to be had: io.delta:delta-spark:99; is Maven Central reached"
    )


def test_jars_that_are_not_there_are_named():
    """Of a ~/.m2 with poms alone, as Spark's own chain says it."""
    error = b"[download failed: demo#thing;1.0!thing.jar, download failed: demo.more#other_2.13;2.0-b1!other_2.13.jar]"
    lines = [*BLOCK[:11], b'Exception in thread "main" java.lang.RuntimeException: ' + error + b"\n"]
    assert b"not to be had: demo:thing:1.0, demo.more:other_2.13:2.0-b1; " in list(told(lines))[-1]


@pytest.mark.parametrize("end", range(1, len(BLOCK)))
def test_so_is_one_that_ends_in_the_middle(end):
    assert list(told(BLOCK[:end])) == BLOCK[:end]


def test_what_is_said_is_not_held_back():
    """Beyond the resolution lines come one by one, while spark-submit goes on."""
    went = []
    lines = told(went.append(line) or line for line in chain(BEFORE, BLOCK, [DONE], AFTER))
    assert [next(lines) for _ in range(3)] == [*BEFORE, ONE_LINE, AFTER[0]]
    assert went[-1] == AFTER[0]


@given(st.lists(st.sampled_from([*BLOCK, *FAILED, *AFTER, *BEFORE])))
def test_without_the_last_line_of_a_success_nothing_is_left_out(lines):
    shown = list(told(lines))
    assert [line for line in shown if b"not to be had" not in line] == lines
    assert len(shown) - len(lines) <= lines.count(FAILED[-1])
