"""What a job's data-log stream says of its input objects.

The grammar of a line is `<time>:[sagemaker logs]: <bucket>/<key>: <text>`; a failure is a run of lines of one object: a
headline, an empty line, `Message:`, then the body of the model's answer (transform_emulator/FACTS.md, 4). Lines come
late or never, so nothing here is a proof that an object was scored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from batch_transform.core.escaping import visible

_MARK = ":[sagemaker logs]: "
_MESSAGE = "Message:"
# A body goes into dead letters and the ledger's parts; a model may answer with megabytes of HTML.
MOST_EVIDENCE_CHARACTERS = 2_000


@dataclass(frozen=True)
class LogEntry:
    """The failure of one object: the headline of the service, and what the model answered, if it did."""

    headline: str
    body: str = ""

    @property
    def evidence(self) -> str:
        """Headline and body, as much of them as is kept."""
        return "\n".join(part for part in (self.headline, self.body) if part)[:MOST_EVIDENCE_CHARACTERS]


@dataclass(frozen=True)
class JobLogs:
    """What CloudWatch has of a job.

    Attributes:
        entries: the failure of each object that was looked for and found, by its name.
        instances: how many instances have a log stream; None: not known.
        data_logs: how many of them have a data log, which one gets that works.
        trouble: why the logs could not be read, None if they could.
    """

    entries: dict[str, LogEntry]
    instances: int | None = None
    data_logs: int | None = None
    trouble: str | None = None


def parse(lines: Iterable[str], bucket: str, folder: str, names: Collection[str]) -> dict[str, LogEntry]:
    """Returns the failure of each object that the lines speak of, by the object's name.

    Args:
        lines: of all data-log streams of a job; those of one object are in order.
        bucket: of the input objects.
        folder: their key without the name and the slash before it.
        names: flat names of the objects that are looked for; lines of others are left out.
    """
    prefix = f"{bucket}/{folder}/"
    found: dict[str, _Said] = {}
    for line in lines:
        _, mark, rest = line.partition(_MARK)
        if not mark or not rest.startswith(prefix):
            continue
        # Our names hold neither a slash nor a colon.
        name, colon, text = rest[len(prefix) :].partition(":")
        if colon and name in names:
            found.setdefault(name, _Said()).add(text.removeprefix(" "))
    return {name: said.entry for name, said in found.items() if said.headline}


class _Said:
    """The lines of one object, of which no more is held than is kept: a thousand bodies may be gigabytes."""

    def __init__(self) -> None:
        self.headline = ""
        self._body: list[str] = []
        self._room = MOST_EVIDENCE_CHARACTERS
        self._in_message = False

    def add(self, text: str) -> None:
        """Takes the next line. What stands before `Message:` is the body only where there is none."""
        if not self.headline:
            self.headline = text.strip()[:MOST_EVIDENCE_CHARACTERS]
        elif text == _MESSAGE and not self._in_message:
            self._body, self._room, self._in_message = [], MOST_EVIDENCE_CHARACTERS, True
        elif self._room > 0 and (text.strip() or (self._in_message and self._body)):
            part = (text if self._body else text.lstrip())[: self._room]
            self._body.append(part)
            self._room -= len(part) + 1

    @property
    def entry(self) -> LogEntry:
        body = visible("\n".join(self._body).rstrip())
        return LogEntry(visible(self.headline), body[:MOST_EVIDENCE_CHARACTERS])
