"""What the containers of a job wrote to CloudWatch Logs: its last lines. It may quote rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from batch_transform.cloudwatch.data_logs import DATA_LOG, GROUP, MOST_PAGES, streams_of

# Of more instances the first streams say as much.
_MOST_STREAMS = 8
# GetLogEvents, API reference: "Default: ... up to 10,000 log events".
MOST_LINES = 10_000
# Of what an error has room for: a traceback's last line says what went wrong.
_WORDS, _WORD_CHARACTERS = 5, 300


@dataclass(frozen=True)
class ContainerLog:
    """The last lines of one stream."""

    stream: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class ContainerWords:
    """What the containers of a job wrote; `trouble` says why that cannot be told, None if it could."""

    logs: tuple[ContainerLog, ...] = ()
    trouble: str | None = None


class ContainerLogs:
    """The containers' log streams, over a boto3 client of CloudWatch Logs."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def last_lines(self, job_name: str, count: int) -> ContainerWords:
        """Returns the last `count` lines of each stream of a job's containers. Never raises."""
        logs: list[ContainerLog] = []
        try:
            for stream in streams_of(self._client, job_name):
                if not stream.endswith(DATA_LOG) and len(logs) < _MOST_STREAMS:
                    logs.append(ContainerLog(stream, self._tail(stream, count)))
        except (ClientError, BotoCoreError) as err:
            return ContainerWords(tuple(logs), f"CloudWatch Logs cannot be read, {GROUP}: {err}")
        return ContainerWords(tuple(logs))

    def last_words(self, job_name: str) -> list[str]:
        """Returns the last lines of the first container that wrote any, each as much as an error has room for."""
        written = next((log.lines for log in self.last_lines(job_name, _WORDS).logs if log.lines), ())
        return [line.strip()[:_WORD_CHARACTERS] for line in written if line.strip()]

    def _tail(self, stream: str, count: int) -> tuple[str, ...]:
        """The last lines. "A returned page might only be partially full, or even empty" (GetLogEvents)."""
        lines: tuple[str, ...] = ()
        before: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            page = self._client.get_log_events(
                logGroupName=GROUP,
                logStreamName=stream,
                startFromHead=False,
                limit=min(count - len(lines), MOST_LINES),
                **before,
            )
            lines = (*(event["message"] for event in page["events"]), *lines)
            token = page.get("nextBackwardToken")
            if len(lines) >= count or token in (None, before.get("nextToken")):
                break
            before = {"nextToken": token}
        return lines[-count:]
