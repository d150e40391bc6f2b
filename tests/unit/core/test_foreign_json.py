"""What another program has written into a workspace is a value, or ValueError."""

import pytest

from batch_transform.core.foreign_json import parsed


def test_a_document_is_its_value():
    assert parsed(b'{"epoch": 1}') == {"epoch": 1}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_cannot_be_read_is_a_value_error_however_deep_it_is(body):
    with pytest.raises(ValueError, match=r".+"):
        parsed(body)
