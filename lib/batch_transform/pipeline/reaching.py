"""What it takes to get to a run, as options of a command line; nothing that looks like a secret is among it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from batch_transform.aws.access import SECTIONS
from batch_transform.config.places import secret_in_url
from batch_transform.config.runfile import RunConfig
from batch_transform.config.surroundings import Surroundings
from batch_transform.core.secret_values import is_external_id, is_secret_name

_MODELS, _EMULATOR = ("emulator", "models"), "--emulator"
_IDENTITIES = tuple(("aws", section) for section in SECTIONS)
_NAMES = re.compile(r"[\w.-]+(?=[\"']?\s*[=:])|--?[\w.-]+")


def options_near(near: RunConfig | Surroundings) -> tuple[str, ...]:
    """Returns the options that say what reaches AWS or the emulator, where it is not the default."""
    return tuple(word for option, text in _options(near) if not is_secret(option, text) for word in (option, text))


def is_secret(option: str, text: str) -> bool:
    """Returns whether what an option says has a secret: of a model that is emulated, what stands in for it."""
    return has_secret(text.partition("=")[2] if option == _EMULATOR else text)


def _options(near: RunConfig | Surroundings) -> Iterator[tuple[str, str]]:
    for section in ("aws", "emulator"):
        given = getattr(near, section)
        for key, value in given.model_dump(exclude_defaults=True).items() if given is not None else ():
            if (section, key) == _MODELS and all(map(_is_plain_model, value.items())):
                if not any(map(has_secret, value.values())):  # without one of its models an emulator is another one
                    yield from ((_EMULATOR, f"{name}={stands_in}") for name, stands_in in value.items())
            else:
                yield from (("--set", text) for text in _spelled_out((section, key), value))


def _is_plain_model(model: tuple[str, Any]) -> bool:
    """Whether --emulator can say what stands in for a model, as most people have said it."""
    name, stands_in = model
    return "=" not in name and isinstance(stands_in, str)


def _spelled_out(path: tuple[str, ...], value: Any) -> Iterator[str]:
    """A key and its value; of a section of `aws` its keys, without an external id, which is nowhere repeated."""
    if path in _IDENTITIES:
        for key, inner in value.items():
            yield from _spelled_out((*path, key), inner)
    elif value not in (None, False) and not is_external_id(path):
        text = json.dumps(value) if isinstance(value, (dict, bool)) else value
        yield f"{'.'.join(path)}={text}"


def has_secret(text: str) -> bool:
    """Returns whether an argument has a secret: by a name in it, of a setting or of an option, or in an address."""
    return secret_in_url(text) is not None or any(map(is_secret_name, _NAMES.findall(text)))
