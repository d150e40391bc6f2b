"""A script's functions, with defaults for those that it lacks, and how a request goes through them.

The order, the defaults and the optional `context` argument are those of sagemaker-inference 1.10 (transformer.py) with
the scikit-learn container's handler, whose `predict_fn` calls the model's `predict`. `execution_parameters_fn` is that
container's own (serving.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from types import ModuleType
from typing import Any

from transform_emulator.scripts import codecs

Function = Callable[..., Any]
STAGES = ("input_fn", "predict_fn", "output_fn")


class ScriptError(Exception):
    """A script cannot be served as it is."""


@dataclass(frozen=True)
class Context:
    """What a function sees that takes one argument more than it needs.

    Attributes:
        system_properties: `model_dir`, as Multi Model Server names it.
        request_headers: Of the request in hand; empty while the model is loaded.
    """

    system_properties: Mapping[str, Any]
    request_headers: Mapping[str, str]

    def get_all_request_header(self, index: int) -> Mapping[str, str]:
        """Returns all headers; `index` is 0, as a request is never batched with others."""
        return self.request_headers

    def get_request_header(self, index: int, key: str) -> str | None:
        return self.request_headers.get(key)


class Handler:
    """A script with its model loaded."""

    def __init__(self, script: ModuleType, model_dir: str) -> None:
        """Loads the model.

        Raises:
            ScriptError: The script has no model_fn, or transform_fn beside a function that it replaces.
        """
        self._functions = functions_of(script)
        self._model_dir = model_dir
        context = self._context({})
        if "pre_model_fn" in self._functions:
            _call(self._functions["pre_model_fn"], context, model_dir)
        self._model = _call(self._functions["model_fn"], context, model_dir)
        if "model_warmup_fn" in self._functions:
            _call(self._functions["model_warmup_fn"], context, model_dir, self._model)

    @property
    def execution_parameters(self) -> Function | None:
        """The script's `execution_parameters_fn`, or None."""
        return self._functions.get("execution_parameters_fn")

    def answer(self, body: bytes, content_type: str, accept: str, headers: Mapping[str, str]) -> Any:
        """Returns what output_fn or transform_fn returned: a body, a body and its media type, or a response."""
        context, functions = self._context(headers), self._functions
        data = body.decode() if content_type in codecs.TEXT_TYPES else body
        if "transform_fn" in functions:
            return _call(functions["transform_fn"], context, self._model, data, content_type, accept)
        array = _call(functions["input_fn"], context, data, content_type)
        prediction = _call(functions["predict_fn"], context, array, self._model)
        return _call(functions["output_fn"], context, prediction, accept)

    def _context(self, headers: Mapping[str, str]) -> Context:
        return Context({"model_dir": self._model_dir}, headers)


def functions_of(script: ModuleType) -> dict[str, Function]:
    """Returns the functions by name: the script's, and defaults for what it lacks.

    Raises:
        ScriptError: There is no model_fn, or transform_fn stands beside a function that it replaces.
    """
    names = ("pre_model_fn", "model_fn", "model_warmup_fn", "transform_fn", "execution_parameters_fn", *STAGES)
    own = {name: getattr(script, name) for name in names if getattr(script, name, None) is not None}
    fault = fault_of(set(own))
    if fault is not None:
        raise ScriptError(fault)
    return {**DEFAULTS, **own}


def fault_of(names: set[str]) -> str | None:
    """Returns why a script with functions of these names cannot be served; None if it can."""
    if "model_fn" not in names:
        return "it has no model_fn(model_dir), for which there is no default; a server of its own is named as a command"
    beside = [name for name in STAGES if name in names]
    if "transform_fn" in names and beside:
        return f"transform_fn replaces {', '.join(STAGES)}, so it cannot stand beside {', '.join(beside)}"
    return None


def _call(function: Function, context: Context, *arguments: Any) -> Any:
    takes = len(signature(function).parameters)
    if takes == len(arguments) + 1:
        return function(*arguments, context)
    if takes != len(arguments):
        name = getattr(function, "__name__", "a function")
        raise TypeError(f"{name} takes {takes} arguments but {len(arguments)} were given.")
    return function(*arguments)


def _predict(data: Any, model: Any) -> Any:
    return model.predict(data)


DEFAULTS: Mapping[str, Function] = {"input_fn": codecs.decode, "predict_fn": _predict, "output_fn": codecs.encode}
