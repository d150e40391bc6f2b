"""The tiny model that `smoke` uploads, and the rows that it scores."""

from __future__ import annotations

import io
import json
import tarfile

from batch_transform.core.smoke.script import SCRIPT

PROGRAM = "inference.py"
# What SageMaker's Python SDK sets for an artifact that holds its script (`SKLearnModel`).
ENVIRONMENT = {"SAGEMAKER_PROGRAM": PROGRAM, "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
ROWS = 1_000
_WEIGHTS, _BIAS = (0.25, -1.5, 3.0), 0.125
_ROWS_OF_AN_OBJECT = 250


def archive() -> bytes:
    """Returns `model.tar.gz`: the script and the weights of a linear model."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as file:
        for name, text in (
            (f"code/{PROGRAM}", SCRIPT),
            ("model.json", json.dumps({"w": _WEIGHTS, "b": _BIAS})),
        ):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text.encode()), 0o644
            file.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


def row_objects() -> dict[str, bytes]:
    """Returns the rows as JSON Lines, in the order of the objects' names."""
    lines = [json.dumps({"x": row}).encode() + b"\n" for row in _rows()]
    starts = range(0, ROWS, _ROWS_OF_AN_OBJECT)
    return {f"rows-{start:04}": b"".join(lines[start : start + _ROWS_OF_AN_OBJECT]) for start in starts}


def as_expected(answers: list[bytes]) -> int:
    """Returns how many of these lines, in the order of the rows, are the predictions of this model."""
    expected = [round(sum(w * x for w, x in zip(_WEIGHTS, row, strict=True)) + _BIAS, 6) for row in _rows()]
    return sum(_prediction(line) == wanted for line, wanted in zip(answers, expected, strict=False))


def _rows() -> list[list[float]]:
    return [[number % 17, number % 5 / 4, number / ROWS] for number in range(ROWS)]


def _prediction(line: bytes) -> float | None:
    try:
        return float(json.loads(line)["p"])
    except (ValueError, LookupError, TypeError):
        return None
