"""What AWS's sagemaker-inference reads and writes by default, as JSON on stdout. It runs in its environment."""

import base64
import json
import sys

import numpy as np
from sagemaker_inference import decoder, encoder, errors


def told(function, *arguments):
    """The result in words that JSON has, or the name of the error."""
    try:
        result = function(*arguments)
    except errors.UnsupportedFormatError:
        return "UnsupportedFormatError"
    if isinstance(result, np.ndarray):
        return {"dtype": str(result.dtype), "rows": result.tolist()}
    return base64.b64encode(result).decode() if isinstance(result, bytes) else result


cases = json.load(sys.stdin)
print(
    json.dumps(
        {
            "decoded": [told(decoder.decode, body, media_type) for body, media_type in cases["bodies"]],
            "encoded": [told(encoder.encode, prediction, media_type) for prediction, media_type in cases["predictions"]]
            + [told(encoder.encode, np.array(rows), media_type) for rows, media_type in cases["arrays"]],
        }
    )
)
