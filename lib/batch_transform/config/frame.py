"""The configuration of `score(df, ...)`."""

from __future__ import annotations

from typing import ClassVar

from batch_transform.config.runfile import RunConfig
from batch_transform.config.sections import Input
from batch_transform.config.typed_sections import field_validator


class FrameConfig(RunConfig):
    """The configuration of `score(df, ...)`: the rows are at hand, and the result may stay in the workspace."""

    takes_frame: ClassVar[bool] = True

    @field_validator("input")
    @classmethod
    def _is_the_frame(cls, section: Input | None) -> Input | None:
        if section is not None:
            raise ValueError("is given, but the rows are those of the DataFrame")
        return section
