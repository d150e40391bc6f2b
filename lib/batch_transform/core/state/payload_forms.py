"""What the payload of each kind of step must hold, of whatever version. Pure.

Checked before the fold reads it: what another program has written is damage, and what the fold itself trips over is a
fault of its own, which must not be told as damage. A key that the fold does not read, or that is the driver's and the
report's alone, is not listed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any

from batch_transform.core.ledger import JsonObject, Step, StepKind, require
from batch_transform.core.model_identity import ModelData
from batch_transform.core.source_identity import Plan, SourceFiles
from batch_transform.core.spans import StagedFile

Form = Callable[[Any], bool]


class LaterForm(ValueError):
    """A record of ours has all that it needs, and more: a later version has written it."""


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _whole(value: Any) -> bool:
    return type(value) is int


def _number(value: Any) -> bool:
    return type(value) in (int, float)


def _truth(value: Any) -> bool:
    return isinstance(value, bool)


def _object(value: Any) -> bool:
    return isinstance(value, dict)


def _anything(_: Any) -> bool:
    return True


def _many(form: Form) -> Form:
    return lambda value: isinstance(value, list) and all(map(form, value))


def _or_null(form: Form) -> Form:
    return lambda value: value is None or form(value)


def _or_nothing(form: Form) -> Form:
    return lambda value: not value or form(value)


class _Keys:
    """An object that has these keys in these forms, and may have others."""

    def __init__(self, needed: Mapping[str, Form], maybe: Mapping[str, Form] | None = None) -> None:
        self._needed, self._maybe = needed, maybe or {}

    def __call__(self, value: Any) -> bool:
        return isinstance(value, dict) and self.wrong(value) is None

    def wrong(self, value: JsonObject) -> str | None:
        """Returns what is not as it must be, None for nothing."""
        for name, form in self._needed.items():
            if name not in value:
                return f"it has no {name}"
            if not form(value[name]):
                return f"its {name} is of another form"
        for name, form in self._maybe.items():
            if name in value and not form(value[name]):
                return f"its {name} is of another form"
        return None


def _made(cls: type[Any], forms: Mapping[str, Form]) -> Form:
    """What a record of ours is made of: all that it needs, and no more; what has more raises LaterForm."""
    needed = {each.name for each in fields(cls) if each.default is MISSING and each.default_factory is MISSING}
    known = {each.name for each in fields(cls)}

    def fits(value: Any) -> bool:
        if not isinstance(value, dict) or not needed <= value.keys():
            return False
        is_ours = all(form(value[name]) for name, form in forms.items() if name in value)
        if is_ours and (more := sorted(value.keys() - known)):
            raise LaterForm(f"which says {', '.join(more)} of what this one reads without")
        return is_ours

    return fits


def _pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2


_SECTION = _or_null(_object)
_CONFIG = _Keys(
    {},
    dict.fromkeys(("model", "record", "transform", "prediction", "output", "dead_letter", "aws", "input"), _SECTION)
    | {"expect": _or_null(_many(_text)), "lease_seconds": _number, "budget_usd": _or_null(_number)},
)
_NUMBERS = ("rows", "first", "last", "json_bytes", "largest")
_FILE = _made(StagedFile, {"path": _text, **dict.fromkeys(_NUMBERS, _whole)})
_SOURCE = _Keys(
    {
        "engine": _anything,
        "session": _anything,
        "semantic_hash": _anything,
        "plan": _made(Plan, {}),
        "files": _or_nothing(_made(SourceFiles, {})),
    }
)
_CONTAINER = _Keys(
    {
        "keys": _many(_pair),
        "environment": _many(_pair),
        "image_digest": _anything,
        "data": _many(_made(ModelData, {})),
    }
)
_MODEL = _Keys({"name": _text, "execution": _anything, "containers": _many(_CONTAINER), "created_at": _anything})
_PRICES = {"busy_share": _or_null(_number), "price_per_hour": _or_null(_number)}
_JOB = _Keys(
    {"name": _text, "round": _whole, "lane": _text, "request": _object},
    {"controls": _many(_text), "control_etags": _many(_text), "bytes": _or_null(_whole), **_PRICES},
)
_REPORT = _Keys(
    {},
    {"run_id": _or_null(_text), "status": _text, "output": _or_null(_text), "expectations": _many(_object)},
)
_COUNTS = ("controls_passed", "controls_failed", "objects_scored", "objects_failed")
_OF_ALL = _Keys({}, {"at": _or_null(_text), "seconds": _or_null(_number)})
_FORMS: Mapping[str, _Keys] = {
    StepKind.OPENED: _Keys({"run_id": _text, "nonce": _text, "config": _CONFIG, "at": _text}, {"rows_apart": _truth}),
    StepKind.RESUMED: _Keys({"config": _CONFIG}, {"answers": _text, "at": _text}),
    StepKind.STAGED: _Keys(
        {"files": _many(_FILE), "schema": _text},
        {"answers": _text, "header": _text, "settings": _object, "source": _or_nothing(_SOURCE)},
    ),
    StepKind.EXPORTED: _Keys({}, {"record_sizes": _or_null(_object)}),
    StepKind.PLANNED: _Keys({"jobs": _many(_JOB), "probe": _truth}),
    StepKind.REPLANNED: _Keys(
        {"job": _text, "name": _text, "request": _object, "attempt": _whole}, {**_PRICES, "beyond": _text}
    ),
    StepKind.MODEL_RECORDED: _Keys({"identity": _or_null(_MODEL), "at": _text}),
    StepKind.JOB_CREATED: _Keys({"job": _text}, {"model": _or_null(_whole)}),
    StepKind.JOB_STOPPING: _Keys({"job": _text, "reason": _text}),
    StepKind.JOB_ENDED: _Keys(
        {"job": _text, "status": _text},
        dict.fromkeys(("failure_reason", "created_at", "started_at", "ended_at"), _or_null(_text)),
    ),
    StepKind.JOB_JUDGED: _Keys({"job": _text}, {"witness_scored": _truth, **dict.fromkeys(_COUNTS, _whole)}),
    StepKind.INFERRED: _Keys({"schema": _or_null(_text), "fields": _text}),
    StepKind.RECONCILED: _Keys(
        {"scored_rows": _whole, "dead_rows": _whole, "probe": _truth, "stop": _many(_text), "failed": _many(_object)},
        {"trials": _object, "round": _whole, "jobs": _or_null(_many(_text))},
    ),
    StepKind.MENDED: _Keys({}, {"job": _or_null(_text), "control_etags": _many(_text)}),
    StepKind.UNSCORED: _Keys({}, {"commits": _anything, "held": _whole, "rows": _whole, "dead": _whole}),
    StepKind.RETRIED: _Keys({"rows": _whole}),
    StepKind.CHECKED: _Keys({"expectations": _many(_object)}),
    StepKind.PUBLICATION: _Keys({}, {"expectations": _many(_object)}),
    StepKind.DONE: _Keys({"report": _REPORT}),
}


def check_payload(step: Step) -> None:
    """Checks that a step holds what its kind must; one of a kind that is not known holds anything.

    Raises:
        LaterForm: it holds more than this version reads.
        ValueError: it does not; with what is wrong.
    """
    payload: JsonObject = step.payload
    wrong = _FORMS.get(step.kind, _OF_ALL).wrong(payload) or _OF_ALL.wrong(payload)
    require(wrong is None, wrong or "")
