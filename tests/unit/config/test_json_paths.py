"""Which filters are refused before anything is paid for: those that the service does not take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.config.json_paths import check_json_path, names_left
from transform_emulator.filters.json_path import JsonPathError, parse

TAKEN = [
    *("$", "$.features", "$.a.b", "$.*", "$*", "$[*]", "$.a[*]", "$.a-b", "$.größe"),
    *("$['a']", "$['a', 'b c']", "$.b.['c','d']", "$['a[0],b']", "$['a(b)?']"),
    *("$[0]", "$[-1]", "$[1,3,-5]", "$[1:4]", "$[:5]", "$[4:]", "$[:]", "$[ -2 : -1 ]"),
]
# The first one is sagemaker-python-sdk#1112: every object of such a job fails.
NOT_TAKEN = [
    *("$[0:2,246:]", "$..a", "$[?(@.a)]", "$[(@.length-1)]", "$.a.length()", "$[1:4:2]"),
    *("$['a',1]", "$['a", "$['a'b']", '$["a"]', "$[a]", "$[1 2]", "$[1:4]x", "$[\u0663]"),
    *("$[", "$]", "$[]", "$a", "$.", "$.a b"),
]


@pytest.mark.parametrize("path", TAKEN)
def test_what_the_service_takes_is_taken(path):
    assert check_json_path(path) == path
    assert parse(path, slice_end_inclusive=True).text == path


@pytest.mark.parametrize("path", NOT_TAKEN)
def test_what_the_service_does_not_take_is_refused_with_what_it_takes(path):
    with pytest.raises(ValueError, match=r"of JSONPath the service takes .name, \*, .* record.columns or record.sql"):
        check_json_path(path)
    with pytest.raises(JsonPathError):
        parse(path, slice_end_inclusive=True)


@given(st.lists(st.sampled_from([".", "*", "[", "]", "'", ",", ":", "-", "1", "a", " ", "[1]", "['a']", ".a", "[:2]"])))
def test_it_is_read_as_the_emulator_reads_it(parts):
    """Two readings of one page of the developer guide, neither of which knows of the other."""
    path = "$" + "".join(parts)[:60]
    try:
        parse(path, slice_end_inclusive=True)
    except JsonPathError:
        with pytest.raises(ValueError, match="is "):
            check_json_path(path)
    else:
        assert check_json_path(path) == path


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("$['id','SageMakerOutput']", ["id", "SageMakerOutput"]),
        ("$.a.['b' , 'c d' ]", ["b", "c d"]),
        *((path, []) for path in ("", "$", "$.a", "$['a']", "$[1,2]", "$[:3]", "$['a','b'][0]", "$['a','b'].b")),
    ],
)
def test_several_names_at_the_end_leave_an_object(path, names):
    assert names_left(path) == names
