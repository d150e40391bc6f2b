"""What a job asks of whoever keeps the account's models and log streams."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from transform_emulator.control_plane.jobs import Scope
from transform_emulator.scripts.serving import ModelContainer


class Models(Protocol):
    """The models of each account and region, by their names."""

    def containers(self, scope: Scope, name: str, /) -> list[ModelContainer]:
        """What a model is made of, in order; empty for a model that is not there."""


class Logs(Protocol):
    """The log streams of transform jobs."""

    def put(self, scope: Scope, stream: str, now: datetime, lines: Sequence[str], /) -> None:
        """Append lines to a stream, which is created with its first line."""
