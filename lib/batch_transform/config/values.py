"""The types of single values in a run file: what is read as what, and the words for what is refused.

A validator raises ValueError with the end of a sentence ("is 101; the limit is 100"); `faults.py` puts the key in
front of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from batch_transform.config.places import WITH_USER, check_no_secret
from batch_transform.config.typed_values import AfterValidator, BeforeValidator, PlainValidator
from batch_transform.core import limits
from batch_transform.core.near_names import listed, meant
from batch_transform.core.run_settings import Sizing
from batch_transform.core.written_values import written

_WHOLE_NUMBER = re.compile(r"[-+]?[0-9]{1,300}")  # longer ones Python refuses in words of its own
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_ENVIRONMENT_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")  # botocore, TransformEnvironmentKey and EnvironmentKey
_IMAGE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._:/@-]*")  # without spaces (botocore), nor the = of NAME=COMMAND
_MODEL_NAME = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?")  # botocore, ModelName


class Untyped(str):
    """Text from a variable or the command line: it has no type of its own, so the key it lands in decides.

    A YAML value has a type, and a quoted "4" is refused as a count; `--set transform.instance_count=4` is a 4 there
    and would be text in `run_id`.
    """


def read_whole_number(value: Any) -> Any:
    """Returns the int that untyped text spells; any other value as it is, for its type to judge."""
    return int(value) if isinstance(value, Untyped) and _WHOLE_NUMBER.fullmatch(value) else value


def read_number(value: Any) -> Any:
    """Returns the float that untyped text spells; any other value as it is, for its type to judge."""
    return float(value) if isinstance(value, Untyped) and _NUMBER.fullmatch(value) else value


def read_truth(value: Any) -> Any:
    """Returns the bool that untyped text spells; any other value as it is, for its type to judge."""
    return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, Untyped) else value


def read_list(value: Any) -> Any:
    """Returns a YAML list as a tuple, so that a frozen model holds nothing that can change."""
    return tuple(value) if isinstance(value, list) else value


def read_options(value: Any) -> Any:
    """Returns reader options with every scalar spelled as Spark spells it (`true`, `4`)."""
    if not isinstance(value, dict):
        return value
    return {name: _spelled_for_spark(option) for name, option in value.items()}


def _spelled_for_spark(option: Any) -> Any:
    if isinstance(option, bool):
        return str(option).lower()
    return str(option) if isinstance(option, (int, float)) else option


def one_of(*built: str) -> Callable[[Any], str]:
    """Returns a validator for one of `built`.

    A value that differs in case only is taken for the one that is meant.
    """
    by_lower = {name.lower(): name for name in built}

    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError(f"is {written(value)}; valid: {', '.join(built)}")
        name = by_lower.get(value.lower())
        if name is not None:
            return name
        raise ValueError(f"is {value!r}{meant(value, built)}; valid: {', '.join(built)}")

    return check


def check_sizing(limit: int) -> Callable[[Any], Sizing]:
    """Returns a validator for `auto`, `model` or a whole number from 1 to `limit`."""

    def check(value: Any) -> Sizing:
        number = read_whole_number(value)
        if isinstance(number, int) and not isinstance(number, bool):
            if 1 <= number <= limit:
                return number
            raise ValueError(f"is {number}; the service takes 1 to {limit} (or auto, model)")
        if value == "auto":
            return "auto"
        if value == "model":
            return "model"
        raise ValueError(f"is {written(value)}; valid: auto, model, or a whole number from 1 to {limit}")

    return check


def check_text(value: str) -> str:
    """Returns text that is not blank; of any length, as schemas and SQL name thousands of columns."""
    if not value.strip():
        raise ValueError("is empty")
    return value


def check_length(limit: int) -> Callable[[str], str]:
    """Returns a validator for text of 1 to `limit` characters, where the service has one."""

    def check(value: str) -> str:
        check_text(value)
        if len(value) > limit:
            raise ValueError(f"has {len(value)} characters; the limit is {limit}")
        return value

    return check


def check_pattern(pattern: str, limit: int, words: str) -> Callable[[str], str]:
    """Returns a validator for text that matches `pattern` as a whole; `words` say what is valid."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        check_length(limit)(value)
        if not compiled.fullmatch(value):
            raise ValueError(f"is {value!r}; valid: {words}")
        return value

    return check


def check_entries(limit: int) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """Returns a validator for a list of 1 to `limit` entries."""

    def check(values: tuple[Any, ...]) -> tuple[Any, ...]:
        if not 1 <= len(values) <= limit:
            raise ValueError(f"has {len(values)} entries; valid: 1 to {limit}")
        return values

    return check


