"""`${name}` in the values of a run file: from `--var`, else from the environment. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from batch_transform.config.faults import Fault, Path
from batch_transform.config.values import Untyped
from batch_transform.core.secret_values import is_secret, may_hold_secret

# `$${` first, or its second dollar would begin a variable.
_TOKEN = re.compile(r"\$\$\{|\$\{([^}]{0,200})\}|\$\{")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Substituted:
    """A document without variables, and a fault for each value whose variables are undefined or misspelled."""

    document: Any
    faults: tuple[Fault, ...]


@dataclass
class _Substitution:
    variables: Mapping[str, str]
    listed: Collection[Any] = ()  # keys that are secrets although their names do not say so
    faults: list[Fault] = field(default_factory=list)

    def value(self, value: Any, path: Path) -> Any:
        """Returns a value with its variables replaced, whatever it is made of."""
        if isinstance(value, dict):
            return {key: self.value(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.value(inner, (*path, str(index))) for index, inner in enumerate(value)]
        return self.text(value, path) if isinstance(value, str) else value

    def text(self, text: str, path: Path) -> str:
        """Returns a text with its variables replaced; one that is undefined stays and is a fault."""
        if "${" not in text:
            return text
        replaced = _TOKEN.sub(self._replacement(path), text)
        # A value that is one variable alone takes its key's type: `instance_count: ${n}`.
        alone = _TOKEN.fullmatch(text) and not text.startswith("$$")
        return Untyped(replaced) if alone or isinstance(text, Untyped) else replaced

    def _replacement(self, path: Path) -> Callable[[re.Match[str]], str]:
        def replace(match: re.Match[str]) -> str:
            name = match.group(1)
            if match.group() == "$${":
                return "${"
            if name is None or not _NAME.fullmatch(name):
                # It may be in the middle of a password.
                found = "a ${...} that names no variable"
                if not may_hold_secret(path):
                    found = f"{match.group()!r}, which names no variable"
                self.faults.append(Fault(path, f"has {found}; $${{ stands for ${{"))
            elif name not in self.variables:
                way = "set it in the environment" if is_secret(path, self.listed) else f"give --var {name}=..."
                self.faults.append(Fault(path, f"needs the variable {name}, which is undefined; {way}"))
            else:
                return self.variables[name]
            return match.group()

        return replace


def substitute(document: Any, variables: Mapping[str, str]) -> Substituted:
    """Returns the document with every `${name}` replaced and `$${` turned into `${`; keys stay as they are.

    What a variable brings in is never looked at again, so a value with `${` in it is safe.
    """
    listed = document.get("secrets") if isinstance(document, dict) else None
    work = _Substitution(variables, listed if isinstance(listed, list) else ())
    replaced = work.value(document, ())
    return Substituted(replaced, tuple(dict.fromkeys(work.faults)))  # a value may have one variable many times
