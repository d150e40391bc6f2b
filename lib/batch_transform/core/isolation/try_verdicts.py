"""The one verdict on a row that was tried several times in a job, as objects of its own. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from batch_transform.core.isolation.failures import ErrorClass
from batch_transform.core.isolation.verdict_rows import DEAD, FAILED, SCORED, Verdict
from batch_transform.core.spans import Span


def names_of(span: Span) -> list[str]:
    """Returns the objects of a span: its own, and its copies."""
    return [span["object"], *(span["copies"] or [])]


def together(tries: Sequence[list[Verdict]]) -> list[Verdict]:
    """Returns the one verdict on a span of one row that was tried several times; of one try, its verdicts as they are.

    One scored try scores it, and its prediction is that try's. A placeholder is the container's last word. Otherwise it
    has failed, most often for the reason that is told; tries that nobody answered for are no evidence.
    """
    if len(tries) == 1:
        return tries[0]
    verdicts = [verdict for (verdict,) in tries]
    scored = [verdict for verdict in verdicts if verdict["state"] == SCORED]
    failed = [v for v in verdicts if v["state"] == FAILED and ErrorClass(v["error_class"]).counts]
    if scored:
        return [{**scored[0], "tries": len(failed), "passed": len(scored)}]
    if dead := [verdict for verdict in verdicts if verdict["state"] == DEAD]:
        return [dead[0]]
    classes = [verdict["error_class"] for verdict in failed]
    usual = max(failed, key=lambda verdict: classes.count(verdict["error_class"]), default=verdicts[0])
    return [{**usual, "tries": len(failed), "passed": len(scored)}]
