"""A long text without a blank takes time by its length, and not by its square, to be searched for secrets."""

from __future__ import annotations

import time

import pytest

from batch_transform.config.places import WITH_USER, secret_in_url
from batch_transform.config.variables import substitute
from batch_transform.core.secret_values import is_secret_name

LENGTH = 100_000
PATTERNS = [
    "x",
    "x.",
    "x+",
    "://a:b",
    "://",
    "//a:b,",
    "s3://",
    "http://",
    "jdbc:oracle:a:",
    "jdbc:oracle:a:b/",
    "abfs:",
]
PATTERNS += ["abfs://", "#", "#&", "#&x", "#token", "?", "?a=", "&", "token", "${", "$${", "max_", "max_a_", "tokenis"]
PATTERNS += ["tokens_", "key_", "A", "aB", "conn", "pass"]
# By the square each of them takes a quarter of a minute or more.
MOST_SECONDS = 5


@pytest.mark.parametrize("end", ["", "@", " @", "=1"])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_text_is_searched_at_once(pattern, end):
    text = pattern * (LENGTH // len(pattern)) + end
    began = time.process_time()
    secret_in_url(text)
    is_secret_name(text)
    substitute({"a": text}, {})
    assert time.process_time() - began < MOST_SECONDS


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x" * LENGTH + "://u:p@h", WITH_USER),
        ("x" * LENGTH + "://h?token=1", "has a secret in an address: token"),
        ("see https://a/b?x=1,https://c/d?sig=2", "has a secret in an address: sig"),
        ("/data#a=1&id_token=x", "has a secret in an address: id_token"),
        ("/data&id_token=x", None),
        ("/data# &id_token=x", None),
        ("hdfs://h:8020/a jdbc:oracle:thin:u/p@h", WITH_USER),
    ],
)
def test_what_is_found_is_the_same(text, found):
    assert secret_in_url(text) == found
