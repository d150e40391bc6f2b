"""Where a run file can be sent to: a module for each target. Pure."""
