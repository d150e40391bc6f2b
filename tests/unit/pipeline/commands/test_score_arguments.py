"""What `score()` says of arguments that are none of its own, before it asks anybody."""

from __future__ import annotations

import pandas as pd
import pytest

from batch_transform import score
from batch_transform.config.loading import from_arguments
from batch_transform.core.errors import ConfigurationError

ARGUMENTS = {"run_id": "r", "model": "m", "workspace": "s3://bucket/w"}


class Session:
    """A session that nobody asks."""


class Stream:
    """A table of Spark's that has no end."""

    isStreaming = True
    sparkSession = Session()


@pytest.mark.parametrize("df", [pd.DataFrame({"a": [1]}), [("a", 1)], None, "table", Stream], ids=str)
def test_what_is_no_table_of_sparks_is_refused_with_what_makes_one(df):
    kind = f"{type(df).__module__}.{type(df).__qualname__}"
    with pytest.raises(ConfigurationError, match=rf"score\(\): df: must be .*, not {kind}; spark.createDataFrame"):
        score(df, **ARGUMENTS)


def test_a_stream_is_refused_with_the_way_to_score_its_batches():
    with pytest.raises(ConfigurationError, match=r"df: is a stream; .*foreachBatch"):
        score(Stream(), **ARGUMENTS)


class Shown:
    """An object of a program, which shows what it holds."""

    def __repr__(self):
        return "ROWVALUE"


@pytest.mark.parametrize("key", ["columns", "prediction", "run_id", "output", "budget_usd", "expect"])
def test_an_object_in_the_place_of_a_value_is_told_by_its_type_and_not_by_what_it_holds(key):
    with pytest.raises(ConfigurationError, match=f"{key}.*: must be .*, not a Shown") as caught:
        from_arguments(**{**ARGUMENTS, key: Shown()})
    assert "ROWVALUE" not in str(caught.value)


@pytest.mark.parametrize("key", ["staging", "workspace", "run_id"])
def test_a_text_with_half_of_a_character_is_refused(key):
    with pytest.raises(ConfigurationError, match=f"{key}: has half of a character"):
        from_arguments(**{**ARGUMENTS, key: "s3://bucket/a\udce9"})


def test_columns_that_are_given_twice_are_refused():
    """The argument won without a word, and the model was sent other columns than the section names."""
    with pytest.raises(ConfigurationError, match=r"record\.columns: is given beside the argument columns; give one"):
        from_arguments(**ARGUMENTS, columns=["a"], record={"columns": ["b"]})
    assert from_arguments(**ARGUMENTS, columns=["a"], record={"columns": None}).record.columns == ("a",)


@pytest.mark.parametrize("record", ["csv", ["a"], 3])
@pytest.mark.parametrize("columns", [None, ["a"]])
def test_what_is_no_section_is_refused_as_any_other_one(record, columns):
    """There was a TypeError of Python's."""
    with pytest.raises(ConfigurationError, match=r"record: must be a map, not"):
        from_arguments(**ARGUMENTS, columns=columns, record=record)
