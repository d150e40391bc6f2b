"""What a model server gets of the emulator's environment: where to find programs and files, and never a secret.

A container on the service has what its image, its model and its job set, and nothing of anybody's terminal.
"""

import re
from collections.abc import Iterable, Mapping

PASSED = frozenset({"PATH", "HOME", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV"})
PYTHONS = re.compile(r"PYTHON[A-Z0-9_]*")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What botocore takes credentials from.
KEYS = re.compile("AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|SECURITY_TOKEN|BEARER_TOKEN_.*)", re.IGNORECASE)
PLACES_OF_KEYS = re.compile(
    "AWS_((DEFAULT_)?PROFILE|SHARED_CREDENTIALS_FILE|CONFIG_FILE|WEB_IDENTITY_TOKEN_FILE|CONTAINER_.*)", re.IGNORECASE
)


def check_name(name: str) -> str | None:
    """Returns why a variable cannot be passed on; None for one that can."""
    if not NAME.fullmatch(name):
        return f"{name!r} is not the name of a variable"
    if KEYS.fullmatch(name) or PLACES_OF_KEYS.fullmatch(name):
        return f"{name} is not passed on: the emulator's AWS keys stay with it; a job's own belong into its Environment"
    return None


def inherited(emulators: Mapping[str, str], named: Iterable[str]) -> dict[str, str]:
    """Returns the variables of the emulator's environment that every model server gets.

    Args:
        emulators: The emulator's environment.
        named: Those that the user wants passed on besides.
    """
    wanted = PASSED.union(named)
    # Also under another name: a copy of a key is one.
    secrets = {value for name, value in emulators.items() if KEYS.fullmatch(name) and value}
    return {
        name: value
        for name, value in emulators.items()
        if (name in wanted or (PYTHONS.fullmatch(name) and "AWS" not in name))
        and check_name(name) is None
        and value not in secrets
    }
