"""What Spark's readers take for a pattern, and how a path is kept from being one."""

from __future__ import annotations

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.plain_paths import colon_fault, escaped, missed, plain_path

PATHS = st.text("[]{}*?\\/:a b%+#é,") | st.text()


@given(PATHS)
def test_an_escaped_path_stands_for_itself_alone(path):
    assert plain_path(escaped(path)) == path


@given(PATHS)
def test_a_path_without_marks_stays_as_it_is(path):
    plain = re.sub(r"[\[\]{}*?\\]", "", path)
    assert escaped(plain) == plain_path(plain) == plain


def test_the_path_of_a_table_stays_as_it_is():
    assert escaped("/a[1]", "Delta") == "/a[1]"
    assert escaped("/a[1]", "orc") == r"/a\[1\]"


@pytest.mark.parametrize(
    ("path", "is_fault"),
    [
        ("file:/a[1]/b", False),
        ("s3a://user@bucket:80/a[1]/b", False),
        ("file:/a:b/c d", False),
        ("file:/a:b/[c]", True),
        ("s3a://bucket/{a}/b:c", True),
    ],
)
def test_a_colon_beside_a_mark_is_what_hadoop_does_not_read(path, is_fault):
    fault = colon_fault("staging", path)
    assert (fault is not None) is is_fault
    assert fault is None or fault.startswith(f"staging: {path} has a colon and some of [ ] {{ }} * ? \\, which Hadoop")


@pytest.mark.parametrize("pattern", ["a*", "a?", "[ab]", "{a,b}", r"a\[1]", r"\\*", "a\\"])
def test_what_may_stand_for_several_is_no_plain_path(pattern):
    assert plain_path(pattern) is None


@given(st.text("[]*?!a-", max_size=5), st.text("[]*?!a-", max_size=5))
def test_no_other_name_matches_an_escaped_one(name, other):
    """By Python's own globbing, which marks a plain character by a set of one."""
    own = re.sub(r"\\(.)", "[\\1]", escaped(name)).replace("[]]", "]")
    assert fnmatch.fnmatchcase(other, own) == (other == name)


def test_a_pattern_that_misses_is_told_in_one_sentence():
    said = missed("input: a[1] cannot be read: [PATH_NOT_FOUND] Path does not exist: s3a://b/a[1]..")
    assert "does not exist: s3a://b/a[1]; it was read as a pattern" in said
