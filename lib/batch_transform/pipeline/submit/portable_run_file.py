"""A checked run file as one that another machine reads: nothing is left to look up there but secrets. Pure."""

from __future__ import annotations

import json
import re

from batch_transform.config.faults import FILLED_IN
from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.secret_values import is_external_id, secrets_of, with_texts

# What YAML has between quotes only when it is escaped, and JSON as it is.
_NOT_PRINTABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
# The section of which a driver that has been started knows nothing.
_OF_THIS_MACHINE = (*FILLED_IN, "deploy")


def secret_variables(config: RunConfig) -> dict[str, str]:
    """Returns the variables that the driver needs in its environment, each with the key that is read from it.

    Raises:
        ConfigurationError: a secret is in the run file itself.
    """
    document = config.to_document()
    known = config.secret_variables
    bare = [key for key in secrets_of(document) if key not in known and not is_external_id(tuple(key.split(".")))]
    if bare:
        raise ConfigurationError(
            f"{key}: is a secret, and the run file is uploaded: write ${{NAME}} in its place, and set that variable "
            "where the driver runs"
            for key in bare
        )
    return {name: key for key, name in known.items() if not is_external_id(tuple(key.split(".")))}


def portable(config: RunConfig, region: str | None) -> str:
    """Returns the text of a run file that says what this one does.

    Args:
        config: the checked run file; each of its secrets is a variable.
        region: of whoever uploads it, where the run file names none: a cluster's nodes know none by themselves.
    """
    away = secret_variables(config)
    by_key = {key: name for name, key in away.items()}

    def change(key: str, text: str) -> str:
        return f"${{{by_key[key]}}}" if key in by_key else text.replace("${", "$${")

    changed = with_texts(config.to_document(), change)
    document = {key: value for key, value in changed.items() if key not in _OF_THIS_MACHINE}
    if document["aws"]["region"] is None and region is not None:
        document["aws"] = {**document["aws"], "region": region}
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1)
    return _NOT_PRINTABLE.sub(lambda found: f"\\U{ord(found[0]):08x}", text) + "\n"
