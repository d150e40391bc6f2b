"""How Spark tells that its application has ended under a run: by what it comes upon first, which is often a null.

On YARN in client mode the driver outlives the application master; whoever stops the session has the same end. Every
pattern is of words that Spark 4.2 and 3.5 said (`SparkContext.stop` while a query runs, and before one).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from batch_transform.core.stack_traces import Link

ENDED = (
    "the application ended while the run needed it: the cluster took it away, or its session was stopped; its log "
    "says why (of YARN: yarn logs -applicationId ID)"
)
_STOPPED = re.compile(
    r"Job \d+ cancelled because SparkContext was shut down|Cannot call methods on a stopped SparkContext"
)
# Java names the call and whose value is null, and never a value.
_NULL = re.compile(
    r'Cannot (?:invoke|read field) "[^"]+" because (?:the return value of )?'
    r'"org\.apache\.spark\.SparkContext\.\w+(?:\(\))?" is null'
)
# Of Spark 3.5, whose writes ask for the active context (BasicWriteJobStatsTracker); a function's is wrapped.
_NO_CONTEXT = Link("java.util.NoSuchElementException", "None.get")


def has_ended(links: Sequence[Link]) -> bool:
    """Returns whether a chain of causes tells that the application has ended."""
    own = [link for link in links if not link.place]
    return own == [_NO_CONTEXT] or any(_STOPPED.match(link.text) or _is_null_of_context(link) for link in own)


def _is_null_of_context(link: Link) -> bool:
    return link.name.endswith("NullPointerException") and _NULL.match(link.text) is not None