def check_count(entries: Mapping[str, str], limit: int) -> None:
    """Raises ValueError for a map of more than `limit` entries."""
    if len(entries) > limit:
        raise ValueError(f"has {len(entries)} entries; the limit is {limit}")


def check_environment(environment: dict[str, str], most_entries: int, most_characters: int) -> dict[str, str]:
    """Returns variables of a container; `most_characters` is the limit of a value."""
    check_count(environment, most_entries)
    for name, value in environment.items():
        if "=" in name:  # and a value, perhaps a secret
            raise ValueError("has a name with = in it; write NAME: value")
        if not _ENVIRONMENT_NAME.fullmatch(name) or len(name) > limits.MAX_ENVIRONMENT_KEY_CHARACTERS:
            raise ValueError(f"has the name {name!r}; valid: letters, digits and _, no digit first")
        if len(value) > most_characters:
            raise ValueError(f"has a value of {len(value)} characters under {name}; the limit is {most_characters}")
        if "\0" in value:
            raise ValueError(f"has a NUL character in the value of {name}, which no variable of a container can hold")
    return environment


def check_model_name(value: str) -> str:
    """Returns a name that SageMaker takes for a model."""
    check_length(limits.MAX_MODEL_NAME_CHARACTERS)(value)
    if not _MODEL_NAME.fullmatch(value):
        raise ValueError(f"is {value!r}; valid: letters, digits and inner hyphens")
    return value


def check_served_name(value: str) -> str:
    """Returns what the emulator can know a model by: a model's name, or an image such as `churn:7`."""
    check_length(limits.MAX_IMAGE_CHARACTERS)(value)
    if not _IMAGE.fullmatch(value):
        raise ValueError(f"is {value!r}; valid: the name of a model, or an image")
    return value


def check_no_repeats(values: tuple[str, ...]) -> tuple[str, ...]:
    """Returns a list of names in which none stands twice and none is empty."""
    if repeated := sorted(value for value, times in Counter(values).items() if times > 1):
        raise ValueError(f"names {listed(repeated)} more than once")
    if not all(values):
        raise ValueError("has an empty name")
    return values


def check_http_url(value: str) -> str:
    """Returns an `http://` or `https://` address with a host, and no secret inside."""
    check_no_secret(value)
    if "@" in value:  # a secret may have any character before it, and no path of an endpoint has one
        raise ValueError(f"{WITH_USER}; leave it out")
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"is {value!r}; valid: http://HOST[:PORT] or https://HOST[:PORT]")
    return value


WholeNumber = Annotated[int, BeforeValidator(read_whole_number)]
Number = Annotated[float, BeforeValidator(read_number)]
Text = Annotated[str, AfterValidator(check_text)]
Shown = Annotated[Text, AfterValidator(check_no_secret)]  # it is stored and told as it is
Names = Annotated[tuple[str, ...], BeforeValidator(read_list), AfterValidator(check_no_repeats)]
Options = Annotated[dict[str, str], BeforeValidator(read_options)]
Url = Annotated[str, AfterValidator(check_http_url)]
ModelName = Annotated[str, AfterValidator(check_model_name)]
ServedName = Annotated[str, AfterValidator(check_served_name)]
KmsKey = Annotated[
    str, AfterValidator(check_pattern("[a-zA-Z0-9:/_-]*", limits.MAX_KMS_KEY_CHARACTERS, "a KMS key id, alias or ARN"))
]
# botocore, RoleArn.
RoleArn = Annotated[
    str,
    AfterValidator(
        check_pattern(
            r"arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+",
            limits.MAX_ROLE_ARN_CHARACTERS,
            "an IAM role's ARN, arn:aws:iam::ACCOUNT:role/NAME",
        )
    ),
]
# It is a header of HTTP, in which nothing else can stand.
MediaType = Annotated[
    str,
    AfterValidator(
        check_pattern("[!-~]([ -~]*[!-~])?", limits.MAX_CONTENT_TYPE_CHARACTERS, "a media type such as text/csv")
    ),
]
PayloadMb = Annotated[Sizing, PlainValidator(check_sizing(limits.MAX_PAYLOAD_MB))]
Concurrency = Annotated[Sizing, PlainValidator(check_sizing(limits.MAX_CONCURRENT_TRANSFORMS))]


def check_placeholder(text: str) -> str:
    """Returns the beginning of a line; raises ValueError for what no line can begin with, or every line may."""
    if not text.strip() or "\n" in text:
        raise ValueError(f"is {text!r}; it must be the beginning of one line, and not blank")
    return text
