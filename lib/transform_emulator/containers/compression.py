"""Gzip that is unpacked on the way: of an input (CompressionType) before it is split, of a container's answer."""

import zlib
from collections.abc import Iterable, Iterator

GZIP_WINDOW = 16 + zlib.MAX_WBITS  # zlib's way to ask for a gzip header
PIECE_BYTES = 2**20  # a megabyte of input can become a gigabyte, so what comes out is bounded


class CompressionError(Exception):
    """The bytes are not gzip, or end too early."""


def gunzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yields the decompressed bytes in bounded pieces; several gzip members in a row count as one stream (RFC 1952).

    Raises:
        CompressionError: Not gzip, or truncated.
    """
    decompressor, begun = zlib.decompressobj(GZIP_WINDOW), False
    for chunk in chunks:
        waiting = chunk
        while waiting:
            if decompressor.eof:
                decompressor = zlib.decompressobj(GZIP_WINDOW)
            begun = True
            try:
                piece = decompressor.decompress(waiting, PIECE_BYTES)
            except zlib.error as error:
                raise CompressionError(str(error)) from error
            waiting = decompressor.unconsumed_tail or decompressor.unused_data
            if piece:
                yield piece
    if begun and not decompressor.eof:
        raise CompressionError("it ends before its gzip stream does")
