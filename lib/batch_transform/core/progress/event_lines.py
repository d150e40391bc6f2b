"""Events as lines: of JSON for a program, which other processes read again, or plain ones for a person. Pure.

jobs/README.md has the keys of the JSON.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

from batch_transform.core.escaping import one_line, visible_json
from batch_transform.core.events import Event, EventKind, Figures

ERROR = "error"  # the step of an event that is an error
END = "end"  # that of one that tells of an interruption
PLAIN = "[batch-transform] "
PLAN = "plan"  # that of a plan's lines, which are tables


def plain(step: str, text: str) -> str:
    """Returns what a person is told of a step, on one line, whatever it quotes."""
    label = "error:" if step == ERROR else step
    return f"{PLAIN}{label:<9} {one_line(text)}\n"


def kept(event: Event) -> str:
    """Returns what stays of an event above a display: of a plan its table alone, which is wide as it is."""
    return one_line(event.text) if event.step == PLAN else plain(event.step, event.text).removesuffix("\n")


def to_json(event: Event, at: datetime) -> str:
    """Returns an event as a line of JSON."""
    document: dict[str, object] = {"time": at.isoformat(), "kind": event.kind.value, "step": event.step}  # to be JSON
    if event.kind is EventKind.TOLD:
        document["text"] = event.text
    if event.figures is not None:
        document["figures"] = asdict(event.figures)
    return f"{visible_json(document)}\n"


def from_json(line: str) -> Event | None:
    """Returns the event that `to_json` made a line of; None: it is none, or of a later version."""
    try:
        found = json.loads(line)
        figures = Figures(**found["figures"]) if "figures" in found else None
        return Event(str(found["step"]), str(found.get("text", "")), EventKind(found["kind"]), figures)
    except (KeyError, TypeError, ValueError):
        return None


def from_plain(line: str) -> Event | None:
    """Returns the event that `plain` made a line of; None: it is somebody else's."""
    if not line.startswith(PLAIN):
        return None
    step, _, text = line.removeprefix(PLAIN).strip().partition(" ")
    return Event(ERROR if step == "error:" else step, text.strip())
