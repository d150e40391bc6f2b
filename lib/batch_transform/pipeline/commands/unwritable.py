"""Why a file that a person has named cannot be written, in words. Pure."""

from __future__ import annotations


def unwritable(error: OSError | ValueError) -> str:
    """Returns what a file system says, without its number and the name that is told already."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
