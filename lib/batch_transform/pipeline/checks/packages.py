"""Whether the platform's own packages are new enough: a wheel that asked for others would replace them for everyone."""

from __future__ import annotations

import pyarrow as pa

from batch_transform.core.errors import ConfigurationError

# The oldest that runs are tried with (tests/platforms): of Databricks 15.4 LTS and serverless environment version 2.
# Version 8, of environment version 1, cannot even combine no chunks.
OLDEST_PYARROW = 14


def check_pyarrow(version: str = pa.__version__) -> None:
    """Raises ConfigurationError for a pyarrow that is too old."""
    if int(version.partition(".")[0]) < OLDEST_PYARROW:
        raise ConfigurationError(
            f"pyarrow {version} is installed here, and {OLDEST_PYARROW} or newer is needed: on Databricks' serverless "
            f"compute choose environment version 2 or later, elsewhere pip install 'pyarrow>={OLDEST_PYARROW}'"
        )
