"""Predictions of thousands of columns: each column has a price in each block that pyarrow reads, so blocks are few."""

from __future__ import annotations

import json
from unittest.mock import patch

import pyarrow as pa
import pyarrow.json
import pytest

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.predictions import json_fast
from batch_transform.core.predictions.output_lines import lines_of
from batch_transform.core.predictions.reader import PredictionReader


def columns_of_blocks(schema, lines):
    """How many columns pyarrow begins, over all blocks that it reads the lines in."""
    asked, read = [], pyarrow.json.read_json

    def read_json(text, reading, options):
        asked.append(-(-text.size() // reading.block_size))
        return read(text, reading, options)

    with patch.object(json_fast.pyarrow.json, "read_json", read_json):
        answers = PredictionReader(schema).read(lines_of(b"\n".join(lines)))
    assert not answers.reasons
    return len(schema) * sum(asked)


@pytest.mark.parametrize("fields", [1_000, 4_000, 16_000])
def test_columns_are_begun_for_a_share_of_the_bytes(fields):
    names = [f"p{place}" for place in range(fields)]
    line = json.dumps(dict.fromkeys(names, 0.5)).encode()
    lines = [line] * (2_000_000 // len(line))
    schema = pa.schema([(name, pa.float64()) for name in names])
    assert columns_of_blocks(schema, lines) <= max(fields, 2 * 2_000_000 / 1024)


def test_more_short_lines_than_a_block_may_hold_are_still_read_at_once():
    schema = pa.schema([("p", pa.int64()), *((f"q{place}", pa.int64()) for place in range(4_000))])
    assert columns_of_blocks(schema, [b'{"p":1}'] * 120_000) == len(schema) * 4


def test_names_that_are_there_twice_are_told_in_their_order():
    names = [f"p{place}" for place in range(20)]
    with pytest.raises(ConfigurationError) as caught:
        PredictionReader(pa.schema([(name, pa.float64()) for name in (*names, *names)]))
    assert list(caught.value.faults) == [f"prediction schema: {name} is there twice" for name in names]
