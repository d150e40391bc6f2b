"""The five statuses of a transform job, and what each means for its spans."""

from __future__ import annotations

from enum import Enum


class JobStatus(Enum):
    """TransformJobStatus as DescribeTransformJob answers it (botocore, TransformJobStatus)."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"

    @classmethod
    def parse(cls, text: str) -> JobStatus:
        """Returns the status named `text`.

        Raises:
            ValueError: a status that this version does not know; it is never taken for an end or a success.
        """
        try:
            return cls(text)
        except ValueError:
            known = ", ".join(status.value for status in cls)
            raise ValueError(f"unknown transform job status {text!r}; known: {known}") from None

    @property
    def is_terminal(self) -> bool:
        """Whether the job has ended. Only its outputs say what it achieved: neither status is a success by itself."""
        return self in (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.STOPPED)
