"""Values that are secrets: which they are, and what stands in their place wherever something is stored or told. Pure.

A person chooses the names of a reader's options and of a container's variables, and some of the values are secrets: by
their name, or because the run file says so (`secrets`). A ledger has a placeholder for each, with an HMAC by which the
value is known again when it is given again.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from batch_transform.core.ledger import JsonObject

# The keys of a run file, and of a request, below which names are a person's own.
_NAMED_BY_PERSONS = ("environment", "options")
# The one list of the words that make a name a secret's. It is wide: a secret that is taken for none lies in a ledger
# for years, and a name that is taken for one costs its value a place in the run file or the environment.
_SECRET = re.compile(
    "secret|token|key|passw|passphrase|passcode|pgpass|pwd|pswd|psswr|credential|auth|private|cert|signature|signing|bearer"
    "|cookie|connection.?str|conn.?str|jaas|webhook|session_?id"
    # Too short to be looked for within a word.
    "|(?<![a-z])(?:creds?|sas|sig|pem|dsn|jwt|t?otp|mfa_code|psk|pat|pin|salt|pepper|hmac)(?![a-z])"
    # They end a word: what a password is for stands before them.
    "|(?:pass|pw|psw|tkn|creds?)(?![a-z])"
)
# Words in which one of these is found by chance.
_HARMLESS = re.compile(
    "key_?spaces?|keywords?|keyboards?|monkeys?|tokeni[sz]\\w*?(?=_|\\b)|(?:max|min|num)_(?:[a-z]+_){0,6}(?:tokens|tkns?)"
    "|author(?!i[sz])|(?:un)?certain|concert|sacred(?![a-z])|(?<![a-z])ipw(?![a-z])|(?:low|high|band|all)_?pass(?![a-z])"
    "|(?:by|com|sur|tres|under|over|multi|one|two|single|first|second)pass(?![a-z])"
)
_BEFORE_A_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PLACEHOLDER = re.compile(r"<secret hmac-sha256:([^:>]*):[0-9a-f]{64}>")

# In the place of a secret of which nothing is known, and that is not needed.
NOT_GIVEN = f"<secret hmac-sha256::{'0' * 64}>"


def is_secret_name(name: str) -> bool:
    """Returns whether a name says that its value is a secret: `API_KEY`, `sfPassword`, `fs.azure.sas.token`."""
    words = re.sub("[^a-z0-9]+", "_", _BEFORE_A_CAPITAL.sub("_", name).lower())
    return _SECRET.search(_HARMLESS.sub("", words)) is not None


def is_named_by_a_person(path: tuple[str, ...]) -> bool:
    """Returns whether a key of a run file is a reader's option or a container's variable."""
    return any(key in _NAMED_BY_PERSONS for key in path[:-1])


def may_hold_secret(path: tuple[str, ...]) -> bool:
    """Returns whether a value may be a secret by its place, whatever its name: also where a map or a name belongs."""
    return path[:1] == ("secrets",) or any(key in _NAMED_BY_PERSONS for key in path) or is_external_id(path)


def is_external_id(path: tuple[str, ...]) -> bool:
    """Returns whether a key is the external id of a role.

    AWS takes none for a secret, and so it may stand in a run file and on a command line; many take theirs for one, and
    so no ledger, report or message has it.
    """
    return path[:1] == ("aws",) and path[-1] == "external_id"


def is_secret(path: tuple[str, ...], listed: Collection[Any]) -> bool:
    """Returns whether a key's value is a secret: a person has named it, and its name or the list `secrets` says so."""
    return is_external_id(path) or (
        is_named_by_a_person(path) and (is_secret_name(path[-1]) or ".".join(path) in listed)
    )


def secrets_of(document: JsonObject) -> dict[str, str]:
    """Returns the values of a configuration that are secrets, by their dotted keys, sealed or not."""
    listed = document.get("secrets")
    named = listed if isinstance(listed, (list, tuple)) else ()  # whatever else it is, is refused elsewhere
    return {
        ".".join(path): value
        for path, value in texts_of(document)
        # What is sealed is one, whoever calls it one no more.
        if is_secret(path, named) or (is_named_by_a_person(path) and is_sealed(value))
    }


def sealed(document: JsonObject, nonce: str) -> JsonObject:
    """Returns a configuration as a ledger may hold it; `nonce`, the run's, is the key of the HMACs."""
    keys = secrets_of(document)
    return with_texts(
        document, lambda key, text: text if key not in keys or is_sealed(text) else _placeholder(text, nonce)
    )


def _placeholder(value: str, nonce: str) -> str:
    return f"<secret hmac-sha256:{nonce}:{hmac.new(nonce.encode(), value.encode(), hashlib.sha256).hexdigest()}>"


def is_sealed(value: object) -> bool:
    """Returns whether a value is what stands in a secret's place."""
    return isinstance(value, str) and _PLACEHOLDER.fullmatch(value) is not None


def is_same(recorded: object, found: object) -> bool:
    """Returns whether a value is what was recorded, in clear or sealed."""
    match = _PLACEHOLDER.fullmatch(recorded) if isinstance(recorded, str) else None
    if match is None or recorded == found or not isinstance(found, str):
        return recorded == found
    return hmac.compare_digest(_placeholder(found, match[1]), match[0])


def with_texts(document: JsonObject, change: Callable[[str, str], str]) -> JsonObject:
    """Returns a configuration in which each text is what `change` makes of its dotted key and of it."""
    found: JsonObject = _with_texts(document, (), change)
    return found


def _with_texts(value: Any, path: tuple[str, ...], change: Callable[[str, str], str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _with_texts(inner, (*path, key), change) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_texts(inner, (*path, str(place)), change) for place, inner in enumerate(value)]
    return change(".".join(path), value) if isinstance(value, str) else value


def texts_of(document: JsonObject) -> list[tuple[tuple[str, ...], str]]:
    """Returns all texts of a configuration, each with its path."""
    return list(_texts(document, ()))


def _texts(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(inner, (*path, str(key)))
    elif isinstance(value, (list, tuple)):
        for place, inner in enumerate(value):
            yield from _texts(inner, (*path, str(place)))
    elif isinstance(value, str):
        yield path, value
