"""What bodies become and come from where a script has no `input_fn` or no `output_fn`.

The formats are those of sagemaker-inference 1.10 (decoder.py, encoder.py) in AWS's scikit-learn container, which loads
no pickles from `.npy` and knows no `.npz`. A media type must match to the letter: parameters make it another one.
"""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.lib.recfunctions import structured_to_unstructured

JSON = "application/json"
CSV = "text/csv"
NPY = "application/x-npy"
ANY = "*/*"
TEXT_TYPES = frozenset({JSON, CSV})  # whose body reaches a script as str; every other one is bytes


class UnsupportedFormatError(Exception):
    """No default function reads or writes this media type."""

    def __init__(self, media_type: str | None, function: str) -> None:
        super().__init__(
            f"Content type {media_type} is not supported by default: only {', '.join(DECODERS)} are; "
            f"define {function} in the script"
        )


def decode(data: str | bytes, content_type: str | None) -> Any:
    """Returns the numpy array of a body: float32 for text, one row for what has one dimension.

    The two rules are the scikit-learn container's (handler_service.py, default_input_fn). By them also a CSV of a
    single column is taken for one row; a script that reads such a body has an `input_fn`.

    Raises:
        UnsupportedFormatError: For another media type.
    """
    decoder = DECODERS.get(content_type or "")
    if decoder is None:
        raise UnsupportedFormatError(content_type, "input_fn")
    array = decoder(data)
    if array.ndim == 1:
        array = array.reshape(1, -1)
    return array.astype(np.float32) if content_type in TEXT_TYPES else array


def encode(prediction: Any, accept: str) -> tuple[str | bytes, str]:
    """Returns the body of an array-like prediction, and its media type: the first of `accept` that is known.

    Raises:
        UnsupportedFormatError: If none is.
    """
    # Without weights: sagemaker-inference's parse_accept splits at commas and no more.
    for media_type in accept.replace(" ", "").split(","):
        if media_type in ENCODERS:
            return ENCODERS[media_type](prediction), media_type
    raise UnsupportedFormatError(accept, "output_fn")


def _from_json(data: Any) -> Any:
    return np.array(json.loads(data))


def _from_csv(data: Any) -> Any:
    array = np.genfromtxt(io.StringIO(data), dtype=None, delimiter=",", encoding=None)
    # Columns of several types. With this reader the scikit-learn container's handler for several models fails on them;
    # its server for one model, which reads CSV with Python's csv module, does not.
    return array if array.dtype.names is None else structured_to_unstructured(array)


def _from_npy(data: Any) -> Any:
    return np.load(io.BytesIO(data), allow_pickle=False)


def _to_json(prediction: Any) -> str:
    return json.dumps(prediction, default=_as_list)


def _as_list(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _to_csv(prediction: Any) -> str:
    stream = io.StringIO()
    np.savetxt(stream, prediction, delimiter=",", fmt="%s")
    return stream.getvalue()


def _to_npy(prediction: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, prediction)
    return stream.getvalue()


DECODERS: Mapping[str, Callable[[Any], Any]] = {JSON: _from_json, CSV: _from_csv, NPY: _from_npy}
ENCODERS: Mapping[str, Callable[[Any], str | bytes]] = {JSON: _to_json, CSV: _to_csv, NPY: _to_npy}
