"""A job's log streams in CloudWatch Logs: which objects failed and what the model said of them.

Group and stream names are those of transform_emulator/FACTS.md, 4: `/aws/sagemaker/TransformJobs`, and for each
instance a stream `<job>/<instance>...` and a second one that ends with `/data-log`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from batch_transform.core.isolation.data_log_evidence import JobLogs, parse

GROUP = "/aws/sagemaker/TransformJobs"
DATA_LOG = "/data-log"
# Lines come late or never, and a job has ended when they are looked for.
_LOOKS = 3
_SECONDS_BETWEEN_LOOKS = 2.0
# A page is at most 1 MB (GetLogEvents, API reference), so no log that anybody reads is longer; every wait has an end.
MOST_PAGES = 1_000
# "Host" of a job's metrics is `<job>/<instance-id>`, whose ids start with "i-" (transform_emulator/FACTS.md, 4).
_INSTANCE = re.compile(r"i-[0-9a-zA-Z]+")


@dataclass(frozen=True)
class JobLines:
    """All lines of a job's streams: of its data logs, of its containers; `trouble` is why they could not be read."""

    data_log: tuple[str, ...] = ()
    container: tuple[str, ...] = ()
    trouble: str = ""


class DataLogs:
    """The data logs of transform jobs, over a boto3 client of CloudWatch Logs."""

    def __init__(self, client: Any, sleep: Callable[[float], None]) -> None:
        self._client = client
        self._sleep = sleep

    def read(
        self, job_name: str, bucket: str, folder: str, names: Collection[str], *, patiently: bool = True
    ) -> JobLogs:
        """Returns the failures of those objects, as far as there are lines about them.

        Never raises: a log that is not there, or that may not be read, is told in `trouble`.

        Args:
            job_name: of an ended job.
            bucket: of the input objects.
            folder: their key without the name.
            names: of the objects that have no output.
            patiently: look again for a while if some of them have no line; False where none is to be expected.
        """
        logs = JobLogs({})
        for look in range(_LOOKS if patiently else 1):
            if look:
                self._sleep(_SECONDS_BETWEEN_LOOKS)
            try:
                logs = self._look(job_name, bucket, folder, names)
            except (ClientError, BotoCoreError) as err:
                return JobLogs(
                    logs.entries, logs.instances, logs.data_logs, f"CloudWatch Logs cannot be read, {GROUP}: {err}"
                )
            if len(logs.entries) == len(names):
                break
        return logs

    def lines(self, job_name: str) -> JobLines:
        """Returns all lines of a job, as far as they have come; never raises, as `read`."""
        try:
            streams = list(streams_of(self._client, job_name))
            data_logs = [stream for stream in streams if stream.endswith(DATA_LOG)]
            data_log, container = (
                tuple(line for stream in some for line in self._lines(stream))
                for some in (data_logs, [stream for stream in streams if stream not in data_logs])
            )
        except (ClientError, BotoCoreError) as err:
            return JobLines(trouble=f"CloudWatch Logs cannot be read, {GROUP}: {err}")
        return JobLines(data_log, container)

    def _look(self, job_name: str, bucket: str, folder: str, names: Collection[str]) -> JobLogs:
        streams = list(streams_of(self._client, job_name))
        data_logs = [stream for stream in streams if stream.endswith(DATA_LOG)]
        lines = (line for stream in data_logs for line in self._lines(stream))
        containers = _instances(job_name, set(streams) - set(data_logs))
        return JobLogs(parse(lines, bucket, folder, set(names)), containers, _instances(job_name, data_logs))

    def _lines(self, stream: str) -> Iterator[str]:
        token: str | None = None
        for _ in range(MOST_PAGES):
            after = {"nextToken": token} if token else {}
            page = self._client.get_log_events(logGroupName=GROUP, logStreamName=stream, startFromHead=True, **after)
            for event in page["events"]:
                yield event["message"]
            # The end of a stream is told by the same token once more (GetLogEvents, API reference).
            following = page.get("nextForwardToken")
            if following in (None, token):
                return
            token = following


def streams_of(client: Any, job_name: str) -> Iterator[str]:
    """Yields the names of a job's log streams: of its containers, and of what the service itself logs."""
    pages = client.get_paginator("describe_log_streams")
    for page in pages.paginate(logGroupName=GROUP, logStreamNamePrefix=f"{job_name}/"):
        for stream in page["logStreams"]:
            yield stream["logStreamName"]


def _instances(job_name: str, streams: Collection[str]) -> int:
    """Returns how many instances these streams are of: one has a stream for each container of an inference pipeline."""
    names = {stream.removeprefix(f"{job_name}/").removesuffix(DATA_LOG) for stream in streams}
    return len({found[0] if (found := _INSTANCE.match(name)) else name for name in names})
