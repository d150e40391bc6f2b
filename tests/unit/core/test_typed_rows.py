"""The rows of a table that cross a seam as dictionaries are typed: by the names of the columns, in their order."""

from __future__ import annotations

from typing import get_type_hints

import pyarrow as pa
import pytest

from batch_transform.core.isolation.open_spans import OPEN_SCHEMA, OpenSpan
from batch_transform.core.isolation.verdict_rows import LEAF_SCHEMA, VERDICT_SCHEMA, Leaf, Verdict, dead_leaf
from batch_transform.core.predictions.output_counts import OUTPUT_SCHEMA, OutputCount
from batch_transform.core.predictions.unreadable_lines import UnreadableLines
from batch_transform.core.spans import (
    CUT_SCHEMA,
    EXPORT_SCHEMA,
    PART_SCHEMA,
    SPAN_SCHEMA,
    Cut,
    CutPart,
    Exported,
    Span,
)

TYPES = {str: pa.types.is_string, int: pa.types.is_integer, bool: pa.types.is_boolean, float: pa.types.is_floating}
UNREADABLE = pa.schema(list(OUTPUT_SCHEMA.field("unreadable").type.value_type))


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (Exported, EXPORT_SCHEMA),
        (Span, SPAN_SCHEMA),
        (OpenSpan, OPEN_SCHEMA),
        (Cut, CUT_SCHEMA),
        (CutPart, PART_SCHEMA),
        (OutputCount, OUTPUT_SCHEMA),
        (UnreadableLines, UNREADABLE),
        (Leaf, LEAF_SCHEMA),
        (Verdict, VERDICT_SCHEMA),
    ],
    ids=lambda it: getattr(it, "__name__", ""),
)
def test_a_typed_row_has_the_columns_of_its_schema(kind, schema):
    hints = get_type_hints(kind)
    assert set(hints) == set(schema.names)
    for name, hint in hints.items():
        plain = [each for each in getattr(hint, "__args__", (hint,)) if each is not type(None)]
        if plain[0] in TYPES and not pa.types.is_list(schema.field(name).type):
            assert TYPES[plain[0]](schema.field(name).type), name


def test_a_leaf_is_what_its_verdict_says_of_it():
    verdict = {field.name: number for number, field in enumerate(VERDICT_SCHEMA)}
    assert dead_leaf(verdict) == {name: verdict[name] for name in LEAF_SCHEMA.names} | {"state": "dead"}
