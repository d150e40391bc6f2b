"""The memory of an Arrow column of texts or bytes, looked at without a copy. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def text_buffers(column: pa.Array) -> tuple[npt.NDArray[np.int64], memoryview]:
    """Returns where each value begins in the bytes, and behind the last where it ends; and the bytes.

    A null takes none in what Spark or a kernel has made; elsewhere it may hold any.

    Args:
        column: of strings or binaries, with offsets of 32 or 64 bits; a slice has the bytes of all.
    """
    kind = np.int64 if column.type in (pa.large_string(), pa.large_binary()) else np.int32
    _, offsets, data = column.buffers()
    numbers = np.frombuffer(offsets, dtype=kind)[column.offset : column.offset + len(column) + 1].astype(np.int64)
    return numbers, memoryview(data) if data is not None else memoryview(b"")
