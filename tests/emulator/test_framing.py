"""RecordIO, TFRecord and gzip as bytes, without any I/O."""

import gzip
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transform_emulator.containers.compression import CompressionError, gunzip
from transform_emulator.data_plane.framing import FrameTooLargeError, MalformedRecordError, frames
from transform_emulator.data_plane.records import RecordTooLargeError, bodies
from transform_emulator.service.job_request import Split, Strategy

MAGIC = struct.pack("<I", 0xCED7230A)


def part(flag: int, data: bytes) -> bytes:
    return MAGIC + struct.pack("<I", flag << 29 | len(data)) + data + b"\0" * (-len(data) % 4)


def record_io(data: bytes) -> bytes:
    return part(0, data)


def tf_record(data: bytes) -> bytes:
    return struct.pack("<Q", len(data)) + b"cccc" + data + b"dddd"


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


WRAPPERS = [(Split.RECORD_IO, record_io), (Split.TF_RECORD, tf_record)]


@given(st.lists(st.binary(max_size=20), max_size=6), st.integers(1, 30), st.sampled_from(WRAPPERS))
def test_what_was_wrapped_comes_out(
    records: list[bytes], chunk: int, kind: tuple[Split, Callable[[bytes], bytes]]
) -> None:
    """Any records, cut into chunks anywhere: data without the wrapper, wrapped bytes unchanged."""
    split, wrap = kind
    found = list(frames(pieces(b"".join(map(wrap, records)), chunk), split, None))
    assert [frame.data for frame in found] == records
    assert [frame.wrapped for frame in found] == [wrap(record) for record in records]


def test_a_record_that_holds_the_magic_word_is_put_together_again() -> None:
    """dmlc-core, recordio.h: such a record is cut at the word, which is left out; flags are 1, 2 and 3."""
    (frame,) = frames([part(1, b"ab__") + part(2, b"cd__") + part(3, b"e")], Split.RECORD_IO, None)
    assert frame.data == b"ab__" + MAGIC + b"cd__" + MAGIC + b"e"


@pytest.mark.parametrize(
    ("split", "data"),
    [
        (Split.RECORD_IO, b"not RecordIO at all"),
        (Split.RECORD_IO, record_io(b"abc")[:-1]),
        (Split.RECORD_IO, part(2, b"a")),
        (Split.RECORD_IO, part(1, b"a") + part(0, b"b")),
        (Split.TF_RECORD, tf_record(b"abc")[:-1]),
        (Split.TF_RECORD, b"short"),
    ],
)
def test_an_object_of_another_format_is_refused(split: Split, data: bytes) -> None:
    """A file fails rather than that noise is sent to the model."""
    with pytest.raises(MalformedRecordError):
        list(frames([data], split, None))


@pytest.mark.parametrize(("split", "wrap"), WRAPPERS)
def test_a_record_over_the_limit_is_not_read(split: Split, wrap: Callable[[bytes], bytes]) -> None:
    """Its header is enough to know, so no chunk after it is asked for."""

    def chunks():
        yield wrap(b"x" * 100)[:20]
        raise AssertionError("the record was read")

    with pytest.raises(FrameTooLargeError):
        list(frames(chunks(), split, 99))


@pytest.mark.parametrize(("split", "wrap"), WRAPPERS)
def test_mini_batches_are_greedy_in_wrapped_bytes(split: Split, wrap: Callable[[bytes], bytes]) -> None:
    """MultiRecord sends the wrappers along, so they count against MaxPayloadInMB; a record alone may be too large."""
    one = wrap(b"abcd")
    multi = list(bodies([one * 5], split, Strategy.MULTI_RECORD, 2 * len(one)))
    assert multi == [one * 2, one * 2, one]
    with pytest.raises(RecordTooLargeError):
        list(bodies([one], split, Strategy.MULTI_RECORD, len(one) - 1))
    assert list(bodies([one * 2], split, Strategy.SINGLE_RECORD, 4)) == [b"abcd"] * 2
    with pytest.raises(RecordTooLargeError):
        list(bodies([one], split, Strategy.SINGLE_RECORD, 3))


@given(st.binary(max_size=200), st.integers(1, 50), st.booleans())
def test_gunzip(data: bytes, chunk: int, twice: bool) -> None:
    """Chunks of any size; several members in a row are one stream (RFC 1952), as `cat a.gz b.gz` makes them."""
    packed = gzip.compress(data) * (2 if twice else 1)
    assert b"".join(gunzip(pieces(packed, chunk))) == data * (2 if twice else 1)


def test_gunzip_holds_no_whole_object() -> None:
    """64 MB of zeros are 64 kB of gzip: what comes out is in pieces of a megabyte at most."""
    sizes = [len(piece) for piece in gunzip([gzip.compress(bytes(64 * 2**20))])]
    assert (sum(sizes), max(sizes) <= 2**20) == (64 * 2**20, True)


@pytest.mark.parametrize("data", [b"plain text", gzip.compress(b"abc", mtime=0)[:-4]])
def test_what_is_not_gzip(data: bytes) -> None:
    """CompressionType Gzip over another file fails that file."""
    with pytest.raises(CompressionError):
        list(gunzip([data]))
