"""The converted types of a footer's columns are those that its bytes have."""

from __future__ import annotations

import io
from contextlib import suppress

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.converted_types import NONE, converted_types

KINDS = {
    "bool": (pa.bool_(), NONE),
    "int8": (pa.int8(), "INT_8"),
    "uint64": (pa.uint64(), "UINT_64"),
    "int64": (pa.int64(), NONE),
    "double": (pa.float64(), NONE),
    "text": (pa.string(), "UTF8"),
    "raw": (pa.binary(), NONE),
    "day": (pa.date32(), "DATE"),
    "millis": (pa.timestamp("ms", "UTC"), "TIMESTAMP_MILLIS"),
    "micros": (pa.timestamp("us", "UTC"), "TIMESTAMP_MICROS"),
    "local": (pa.timestamp("us"), "TIMESTAMP_MICROS"),
    "price": (pa.decimal128(9, 2), "DECIMAL"),
    "list": (pa.list_(pa.string()), "UTF8"),
    "inner": (pa.struct([("a", pa.struct([("b", pa.int16())]))]), "INT_16"),
}


def footer_of(schema):
    body = io.BytesIO()
    pq.write_table(schema.empty_table(), body)
    found = body.getvalue()
    return found[-8 - int.from_bytes(found[-8:-4], "little") : -8]


@given(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=300))
def test_those_of_all_columns_are_told_in_their_order(kinds):
    """Also of more than fourteen, which is how long a short list is."""
    schema = pa.schema([(f"c{place}", KINDS[kind][0]) for place, kind in enumerate(kinds)])
    assert converted_types(footer_of(schema)) == [KINDS[kind][1] for kind in kinds]


@given(st.integers(0, 400))
def test_what_ends_too_soon_is_no_footer(size):
    whole = footer_of(pa.schema([(name, kind) for name, (kind, _) in KINDS.items()]))
    with pytest.raises(ValueError, match="no footer"):
        converted_types(whole[: min(size, 300)])


@given(st.binary(max_size=60))
def test_of_other_bytes_nothing_is_told_or_that_they_are_no_footer(body):
    with suppress(ValueError):
        assert isinstance(converted_types(body), list)
