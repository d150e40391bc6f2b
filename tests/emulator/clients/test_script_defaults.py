"""The defaults of scripts beside those of AWS's own toolkit, which runs in an environment of its own."""

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.venvs import TOOLKIT, Venv
from transform_emulator.scripts import codecs

# The first run installs what it tries.
pytestmark = pytest.mark.timeout(1200)

BODIES = [
    ("1,2\n3,4\n", "text/csv"),
    ("1.5,2.5\n3.5,\n", "text/csv"),
    ("1\n2\n", "text/csv"),
    ("7", "text/csv"),
    ("[[1, 2], [3, 4]]", "application/json"),
    ("[1.5, 2]", "application/json"),
    ("{}", "application/jsonlines"),
]
PREDICTIONS = [
    ([1, 2.5], "application/json"),
    ({"p": [1]}, "application/json"),
    ([[1, 2], [3, 4]], "text/csv"),
    ([1, 2], "text/csv"),
    (["a", "b"], "text/csv"),
    ([1], "image/png"),
]
ARRAYS = [([[1, 2], [3, 4]], "application/json"), ([0.1, 1e300], "text/csv"), ([[1, 2]], "application/x-npy")]


def ours(function: Any, *arguments: Any) -> Any:
    try:
        result = function(*arguments)
    except codecs.UnsupportedFormatError:
        return "UnsupportedFormatError"
    if isinstance(result, tuple):
        return base64.b64encode(result[0]).decode() if isinstance(result[0], bytes) else result[0]
    return {"shape": list(result.shape), "rows": result.tolist()}


def rows_of(told: Any) -> Any:
    """What the scikit-learn container makes of the toolkit's array: at least two dimensions, float32."""
    if not isinstance(told, dict):
        return told
    array = np.array(told["rows"], dtype=told["dtype"])
    array = (array.reshape(1, -1) if array.ndim == 1 else array).astype(np.float32)
    return {"shape": list(array.shape), "rows": array.tolist()}


def test_the_defaults_are_the_toolkits(venv: Venv) -> None:
    """Every body is read, and every prediction written, as sagemaker-inference does."""
    script = Path(__file__).with_name("toolkit_codecs.py")
    command = [str(venv("toolkit", *TOOLKIT) / "python"), str(script)]
    cases = json.dumps({"bodies": BODIES, "predictions": PREDICTIONS, "arrays": ARRAYS})
    ran = subprocess.run(command, input=cases, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr[-2000:]
    told = json.loads(ran.stdout)
    decoded = [ours(codecs.decode, *case) for case in BODIES]
    encoded = [ours(codecs.encode, *case) for case in PREDICTIONS]
    encoded += [ours(codecs.encode, np.array(rows), media_type) for rows, media_type in ARRAYS]
    assert json.dumps(decoded) == json.dumps([rows_of(entry) for entry in told["decoded"]])
    assert encoded == told["encoded"]
