"""Check a request against botocore's own model of the API: required, types, ranges, lengths, patterns, enums."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from botocore.loaders import create_loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from transform_emulator.control_plane.errors import ApiError, validation

# The API's patterns are Java's; Python's `re` has no Unicode categories. Word characters and white space come closest.
UNICODE_CATEGORIES = {r"\p{L}": r"\w", r"\p{N}": r"\d", r"\p{Z}": r"\s"}

PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "boolean": (bool,),
    "timestamp": (int, float, str),
}


OF_TYPE = "Member must be of type"
NOT_NULL = "Member must not be null"
# What a service calls a request that is not whole.
REFUSALS = {"sagemaker": "ValidationException", "logs": "InvalidParameterException"}


class Fault(NamedTuple):
    """A member that the model does not allow, and what it must be."""

    value: object
    path: str
    constraint: str

    @property
    def text(self) -> str:
        """In AWS's words."""
        shown = "null" if self.value is None else f"'{self.value}'"
        return f"Value {shown} at '{self.path}' failed to satisfy constraint: {self.constraint}"


@cache
def service_model(service: str = "sagemaker") -> ServiceModel:
    """Returns botocore's description of an API, loaded once; of no session, whose profile may not be there."""
    return ServiceModel(create_loader().load_service_model(service, "service-2"), service)


def check(operation: str, body: dict[str, Any]) -> None:
    """Refuses a request that SageMaker's model does not allow.

    Raises:
        ApiError: With every fault in one message, in the words that AWS's JSON services use.
    """
    faults = _all_faults("sagemaker", operation, body)
    if faults:
        noun = "error" if len(faults) == 1 else "errors"
        raise validation(f"{len(faults)} validation {noun} detected: {'; '.join(fault.text for fault in faults)}")


def check_types(service: str, operation: str, body: dict[str, Any]) -> None:
    """Refuses a request that lacks a member or has one of another type, on which moto would raise anything.

    Raises:
        ApiError: AWS's word for what cannot be read or is not whole, or for an operation that there is not.
    """
    faults = _all_faults(service, operation, body)
    odd = [fault.text for fault in faults if fault.constraint.startswith(OF_TYPE)]
    if odd:
        raise ApiError("SerializationException", "; ".join(odd))
    lacking = [fault.text for fault in faults if fault.constraint == NOT_NULL]
    if lacking:
        raise ApiError(REFUSALS[service], "; ".join(lacking))


def _all_faults(service: str, operation: str, body: dict[str, Any]) -> list[Fault]:
    model = service_model(service)
    if operation not in model.operation_names:
        raise ApiError("UnknownOperationException", f"The API has no operation {operation}.")
    shape = model.operation_model(operation).input_shape
    return list(_faults(shape, body, "")) if shape is not None else []


def _faults(shape: Shape, value: object, path: str) -> Iterator[Fault]:
    accepted = PYTHON_TYPES.get(shape.type_name, (object,))
    # A Python bool is an int, a JSON one is not.
    if not isinstance(value, accepted) or (isinstance(value, bool) and shape.type_name != "boolean"):
        yield Fault(value, path, f"{OF_TYPE} {shape.type_name}")
    elif isinstance(value, dict | list):
        yield from _container_faults(shape, value, path)
    elif isinstance(value, str):
        yield from _size_faults(shape, value, len(value), path, "length")
        yield from _text_faults(shape, value, path)
    elif isinstance(value, int) and shape.type_name in {"integer", "long"}:
        yield from _size_faults(shape, value, value, path, "value")


def _container_faults(shape: Shape, value: Any, path: str) -> Iterator[Fault]:
    if isinstance(shape, StructureShape):
        yield from _structure_faults(shape, value, path)
        return
    yield from _size_faults(shape, value, len(value), path, "length")
    if isinstance(shape, ListShape):
        for place, item in enumerate(value, start=1):
            yield from _faults(shape.member, item, f"{path}.{place}.member")
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield from _faults(shape.key, key, path)
            yield from _faults(shape.value, item, f"{path}.{key}.member")


def _structure_faults(shape: StructureShape, value: dict[str, Any], path: str) -> Iterator[Fault]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield Fault(None, _join(path, name), NOT_NULL)
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _faults(member, value[name], _join(path, name))


def _size_faults(shape: Shape, value: object, size: int, path: str, what: str) -> Iterator[Fault]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        yield Fault(value, path, f"Member must have {what} greater than or equal to {low}")
    if high is not None and size > high:
        yield Fault(value, path, f"Member must have {what} less than or equal to {high}")


def _text_faults(shape: Shape, value: str, path: str) -> Iterator[Fault]:
    pattern, enum = shape.metadata.get("pattern"), shape.metadata.get("enum")
    if pattern and not re.fullmatch(python_pattern(pattern), value):
        yield Fault(value, path, f"Member must satisfy regular expression pattern: {pattern}")
    if enum and value not in enum:
        yield Fault(value, path, f"Member must satisfy enum value set: [{', '.join(enum)}]")


def python_pattern(pattern: str) -> str:
    """Returns one of the API's patterns in the syntax of Python's `re`."""
    for java, python in UNICODE_CATEGORIES.items():
        pattern = pattern.replace(java, python)
    return pattern


def _join(path: str, name: str) -> str:
    name = name[0].lower() + name[1:]
    return f"{path}.{name}" if path else name
