"""The run file: read, merged, checked, and written down as a plain document."""

from batch_transform.config.changes import differences
from batch_transform.config.frame import FrameConfig
from batch_transform.config.loading import from_arguments, load
from batch_transform.config.runfile import RunConfig

__all__ = ["FrameConfig", "RunConfig", "differences", "from_arguments", "load"]
