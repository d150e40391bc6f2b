"""The run file: read, merged, checked, and written down as a plain document."""

from batch_transform.config.changes import differences
from batch_transform.config.loading import FrameConfig, from_arguments, load
from batch_transform.config.runfile import RunConfig

__all__ = ["FrameConfig", "RunConfig", "differences", "from_arguments", "load"]
