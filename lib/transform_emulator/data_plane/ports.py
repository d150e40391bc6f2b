"""What a job asks of whoever keeps the account's models and log streams."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from transform_emulator.control_plane.jobs import Scope
from transform_emulator.scripts.serving import Serving


class Models(Protocol):
    """The models of each account and region, by their names."""

    def serving(self, scope: Scope, name: str, /) -> Serving | None:
        """What serves a model; None for nothing."""

    def environment(self, scope: Scope, name: str, /) -> dict[str, str]:
        """The model's own environment variables, which a job's win over."""

    def model_data_url(self, scope: Scope, name: str, /) -> str | None:
        """ModelDataUrl, the S3 place of the model's artifact; None for a model without one."""


class Logs(Protocol):
    """The log streams of transform jobs."""

    def put(self, scope: Scope, stream: str, now: datetime, lines: Sequence[str], /) -> None:
        """Append lines to a stream, which is created with its first line."""
